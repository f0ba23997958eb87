"""What each argument of ImageDataGenerator does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.explain import samples, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_COLUMNS = 7
_TURNED: dict[str, Any] = {"rotation_range": 40, "width_shift_range": 0.2}
ROWS: tuple[dict[str, Any], ...] = (
    {"rotation_range": 40},
    {"width_shift_range": 0.3},
    {"height_shift_range": 0.3},
    {"shear_range": 40},
    {"zoom_range": 0.4},
    {"horizontal_flip": True},
    {"vertical_flip": True},
    {"brightness_range": (0.3, 1.7)},
    {"channel_shift_range": 100},
    {"fill_mode": "constant", "cval": 128},
    {"fill_mode": "nearest"},
    {"fill_mode": "reflect"},
    {"fill_mode": "wrap"},
)


def augmentation(picture: Any = None, seed: int = 1) -> Figure:
    """Draws seven samples for each argument of ImageDataGenerator that moves or changes pictures at random.

    Arguments that standardize values (`normalization` shows what that is) are left out: pictures look the
    same after them.

    Args:
        picture: a path, uint8 (h, w) or (h, w, 3), or None for one of Fashion-MNIST.
        seed: of the random numbers.

    Returns:
        The figure: a row for each argument, with the picture itself first. Rows of `fill_mode` are rotated
        and shifted.

    Raises:
        ValueError: no picture.
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> explain.augmentation().axes[0].get_ylabel()
        'rotation_range=40'
    """
    pixels = samples.picture_of(picture, "rgb")
    as_int("seed", seed, 0)
    figure = style.new_figure(11.5, 1.2 * len(ROWS) + 0.6, "Arguments of ImageDataGenerator")
    panels = figure.subplots(len(ROWS), _COLUMNS + 1)
    for line, arguments in zip(panels, ROWS, strict=True):
        label = ",\n".join(f"{name}={value!r}" for name, value in arguments.items())
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=10)
        for axes, image in zip(line, [pixels, *drawn(pixels, arguments, seed)], strict=True):
            axes.imshow(image, interpolation="nearest")
            style.without_ticks(axes)
    panels[0, 0].set_title("picture", fontsize=11)
    panels[0, (_COLUMNS + 1) // 2].set_title("samples", fontsize=11)
    return figure


def drawn(pixels: NDArray[np.uint8], arguments: dict[str, Any], seed: int) -> NDArray[np.uint8]:
    """Samples (7, h, w, 3) for arguments of the generator."""
    from pycnn.preprocessing.image import ImageDataGenerator

    moved = _TURNED if "fill_mode" in arguments else {}
    batch = np.repeat(pixels[None], _COLUMNS, axis=0)
    made: Any = next(ImageDataGenerator(**moved, **arguments).flow(batch, batch_size=_COLUMNS, seed=seed))
    result: NDArray[np.uint8] = np.clip(np.rint(made), 0, 255).astype(np.uint8)
    return result
