"""Helpers against Keras."""

import tarfile

import numpy as np
import pytest
from keras_peer import load

import pycnn

keras = load()
pytestmark = pytest.mark.peers

RNG = np.random.default_rng(7)


def both(call):
    return call(keras.utils), call(pycnn.utils)


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 1, 3, 7])
def test_pad_sequences(padding, truncating, maxlen):
    for shape in ((), (2,)):
        sequences = [RNG.integers(1, 9, (n, *shape)) for n in (3, 1, 0, 5)]
        options = {"maxlen": maxlen, "padding": padding, "truncating": truncating}
        theirs, ours = both(lambda utils, s=sequences, o=options: utils.pad_sequences(s, value=7, **o))
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_arrays():
    for labels in ([0, 2, 1], [[1], [0]], np.zeros((2, 3), np.uint8)):
        theirs, ours = both(lambda utils, y=labels: utils.to_categorical(y, 4))
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    for axis, order in ((-1, 2), (1, 1), (2, np.inf)):
        x = RNG.normal(size=(3, 4, 5))
        theirs, ours = both(lambda utils, x=x, a=axis, o=order: utils.normalize(x, a, o))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("data", [(1,), (1, 2), (1, 2, 3), [1, 2], 1])
def test_packing(data):
    theirs, ours = both(lambda utils: utils.unpack_x_y_sample_weight(data))
    assert ours == theirs
    theirs, ours = both(lambda utils: utils.pack_x_y_sample_weight(*utils.unpack_x_y_sample_weight(data)))
    assert ours == theirs


@pytest.mark.parametrize("fname", [None, "mine", "mine.tar.gz"])
@pytest.mark.parametrize("extract", [False, True])
def test_where_files_go(tmp_path, fname, extract, capsys):
    source = tmp_path / "source.tgz"
    (tmp_path / "a.txt").write_text("text")
    with tarfile.open(source, "w:gz") as archive:
        archive.add(tmp_path / "a.txt", "a.txt")
    found = []
    for utils in (keras.utils, pycnn.utils):
        cache = tmp_path / utils.__name__.split(".")[0]
        cache.mkdir()
        path = utils.get_file(fname, source.as_uri(), extract=extract, cache_dir=str(cache))
        assert str(path).startswith(str(cache))
        files = sorted(str(p.relative_to(cache)) for p in cache.rglob("*"))
        found.append((str(path)[len(str(cache)) :], files))
    assert found[1] == found[0]
    capsys.readouterr()
