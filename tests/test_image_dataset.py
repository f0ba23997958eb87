"""Datasets of the pictures in folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pycnn as keras
from pycnn.core.resizing import METHODS, weights

make = keras.utils.image_dataset_from_directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures 6 x 9 of one class and three of another, whose values are their numbers."""
    root = tmp_path_factory.mktemp("pictures")
    for name, count, first in (("a", 5, 0), ("b", 3, 10)):
        (root / name).mkdir()
        for i in range(count):
            pixels = np.full((6, 9, 3), first + i, np.uint8)
            keras.utils.save_img(root / name / f"{i}.png", pixels, scale=False)
    (root / ".hidden").mkdir()
    (root / "a" / "notes.txt").write_text("no picture")
    return root


def values(data: object) -> list[int]:
    """The values of the pictures in a dataset's order."""
    batches = [x[0] if isinstance(x, tuple) else x for x in data]
    return [int(image.flat[0]) for batch in batches for image in batch]


ALL = [0, 1, 2, 3, 4, 10, 11, 12]


def test_batches_labels_and_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make(folder, image_size=(4, 5), batch_size=3, shuffle=False)
    assert capsys.readouterr().out == "Found 8 files belonging to 2 classes.\n"
    images, labels = zip(*data, strict=True)
    assert [x.shape for x in images] == [(3, 4, 5, 3), (3, 4, 5, 3), (2, 4, 5, 3)]
    assert np.concatenate(labels).tolist() == [0] * 5 + [1] * 3
    assert (images[0].dtype, labels[0].dtype, len(data)) == (np.float32, np.int32, 3)
    assert values(data) == ALL
    assert data.class_names == ["a", "b"]
    assert [Path(p).relative_to(folder).as_posix() for p in data.file_paths][4:6] == ["a/4.png", "b/0.png"]
    assert images[0].numpy().shape == (3, 4, 5, 3)


def test_modes(folder: Path) -> None:
    given = {"directory": folder, "image_size": 4, "shuffle": False, "verbose": False}
    x, y = next(iter(make(**given, label_mode="categorical", color_mode="grayscale", class_names=["b", "a"])))
    assert (x.shape, y.tolist()) == ((8, 4, 4, 1), [[1, 0]] * 3 + [[0, 1]] * 5)
    x, y = next(iter(make(**given, label_mode="binary", color_mode="rgba", data_format="channels_first")))
    assert (x.shape, y.shape, y.dtype) == ((8, 4, 4, 4), (8, 1), np.float32)
    assert y.ravel().tolist() == [0] * 5 + [1] * 3
    assert next(iter(make(**given, labels=None))).shape == (8, 4, 4, 3)
    assert next(iter(make(**given, label_mode=None, batch_size=None))).shape == (4, 4, 3)
    own = make(**given, labels=[3, 1, 1, 1, 1, 1, 1, 3])
    assert (own.class_names, next(iter(own))[1].tolist()) == (["1", "3"], [3, 1, 1, 1, 1, 1, 1, 3])


def test_splits_share_no_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"image_size": 4, "validation_split": 0.3, "seed": 5}
    training, validation = make(folder, **given, subset="both")
    assert "Using 6 files for training.\nUsing 2 files for validation.\n" in capsys.readouterr().out
    assert sorted(values(training) + values(validation)) == ALL
    alone = make(folder, **given, subset="validation", verbose=False)
    assert sorted(values(alone)) == sorted(values(validation))
    assert values(make(folder, **given, subset="training", verbose=False)) != sorted(values(training))
    one, other = (make(folder, image_size=4, batch_size=2, seed=1, verbose=False) for _ in range(2))
    first = values(one)
    assert first == values(other)
    assert sorted(first) == ALL


def test_a_model_learns_from_it(folder: Path) -> None:
    keras.utils.set_random_seed(0)
    training, validation = make(
        folder, image_size=4, validation_split=0.25, subset="both", seed=1, verbose=False
    )
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(training.cache(), validation_data=validation, epochs=2, verbose=0).history
    assert len(history["val_loss"]) == 2
    assert model.predict(validation, verbose=0).shape == (2, 2)


def test_proportions(tmp_path: Path) -> None:
    pixels = np.zeros((4, 8, 1), np.uint8)
    pixels[:, 2:6] = 100
    keras.utils.save_img(tmp_path / "x.png", pixels, scale=False)
    given = {"labels": None, "color_mode": "grayscale", "image_size": 4, "verbose": False}
    cropped = next(iter(make(tmp_path, **given, crop_to_aspect_ratio=True)))
    np.testing.assert_array_equal(cropped, np.full((1, 4, 4, 1), 100, np.float32))
    padded = next(iter(make(tmp_path, **given, pad_to_aspect_ratio=True, interpolation="nearest")))
    expected = np.zeros((4, 4))
    expected[1:3, 1:3] = 100
    np.testing.assert_array_equal(padded[0, :, :, 0], expected)


def test_what_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        keras.utils.save_img(tmp_path / name / "1.png", np.zeros((4, 4, 3)))
    broken = tmp_path / "a" / "0.png"
    broken.write_bytes((tmp_path / "a" / "1.png").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"0\.png"):
        list(make(tmp_path, image_size=4, verbose=False))
    data = make(tmp_path, image_size=4, shuffle=False, verbose=False, on_error="skip")
    assert [y.tolist() for _, y in data] == [[0, 1]]
    assert [path for path, _ in data.skipped] == [str(broken)]


@pytest.mark.parametrize("method", METHODS)
def test_weights_keep_the_mean_of_even_images(method: str) -> None:
    for old, new in ((7, 3), (3, 7), (5, 5), (1, 4)):
        np.testing.assert_allclose(weights(method, old, new).sum(1), 1, rtol=1e-12)
    if method not in ("gaussian", "mitchellcubic"):  # which smooth
        np.testing.assert_allclose(weights(method, 5, 5), np.eye(5), atol=1e-12)
    assert weights("area", 4, 2).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"format": "grain"}, NotImplementedError, "pycnn.data.Dataset"),
        ({"label_mode": "one"}, ValueError, "label_mode"),
        ({"color_mode": "cmyk"}, ValueError, "color_mode"),
        ({"interpolation": "sinc"}, ValueError, "interpolation"),
        ({"image_size": (3,)}, ValueError, "image_size"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"subset": "training"}, ValueError, "expected both or neither"),
        ({"subset": "training", "validation_split": 2}, ValueError, "between 0 and 1"),
        ({"subset": "training", "validation_split": 0.5}, ValueError, "needs a `seed`"),
        ({"subset": "validation", "validation_split": 0.01, "seed": 1}, ValueError, "no validation pictures"),
        ({"labels": [1]}, ValueError, "8 files"),
        ({"labels": "folders"}, ValueError, "inferred"),
        ({"class_names": ["c"]}, ValueError, "class_names"),
        ({"labels": None, "class_names": ["a"]}, ValueError, "class_names"),
        ({"label_mode": "binary", "class_names": ["a"]}, ValueError, "two classes"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, ValueError, "only one"),
        ({"on_error": "ignore"}, ValueError, "on_error"),
        ({"directory": "/nowhere"}, FileNotFoundError, "nowhere"),
    ],
)
def test_refusals(folder: Path, arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(**({"directory": folder, "verbose": False} | arguments))
