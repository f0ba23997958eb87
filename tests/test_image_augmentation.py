"""Affine maps of images, and what `ImageDataGenerator` does to images in memory."""

import sys

import image_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pycnn as keras
from pycnn import _core
from pycnn.preprocessing import image

MODES = ("nearest", "constant", "reflect", "wrap", "mirror")


# --- the core -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", MODES)
def test_affine_maps(rng, mode, isa):
    for h, w, c, size in (
        (1, 1, 1, None),
        (7, 9, 3, None),
        (1, 5, 2, (4, 11)),
        (10, 6, 4, (3, 9)),
        (9, 17, 1, None),
    ):
        drawn = [(rng.uniform(-720, 720), 2.5 * w, -3.1 * h, 20, *rng.uniform(0.3, 2, 2)) for _ in range(2)]
        extreme = [(720, 0, 0, 0, 1, 1), (10, 0.1, 0, 0, 0.01, 0.01), (0, 0.3, 0, 5, 97.3, 90.1)]
        rows = np.array([(*row, i % 2, i // 2) for i, row in enumerate(drawn + extreme)])
        matrices = _core.image_matrices(rows, h, w)
        for order in (0, 1):
            for dtype in (np.uint8, np.float32):
                x = rng.integers(0, 256, (len(rows), h, w, c)).astype(dtype)
                if order == 0:
                    matrices[:, [2, 5]] += 0.0123  # no ties
                y = _core.augment_images(x, None, matrices, order=order, fill_mode=mode, cval=9.0, size=size)
                for one, source, matrix in zip(y, x, matrices, strict=True):
                    expected = reference.affine(source.astype(float), matrix, order, mode, 9.0, size)
                    np.testing.assert_allclose(one, expected, atol=1e-3 if order else 0)


def test_rows_of_the_source(rng):
    x = rng.integers(0, 256, (5, 4, 6, 3), np.uint8)
    same = np.tile([1.0, 0, 0, 0, 1, 0], (3, 1))
    y = _core.augment_images(x, np.array([4, 0, 4]), same)
    np.testing.assert_array_equal(y, x[[4, 0, 4]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((2, 3, 3), np.uint8)}, "x must have 4 dimensions"),
        ({"x": np.zeros((2, 3, 3, 1))}, "uint8 or float32"),
        ({"rows": np.array([0, 2])}, "rows has 2"),
        ({"matrices": np.full((2, 6), np.nan)}, "finite"),
        ({"matrices": np.zeros((2, 5))}, "matrices must have shape"),
        ({"order": 3}, "order must be 0 or 1"),
        ({"fill_mode": "grid"}, "fill_mode is 'grid'"),
        ({"size": (0, 4)}, "sides are 1 to"),
        ({"feature_scale": np.ones(1, np.float32)}, "belong together"),
        ({"channel_shifts": np.zeros(3)}, "channel_shifts must have shape"),
    ],
)
def test_the_core_refuses(change, message):
    arguments = {"x": np.zeros((2, 3, 3, 1), np.uint8), "rows": None, "matrices": np.zeros((2, 6))}
    with pytest.raises(ValueError, match=message):
        _core.augment_images(**{**arguments, **change})


# --- one image ----------------------------------------------------------------------------------------------
AXES = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


def test_the_center_is_the_center(rng):
    x = rng.uniform(0, 1, (20, 40, 3))
    np.testing.assert_allclose(image.apply_affine_transform(x, 180, **AXES), x[::-1, ::-1], atol=1e-5)
    first = image.apply_affine_transform(x.transpose(2, 0, 1), 180)
    np.testing.assert_allclose(first, x[::-1, ::-1].transpose(2, 0, 1), atol=1e-5)
    turned = image.apply_affine_transform(x, 180, **AXES, fill_mode="constant", cval=-1, compat="keras")
    assert (turned == -1).any()


def test_shifts_move_along_their_axis(rng):
    x = rng.uniform(0, 255, (12, 30, 1))
    wide = image.ImageDataGenerator(width_shift_range=[4.0], fill_mode="wrap")
    high = image.ImageDataGenerator(height_shift_range=0.5)
    for _ in range(5):
        parameters = wide.get_random_transform(x.shape)
        assert (abs(parameters["tx"]), parameters["ty"]) == (4, 0)
        rolled = np.roll(x, -int(parameters["tx"]), 1)
        np.testing.assert_allclose(wide.apply_transform(x, parameters), rolled, atol=1e-3)
        parameters = high.get_random_transform(x.shape)
        assert parameters["tx"] == 0
        assert abs(parameters["ty"]) <= 6
    parameters = image.ImageDataGenerator(height_shift_range=[3.0], compat="keras").get_random_transform(
        (9, 9, 1)
    )
    assert abs(parameters["tx"]) == 3
    draws = image.ImageDataGenerator(width_shift_range=2)
    assert {draws.get_random_transform((9, 9, 1))["tx"] for _ in range(60)} == {-1, 0, 1}


def test_splines_need_scipy(rng, monkeypatch):
    x = rng.uniform(0, 255, (6, 7, 2))
    for name in ("scipy", "scipy.ndimage"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="interpolation_order=3 needs SciPy"):
        image.apply_affine_transform(x, 20, **AXES, order=3)


def test_order_of_steps(rng):
    x = rng.integers(0, 256, (6, 9, 3), np.uint8)
    parameters = {"flip_horizontal": True, "channel_shift_intensity": 30.0, "brightness": 1.5}
    y = image.ImageDataGenerator().apply_transform(x, parameters)
    shifted = np.minimum(x[:, ::-1].astype(float) + 30, x.max())
    np.testing.assert_allclose(y, np.minimum(shifted * 1.5, 255), rtol=1e-6)
    assert y.dtype == np.float32
    first = image.ImageDataGenerator(data_format="channels_first")
    np.testing.assert_array_equal(
        first.apply_transform(x.transpose(2, 0, 1), parameters), y.transpose(2, 0, 1)
    )
    unchanged = image.ImageDataGenerator().apply_transform(x, {})
    np.testing.assert_array_equal(unchanged, x)


def test_brightness_of_unit_floats(rng):
    x = rng.uniform(0, 1, (5, 5, 2))
    y = image.ImageDataGenerator().apply_transform(x, {"brightness": 1.4})
    np.testing.assert_allclose(y, np.minimum(x * 1.4, 1), rtol=1e-5)
    np.testing.assert_allclose(image.apply_brightness_shift(x, 1.4, False), np.minimum(x * 1.4, 1))
    black = image.apply_brightness_shift(x[:, :, :1], 1.4, False, compat="keras")
    assert black.max() == 0


def test_random_functions_follow_the_seed(rng):
    x = rng.uniform(0, 255, (8, 10, 3))
    state = np.random.get_state()[1].copy()
    for function, arguments in (
        (image.random_rotation, (30,)),
        (image.random_shift, (0.2, 0.3)),
        (image.random_shear, (20,)),
        (image.random_zoom, ((0.5, 1.5),)),
    ):
        keras.random.set_seed(3)
        a = function(x, *arguments, **AXES)
        keras.random.set_seed(3)
        np.testing.assert_array_equal(a, function(x, *arguments, **AXES))
        assert (a != x).any()
    assert (image.random_channel_shift(x, 20.0) != x).any()
    assert (image.random_brightness(x, (0.2, 0.5)) != x).any()
    np.testing.assert_array_equal(state, np.random.get_state()[1])


# --- batches ------------------------------------------------------------------------------------------------
FULL = {
    "rotation_range": 40, "width_shift_range": 0.2, "height_shift_range": 0.2, "shear_range": 10,
    "zoom_range": 0.2, "channel_shift_range": 20, "brightness_range": (0.5, 1.5), "horizontal_flip": True,
    "vertical_flip": True,
}  # fmt: skip


@pytest.mark.parametrize("x_dtype", [np.uint8, np.float32])
def test_batches_are_the_steps_one_by_one(rng, x_dtype):
    """The core's one pass against apply_transform and standardize."""
    x = rng.integers(0, 256, (9, 8, 11, 3)).astype(x_dtype)
    for more in (
        {"rescale": 1 / 255},
        {"samplewise_center": True, "samplewise_std_normalization": True},
        {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 0.1},
        {"preprocessing_function": lambda one: one * 2 + 1, "rescale": 0.5},
        {"data_format": "channels_first", "featurewise_center": True},
        {"dtype": "float64", "fill_mode": "reflect"},
        {"compat": "keras", "rescale": 1 / 255},
    ):
        generator = image.ImageDataGenerator(**FULL, **more)
        images = x.transpose(0, 3, 1, 2) if "data_format" in more else x
        generator.fit(images)
        batches = generator.flow(images, shuffle=False, batch_size=9, seed=5)
        batch = batches[0]
        assert batch.dtype == more.get("dtype", "float32")
        drawn = generator._ranges.draw(5, 0, np.arange(9), 8, 11)
        for one, row, got in zip(images, drawn, batch, strict=True):
            parameters = dict(zip(_names(), row, strict=True))
            want = generator.standardize(generator.apply_transform(one.astype(np.float32), parameters))
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-4)


