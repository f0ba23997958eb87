"""Picture files in folders, in Keras' order."""

from __future__ import annotations

import os

Key = tuple[int, int]


def class_folders(directory: str) -> list[str]:
    """The names of the folders in a folder, sorted."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def pictures_in(folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    """Paths, from `folder`, of all files below it whose names end in one of the formats.

    They are sorted by folder, then by name. Links to folders that contain themselves are followed once. Links
    to nothing count; pipes, sockets and devices, from which a reader would wait without end, do not.

    Raises:
        OSError: if a folder cannot be read.
    """
    found: dict[str, list[str]] = {}
    open_folders: list[tuple[str, frozenset[Key]]] = [("", frozenset())]
    while open_folders:
        relative, above = open_folders.pop()
        path = os.path.join(folder, relative) if relative else folder
        if follow_links:
            key = _key(path)
            if key in above:
                continue
            above = above | {key}
        names: list[str] = []
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir():
                    if follow_links or not entry.is_symlink():
                        open_folders.append((os.path.join(relative, entry.name), above))
                elif entry.name.lower().endswith(formats) and (entry.is_file() or _leads_nowhere(entry)):
                    names.append(entry.name)
        found[relative] = sorted(names)
    return [
        os.path.join(relative, name) if relative else name
        for relative in sorted(found)
        for name in found[relative]
    ]


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)


def _key(path: str) -> Key:
    status = os.stat(path)
    return status.st_dev, status.st_ino
