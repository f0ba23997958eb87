"""Files that commands write: beside their place first, then renamed, so that there is never half a file."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycnn.cli.arguments import WrongUsage

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["writable_folder", "write_json", "write_picture"]


def writable_folder(folder: Path, outside: Path | None = None) -> Path:
    """The folder, made where it is not there; WrongUsage where it lies in `outside` or takes no files."""
    if outside is not None and folder.resolve().is_relative_to(outside.resolve()):
        raise WrongUsage(f"--output: {folder} is in the folder of pictures, where it would be a class")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise WrongUsage(f"--output: can't write into {folder}: {error.strerror or error}") from error
    return folder


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(part, path)


def write_picture(path: Path, image: Image) -> None:
    """Writes a picture in the format of the path's ending."""
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        image.save(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