def _names():
    from pycnn.preprocessing.image.parameters import NAMES

    return NAMES


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 5), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_seed_says_everything(n, batch_size, shuffle, seed):
    x = np.arange(n * 12, dtype=np.uint8).reshape(n, 2, 6, 1)
    generator = image.ImageDataGenerator(rotation_range=90, channel_shift_range=5)

    def flow():
        return generator.flow(x, np.arange(n), batch_size, shuffle, seed=seed)

    a, b = flow(), flow()
    epochs = [[next(a) for _ in range(len(a))] for _ in range(2)]
    for epoch in epochs:
        got = [b[i] for i in reversed(range(len(b)))][::-1]
        for (x1, y1), (x2, y2) in zip(epoch, got, strict=True):
            np.testing.assert_array_equal(x1, x2)
            np.testing.assert_array_equal(y1, y2)
        assert sorted(np.concatenate([y for _, y in epoch])) == list(range(n))
        b.on_epoch_end()
    assert a.total_batches_seen == 2 * len(a)


def test_threads_change_nothing(rng, restore_threads):
    x = rng.integers(0, 256, (40, 9, 9, 3), np.uint8)
    batches = []
    for threads in (1, 2, 3):
        _core.set_num_threads(threads)
        batches.append(image.ImageDataGenerator(**FULL).flow(x, seed=1, batch_size=40)[0])
    assert batches[0].tobytes() == batches[1].tobytes() == batches[2].tobytes()


