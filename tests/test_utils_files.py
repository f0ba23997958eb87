"""get_file and archives, pictures of models, padded sequences, progress lines of one's own."""

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, utils
from pycnn.core.outline import outline
from pycnn.utils import archives
from pycnn.utils.layout import laid_out


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    path = tmp_path / "there" / "data.bin"
    path.parent.mkdir()
    path.write_bytes(b"content")
    return path


def digest(path, algorithm="sha256"):
    return hashlib.new(algorithm, Path(path).read_bytes()).hexdigest()


# --- get_file -----------------------------------------------------------------------------------------------
def test_get_file(source, tmp_path, capsys):
    path = utils.get_file(origin=source.as_uri())
    assert path == str(tmp_path / "keras" / "datasets" / "data.bin")
    assert Path(path).read_bytes() == b"content"
    assert "Downloading data from file:" in capsys.readouterr().out
    source.write_bytes(b"newer")
    assert Path(utils.get_file("data.bin", source.as_uri())).read_bytes() == b"content"  # of the cache
    assert capsys.readouterr().out == ""
    hashed = utils.get_file("data.bin", source.as_uri(), file_hash=digest(source).upper())
    assert Path(hashed).read_bytes() == b"newer"
    assert "does not match the original value" in capsys.readouterr().out
    source.write_bytes(b"newest")
    assert Path(utils.get_file("data.bin", source.as_uri(), force_download=True)).read_bytes() == b"newest"
    other = utils.get_file(
        "x", source.as_uri(), md5_hash=digest(source, "md5"), cache_subdir="a", cache_dir=tmp_path
    )
    assert other == str(tmp_path / "a" / "x")
    absolute = utils.get_file("y", source.as_uri(), cache_subdir=tmp_path / "b")
    assert absolute == str(tmp_path / "b" / "y")


def test_files_that_cannot_be_had(source, tmp_path):
    folder = tmp_path / "keras" / "datasets"
    for options, error, message in (
        ({"file_hash": "0" * 64}, ValueError, "Incomplete or corrupted file detected"),
        ({"origin": (source.parent / "nothing").as_uri()}, OSError, "URL fetch failure on"),
        ({"origin": "http://127.0.0.1:9/data.bin"}, OSError, "URL fetch failure on"),
        ({"origin": None}, ValueError, '"origin"'),
        ({"origin": "data.bin"}, ValueError, "an address"),
        ({"origin": "http://127.0.0.1:9/"}, ValueError, "give `fname`"),
        ({"fname": "../data.bin"}, ValueError, "without folders"),
        ({"fname": ".."}, ValueError, "without folders"),
        ({"file_hash": "123"}, ValueError, "hexadecimal digits"),
        ({"hash_algorithm": "sha1"}, ValueError, "hash_algorithm"),
        ({"extract": True, "archive_format": "rar"}, ValueError, "archive_format"),
    ):
        with pytest.raises(error, match=message):
            utils.get_file(**{"origin": source.as_uri()} | options)
        if "extract" not in options:
            assert not folder.exists() or not list(folder.iterdir())


def write_tar(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)


def write_zip(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)


FILES = (("a/one.txt", b"one"), ("two.txt", b"two"))


@pytest.mark.parametrize("write", [write_tar, write_zip])
@pytest.mark.parametrize(
    ("fname", "folder", "archive"),
    [
        (None, "pack.any", "pack.any_archive"),
        ("mine", "mine", "mine_archive"),
        ("mine.tar.gz", "mine_extracted", "mine.tar.gz"),
    ],
)
def test_archives(source, tmp_path, write, fname, folder, archive):
    path = source.with_name("pack.any")
    write(path, *FILES)
    found = utils.get_file(fname, path.as_uri(), extract=True)
    there = tmp_path / "keras" / "datasets"
    assert found == str(there / folder)
    assert {p.name for p in there.iterdir()} == {folder, archive}
    for name, content in FILES:
        assert Path(found, name).read_bytes() == content
    Path(found, "two.txt").write_bytes(b"mine")
    utils.get_file(fname, path.as_uri(), extract=True)
    assert Path(found, "two.txt").read_bytes() == b"mine"  # nothing is done again
    write(path, ("three.txt", b"3"))
    utils.get_file(fname, path.as_uri(), extract=True, force_download=True)
    assert [p.name for p in Path(found).iterdir()] == ["three.txt"]


