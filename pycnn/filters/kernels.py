"""The kernels: small matrices, by name, by formula or given as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core.arguments import as_int, as_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F64: TypeAlias = NDArray[np.float64]

MAX_SIZE = 1023  # rows or columns of a kernel

_SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]  # from dark on the left to bright on the right
# Name: what it does, rows, and the number that divides them.
_FIXED: dict[str, tuple[str, list[list[int]], int]] = {
    "identity": ("the picture as it is", [[0, 0, 0], [0, 1, 0], [0, 0, 0]], 1),
    "box_blur": ("mean of the nine pixels", [[1] * 3] * 3, 9),
    "binomial_blur": ("mean with binomial weights", [[1, 2, 1], [2, 4, 2], [1, 2, 1]], 16),
    "sharpen": ("raises a pixel above its neighbours", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 1),
    "emboss": ("relief, lit from the lower right", [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], 1),
    "outline": ("differences from all neighbours", [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], 1),
    "laplacian": ("second derivative", [[0, 1, 0], [1, -4, 1], [0, 1, 0]], 1),
    "sobel_left": ("edges that are brighter on the left", [[-v for v in row] for row in _SOBEL], 1),
    "sobel_right": ("edges that are brighter on the right", _SOBEL, 1),
    "sobel_top": ("edges that are brighter above", [[1, 2, 1], [0, 0, 0], [-1, -2, -1]], 1),
    "sobel_bottom": ("edges that are brighter below", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], 1),
}
NAMES = tuple(_FIXED)
DESCRIPTIONS = {name: description for name, (description, _, _) in _FIXED.items()}
_EXPECTED = (
    f"expected one of {', '.join(NAMES)}, 'gaussian:SIGMA', 'box:SIZE', or rows of numbers such as "
    "'0 1 0; 1 -4 1; 0 1 0'"
)


def gaussian(sigma: float, size: int | None = None) -> F64:
    """A Gaussian that sums to 1.

    Args:
        sigma: standard deviation in pixels, above 0.
        size: rows and columns; None for 2 * round(3 * sigma) + 1, at least 3: three deviations each way.

    Returns:
        (size, size), exp(-(x^2 + y^2) / (2 sigma^2)) at the pixels' centres, divided by the sum.

    Raises:
        TypeError, ValueError: an argument is no number, or out of range; more than 1023 pixels.

    Example:
        >>> from pycnn import filters
        >>> filters.gaussian(0.5, size=3).round(3).tolist()
        [[0.011, 0.084, 0.011], [0.084, 0.619, 0.084], [0.011, 0.084, 0.011]]
    """
    deviation = as_number("gaussian: sigma", sigma)
    if not 0 < deviation <= MAX_SIZE:
        raise ValueError(f"gaussian: sigma is {sigma!r}; expected a number above 0, at most {MAX_SIZE}")
    width = max(2 * round(3 * deviation) + 1, 3) if size is None else as_int("gaussian: size", size, 1)
    _check_size("gaussian", (width, width))
    with np.errstate(over="ignore"):  # far below one pixel: exp(-inf) is 0
        line = np.exp(-0.5 * ((np.arange(width) - (width - 1) / 2) / deviation) ** 2)
    if not line.sum() > 0:
        raise ValueError(f"gaussian: sigma {sigma!r} is too small for an even size of {width}")
    line /= line.sum()
    result: F64 = np.outer(line, line)
    return result


def box(size: int) -> F64:
    """The mean of size x size pixels.

    Args:
        size: rows and columns, from 1 to 1023.

    Returns:
        (size, size), all 1 / size^2.

    Raises:
        TypeError, ValueError: size is no integer, or out of range.

    Example:
        >>> from pycnn import filters
        >>> filters.box(2).tolist()
        [[0.25, 0.25], [0.25, 0.25]]
    """
    width = as_int("box: size", size, 1)
    _check_size("box", (width, width))
    return np.full((width, width), 1 / width**2)


def get(identifier: Any) -> F64:
    """A kernel by name, by formula, from text or from a matrix.

    Args:
        identifier: one of `filters.NAMES`; 'blur' for 'box_blur'; 'gaussian:SIGMA' or 'box:SIZE'; rows of
            numbers with ';' between rows; or a matrix of one's own, (kh, kw).

    Returns:
        (kh, kw), float64.

    Raises:
        ValueError: an unknown name, other axes than two, no or too many pixels, numbers that are not finite.
        TypeError: not real numbers.

    Sources: of emboss, outline, sharpen and the Sobel kernels, V. Powell, Image Kernels Explained Visually;
    Sobel and Feldman, A 3x3 isotropic gradient operator for image processing, 1968.

    Example:
        >>> from pycnn import filters
        >>> filters.get("sobel_top").tolist()
        [[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]]
        >>> filters.get("1 0; 0 -1").tolist()
        [[1.0, 0.0], [0.0, -1.0]]
    """
    if isinstance(identifier, str):
        return _named(identifier)
    try:
        matrix = np.asarray(identifier)
    except ValueError:
        raise ValueError("kernel: rows of a matrix have different lengths") from None
    if matrix.dtype.kind not in "iuf":
        raise TypeError(f"kernel is {identifier!r:.80}; expected a name or a matrix of real numbers")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"kernel has shape {matrix.shape}; expected (height, width), at least (1, 1)")
    _check_size("kernel", matrix.shape)
    # What is computed in float32 must be finite there.
    if not (np.abs(matrix.astype(np.float64)) <= np.finfo(np.float32).max).all():
        raise ValueError("kernel has values that are not finite float32 numbers")
    return matrix.astype(np.float64)


def _named(name: str) -> F64:
    key = name.strip().lower()
    key = "box_blur" if key == "blur" else key
    if key in _FIXED:
        _, rows, divisor = _FIXED[key]
        return np.array(rows, np.float64) / divisor
    kind, colon, number = key.partition(":")
    if colon and kind in ("gaussian", "box"):
        try:
            return gaussian(float(number)) if kind == "gaussian" else box(int(number))
        except ValueError as error:
            raise ValueError(f"kernel {name!r}: {error}") from None
    try:
        rows_of_numbers = [[float(part) for part in row.replace(",", " ").split()] for row in key.split(";")]
    except ValueError:
        raise ValueError(f"kernel is {name!r:.80}; {_EXPECTED}") from None
    if not all(len(row) == len(rows_of_numbers[0]) for row in rows_of_numbers) or not rows_of_numbers[0]:
        raise ValueError(f"kernel is {name!r:.80}; expected rows with as many numbers each")
    if not all(math.isfinite(number) for row in rows_of_numbers for number in row):
        raise ValueError(f"kernel is {name!r:.80}; expected finite numbers")
    return get(np.array(rows_of_numbers))


def _check_size(name: str, shape: tuple[int, ...]) -> None:
    if max(shape) > MAX_SIZE:
        raise ValueError(f"{name}: a kernel of {shape} pixels; expected at most {MAX_SIZE} rows and columns")