def test_iterators(rng):
    x, y = rng.integers(0, 256, (10, 4, 4, 1), np.uint8), np.arange(10) % 2
    generator = image.ImageDataGenerator(rotation_range=90, validation_split=0.3)
    batches = generator.flow(x, y, 4, False, np.ones(10))
    assert (len(batches), batches.n, batches.batch_index) == (3, 10, 0)
    assert [len(part) for part in batches[2]] == [2, 2, 2]
    first = next(batches)
    assert batches.batch_index == 1
    batches.reset()
    assert batches.batch_index == 0
    assert (next(batches)[0] != first[0]).any()  # a new epoch
    with pytest.raises(IndexError, match="no batch 3"):
        batches[3]
    valid = generator.flow(x, y, 10, False, subset="validation")
    np.testing.assert_array_equal(valid[0][0], x[:3])  # not augmented
    asked = generator.flow(x, y, 10, False, subset="validation", augment=True, seed=1)
    assert (asked[0][0] != x[:3]).any()
    assert generator.flow(x, y, subset="training").n == 7
    together, labels = generator.flow((x, np.arange(10)), y, 3, False)[0]
    assert together[1].tolist() == [0, 1, 2]
    assert labels.tolist() == [0, 1, 0]


def test_fit_uses_what_batches_get(rng):
    x = rng.uniform(0, 255, (20, 5, 4, 3)).astype(np.float32)
    generator = image.ImageDataGenerator(
        featurewise_center=True,
        featurewise_std_normalization=True,
        rescale=1 / 255,
        preprocessing_function=np.sqrt,
    )
    generator.fit(x)
    batch = generator.flow(x, batch_size=20, shuffle=False)[0]
    np.testing.assert_allclose(batch.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(batch.std((0, 1, 2)), 1, atol=1e-4)
    with pytest.warns(UserWarning, match="featurewise_center"):
        whitening = image.ImageDataGenerator(zca_whitening=True)
    whitening.fit(x, augment=True, rounds=4)
    white = whitening.flow(x, batch_size=20, shuffle=False)[0].reshape(20, -1)
    assert white.shape == (20, 60)
    with pytest.warns(UserWarning, match="before `fit`"):
        image.ImageDataGenerator(featurewise_center=True).standardize(x[0].copy())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"zoom_range": (1, 2, 3)}, ValueError, "zoom_range"),
        ({"rotation_range": "40"}, TypeError, "rotation_range is '40'"),
        ({"width_shift_range": []}, ValueError, "width_shift_range"),
        ({"width_shift_range": -1}, ValueError, "at least 0"),
        ({"height_shift_range": np.nan}, ValueError, "finite"),
        ({"brightness_range": 0.3}, ValueError, "brightness_range"),
        ({"fill_mode": "edge"}, ValueError, "expected one of 'nearest'"),
        ({"data_format": "last"}, ValueError, "data_format"),
        ({"validation_split": 1.0}, ValueError, "validation_split"),
        ({"interpolation_order": 7}, ValueError, "interpolation_order"),
        ({"preprocessing_function": 3}, TypeError, "expected a function"),
        ({"compat": "torch"}, ValueError, "compat"),
        ({"rescale": "1/255"}, TypeError, "rescale"),
    ],
)
def test_refused_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        image.ImageDataGenerator(**arguments)


