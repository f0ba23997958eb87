"""pycnn.datasets: where data is looked for, and what is checked. Downloads are in test_download.py."""

import gzip
import hashlib
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dataset_files import isolate, publish, write_data

from pycnn.datasets import catalogue, fashion_mnist, make_sample, mnist, sources
from pycnn.datasets.catalogue import FILES
from pycnn.datasets.idx import read_idx, write_idx

SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    isolate(monkeypatch, tmp_path / "home")
    return tmp_path / "home"


# --- a folder that is named ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("inside", ["", "fashion-mnist", "fashion_mnist", "FashionMNIST/raw"])
def test_named_folder(tmp_path, monkeypatch, inside, suffix):
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
        assert (x[np.arange(count), 5 + 2 * y, 4:24] == 220).all()
        x[0] = 0  # writable
    found = fashion_mnist.find()
    assert found.kind == "folder"
    assert found.location == str(tmp_path / "data" / inside)
    assert "PYCNN_DATA" in str(found)


def test_folder_of_the_set_goes_before_a_flat_one(tmp_path):
    write_data(tmp_path, train=20)
    write_data(tmp_path / "mnist", train=50)
    assert len(mnist.load_data(data_dir=tmp_path)[0][0]) == 50
    assert len(fashion_mnist.load_data(data_dir=tmp_path)[0][0]) == 20


def test_named_folder_that_lacks_the_data_is_an_error(tmp_path, monkeypatch):
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


# --- files that are not what they should be -----------------------------------------------------------------


def header(*shape, magic=None):
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
def test_bad_idx_file(tmp_path, content, message, packed):
    path = tmp_path / ("x-idx3-ubyte.gz" if packed else "x-idx3-ubyte")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ValueError, match=message) as info:
        read_idx(path, 3)
    assert str(path) in str(info.value)


def test_bad_gzip(tmp_path):
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


def test_write_idx_wants_bytes(tmp_path):
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
def test_wrong_contents(tmp_path, name, array, message):
    write_data(tmp_path)
    write_idx(tmp_path / f"{name}.gz", array.astype(np.uint8))
    with pytest.raises(ValueError, match=message):
        fashion_mnist.load_data(data_dir=tmp_path)


# --- the cache and the system's package ---------------------------------------------------------------------


def test_cache_folder_by_platform(monkeypatch, home, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    assert sources.cache_folder() == home / ".cache" / "pycnn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.cache_folder() == tmp_path / "pycnn"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sources.cache_folder() == home / "Library" / "Caches" / "pycnn"
    monkeypatch.setattr(sys, "platform", "win32")
    assert sources.cache_folder() == home / "pycnn"


def test_cache_goes_before_the_system(tmp_path, monkeypatch):
    cache = write_data(sources.cache_folder() / "fashion-mnist", train=40)
    system = write_data(tmp_path / "system", train=40)
    publish(monkeypatch, cache, system_folder=system)
    assert fashion_mnist.find().kind == "cache"
    assert len(fashion_mnist.load_data()[0][0]) == 40
    shutil.rmtree(cache)
    assert fashion_mnist.find() == sources.Source("system", str(system), "system package")
    assert len(fashion_mnist.load_data()[0][0]) == 40


def test_damaged_cache_is_not_used(tmp_path, monkeypatch, capsys):
    cache = write_data(sources.cache_folder() / "fashion-mnist")
    system = write_data(tmp_path / "system")
    publish(monkeypatch, cache, system_folder=system)
    write_idx(cache / "t10k-labels-idx1-ubyte.gz", np.zeros(10, np.uint8))  # well formed, other content
    (_, _), (_, y) = fashion_mnist.load_data()
    np.testing.assert_array_equal(y, np.arange(10))
    assert "t10k-labels-idx1-ubyte.gz is damaged" in capsys.readouterr().err


def test_system_package_must_have_all(tmp_path, monkeypatch):
    system = write_data(tmp_path / "system")
    publish(monkeypatch, system, system_folder=system)
    write_data(system, train=29)
    with pytest.raises(ValueError, match=r"train-images.* has 29 pictures, expected 30"):
        fashion_mnist.load_data()


@pytest.mark.skipif(not SYSTEM_FOLDER.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_published_checksums_are_those_of_the_systems_files():
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


# --- the sample, .npz files and names -----------------------------------------------------------------------


def test_sample_is_balanced_and_small():
    path = catalogue.FASHION_MNIST.sample
    assert path is not None
    assert path.stat().st_size <= 2_000_000
    assert "MIT License" in (path.parent / "LICENSE").read_text()
    data = np.load(path)
    for split, count in (("train", 300), ("test", 100)):
        assert np.bincount(data[f"y_{split}"]).tolist() == [count] * 10
        assert data[f"x_{split}"].shape == (count * 10, 28, 28)


@pytest.mark.skipif(not SYSTEM_FOLDER.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_sample_is_what_its_script_makes(tmp_path, monkeypatch):
    monkeypatch.setenv("PYCNN_DATA", str(SYSTEM_FOLDER))
    make_sample.make_sample(tmp_path / "sample.npz")
    assert catalogue.FASHION_MNIST.sample is not None
    made, kept = np.load(tmp_path / "sample.npz"), np.load(catalogue.FASHION_MNIST.sample)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(made[name], kept[name])


def test_sample_is_made_from_the_full_set_only(tmp_path, monkeypatch):
    monkeypatch.setenv("PYCNN_DATA", str(write_data(tmp_path / "data")))
    with pytest.raises(FileNotFoundError, match="full data set"):
        make_sample.make_sample(tmp_path / "sample.npz")


def test_mnist_from_an_npz_file(tmp_path):
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


def test_class_names():
    assert len(fashion_mnist.class_names) == 10
    assert fashion_mnist.class_names[9] == "Ankle boot"
    assert mnist.class_names == tuple("0123456789")


def test_importing_datasets_is_light():
    heavy = (
        "['rich', 'PIL', 'urllib.request', 'gzip', 'hashlib', 'pathlib', 'concurrent.futures', 'matplotlib']"
    )
    code = (
        "import sys, numpy; before = set(sys.modules); import pycnn.datasets;"
        f"print([m for m in {heavy} if m in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout
