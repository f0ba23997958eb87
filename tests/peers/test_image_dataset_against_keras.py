"""Order, labels and splits of datasets of pictures, and sizes of images, against Keras."""

import importlib

import keras_peer
import numpy as np
import pytest

pytestmark = pytest.mark.peers
keras = keras_peer.load()

import pycnn  # noqa: E402
from pycnn.core.resizing import resized  # noqa: E402

theirs = importlib.import_module("keras.src.utils.dataset_utils")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for name, count in (("b", 7), ("a", 5), ("a-c", 4), ("a/inner", 3)):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pycnn.utils.save_img(root / name / f"{i}.PNG", np.zeros((2, 2, 3)), scale=False)
    return root


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("subset", [None, "training", "validation"])
@pytest.mark.parametrize("labels", ["inferred", None, list(range(19))])
def test_files_and_labels(folder, shuffle, subset, labels, capsys):
    split = None if subset is None else 0.3
    paths, known, names = theirs.index_directory(
        str(folder), labels, (".png",), shuffle=shuffle, seed=7, verbose=True
    )
    paths, known = theirs.get_training_or_validation_split(paths, known, split, subset)
    printed = capsys.readouterr().out
    data = pycnn.utils.image_dataset_from_directory(
        folder, labels, image_size=2, shuffle=shuffle, seed=7, validation_split=split, subset=subset
    )
    assert capsys.readouterr().out == printed
    assert data.file_paths == paths
    assert data.class_names == names
    if labels is not None and not shuffle:
        assert np.concatenate([y for _, y in data]).tolist() == list(known)


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("smooth", [False, True])
def test_sizes(rng, method, smooth):
    antialias = smooth and method != "nearest"
    for size in ((5, 9), (16, 4), (3, 30), (7, 11)):
        x = rng.uniform(0, 255, (2, 7, 11, 3)).astype(np.float32)
        want = keras.ops.image.resize(x, size, interpolation=method, antialias=antialias)
        np.testing.assert_allclose(resized(x, size, method, antialias), want, rtol=1e-5, atol=1e-3)
