"""Files from the network in a cache, and archives that are unpacked safely."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pycnn.datasets.checksum import algorithm_of, checksum
from pycnn.datasets.fetching import FetchError, fetch
from pycnn.utils.archives import extract as extract_archive


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | list[str] | tuple[str, ...] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Downloads a file, unless it is in the cache, and unpacks it where that is asked for.

    A file takes its name only when it is whole and has the right checksum, a folder only when all of the
    archive is in it. Archives whose members would land outside of that folder, or are links, are refused.

    Args:
        fname: name of the file, or of the folder into which an archive is unpacked (`<name>_extracted` where
            it has an ending); None for that of `origin`.
        origin: address, with http, https, ftp or file.
        untar: the older name of `extract`.
        md5_hash: the older name of `file_hash`.
        file_hash: hexadecimal SHA-256 or MD5 of the file; one that does not fit is downloaded anew.
        cache_subdir: folder in the cache, or an absolute path.
        hash_algorithm: 'sha256', 'md5' or 'auto': by the length of the hash.
        extract: whether the file is an archive to be unpacked.
        archive_format: 'tar' (packed or not), 'zip', a list of them, 'auto' for both, or None for neither.
        cache_dir: the cache; None for the environment variable KERAS_HOME or, without it, `~/.keras`.
        force_download: whether it is downloaded even where it is in the cache.

    Returns:
        The path of the file or, where it was unpacked, of the folder.

    Raises:
        TypeError, ValueError: if an argument is wrong, the checksum is another one, or the archive is damaged
            or not safe.
        OSError: if the file cannot be downloaded or written.

    Example:
        >>> import pathlib, tempfile
        >>> import pycnn as keras
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     source = pathlib.Path(folder, "there.txt")
        ...     _ = source.write_text("text")
        ...     path = keras.utils.get_file("here.txt", source.as_uri(), cache_dir=folder)
        ...     pathlib.Path(path).read_text()  # doctest: +ELLIPSIS
        Downloading data from file:///...there.txt
        'text'
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(file_hash, hash_algorithm)
    name = _checked_name(fname, origin)
    folder = Path(_cache(cache_dir), cache_subdir)
    folder.mkdir(parents=True, exist_ok=True)
    target, unpacked = folder / name, folder / name
    if extract or untar:
        if fname and "." in name:
            unpacked = folder / f"{name[: name.find('.')]}_extracted"
        else:
            target = folder / f"{name}_archive"
    if force_download or not _is_there(target, file_hash, algorithm):
        print(f"Downloading data from {origin}")
        try:
            fetch(origin, target, file_hash, algorithm)
        except FetchError as error:
            if file_hash is not None and f"expected {file_hash}" in str(error):
                raise ValueError(f"Incomplete or corrupted file detected. {error}") from error
            raise OSError(f"URL fetch failure on {error}") from error
        is_new = True
    else:
        is_new = False
    if not (extract or untar):
        return str(target)
    formats = ("tar",) if untar and not extract else _formats(archive_format)
    if is_new or not unpacked.is_dir():
        extract_archive(target, unpacked, formats)
    return str(unpacked)


def _cache(cache_dir: str | os.PathLike[str] | None) -> str:
    """The folder of the cache; one for temporary files where it cannot be written."""
    named = os.fspath(cache_dir or os.environ.get("KERAS_HOME") or Path("~", ".keras"))
    path = os.path.expanduser(named)
    there = path
    while not os.path.exists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    if not os.access(there, os.W_OK):
        import tempfile

        other = os.path.join(tempfile.gettempdir(), ".keras")
        print(f"pycnn: {path} cannot be written; {other} is used instead", file=sys.stderr)
        return other
    return path


def _checked_name(fname: str | os.PathLike[str] | None, origin: str) -> str:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https", "ftp", "file"):
        raise ValueError(f"`origin` is {origin!r}; expected an address with http, https, ftp or file")
    name = os.fspath(fname) if fname else unquote(parts.path).rsplit("/", 1)[-1]
    if not name:
        raise ValueError(f"{origin!r} has no name of a file; give `fname`")
    if name in (".", "..") or any(separator in name for separator in {"/", "\\", os.sep}):
        raise ValueError(
            f"`fname` is {name!r}; expected the name of a file without folders: `cache_dir` and "
            f"`cache_subdir` say where it goes"
        )
    return name


def _algorithm(file_hash: str | None, given: str) -> str:
    if given not in ("auto", "sha256", "md5"):
        raise ValueError(f"`hash_algorithm` is {given!r}; expected 'auto', 'sha256' or 'md5'")
    if file_hash is None:
        return "sha256"
    found = algorithm_of(file_hash)
    if found is None or given not in ("auto", found):
        raise ValueError(f"`file_hash` is {file_hash!r}; expected the hexadecimal digits of a SHA-256 or MD5")
    return found


def _formats(archive_format: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    if archive_format == "auto":
        return ("tar", "zip")
    formats = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format or ())
    for name in formats:
        if name not in ("tar", "zip"):
            raise ValueError(f"`archive_format` is {name!r}; expected 'auto', 'tar', 'zip' or None")
    return formats


def _is_there(path: Path, file_hash: str | None, algorithm: str) -> bool:
    """Whether the file is in the cache, and the right one."""
    if not path.is_file():
        return False
    if file_hash is None or checksum(path, algorithm) == file_hash.lower():
        return True
    print(
        f"A local file was found, but it seems to be incomplete or outdated because the {algorithm} file "
        f"hash does not match the original value of {file_hash} so we will re-download the data."
    )
    return False
