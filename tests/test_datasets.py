"""pycnn.datasets: where data is looked for, what is checked, and downloads from a server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pycnn.datasets import catalogue, download, fashion_mnist, make_sample, mnist, sources
from pycnn.datasets.catalogue import FILES
from pycnn.datasets.idx import read_idx, write_idx

SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def write_data(folder: Path, train: int = 30, test: int = 10, suffix: str = ".gz") -> Path:
    """A small data set in idx files; pictures of class c are bright in row c."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name, count in (("train", train), ("t10k", test)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = rng.integers(0, 50, (count, 28, 28), dtype=np.uint8)
        images[np.arange(count), labels] = 255
        write_idx(folder / f"{name}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte{suffix}", labels)
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, no PYCNN_DATA, no system package, no host: each test adds what it is about."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOCALAPPDATA", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("PYCNN_DATA", raising=False)
    for name in ("FASHION_MNIST", "MNIST"):
        replaced = getattr(catalogue, name)._replace(system_folder=None, hosts=("http://127.0.0.1:9/",))
        monkeypatch.setattr(catalogue, name, replaced)
    return home


def publish(monkeypatch: pytest.MonkeyPatch, folder: Path, **changes: object) -> None:
    """Declares the files of `folder` to be Fashion-MNIST as published."""
    (x, _), (x_test, _) = sources.load(catalogue.FASHION_MNIST, folder)
    sums = {name: hashlib.sha256((folder / f"{name}.gz").read_bytes()).hexdigest() for name in FILES}
    replaced = catalogue.FASHION_MNIST._replace(sha256=sums, counts=(len(x), len(x_test)), **changes)  # type: ignore
    monkeypatch.setattr(catalogue, "FASHION_MNIST", replaced)


# --- a folder that is named
# ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("inside", ["", "fashion-mnist", "fashion_mnist", "FashionMNIST/raw"])
def test_named_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, suffix: str) -> None:
    write_data(tmp_path / "data" / inside, suffix=suffix)
    by_argument = fashion_mnist.load_data(data_dir=tmp_path / "data")
    monkeypatch.setenv("PYCNN_DATA", str(tmp_path / "data"))
    by_environment = fashion_mnist.load_data()
    for (x, y), (x2, y2), count in zip(by_argument, by_environment, (30, 10), strict=True):
        assert x.shape == (count, 28, 28)
        assert x.dtype == np.uint8
        assert y.dtype == np.uint8
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, np.arange(count) % 10)
        np.testing.assert_array_equal(y, y2)
        assert (x[np.arange(count), y] == 255).all()
        x[0] = 0  # writable
    found = fashion_mnist.find()
    assert found.kind == "folder"
    assert found.location == str(tmp_path / "data" / inside)
    assert "PYCNN_DATA" in str(found)


def test_folder_of_the_set_goes_before_a_flat_one(tmp_path: Path) -> None:
    write_data(tmp_path, train=20)
    write_data(tmp_path / "mnist", train=50)
    assert len(mnist.load_data(data_dir=tmp_path)[0][0]) == 50
    assert len(fashion_mnist.load_data(data_dir=tmp_path)[0][0]) == 20


def test_named_folder_that_lacks_the_data_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_data(tmp_path / "data")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setenv("PYCNN_DATA", str(folder))
    for function in (fashion_mnist.load_data, fashion_mnist.find, mnist.load_data, mnist.find):
        with pytest.raises(
            FileNotFoundError, match=r"PYCNN_DATA: .*MNIST is not in .* t10k-labels-idx1-ubyte"
        ) as info:
            function()
        assert "train-images" not in str(info.value)
    with pytest.raises(FileNotFoundError, match="data_dir: there is no folder"):
        fashion_mnist.load_data(data_dir=tmp_path / "nowhere")
    with pytest.raises(ValueError, match="data_dir is empty"):
        fashion_mnist.load_data(data_dir="")


# --- files that are not what they should be
# --------------------------------------------------------------------


