"""A folder of pictures before training: what is in it, and what is wrong with it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pycnn import _core
from pycnn.utils.folders import class_folders, pictures_in
from pycnn.utils.images import DECODING_ERRORS

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")  # as flow_from_directory reads
_IMBALANCE = 2.0  # a class with so many times the pictures of another one is told
_ORIENTATION = 0x0112  # the EXIF tag


class Picture(NamedTuple):
    """A picture that can be read.

    Args:
        path: from the folder.
        label: the name of its class' folder; '' for pictures beside these folders.
        size: (height, width) in pixels, as stored.
        mode: Pillow's name of how pixels are stored: 'L', 'RGB', 'RGBA', 'P', 'CMYK', …
        digest: of its pixels: that of another file is the same where all pixels are.
        turned: whether an EXIF tag says that it has to be turned or mirrored.
    """

    path: str
    label: str
    size: tuple[int, int]
    mode: str
    digest: str
    turned: bool


class Broken(NamedTuple):
    """A file that is no picture, whatever its name says."""

    path: str
    label: str
    reason: str


@dataclass(frozen=True)
class FolderReport:
    """What `check_folder` has found.

    Args:
        directory: the folder.
        labels: the names of its class folders, sorted.
        pictures: those that can be read.
        broken: those that cannot.
        others: how many further files there are, by ending.
    """

    directory: str
    labels: tuple[str, ...]
    pictures: tuple[Picture, ...]
    broken: tuple[Broken, ...]
    others: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Pictures by class, 0 for empty ones; '' for pictures beside the class folders, where there are."""
        found = Counter(picture.label for picture in self.pictures)
        return {label: found[label] for label in (*([""] if found[""] else []), *self.labels)}

    @property
    def sizes(self) -> dict[tuple[int, int], int]:
        """Pictures by (height, width), the most frequent first."""
        return dict(Counter(picture.size for picture in self.pictures).most_common())

    @property
    def modes(self) -> dict[str, int]:
        """Pictures by Pillow's mode, the most frequent first."""
        return dict(Counter(picture.mode for picture in self.pictures).most_common())

    @property
    def duplicates(self) -> list[list[Picture]]:
        """Groups of pictures whose pixels are all the same."""
        groups: dict[str, list[Picture]] = {}
        for picture in self.pictures:
            groups.setdefault(picture.digest, []).append(picture)
        return [group for group in groups.values() if len(group) > 1]

    def remarks(self) -> list[str]:
        """What to look at before training, a sentence each; empty where all is well."""
        counts = {label: count for label, count in self.counts.items() if label}
        empty = [label for label, count in counts.items() if not count]
        filled = [count for count in counts.values() if count]
        copies = self.duplicates
        mixed = sum(len({picture.label for picture in group}) > 1 for group in copies)
        turned = sum(picture.turned for picture in self.pictures)
        loose = self.counts.get("", 0)
        told = [
            (bool(self.broken), f"{_many(len(self.broken), 'file')} cannot be read"),
            (bool(copies), f"{_many(sum(map(len, copies)) - len(copies), 'picture')} more than once"),
            (bool(mixed), f"{_many(mixed, 'picture')} in more than one class"),
            (bool(empty), f"classes without a picture: {', '.join(empty)}"),
            (
                len(filled) > 1 and max(filled) >= _IMBALANCE * min(filled),
                f"the largest class has {max(filled, default=1) / min(filled, default=1):.1f} times the "
                "pictures of the smallest",
            ),
            (len(self.modes) > 1, f"{len(self.modes)} modes: {', '.join(self.modes)}"),
            (
                bool(turned),
                f"{_many(turned, 'picture')} turned by EXIF: give load_img orientation=True",
            ),
            (bool(loose and self.labels), f"{_many(loose, 'picture')} beside the class folders"),
            (not self.pictures, "there is no picture"),
        ]
        return [text for holds, text in told if holds]


def check_folder(directory: str | os.PathLike[str]) -> FolderReport:
    """Reads all pictures in a folder, a folder inside for each class, as `flow_from_directory` has them.

    Args:
        directory: the folder. Links to folders are not followed.

    Returns:
        A report: counts, sizes, modes, duplicates by content, broken files.

    Raises:
        FileNotFoundError, NotADirectoryError, PermissionError: the folder cannot be listed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from pycnn.preprocessing.image import check_folder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for label in ("bag", "shoe"):
        ...         Path(folder, label).mkdir()
        ...         Image.new("L", (30, 20)).save(f"{folder}/{label}/1.png")
        ...     report = check_folder(folder)
        >>> report.counts, report.sizes
        ({'bag': 1, 'shoe': 1}, {(20, 30): 2})
        >>> report.remarks()
        ['1 picture more than once', '1 picture in more than one class']
    """
    from concurrent.futures import ThreadPoolExecutor

    folder = os.fspath(directory)
    labels = class_folders(folder)
    paths = pictures_in(folder, FORMATS, follow_links=False)
    with ThreadPoolExecutor(max(_core.get_num_threads(), 1), "pycnn-check") as pool:
        looked = list(pool.map(lambda path: _looked_at(folder, path), paths))
    every = pictures_in(folder, ("",), follow_links=False)
    endings = (os.path.splitext(path)[1].lower() for path in every)
    others = Counter(ending for ending in endings if ending not in FORMATS)
    return FolderReport(
        folder,
        tuple(labels),
        tuple(one for one in looked if isinstance(one, Picture)),
        tuple(one for one in looked if isinstance(one, Broken)),
        dict(sorted(others.items())),
    )


def _looked_at(folder: str, path: str) -> Picture | Broken:
    from PIL import Image, UnidentifiedImageError

    label = path.split(os.sep)[0] if os.sep in path else ""
    try:
        with Image.open(os.path.join(folder, path)) as image:
            image.load()
            turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
            digest = _digest(image)
            return Picture(path, label, (image.height, image.width), image.mode, digest, turned)
    except UnidentifiedImageError:
        reason = "empty" if _is_empty(os.path.join(folder, path)) else "no format that Pillow reads"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = f"too large: {error}"
    except DECODING_ERRORS as error:
        reason = f"damaged: {error}"
    return Broken(path, label, reason)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _is_empty(path: str) -> bool:
    try:
        return os.path.getsize(path) == 0
    except OSError:
        return False


def _digest(image: Image) -> str:
    """Of size and pixels; the same for grey and coloured files of the same pixels."""
    deep: Any = image.mode.startswith(("I", "F"))
    pixels = image if deep else image.convert("RGBA")
    digest = hashlib.sha256(f"{image.size} {image.mode if deep else ''}".encode())
    digest.update(pixels.tobytes())
    return digest.hexdigest()