def test_refused_data(rng):
    generator = image.ImageDataGenerator()
    x = np.zeros((4, 3, 3, 1))
    for arguments, message in (
        ((x[0],), "4 axes"),
        ((np.array([["a"]]),), "expected numbers"),
        ((x, np.zeros(3)), "`y` has shape"),
        (((x, x, x),), "a tuple of 3"),
    ):
        with pytest.raises(ValueError, match=message):
            generator.flow(*arguments)
    with pytest.raises(ValueError, match="no `validation_split`"):
        generator.flow(x, subset="validation")
    with pytest.raises(ValueError, match="not the same classes"):
        image.ImageDataGenerator(validation_split=0.5).flow(x, np.array([0, 0, 1, 1]), subset="training")
    with pytest.raises(ValueError, match="expected the same shape"):
        next(image.ImageDataGenerator(preprocessing_function=lambda one: one[:1]).flow(x))
    with pytest.raises(ValueError, match="has no samples"):
        next(generator.flow(x[:0]))


def test_smart_resize_and_names(rng):
    x = rng.uniform(0, 1, (6, 9, 2))
    assert image.smart_resize(x, (4, 4)).shape == (4, 4, 2)
    np.testing.assert_array_equal(image.smart_resize(x, (6, 6)), x[:, 1:7].astype(np.float32))
    for method in ("bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
        ones = image.smart_resize(np.ones((2, 3, 9, 6), np.uint8), (4, 5), method, "channels_first")
        assert (ones.shape, ones.dtype) == ((2, 3, 4, 5), np.float32)
        np.testing.assert_allclose(ones, 1, rtol=1e-6)
    with pytest.raises(ValueError, match="expected one of 'bilinear', 'bicubic'"):
        image.smart_resize(x, (4, 4), "cubic")
    from pycnn.keras.preprocessing.image import ImageDataGenerator

    assert ImageDataGenerator is keras.keras.preprocessing.image.ImageDataGenerator