UNSAFE = [
    (write_tar, ("../out.txt", b"x")),
    (write_tar, ("/tmp/pycnn-out.txt", b"x")),
    (write_tar, ("a/../../out.txt", b"x")),
    (write_tar, ("link", (tarfile.SYMTYPE, "/etc/passwd"))),
    (write_tar, ("link", (tarfile.LNKTYPE, "two.txt"))),
    (write_tar, ("pipe", (tarfile.FIFOTYPE, ""))),
    (write_tar, ("zeros", bytes(1 << 18))),
    (write_zip, ("../out.txt", b"x")),
    (write_zip, ("a\\..\\..\\out.txt", b"x")),
    (write_zip, ("C:/out.txt", b"x")),
    (write_zip, ("zeros", bytes(1 << 18))),
]


@pytest.mark.parametrize(("write", "member"), UNSAFE)
def test_archives_that_are_not_safe(source, tmp_path, monkeypatch, write, member):
    monkeypatch.setattr(archives, "_ALWAYS_FINE", 1 << 16)
    path = source.with_name("bad")
    write(path, *FILES, member)
    with pytest.raises(ValueError, match="is not safe"):
        utils.get_file("bad", path.as_uri(), extract=True)
    assert [p.name for p in (tmp_path / "keras" / "datasets").iterdir()] == ["bad_archive"]
    assert not list(tmp_path.rglob("out.txt"))


def test_archives_that_are_damaged(source, tmp_path):
    path = source.with_name("bad.tar.gz")
    write_tar(path, ("noise", np.random.default_rng(0).bytes(10_000)))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ValueError, match="is damaged"):
        utils.get_file("bad", path.as_uri(), extract=True)
    path.write_bytes(b"no archive")
    found = utils.get_file("none", path.as_uri(), extract=True)  # as in Keras: nothing to unpack
    assert not Path(found).exists()


def test_a_cache_that_cannot_be_written(source, monkeypatch, capsys):
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(source.parent))
    assert utils.get_file(origin=source.as_uri()) == str(source.parent / ".keras" / "datasets" / "data.bin")
    assert "cannot be written" in capsys.readouterr().err


# --- sequences ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
        ({"maxlen": 2, "truncating": "post", "value": 9}, [[9, 1], [2, 3], [4, 5]]),
        ({"maxlen": 0}, [[], [], []]),
    ],
)
def test_pad_sequences(options, expected):
    found = utils.pad_sequences([[1], [2, 3], np.array([4, 5, 6])], **options)
    assert found.dtype == np.int32
    assert found.tolist() == expected


def test_pad_sequences_of_other_kinds():
    pairs = utils.pad_sequences([[[1, 2]], [[3, 4], [5, 6]], []], dtype="float32", value=-1.0)
    assert pairs.shape == (3, 2, 2)
    assert pairs[2].tolist() == [[-1, -1]] * 2
    words = utils.pad_sequences([["a"], ["b", "c"]], dtype=object, value="")
    assert words.tolist() == [["", "a"], ["b", "c"]]
    for wrong in (
        lambda: utils.pad_sequences([1, 2]),
        lambda: utils.pad_sequences([[1]], padding="before"),
        lambda: utils.pad_sequences([[1]], truncating="after"),
        lambda: utils.pad_sequences([[1]], value="x"),
        lambda: utils.pad_sequences([[[1, 2]], [[1]]]),
        lambda: utils.pad_sequences([[1]], maxlen=-1),
    ):
        with pytest.raises((TypeError, ValueError)):
            wrong()


# --- progress -----------------------------------------------------------------------------------------------
def test_progbar(capsys):
    bar = utils.Progbar(4, width=10, unit_name="file", stateful_metrics=["rate"])
    bar.update(2, [("loss", 1.0), ("rate", 1.0)])
    assert bar.values == {"loss": 1.0, "rate": 1.0}
    bar.add(2, [("loss", 3.0), ("rate", 0.5)])
    assert bar.values == {"loss": 2.0, "rate": 0.5}
    out = capsys.readouterr().out
    assert out.startswith("4/4 ━━━━━━━━━━ ")
    assert "s/file - loss: 2.0000 - rate: 0.5000" in out
    bar.update(4)
    assert capsys.readouterr().out == ""
    unknown = utils.Progbar(None)
    unknown.add(3)
    unknown.update(5, finalize=True)
    assert capsys.readouterr().out.strip().startswith("5/Unknown")


