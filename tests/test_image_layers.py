"""Layers that prepare and augment images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers
from pycnn.data import Dataset

RANDOM = {
    "RandomFlip": lambda **k: layers.RandomFlip(**k),
    "RandomRotation": lambda **k: layers.RandomRotation(0.2, **k),
    "RandomTranslation": lambda **k: layers.RandomTranslation(0.2, 0.2, **k),
    "RandomZoom": lambda **k: layers.RandomZoom(0.2, **k),
    "RandomShear": lambda **k: layers.RandomShear(0.2, 0.2, **k),
    "RandomContrast": lambda **k: layers.RandomContrast(0.9, **k),
    "RandomBrightness": lambda **k: layers.RandomBrightness(0.3, **k),
    "RandomCrop": lambda **k: layers.RandomCrop(3, 4, **k),
    "RandomInvert": lambda **k: layers.RandomInvert(0.5, **k),
    "MixUp": lambda **k: layers.MixUp(**k),
    "CutMix": lambda **k: layers.CutMix(**k),
    "RandomErasing": lambda **k: layers.RandomErasing(**k),
    "RandomHue": lambda **k: layers.RandomHue(0.5, **k),
    "RandomSaturation": lambda **k: layers.RandomSaturation((0.2, 0.7), **k),
    "RandomSharpness": lambda **k: layers.RandomSharpness(0.9, **k),
    "RandomPosterization": lambda **k: layers.RandomPosterization(5, **k),
    "RandomColorJitter": lambda **k: layers.RandomColorJitter((0, 255), 0.1, 0.2, (0.4, 0.6), 0.1, **k),
    "RandomGrayscale": lambda **k: layers.RandomGrayscale(0.5, **k),
    "RandomColorDegeneration": lambda **k: layers.RandomColorDegeneration((0.2, 0.9), **k),
    "Solarization": lambda **k: layers.Solarization(0.3, 0.6, **k),
    "RandAugment": lambda **k: layers.RandAugment(**k),
    "AugMix": lambda **k: layers.AugMix(**k),
}


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(10, 200, (8, 6, 6, 3)).astype(np.float32)


@pytest.mark.parametrize("name", RANDOM)
def test_random_layers_follow_their_seed_and_rest_in_inference(name: str, x: np.ndarray) -> None:
    make = RANDOM[name]
    layer, other = make(seed=5), make(seed=5)
    first, second = layer(x, training=True), layer(x, training=True)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(other(x), first)  # on arrays it works as in training
    assert not np.array_equal(make(seed=6)(x), first)
    keras.utils.set_random_seed(3)
    one = make()(x)
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(make()(x), one)
    model = keras.Sequential([keras.Input((6, 6, 3)), make(seed=5)])
    np.testing.assert_array_equal(model(x, training=True), first)
    np.testing.assert_array_equal(model(x, training=True), second)
    if name != "RandomCrop":
        np.testing.assert_array_equal(layer(x, training=False), x)
        np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    swapped = make(seed=5, data_format="channels_first")(x.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(swapped.transpose(0, 2, 3, 1), first)
    assert make(seed=1)(x[0].astype(np.uint8)).shape == first.shape[1:]
    assert make(seed=1)(x[:0]).shape == (0, *first.shape[1:])


@pytest.mark.parametrize(
    ("mode", "flip"),
    [
        ("horizontal", lambda x: x[:, ::-1]),
        ("vertical", lambda x: x[::-1]),
        ("horizontal_and_vertical", lambda x: x[::-1, ::-1]),
    ],
)
def test_flips(mode: str, flip: object, rng: np.random.Generator) -> None:
    x = rng.normal(size=(200, 3, 5, 2)).astype(np.float32)
    y = layers.RandomFlip(mode, seed=1)(x, training=True)
    flipped = [np.array_equal(b, flip(a)) for a, b in zip(x, y, strict=True)]
    kept = [np.array_equal(b, a) for a, b in zip(x, y, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 60 < sum(flipped) < 140  # 100 +- 40 is more than 5 standard deviations


def test_turns_of_a_quarter_and_shifts(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 5, 5, 2)).astype(np.float32)
    for quarters in (1, 2, -1):
        layer = layers.RandomRotation((quarters / 4, quarters / 4), fill_mode="constant")
        np.testing.assert_allclose(layer(x), np.rot90(x, quarters, (1, 2)), atol=1e-5)
    y = layers.RandomTranslation((0.2, 0.2), (-0.4, -0.4), fill_mode="wrap")(x)
    np.testing.assert_allclose(y, np.roll(x, (1, -2), (1, 2)), atol=1e-5)
    np.testing.assert_allclose(layers.RandomZoom((0, 0))(x), x, atol=1e-6)
    full = np.full((1, 4, 4, 1), 3, np.float32)
    for mode in ("reflect", "wrap", "nearest"):
        np.testing.assert_allclose(layers.RandomShear(0.7, 0.7, fill_mode=mode)(full), full, rtol=1e-6)


def test_draws_are_uniform_and_differ_between_images() -> None:
    x = np.zeros((400, 1, 1, 1), np.float32)
    y = layers.RandomBrightness((0.25, 0.75), value_range=(0, 1), seed=1)(x).ravel()
    assert len(set(y.tolist())) > 390
    assert (y.min() >= 0.25, y.max() <= 0.75, y.min() < 0.27, y.max() > 0.73) == (True,) * 4
    assert abs(y.mean() - 0.5) < 0.04  # standard deviation 0.0072
    zoom = layers.RandomZoom((-0.5, 0.5), seed=1)
    maps = zoom.maps(np.zeros((50, 3, 3, 1)))
    np.testing.assert_array_equal(maps[0], maps[4])  # which keeps the proportions


def test_contrast_keeps_means(x: np.ndarray) -> None:
    y = layers.RandomContrast((0.5, 0.9), value_range=(-1e4, 1e4), seed=2)(x)
    np.testing.assert_allclose(y.mean((1, 2)), x.mean((1, 2)), rtol=1e-4)
    mean = x.mean((1, 2), keepdims=True)
    factors = ((y - mean) / (x - mean)).reshape(8, -1)
    np.testing.assert_allclose(
        factors, np.broadcast_to(np.median(factors, 1)[:, None], factors.shape), rtol=0.05
    )
    assert (np.median(factors, 1) >= 0.5).all()
    assert (np.median(factors, 1) <= 1.9).all()


def test_crops_are_parts(x: np.ndarray) -> None:
    for _ in range(5):
        y = layers.RandomCrop(3, 4)(x, training=True)
        places = [(i, j) for i in range(4) for j in range(3) if np.array_equal(x[:, i : i + 3, j : j + 4], y)]
        assert len(places) == 1


def test_erased_are_rectangles(x: np.ndarray) -> None:
    y = layers.RandomErasing((1, 1), scale=(0.2, 0.5), fill_value=(1, 2, 3))(x)
    for before, after in zip(x, y, strict=True):
        changed = (before != after).any(-1)
        rows, columns = changed.any(1), changed.any(0)
        np.testing.assert_array_equal(changed, rows[:, None] & columns)
        assert 2 <= rows.sum() <= 5  # 6 sqrt(0.2) = 2.7 to 6 sqrt(0.5) = 4.2 pixels
        np.testing.assert_array_equal(after[changed], np.tile([[1, 2, 3]], (changed.sum(), 1)))
    np.testing.assert_array_equal(layers.RandomErasing((0, 0))(x), x)


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_labels_are_mixed_as_images_are(name: str) -> None:
    images = np.arange(1.0, 9)[:, None, None, None] * np.ones((8, 40, 40, 1))
    found = RANDOM[name](seed=3)({"images": images, "labels": np.eye(8)})
    labels = found["labels"]
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-6)
    assert ((labels > 0).sum(1) <= 2).all()
    # A mean of the classes' values, by which a rectangle of 40 pixels is rounded to whole ones.
    rounding = 1e-5 if name == "MixUp" else 7 * 2 * 2 / 40
    np.testing.assert_allclose(found["images"].mean((1, 2, 3)), labels @ np.arange(1.0, 9), atol=rounding)
    kept = layers.RandomFlip()({"images": images, "labels": np.arange(8)})
    np.testing.assert_array_equal(kept["labels"], np.arange(8))


def network() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((9, 7, 3)),
            layers.Resizing(6, 6),
            layers.RandomFlip("horizontal", seed=1),
            layers.RandomRotation(0.1, seed=2),
            layers.RandomZoom(0.1, seed=3),
            layers.RandomCrop(5, 5, seed=4),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def test_a_model_learns_with_them_and_is_saved(rng: np.random.Generator, tmp_path: Path) -> None:
    x = rng.uniform(0, 255, (20, 9, 7, 3)).astype(np.float32)
    labels = rng.integers(0, 2, 20)

    def trained() -> keras.Sequential:
        keras.utils.set_random_seed(0)
        model = network()
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, labels, batch_size=8, epochs=2, verbose=0)
        return model

    one, other = trained(), trained()
    np.testing.assert_array_equal(one.predict(x, verbose=0), other.predict(x, verbose=0))
    one.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), one.predict(x, verbose=0), rtol=1e-6)


def test_a_model_works_as_in_training_where_nobody_says_whether_it_is_one(x: np.ndarray) -> None:
    inner = keras.Sequential([layers.RandomFlip("horizontal", seed=5)])
    for model in (inner, keras.Sequential([keras.Input((6, 6, 3)), inner, layers.Dropout(0.5)])):
        want = layers.RandomFlip("horizontal", seed=5)(x)
        np.testing.assert_array_equal(model(x), want)
        assert not np.array_equal(model(x), want)
        np.testing.assert_array_equal(model(x, training=False), x)
        np.testing.assert_array_equal(model.predict(x, verbose=0), x)
        inner.layers[-1]._draws = 0


def test_in_a_dataset(x: np.ndarray) -> None:
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
    data = Dataset.from_tensor_slices((x, np.arange(8))).batch(4)
    found = list(data.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=2))
    assert [images.shape for images, _ in found] == [(4, 6, 6, 3)] * 2
    single = Dataset.from_tensor_slices(x).map(layers.Resizing(2, 3)).batch(8)
    assert next(iter(single)).shape == (8, 2, 3, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.RandomFlip("sideways"), ValueError, "mode is 'sideways'"),
        (lambda: layers.RandomRotation(1.5), ValueError, "factor is 1.5"),
        (lambda: layers.RandomRotation((1, 2, 3)), ValueError, "pair"),
        (lambda: layers.RandomRotation("much"), TypeError, "factor"),
        (lambda: layers.RandomZoom(-1.0), ValueError, "above -1"),
        (lambda: layers.RandomTranslation(0.1, None), ValueError, "width_factor"),
        (lambda: layers.RandomZoom(0.1, fill_mode="mirror"), ValueError, "fill_mode"),
        (lambda: layers.RandomZoom(0.1, interpolation="bicubic"), ValueError, "interpolation"),
        (lambda: layers.RandomShear(-0.1), ValueError, "x_factor"),
        (lambda: layers.RandomBrightness(0.1, value_range=3), ValueError, "value_range"),
        (lambda: layers.RandomCrop(0, 2), ValueError, "height"),
        (lambda: layers.Resizing(2, 2, "area"), ValueError, "interpolation"),
        (
            lambda: layers.Resizing(2, 2, fill_mode="reflect", pad_to_aspect_ratio=True),
            ValueError,
            "fill_mode",
        ),
        (lambda: layers.RandomFlip(bounding_box_format="xyxy"), NotImplementedError, "bounding boxes"),
        (lambda: layers.RandomFlip()({"images": 1, "bounding_boxes": 2}), NotImplementedError, "no boxes"),
        (lambda: layers.RandomFlip()({"images": np.zeros((2, 2, 3))}), ValueError, r"\(n, h, w, c\)"),
        (lambda: layers.MixUp()({"images": np.zeros((2, 2, 2, 3)), "labels": [1, 2]}), ValueError, "one-hot"),
        (lambda: layers.MixUp(0), ValueError, "alpha"),
        (lambda: layers.RandomFlip()(np.zeros((2, 2))), ValueError, r"\(h, w, c\)"),
        (lambda: layers.Resizing(2, 2)(keras.Input((4,))), ValueError, "expects images"),
        (lambda: layers.RandomGrayscale()(np.zeros((1, 2, 2, 1))), ValueError, "3 colours"),
        (lambda: layers.RandAugment()(np.zeros((1, 2, 2, 1))), ValueError, "3 colours"),
        (lambda: layers.RandAugment(factor=1.5), ValueError, "factor"),
        (lambda: layers.RandAugment(num_ops=-1), ValueError, "num_ops"),
        (lambda: layers.RandAugment(interpolation="cubic"), ValueError, "interpolation"),
        (lambda: layers.AugMix(alpha=0), ValueError, "alpha"),
        (lambda: layers.AugMix(num_chains=0), ValueError, "num_chains"),
        (lambda: layers.Equalization(bins=1), ValueError, "bins"),
        (lambda: layers.Solarization(1.2), ValueError, "addition_factor"),
    ],
)
def test_refusals(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_one_image_through_several_layers():
    """A Sequential that prepares images takes one, too, of any size."""
    prepare = keras.Sequential([layers.Resizing(4, 6), layers.Rescaling(1 / 255)])
    for size in ((8, 9), (5, 7)):
        image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
        found = prepare(image, training=True)
        assert found.shape == (4, 6, 3)
        np.testing.assert_allclose(found, layers.Resizing(4, 6)(image) / 255, rtol=1e-6)
    augment = keras.Sequential([keras.Input((4, 6, 3)), layers.RandomFlip("horizontal")])
    assert augment(found).shape == (4, 6, 3)
    assert prepare(np.zeros((2, 8, 9, 3))).shape == (2, 4, 6, 3)
    with pytest.raises(ValueError, match="shape"):
        keras.Sequential([layers.Resizing(4, 6), layers.Conv2D(2, 3)])(image)
