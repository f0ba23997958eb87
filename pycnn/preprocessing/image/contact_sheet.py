"""A contact sheet: small pictures of a folder's classes on one page, by Pillow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int

if TYPE_CHECKING:
    from PIL.Image import Image

    from pycnn.preprocessing.image.checking import FolderReport

_EDGE, _GAP, _TEXT = 96, 6, 24  # pixels: of a small picture, between them, of a line of text
_MAX_ROWS = 100
_FONT_SIZE = 16  # pixels
# Pillow's own font has ASCII alone. These are looked for in the folders of the system's fonts.
_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
)


def contact_sheet(report: FolderReport, columns: int = 10) -> Image:
    """Draws up to `columns` pictures of each class, spread evenly over its files.

    Args:
        report: of `check_folder`. The pictures are read again.
        columns: how many, from 1 to 100.

    Returns:
        An image of mode RGB; a row with a title for each of the first 100 classes.

    Raises:
        ValueError, TypeError: columns is no integer or out of range; there is no picture.
        OSError: a picture cannot be read any more.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> from pycnn.preprocessing.image import check_folder, contact_sheet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("L", (30, 20)).save(f"{folder}/1.png")
        ...     contact_sheet(check_folder(folder), columns=1).size
        (108, 132)
    """
    if as_int("columns", columns, 1) > 100:
        raise ValueError(f"columns is {columns}; expected at most 100")
    counts = {label: count for label, count in report.counts.items() if count}
    if not counts:
        raise ValueError(f"{report.directory}: there is no picture for a contact sheet")
    rows = []
    for label in list(counts)[:_MAX_ROWS]:
        paths = [os.path.join(report.directory, one.path) for one in report.pictures if one.label == label]
        shown = min(columns, len(paths))
        title = f"{label or 'beside the class folders'}: {len(paths)}"
        rows.append((title, [paths[column * len(paths) // shown] for column in range(shown)]))
    return sheet_of(rows, columns)


def sheet_of(rows: Sequence[tuple[str, Sequence[str]]], columns: int) -> Image:
    """An image of rows, at most 100, of a title and the small pictures of up to `columns` files.

    Raises:
        OSError: a picture cannot be read.
    """
    from PIL import Image, ImageDraw, ImageOps

    height = _TEXT + _EDGE + _GAP
    shown = rows[:_MAX_ROWS]
    sheet = Image.new("RGB", (_GAP + columns * (_EDGE + _GAP), _GAP + len(shown) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for line, (title, paths) in enumerate(shown):
        top = _GAP + line * height
        _write(draw, (_GAP, top), title)
        for column, path in enumerate(paths[:columns]):
            with Image.open(path) as opened:
                small = _in_colours(ImageOps.exif_transpose(opened))
            small.thumbnail((_EDGE, _EDGE))
            left = _GAP + column * (_EDGE + _GAP) + (_EDGE - small.width) // 2
            sheet.paste(small, (left, top + _TEXT + (_EDGE - small.height) // 2))
    return sheet


def _in_colours(image: Image) -> Image:
    """RGB, transparency on white; numbers of more than 8 bits from their least to their largest."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        import numpy as np

        values = np.nan_to_num(np.asarray(image, np.float64))
        low, high = values.min(), values.max()
        image = Image.fromarray(((values - low) / max(high - low, 1e-9) * 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _write(draw: object, place: tuple[int, int], text: str) -> None:
    font, letters = _in_a_font(text)
    draw.text(place, letters, fill="black", font=font)  # type: ignore[attr-defined]


def _in_a_font(text: str) -> tuple[Any, str]:
    """A font that has all letters; where there is none, Pillow's own, and the others by their numbers."""
    from PIL import ImageFont

    try:
        own: Any = ImageFont.load_default(_FONT_SIZE)
    except TypeError:  # Pillow 10.0
        return ImageFont.load_default(), text.encode("ascii", "backslashreplace").decode()
    if not isinstance(own, ImageFont.FreeTypeFont):  # Pillow without FreeType
        return own, text.encode("ascii", "backslashreplace").decode()
    if not _lacking(own, text):
        return own, text
    for name in _FONTS:
        try:
            font = ImageFont.truetype(name, _FONT_SIZE)
        except OSError:
            continue
        if not _lacking(font, text):
            return font, text
    lacking = _lacking(own, text)
    return own, "".join(
        letter.encode("ascii", "backslashreplace").decode() if letter in lacking else letter
        for letter in text
    )


def _lacking(font: Any, text: str) -> set[str]:
    """The letters that a font draws as it draws what is no letter."""
    none = bytes(font.getmask("\U0010ffff"))
    return {
        letter for letter in text if "\ud800" <= letter <= "\udfff" or bytes(font.getmask(letter)) == none
    }