def header(*shape: int, magic: bytes | None = None) -> bytes:
    return (magic or bytes([0, 0, 8, len(shape)])) + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\0\0", "begins with 0000"),
        (b"<html>", "not an idx file"),
        (header(3) + b"abc", "not an idx file of bytes in 3 dimensions: it begins with 00000801"),
        (header(3, 2, 2, magic=bytes([0, 0, 13, 3])) + bytes(48), "begins with 00000d03"),
        (header(3, 2, 2)[:10], "truncated: its header has 10 bytes"),
        (header(3, 2, 2) + bytes(11), r"truncated: 11 bytes of data, expected 12"),
        (header(3, 2, 2) + bytes(13), "corrupt: more than the 12 bytes"),
        (header(1 << 31, 1 << 31, 1 << 31), "more than 4,294,967,296 bytes"),
        (header(60000, 28, 28), "truncated: 0 bytes"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_bad_idx_file(tmp_path: Path, content: bytes, message: str, packed: bool) -> None:
    path = tmp_path / ("x-idx3-ubyte.gz" if packed else "x-idx3-ubyte")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ValueError, match=message) as info:
        read_idx(path, 3)
    assert str(path) in str(info.value)


def test_bad_gzip(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    good = gzip.compress(header(4, 28, 28) + np.random.default_rng(0).bytes(4 * 784))
    damaged = bytearray(good)
    damaged[-6] ^= 1  # the checksum
    bent = bytearray(good)
    bent[12] = 0xFF  # the packed data
    for content, message in (
        (b"no gzip", "corrupt"),
        (good[:-200], "truncated"),
        (damaged, "corrupt"),
        (bent, "corrupt"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"x.gz is {message}"):
            read_idx(path, 3)
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none.gz", 3)


def test_write_idx_wants_bytes(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="float64"):
        write_idx(tmp_path / "x", np.zeros(3))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-images-idx3-ubyte", np.zeros((29, 28, 28)), r"train-labels.* shape \(30,\), .*\(29,\)"),
        ("train-images-idx3-ubyte", np.zeros((30, 28, 27)), r"train-images.* shape \(28, 27\)"),
        ("t10k-labels-idx1-ubyte", np.full(10, 10), "t10k-labels.* has labels 10 to 10, expected 0 to 9"),
        ("t10k-images-idx3-ubyte", np.zeros((0, 28, 28)), "t10k-images.* has 0 pictures"),
    ],
)  # fmt: skip
def test_wrong_contents(tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    write_data(tmp_path)
    write_idx(tmp_path / f"{name}.gz", array.astype(np.uint8))
    with pytest.raises(ValueError, match=message):
        fashion_mnist.load_data(data_dir=tmp_path)


# --- the cache and the system's package
# ------------------------------------------------------------------------


def test_cache_folder_by_platform(monkeypatch: pytest.MonkeyPatch, elsewhere: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert sources.cache_folder() == elsewhere / ".cache" / "pycnn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.cache_folder() == tmp_path / "pycnn"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sources.cache_folder() == elsewhere / "Library" / "Caches" / "pycnn"
    monkeypatch.setattr(sys, "platform", "win32")
    assert sources.cache_folder() == elsewhere / "pycnn"


def test_cache_goes_before_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = write_data(sources.cache_folder() / "fashion-mnist", train=40)
    system = write_data(tmp_path / "system", train=40)
    publish(monkeypatch, cache, system_folder=system)
    assert fashion_mnist.find().kind == "cache"
    assert len(fashion_mnist.load_data()[0][0]) == 40
    shutil.rmtree(cache)
    assert fashion_mnist.find() == sources.Source("system", str(system), "system package")
    assert len(fashion_mnist.load_data()[0][0]) == 40


def test_damaged_cache_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = write_data(sources.cache_folder() / "fashion-mnist")
    system = write_data(tmp_path / "system")
    publish(monkeypatch, cache, system_folder=system)
    write_idx(cache / "t10k-labels-idx1-ubyte.gz", np.zeros(10, np.uint8))  # well formed, other content
    (_, _), (_, y) = fashion_mnist.load_data()
    np.testing.assert_array_equal(y, np.arange(10))
    assert "t10k-labels-idx1-ubyte.gz is damaged" in capsys.readouterr().err


def test_system_package_must_have_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = write_data(tmp_path / "system")
    publish(monkeypatch, system, system_folder=system)
    write_data(system, train=29)
    with pytest.raises(ValueError, match=r"train-images.* has 29 pictures, expected 30"):
        fashion_mnist.load_data()


@pytest.mark.skipif(not SYSTEM_FOLDER.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_published_checksums_are_those_of_the_systems_files() -> None:
    """Debian packs without the name and time in gzip's header; with them back, it is the published file."""
    times = {
        "train-images": 1504176606,
        "train-labels": 1504176606,
        "t10k-images": 1504176627,
        "t10k-labels": 1504176627,
    }
    for name in FILES:
        content = (SYSTEM_FOLDER / f"{name}.gz").read_bytes()
        time = struct.pack("<I", times[name.partition("-idx")[0]])
        published = content[:3] + b"\x08" + time + content[8:10] + name.encode() + b"\0" + content[10:]
        assert hashlib.sha256(published).hexdigest() == catalogue.FASHION_MNIST.sha256[name]


# --- download
# --------------------------------------------------------------------------------------------------


class Host:
    """A web server on this machine that serves a folder, and can be told to misbehave."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.cut = 0  # bytes to leave out at the end, after promising them
        self.silent = False
        self.released = threading.Event()
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append(self.path.lstrip("/"))
                path = folder / self.path.lstrip("/")
                if host.silent:
                    host.released.wait(30)
                    return
                if not path.is_file():
                    self.send_error(404)
                    return
                content = path.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) - host.cut])

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    folder = write_data(tmp_path / "published")
    host = Host(folder)
    publish(monkeypatch, folder, hosts=(host.address,))
    yield host
    host.close()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


WHOLE = sorted(f"{name}.gz" for name in FILES)


def test_download(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    found = fashion_mnist.find()
    assert found.kind == "download"
    assert found.location == host.address
    (x, y), (x_test, _) = fashion_mnist.load_data()
    assert x.shape == (30, 28, 28)
    assert len(x_test) == 10
    assert y[13] == 3
    cache = sources.cache_folder() / "fashion-mnist"
    assert names_in(cache) == WHOLE
    assert capsys.readouterr().err == f"pycnn: Fashion-MNIST: downloading into {cache}\n"
    assert fashion_mnist.find().kind == "cache"
    fashion_mnist.load_data()
    assert len(host.asked) == 4
    assert capsys.readouterr().err == ""


def test_only_what_is_missing_or_damaged_is_downloaded(host: Host, tmp_path: Path) -> None:
    cache = sources.cache_folder() / "fashion-mnist"
    shutil.copytree(tmp_path / "published", cache)
    (cache / "train-labels-idx1-ubyte.gz").unlink()
    (cache / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert len(fashion_mnist.load_data()[0][1]) == 30
    assert host.asked == ["train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"]


def test_next_host_is_tried(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = Host(write_data(tmp_path / "other", train=31))  # its training files have other checksums
    replaced = catalogue.FASHION_MNIST._replace(hosts=(other.address, host.address))
    monkeypatch.setattr(catalogue, "FASHION_MNIST", replaced)
    try:
        assert len(fashion_mnist.load_data()[0][0]) == 30
        assert len(other.asked) == 1
        assert len(host.asked) == 4
    finally:
        other.close()


@pytest.mark.parametrize("fault", ["absent", "changed", "cut", "silent", "closed"])
def test_failed_download_falls_back_to_the_sample(
    host: Host,
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "published" / "train-labels-idx1-ubyte.gz"
    reasons = {
        "absent": "Not Found",
        "changed": "SHA-256",
        "cut": "ended after",
        "silent": "timed out",
        "closed": "efused",
    }
    if fault == "absent":
        path.unlink()
    elif fault == "changed":
        path.write_bytes(path.read_bytes() + b"!")
    elif fault == "cut":
        host.cut = 5
    elif fault == "silent":
        host.silent = True
        monkeypatch.setattr(download, "TIMEOUT", 0.2)
    else:
        host.close()
    (x, _), (x_test, _) = fashion_mnist.load_data()
    assert len(x) == 3000
    assert len(x_test) == 1000
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "using the sample inside pycnn, 3,000 training and 1,000 test images" in lines[1]
    assert reasons[fault] in lines[1]
    # Files that came whole stay; nothing else does.
    whole = ["train-images-idx3-ubyte.gz"] if fault in ("absent", "changed") else []
    assert names_in(sources.cache_folder() / "fashion-mnist") == whole


def test_cache_that_can_not_be_written(
    host: Host, elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.write_text("a file where a folder should be")
    assert len(fashion_mnist.load_data()[0][0]) == 3000
    assert "using the sample" in capsys.readouterr().err
    assert host.asked == []


def test_mnist_has_no_sample() -> None:
    assert mnist.find().kind == "download"
    assert "sample" not in str(mnist.find())
    with pytest.raises(FileNotFoundError, match=r"could not be downloaded .*PYCNN_DATA"):
        mnist.load_data()


# --- the sample, .npz files and names
# --------------------------------------------------------------------------


def test_sample_is_balanced_and_small() -> None:
    path = catalogue.FASHION_MNIST.sample
    assert path is not None
    assert path.stat().st_size <= 2_000_000
    assert "MIT License" in (path.parent / "LICENSE").read_text()
    data = np.load(path)
    for split, count in (("train", 300), ("test", 100)):
        assert np.bincount(data[f"y_{split}"]).tolist() == [count] * 10
        assert data[f"x_{split}"].shape == (count * 10, 28, 28)


@pytest.mark.skipif(not SYSTEM_FOLDER.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_sample_is_what_its_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCNN_DATA", str(SYSTEM_FOLDER))
    make_sample.make_sample(tmp_path / "sample.npz")
    assert catalogue.FASHION_MNIST.sample is not None
    made, kept = np.load(tmp_path / "sample.npz"), np.load(catalogue.FASHION_MNIST.sample)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(made[name], kept[name])


def test_sample_is_made_from_the_full_set_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCNN_DATA", str(write_data(tmp_path / "data")))
    with pytest.raises(FileNotFoundError, match="full data set"):
        make_sample.make_sample(tmp_path / "sample.npz")


def test_mnist_from_an_npz_file(tmp_path: Path) -> None:
    (x, y), (x_test, y_test) = mnist.load_data(data_dir=write_data(tmp_path / "data"))
    arrays = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}
    np.savez(tmp_path / "digits.npz", **arrays)
    (x2, y2), _ = mnist.load_data(tmp_path / "digits.npz")
    np.testing.assert_array_equal(x, x2)
    np.testing.assert_array_equal(y, y2)
    with pytest.raises(FileNotFoundError, match="path: there is no file"):
        mnist.load_data(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes((tmp_path / "digits.npz").read_bytes()[:-100])
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    np.savez(tmp_path / "objects.npz", **{**arrays, "y_train": np.array([{}] * 30, object)})
    np.savez(tmp_path / "part.npz", x_train=x)
    for name in ("bad.npz", "objects.npy", "objects.npz", "part.npz"):
        with pytest.raises(ValueError, match=f"{name} is not an .npz file with the arrays"):
            mnist.load_data(tmp_path / name)


def test_class_names() -> None:
    assert len(fashion_mnist.class_names) == 10
    assert fashion_mnist.class_names[9] == "Ankle boot"
    assert mnist.class_names == tuple("0123456789")


def test_importing_datasets_is_light() -> None:
    heavy = (
        "['rich', 'PIL', 'urllib.request', 'gzip', 'hashlib', 'pathlib', 'concurrent.futures', 'matplotlib']"
    )
    code = (
        "import sys, numpy; before = set(sys.modules); import pycnn.datasets;"
        f"print([m for m in {heavy} if m in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout
