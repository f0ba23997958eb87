"""Layers that prepare and augment images, with random numbers of one value, against Keras."""

import keras_peer
import numpy as np
import pytest

pytestmark = pytest.mark.peers
keras = keras_peer.load()

import pycnn  # noqa: E402

SIZES = [(3, 5), (9, 4), (12, 20), (6, 8)]
METHODS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
RESIZING = [
    *({"interpolation": method} for method in METHODS),
    {"antialias": True},
    {"crop_to_aspect_ratio": True},
    {"pad_to_aspect_ratio": True, "fill_value": 7.0},
    {"data_format": "channels_first", "pad_to_aspect_ratio": True},
]


def compared(name, x, *args, atol=2e-4, **kwargs):
    """Our layer on arrays, in a model, restored from Keras' configuration, and Keras' own."""
    theirs = getattr(keras.layers, name)(*args, **kwargs)
    want = np.array(theirs(x, training=True))
    ours = getattr(pycnn.layers, name)(*args, **kwargs)
    np.testing.assert_allclose(ours(x, training=True), want, rtol=1e-5, atol=atol)
    np.testing.assert_allclose(ours(x[0], training=True), want[0], rtol=1e-5, atol=atol)
    model = pycnn.Sequential([pycnn.Input(x.shape[1:]), ours])
    np.testing.assert_allclose(model(x, training=True), want, rtol=1e-5, atol=atol)
    again = type(ours).from_config(ours.get_config())
    np.testing.assert_allclose(again(x, training=True), want, rtol=1e-5, atol=atol)
    return model, theirs


@pytest.mark.parametrize("options", RESIZING, ids=str)
def test_resizing(rng, options):
    x = rng.uniform(0, 255, (2, 6, 8, 3)).astype(np.float32)
    x = x.transpose(0, 3, 1, 2) if "data_format" in options else x
    for size in SIZES:
        model, theirs = compared("Resizing", x, *size, **options)
        np.testing.assert_allclose(model.predict(x, verbose=0), theirs(x), rtol=1e-5, atol=2e-4)


def test_center_crop(rng):
    x = rng.uniform(0, 255, (2, 6, 8, 3)).astype(np.float32)
    for size in (*SIZES, (5, 5), (1, 8)):
        model, theirs = compared("CenterCrop", x, *size)
        np.testing.assert_allclose(model.predict(x, verbose=0), theirs(x), rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize("fill_mode", ["reflect", "wrap", "nearest", "constant"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_geometry(rng, fill_mode, interpolation):
    x = rng.uniform(0, 1, (2, 6, 9, 2)).astype(np.float32)
    options = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 0.25}
    compared("RandomRotation", x, (0.07, 0.07), **options)
    compared("RandomRotation", x, (-0.31, -0.31), **options)
    compared("RandomTranslation", x, (0.23, 0.23), (-0.41, -0.41), **options)
    compared("RandomZoom", x, (0.33, 0.33), (-0.37, -0.37), **options)
    compared("RandomZoom", x, (-0.33, -0.33), **options)
    compared("RandomRotation", x.transpose(0, 3, 1, 2), (0.07, 0.07), data_format="channels_first", **options)


def test_colors(rng):
    x = rng.uniform(0, 255, (2, 6, 9, 3)).astype(np.float32)
    compared("RandomBrightness", x, (0.3, 0.3))
    compared("RandomBrightness", x / 255, (-0.3, -0.3), value_range=(0, 1))
    compared("RandomContrast", x, (0, 0))
    compared("RandomInvert", x, (1, 1))
    compared("RandomGrayscale", x, 1.0)
    compared("RandomHue", x, (1, 1), atol=2e-3)
    compared("RandomSaturation", x, (0.3, 0.3), atol=2e-3)
    compared("RandomSaturation", x / 255, (0.7, 0.7), value_range=(0, 1))
    compared("RandomSharpness", x, (0.2, 0.2), atol=1e-3)
    compared("RandomSharpness", x / 255, (0.9, 0.9), value_range=(0, 1))
    compared("RandomPosterization", x, (3, 3))
    compared("RandomColorDegeneration", x, (0.7, 0.7))
    compared("RandomColorDegeneration", x / 255, (-0.9, -0.9), value_range=(0, 1))


@pytest.mark.parametrize("value_range", [(0, 255), (0, 1), (-1, 1)])
def test_levels(rng, value_range):
    low, high = value_range
    x = rng.uniform(low, high, (3, 6, 9, 3)).astype(np.float32)
    x[0, :, :, 1], x[1] = low, x[1] / 3 + low / 2  # a channel of one value, and one of a part of the range
    scale = {"value_range": value_range, "atol": 1e-5 * 255 * (high - low)}
    model, theirs = compared("AutoContrast", x, **scale)
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs(x, training=False), atol=scale["atol"])
    model, theirs = compared("Solarization", x, **scale)
    np.testing.assert_allclose(model.predict(x, verbose=0), x)
    # No value lies at the border of two steps of the histogram, where rounding would decide. All images of a
    # batch share it, so that one by itself has another one.
    for bins in (16, 7):
        steps = (rng.integers(0, bins, x.shape) + 0.5) / bins
        for images in (steps * (high - low) + low, np.full(x.shape, low)):
            images = images.astype(np.float32)
            ours = pycnn.layers.Equalization(value_range, bins)
            want = keras.layers.Equalization(value_range, bins)(images, training=True)
            np.testing.assert_allclose(ours(images, training=True), want, atol=scale["atol"])
            np.testing.assert_array_equal(ours(images, training=False), images)


def test_auto_contrast_with_channels_first(rng):
    x = rng.uniform(0, 200, (2, 3, 5, 4)).astype(np.float32)
    compared("AutoContrast", x, data_format="channels_first")


def test_solarization_stays_in_its_ranges(rng):
    """Random numbers differ: an image of one value shows the threshold, a sum the addition."""
    dark = np.full((400, 1, 1, 1), 100.0, np.float32)
    levels = [0.1, 0.5, 0.9]
    for factors in ((0.2, 0.0), (0.0, 0.6), (0.3, (0.1, 0.5))):
        kits = (pycnn.layers.Solarization, keras.layers.Solarization)
        mine, theirs = (np.array(kit(*factors, seed=1)(dark, training=True)) for kit in kits)
        np.testing.assert_allclose(np.quantile(mine, levels), np.quantile(theirs, levels), atol=25)


def test_rand_augment_applies_keras_operations(rng):
    """With factors of one value each of its operations is that of Keras: every outcome is one of theirs."""
    x = rng.uniform(20, 230, (2, 8, 8, 3)).astype(np.float32)
    theirs = keras.layers.RandAugment(factor=(0.3, 0.3), seed=1)
    random = ("solarization", "random_contrast")
    known = [name for name in theirs._AUGMENT_LAYERS if name not in random]
    wanted = [(name, np.array(getattr(theirs, name)(x, training=True))) for name in known]
    for _ in range(20):  # to either side, for each image
        wanted.append(("random_shear", np.array(theirs.random_shear(x, training=True))))
    seen, others = set(), 0
    for seed in range(120):
        got = pycnn.layers.RandAugment(num_ops=1, factor=(0.3, 0.3), seed=seed)(x, training=True)
        names = {name for name, want in wanted if np.abs(got - want).max() < 2e-2}
        assert len(names) <= 1
        seen |= names
        others += not names
        assert 0 <= got.min() <= got.max() <= 255
    assert seen == set(known)
    assert others <= 45  # two of eleven


def test_policies_that_change_nothing(rng):
    x = rng.uniform(0, 255, (2, 8, 8, 3)).astype(np.float32)
    compared("RandAugment", x, num_ops=0)
    compared("AugMix", x / 255, (0, 1), chain_depth=0)


CONFIGS = {
    "RandomFlip": ("vertical",),
    "RandomRotation": (0.2,),
    "RandomTranslation": (0.1, (-0.2, 0.3)),
    "RandomZoom": (0.2, None),
    "RandomShear": (0.2, 0.3),
    "RandomContrast": (0.4,),
    "RandomBrightness": (0.4,),
    "RandomCrop": (3, 4, 5),
    "RandomInvert": (),
    "RandomGrayscale": (),
    "RandomErasing": (),
    "RandomHue": (0.4,),
    "RandomSaturation": (0.4,),
    "RandomSharpness": (0.4,),
    "RandomPosterization": (4,),
    "RandomColorDegeneration": (0.4,),
    "AutoContrast": ((0, 1),),
    "Equalization": ((0, 1), 7),
    "Solarization": (0.2, (0.1, 0.4)),
    "RandAugment": ((0, 1), 3, 0.4),
    "AugMix": ((0, 1), 2, 1, (0.1, 0.4), 0.5, False),
    "RandomColorJitter": ((0, 1), 0.1, 0.2, 0.3, 0.4),
    "Resizing": (3, 4, "nearest"),
    "CenterCrop": (3, 4),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_and_defaults(name):
    def plain(value):
        return [plain(x) for x in value] if isinstance(value, (list, tuple)) else value

    def own(config):
        return {k: plain(v) for k, v in config.items() if k not in ("name", "dtype", "trainable")}

    ours = getattr(pycnn.layers, name)(*CONFIGS[name])
    theirs = getattr(keras.layers, name)(*CONFIGS[name])
    mine = ours.get_config()
    assert own(mine) == own(mine) | own(theirs.get_config())  # RandomGrayscale's seed is not in Keras'
    again = type(ours).from_config(own(theirs.get_config()) | {"name": "again"})
    assert own(again.get_config()) == own(mine)
