"""CIFAR-10 and CIFAR-100 from files in the published format."""

import hashlib
import io
import tarfile

import numpy as np
import pytest
from dataset_files import isolate

from pycnn.datasets import catalogue, cifar10, cifar100, sources


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    isolate(monkeypatch, tmp_path / "home")


def records(count, labels, seed):
    """Records of random pictures, and what they stand for."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, (count, labels), dtype=np.uint8)
    x = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    content = b"".join(bytes(label) + bytes(picture) for label, picture in zip(y, x, strict=True))
    return content, x.transpose(0, 2, 3, 1), y


def files_of(form):
    parts = {name: records(4 + i, form.labels, i) for i, name in enumerate((*form.train, *form.test))}
    x, y = (np.concatenate([parts[name][i] for name in form.train]) for i in (1, 2))
    return {name: part[0] for name, part in parts.items()}, (x, y), parts[form.test[0]][1:]


def write_archive(path, inside, files, **others):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"readme.html": b"text", **files, **others}.items():
            member = tarfile.TarInfo(f"{inside}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


CASES = pytest.mark.parametrize(
    ("name", "label", "load"),
    [
        ("CIFAR10", 0, cifar10.load_data),
        ("CIFAR100", 1, cifar100.load_data),
        ("CIFAR100_COARSE", 0, lambda **options: cifar100.load_data("coarse", **options)),
    ],
)


def check(found, train, test, label):
    for (x, y), (expected, labels) in zip(found, (train, test), strict=True):
        assert (x.dtype, y.dtype, y.shape) == (np.uint8, np.uint8, (len(x), 1))
        np.testing.assert_array_equal(x, expected)
        np.testing.assert_array_equal(y[:, 0], labels[:, label])
        assert x.flags.c_contiguous
        assert x.flags.writeable


@CASES
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("folder", ["", "cifar"])
def test_a_folder_of_ones_own(tmp_path, monkeypatch, name, label, load, packed, folder):
    dataset = getattr(catalogue, name)
    files, train, test = files_of(dataset.form)
    place = tmp_path / "data" / (dataset.folders[0] if folder else "")
    if packed:
        write_archive(place / dataset.form.archive, dataset.form.inside, files)
    else:
        (place / dataset.form.inside).mkdir(parents=True)
        for file, content in files.items():
            (place / dataset.form.inside / file).write_bytes(content)
    check(load(data_dir=tmp_path / "data"), train, test, label)
    monkeypatch.setenv("PYCNN_DATA", str(tmp_path / "data"))
    check(load(), train, test, label)
    assert cifar10.find().kind == "folder" if name == "CIFAR10" else cifar100.find().kind == "folder"


@CASES
def test_the_cache_and_a_host(tmp_path, monkeypatch, name, label, load, capsys):
    dataset = getattr(catalogue, name)
    files, train, test = files_of(dataset.form)
    published = tmp_path / "published" / dataset.form.archive
    write_archive(published, dataset.form.inside, files)
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    replaced = dataset._replace(
        sha256={dataset.form.archive: sha256},
        counts=(len(train[0]), len(test[0])),
        hosts=(f"{published.parent.as_uri()}/",),
    )
    monkeypatch.setattr(catalogue, name, replaced)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    check(load(), train, test, label)
    assert "downloading into" in capsys.readouterr().err
    cached = tmp_path / "keras" / "datasets" / dataset.folders[0] / dataset.form.archive
    assert cached.read_bytes() == published.read_bytes()
    published.unlink()
    check(load(), train, test, label)
    assert capsys.readouterr().err == ""
    cached.write_bytes(cached.read_bytes()[:-1])
    with pytest.raises(FileNotFoundError, match=f"Put {dataset.form.archive} into a folder and name it in"):
        load()


def test_files_that_are_not_what_they_should_be(tmp_path):
    form = catalogue.CIFAR10.form
    files, _, _ = files_of(form)
    path = tmp_path / form.archive
    for change, message in (
        ({"test_batch.bin": files["test_batch.bin"][:-1]}, "expected records of 3,073"),
        ({"test_batch.bin": b""}, "expected records of 3,073"),
        ({"data_batch_3.bin": b"\x63" + files["data_batch_3.bin"][1:]}, "labels 0 to 99, expected 0 to 9"),
    ):
        write_archive(path, form.inside, files | change)
        with pytest.raises(ValueError, match=message):
            cifar10.load_data(data_dir=tmp_path)
    write_archive(path, form.inside, {name: files[name] for name in form.train})
    with pytest.raises(ValueError, match="lacks cifar-10-batches-bin/test_batch"):
        cifar10.load_data(data_dir=tmp_path)
    write_archive(path, form.inside, files)
    for content in (path.read_bytes()[:500], b"no archive"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="truncated or corrupt"):
            cifar10.load_data(data_dir=tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"CIFAR-10 is not in .*: it lacks cifar-10-binary\.tar\.gz"):
        cifar10.load_data(data_dir=tmp_path)
    with pytest.raises(ValueError, match="label_mode"):
        cifar100.load_data("medium")


def test_names():
    for names, count in (
        (cifar10.class_names, 10),
        (cifar100.class_names, 100),
        (cifar100.coarse_class_names, 20),
    ):
        assert len(set(names)) == count
        assert list(names) == sorted(names)
    assert sources.find(catalogue.CIFAR10).kind == "download"