# --- what a train_step gets ---------------------------------------------------------------------------------
def test_packing():
    for data in ((1,), (1, 2), (1, 2, 3)):
        assert utils.pack_x_y_sample_weight(*utils.unpack_x_y_sample_weight(data)) == (
            data if len(data) > 1 else 1
        )
    assert utils.unpack_x_y_sample_weight(1) == (1, None, None)
    assert utils.pack_x_y_sample_weight([1, 2]) == ([1, 2],)
    with pytest.raises(ValueError, match="4 parts"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


# --- pictures of models -------------------------------------------------------------------------------------
def branches():
    x = keras.Input((8, 8, 1), name="x")
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(x)
    z = layers.Conv2D(4, 3, padding="same", name="inner")(y)
    shared = layers.Dense(2, name="twice")
    y = layers.Flatten(name="flat")(layers.add([y, z], name="sum"))
    return keras.Model(x, layers.concatenate([shared(y), shared(keras.ops.relu(y))], name="both"))


def test_outline_of_nested_models():
    """A model inside is drawn by its layers, between those around; a shared one twice."""
    steps = [keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="c"), layers.ReLU(name="r")]
    inner = keras.Sequential(steps, name="m")
    a, b = keras.Input((8, 8, 1), name="a"), keras.Input((8, 8, 1), name="b")
    outer = keras.Model([a, b], layers.add([inner(a), inner(b)], name="sum"), name="outer")
    image = keras.Input((8, 8, 1), name="x")
    model = keras.Model(image, layers.Flatten(name="f")(outer([image, image])))
    boxes = outline(model, True)
    assert [(box.inside, box.name) for box in boxes[1:-1]] == [
        ("outer/m", "c"), ("outer/m", "r"), ("outer/m", "c"), ("outer/m", "r"), ("outer", "sum"),
    ]  # fmt: skip
    assert [box.origins for box in boxes] == [[], [0], [1], [0], [3], [2, 4], [5]]
    assert [box.name for box in outline(model)] == ["x", "outer", "f"]


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_plot_model(tmp_path, rankdir, ending):
    pytest.importorskip("matplotlib")
    from PIL import Image

    path = tmp_path / f"model.{ending}"
    everything = dict.fromkeys(
        ("show_shapes", "show_dtype", "show_layer_names", "show_layer_activations", "show_trainable"), True
    )
    x = keras.Input((8, 8, 1), name="image")
    model = branches() if ending == "png" else keras.Model(x, branches()(x))
    utils.plot_model(model, path, rankdir=rankdir, dpi=50, expand_nested=True, **everything)
    if ending == "svg":
        assert "<svg" in path.read_text()
        return
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    assert (pixels.shape[0] > pixels.shape[1]) == (rankdir == "TB")
    ground = pixels == 242  # of the boxes
    assert ground.any(0).mean() > 0.5
    assert ground.any(1).mean() > 0.5
    assert (pixels[ground.any(1)] < 128).any(0).mean() > 0.5  # text and lines
    assert (pixels[:5] == 255).all()  # nothing is cut off
    assert (pixels[-5:] == 255).all()
    assert (pixels[:, :5] == 255).all()
    assert (pixels[:, -5:] == 255).all()


def test_pictures_that_are_not_drawn(tmp_path, monkeypatch):
    model = branches()
    for wrong, message in (
        (lambda: utils.plot_model(model, tmp_path / "model.dot"), "expected a name with one of png"),
        (lambda: utils.plot_model(model, tmp_path / "nowhere" / "m.png"), "no folder"),
        (lambda: utils.plot_model(model, tmp_path / "m.png", rankdir="BT"), "rankdir"),
        (
            lambda: utils.plot_model(keras.Sequential([layers.Dense(2)]), tmp_path / "m.png"),
            "not yet been built",
        ),
    ):
        with pytest.raises((ValueError, OSError), match=message):
            wrong()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'pycnn\[plot\]'"):
        utils.plot_model(model, tmp_path / "m.png")


def test_layout():
    """Rows by the longest way; boxes of a row side by side; long edges go round the boxes between."""
    origins = [[], [0], [1], [0, 2], [3], [3], [4, 5]]
    layout = laid_out(origins, [1.0] * 7, 0.5)
    assert layout.rows == [0, 1, 2, 3, 4, 4, 5]
    assert abs(layout.centres[4] - layout.centres[5]) == 1.5
    assert layout.width == 2.5
    assert sorted((a, b) for a, b, _ in layout.paths) == [
        (0, 1),
        (0, 3),
        (1, 2),
        (2, 3),
        (3, 4),
        (3, 5),
        (4, 6),
        (5, 6),
    ]
    (points,) = (points for a, b, points in layout.paths if (a, b) == (0, 3))
    assert [row for _, row in points] == [1, 2]
    for x, row in points:
        assert all(abs(x - layout.centres[i]) >= 0.75 for i in range(7) if layout.rows[i] == row)
    crossed = laid_out([[], [], [1], [0]], [1.0] * 4, 0.5)
    assert (crossed.centres[0] < crossed.centres[1]) == (crossed.centres[3] < crossed.centres[2])
