"""Images under affine maps of their coordinates, by the core or, for splines, by SciPy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.utils.images import check_choice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    F32: TypeAlias = NDArray[np.float32]
    F64: TypeAlias = NDArray[np.float64]

COMPAT = (None, "keras")
FILL_MODES = ("nearest", "constant", "reflect", "wrap", "mirror")
_SCIPY_MODES = {"wrap": "grid-wrap", "wrap_ends": "wrap"}


def core_fill_mode(fill_mode: str, compat: str | None) -> str:
    """The core's name: Keras' wrap is SciPy's, whose period is n - 1."""
    return "wrap_ends" if fill_mode == "wrap" and compat == "keras" else fill_mode


def check_order(order: Any) -> int:
    """The order of an interpolation as an int."""
    if isinstance(order, (bool, np.bool_)) or order not in range(6):
        raise ValueError(
            f"`interpolation_order` is {order!r}; expected 0 (nearest), 1 (bilinear) or 2 to 5 (splines)"
        )
    return int(order)


def as_core_images(x: NDArray[Any]) -> NDArray[Any]:
    """(n, h, w, c) as the core takes it: contiguous, uint8 or float32."""
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    return np.require(x, np.float32, ["C", "A"])


def warp(x: NDArray[Any], rows: NDArray[np.int64] | None, matrices: F64, order: int, **options: Any) -> F32:
    """The core's `augment_images`, with splines where `order` asks for them."""
    if order > 1:
        x = splines(x, rows, matrices, order, options.pop("fill_mode"), options["cval"])
        options.pop("size", None)
        rows, matrices, order = None, identities(len(x)), 0
    return _core.augment_images(x, rows, matrices, order=order, **options)


def identities(n: int) -> F64:
    """n matrices that leave images as they are."""
    return np.tile(np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), (n, 1))


def splines(
    x: NDArray[Any], rows: NDArray[np.int64] | None, matrices: F64, order: int, fill_mode: str, cval: float
) -> F32:
    """Each channel under SciPy's affine_transform."""
    try:
        ndimage: Any = importlib.import_module("scipy.ndimage")  # which has no types
    except ImportError:
        raise ImportError(
            f"interpolation_order={order} needs SciPy (pip install scipy); 0 and 1 do not"
        ) from None
    chosen = range(len(x)) if rows is None else rows.tolist()
    y = np.empty((len(chosen), *x.shape[1:]), np.float32)
    for to, row, m in zip(y, chosen, matrices, strict=True):
        for channel in range(x.shape[3]):
            ndimage.affine_transform(
                np.asarray(x[row, :, :, channel], np.float32),
                m[[0, 1, 3, 4]].reshape(2, 2),
                m[[2, 5]],
                output=to[:, :, channel],
                order=order,
                mode=_SCIPY_MODES.get(fill_mode, fill_mode),
                cval=cval,
            )
    return y


def apply_affine_transform(
    x: ArrayLike,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
    *,
    compat: str | None = None,
) -> NDArray[Any]:
    """An image turned, shifted, sheared and zoomed about its center.

    The pixel at the place p, counted from the center, is the image's at R S H Z p: rotation, shift, shear and
    zoom as in Keras, so that a zoom above 1 shrinks what is seen.

    Args:
        x: an image of three axes.
        theta: angle in degrees.
        tx: shift to the right in pixels of where values are taken; they move to the left.
        ty: the same down.
        shear: angle in degrees.
        zx: zoom along the rows' direction.
        zy: zoom along the columns' direction.
        row_axis, col_axis, channel_axis: of x; the last one is 0 or 2.
        fill_mode: what lies outside of an image a b c d: 'nearest' (a a | a b c d | d d), 'constant'
            (`cval`), 'reflect' (b a | a b c d | d c), 'mirror' (c b | a b c d | c b) or 'wrap'
            (c d | a b c d | a b).
        cval: for 'constant'.
        order: 0 takes the nearest pixel, 1 interpolates; splines of order 2 to 5 need SciPy.
        compat: 'keras' turns oblong images about the point at which Keras' copy of this function has height
            and width confused, and lets 'wrap' have the period n - 1.

    Returns:
        An array of x's shape, of its dtype if that is a floating-point type, else float32.

    Raises:
        TypeError, ValueError: if an argument is wrong.
        ImportError: SciPy is needed and not installed.

    Example:
        >>> import numpy as np
        >>> from pycnn.preprocessing.image import apply_affine_transform
        >>> x = np.arange(6.0).reshape(2, 3, 1)
        >>> apply_affine_transform(x, theta=180, row_axis=0, col_axis=1, channel_axis=2)[..., 0].round(3)
        array([[5., 4., 3.],
               [2., 1., 0.]])
    """
    check_choice("fill_mode", fill_mode, FILL_MODES)
    check_choice("compat", compat, COMPAT)
    values = {"theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy}
    numbers = [as_number(name, value) for name, value in values.items()]
    image = np.asarray(x)
    axes = (row_axis, col_axis, channel_axis)
    if image.ndim != 3 or image.dtype.kind not in "biuf":
        raise ValueError(
            f"apply_affine_transform: x has shape {image.shape} and dtype {image.dtype}; "
            "expected an image of numbers with 3 axes"
        )
    if sorted(axes) != [0, 1, 2] or channel_axis == 1:
        raise ValueError(
            f"row_axis, col_axis and channel_axis are {axes}; expected 0, 1 and 2, the channels' being 0 or 2"
        )
    if numbers == [0, 0, 0, 0, 1, 1]:
        return image.copy() if image.dtype.kind == "f" else image.astype(np.float32)
    channels_last = image.transpose(axes)
    height, width = channels_last.shape[:2]
    matrices = _core.image_matrices(
        np.array([[*numbers, 0, 0]], np.float64), height, width, compat == "keras"
    )
    batch = as_core_images(channels_last[None])
    y = warp(
        batch,
        None,
        matrices,
        check_order(order),
        fill_mode=core_fill_mode(fill_mode, compat),
        cval=as_number("cval", cval),
    )[0]
    kept = image.dtype if image.dtype.kind == "f" else np.dtype(np.float32)
    return np.asarray(y.transpose(np.argsort(axes)), kept)
