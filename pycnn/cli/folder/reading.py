"""Decodes the pictures of a folder once, into one array."""

from __future__ import annotations

import tempfile
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycnn import _core
from pycnn.cli.arguments import WrongUsage
from pycnn.cli.folder.files import Broken, Files
from pycnn.cli.pictures import read_colours
from pycnn.utils.images import DECODING_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Pictures", "check_readable", "read_all", "shorter_sides"]

_IN_MEMORY = 2**31  # bytes; more lies in a temporary file
_LOOKED_AT = 200  # pictures whose sizes tell those of all


class Pictures(NamedTuple):
    """Pictures, decoded.

    Args:
        files: that could be read.
        pixels: uint8 (n, size, size, 3).
        broken: the others.
    """

    files: Files
    pixels: NDArray[np.uint8]
    broken: list[Broken]


def read_all(files: Files, size: tuple[int, int], done: Callable[[], None] | None = None) -> Pictures:
    """The middle of each picture in its colours; files that are no pictures are left out.

    Args:
        files: to read.
        size: (height, width) in pixels.
        done: called after each picture.
    """
    from concurrent.futures import ThreadPoolExecutor

    def one(path: str) -> NDArray[np.uint8] | Broken:
        try:
            return read_colours(path, size)
        except (ValueError, OSError) as error:
            return Broken(path, str(error).removeprefix(path).strip().removeprefix("is "))

    pixels = _array((len(files.paths), *size, 3))
    good: list[int] = []
    broken: list[Broken] = []
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(max(_core.get_num_threads(), 1), "pycnn-pictures") as pool,
    ):
        warnings.simplefilter("ignore")  # of Pillow, about files that it reads all the same
        try:
            for i, picture in enumerate(pool.map(one, files.paths)):
                if isinstance(picture, Broken):
                    broken.append(picture)
                else:
                    pixels[len(good)] = picture
                    good.append(i)
                if done is not None:
                    done()
        finally:  # after Ctrl-C nobody waits for the rest
            pool.shutdown(cancel_futures=True)
    return Pictures(files.take(np.array(good, np.int64)), pixels[: len(good)], broken)


def shorter_sides(files: Files) -> list[int]:
    """The smaller one of height and width, in pixels, of up to 200 pictures, by what their headers say.

    Raises:
        WrongUsage: none of them is a picture.
    """
    from PIL import Image

    sides = []
    for path in files.paths[:: -(-len(files.paths) // _LOOKED_AT)]:
        try:
            with Image.open(path) as image:
                sides.append(min(image.size))
        except DECODING_ERRORS:
            continue
        except Image.DecompressionBombError:
            continue
    if not sides:
        raise WrongUsage(f"no picture can be read, {files.paths[0]} for one")
    return sides


def check_readable(pictures: Pictures, names: Sequence[str]) -> None:
    """WrongUsage where a class has no picture that can be read."""
    counts = np.bincount(pictures.files.labels, minlength=len(names))
    for name, count in zip(names, counts, strict=True):
        if not count:
            raise WrongUsage(f"class {name!r} has no picture that can be read")


def _array(shape: tuple[int, ...]) -> Any:
    """An array of bytes, in a file without a name where it is large."""
    if np.prod(shape, dtype=np.int64) <= _IN_MEMORY:
        return np.empty(shape, np.uint8)
    return np.memmap(tempfile.TemporaryFile(), np.uint8, "w+", shape=shape)
