"""Pictures from files, and their augmentation, against Keras' copy and SciPy."""

import warnings

import numpy as np
import pytest

from pycnn import _core
from pycnn.preprocessing import image as ours

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning"),
]
keras = pytest.importorskip("keras")
ndimage = pytest.importorskip("scipy.ndimage")
theirs = pytest.importorskip("keras.src.legacy.preprocessing.image")

MODES = {"nearest": "nearest", "constant": "constant", "reflect": "reflect", "wrap": "grid-wrap"}


# --- affine maps --------------------------------------------------------------------------------------------
def _doubtful(coordinates, length, order, mode):
    """Where one rounding error decides between two pixels, or between a pixel and the constant."""
    doubt = np.zeros(coordinates.shape, bool)
    if mode == "constant":
        doubt |= np.minimum(abs(coordinates), abs(coordinates - length + 1)) < 1e-4
    if order == 0:
        doubt |= abs(coordinates + 0.5 - np.round(coordinates + 0.5)) < 1e-4
    if mode == "wrap_ends":
        turns = coordinates / max(length - 1, 1)
        doubt |= abs(turns - np.round(turns)) < 1e-4
    return doubt


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("mode", [*MODES, "mirror", "wrap_ends"])
def test_affine_maps_are_scipys(rng, mode, order, isa):
    scipy_mode = {"wrap_ends": "wrap", "mirror": "mirror"}.get(mode) or MODES[mode]
    for h, w, c in ((1, 1, 1), (1, 7, 3), (5, 1, 2), (13, 17, 1), (20, 40, 3), (9, 31, 4), (12, 11, 6)):
        drawn = [(rng.uniform(-720, 720), 3 * w, -3 * h, 30, *rng.uniform(0.3, 2.5, 2)) for _ in range(4)]
        extreme = [(720, 0, 0, 0, 1, 1), (10, 0, 0, 0, 0.01, 0.01), (0, 0.3, 0, 5, 100, 90)]
        rows = np.array([(*row, i % 2, i // 2 % 2) for i, row in enumerate(drawn + extreme)])
        matrices = _core.image_matrices(rows, h, w)
        for dtype in (np.uint8, np.float32):
            x = rng.integers(0, 256, (len(rows), h, w, c)).astype(dtype)
            y = _core.augment_images(x, None, matrices, order=order, fill_mode=mode, cval=17.0)
            for one, image, m in zip(y, x.astype(np.float64), matrices, strict=True):
                i, j = np.mgrid[:h, :w]
                doubt = _doubtful(m[0] * i + m[1] * j + m[2], h, order, mode)
                doubt |= _doubtful(m[3] * i + m[4] * j + m[5], w, order, mode)
                for channel in range(c):
                    expected = ndimage.affine_transform(
                        image[:, :, channel],
                        m[[0, 1, 3, 4]].reshape(2, 2),
                        m[[2, 5]],
                        order=order,
                        mode=scipy_mode,
                        cval=17.0,
                    )
                    off = np.abs(one[:, :, channel] - expected)[~doubt]
                    assert off.max(initial=0) <= 1e-3, (h, w, c, m)


AXES = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


@pytest.mark.parametrize("compat", [None, "keras"])
def test_affine_transform(rng, compat):
    sizes = [(12, 12)] if compat is None else [(12, 12), (20, 40), (9, 5)]
    for h, w in sizes:
        x = rng.uniform(0, 255, (h, w, 3))
        for arguments in (
            {"theta": 30.0},
            {"tx": 2.3, "ty": -1.2},
            {"shear": 20.0},
            {"zx": 1.3, "zy": 0.7},
            {"theta": -70.0, "tx": 1.5, "ty": 2.25, "shear": 10.0, "zx": 0.9, "zy": 1.2},
        ):
            # At the ends of Keras' "wrap" a rounding error decides, wherever a shift or shear is by itself.
            wraps = compat == "keras" and "theta" in arguments
            for fill_mode in ("nearest", "reflect", *(("wrap",) if wraps else ())):
                options = {**arguments, **AXES, "fill_mode": fill_mode}
                got = ours.apply_affine_transform(x, **options, compat=compat)
                np.testing.assert_allclose(got, theirs.apply_affine_transform(x, **options), atol=1e-3)


def test_splines_are_scipys(rng):
    x = rng.uniform(0, 255, (12, 12, 2))
    got = ours.apply_affine_transform(x, 25, **AXES, order=3, fill_mode="reflect")
    want = theirs.apply_affine_transform(x, 25, **AXES, order=3, fill_mode="reflect")
    np.testing.assert_allclose(got, want, atol=1e-3)


def test_apply_transform_in_keras_way(rng):
    x = rng.uniform(0, 255, (16, 24, 3)).astype(np.float32)
    parameters = {
        "theta": 20, "tx": 2.5, "ty": -3, "shear": 10, "zx": 1.1, "zy": 0.8, "flip_horizontal": True,
        "flip_vertical": True, "channel_shift_intensity": 20.0, "brightness": None,
    }  # fmt: skip
    got = ours.ImageDataGenerator(compat="keras").apply_transform(x, parameters)
    np.testing.assert_allclose(got, theirs.ImageDataGenerator().apply_transform(x, parameters), atol=1e-3)
    parameters = {"brightness": 1.3}
    got = ours.ImageDataGenerator(compat="keras").apply_transform(x, parameters)
    np.testing.assert_array_equal(got, theirs.ImageDataGenerator().apply_transform(x, parameters))
    for brightness in (0.4, 1.7):
        for image in (x, x - 30, x / 255):
            for scale in (False, True):
                want = theirs.apply_brightness_shift(image, brightness, scale)
                got = ours.apply_brightness_shift(image, brightness, scale, compat="keras")
                np.testing.assert_allclose(got, want, atol=1e-3)
                if image.max() > 1:  # but for Keras' 8 bits
                    np.testing.assert_allclose(
                        ours.apply_brightness_shift(image, brightness, scale), want, atol=3.6
                    )
    np.testing.assert_allclose(
        ours.apply_channel_shift(x, 9.5, 2), theirs.apply_channel_shift(x, 9.5, 2), atol=1e-4
    )


def test_parameters_come_from_keras_ranges():
    """The same extremes, evenly filled."""
    arguments = {
        "rotation_range": 40, "width_shift_range": 0.2, "height_shift_range": [0.1, 0.4], "shear_range": 5.0,
        "zoom_range": (0.5, 1.5), "channel_shift_range": 10.0, "brightness_range": (0.2, 3.0),
        "horizontal_flip": True,
    }  # fmt: skip
    mine, other = ours.ImageDataGenerator(**arguments, compat="keras"), theirs.ImageDataGenerator(**arguments)
    np.random.seed(0)
    drawn = [[g.get_random_transform((20, 30, 3)) for _ in range(2000)] for g in (mine, other)]
    for name in drawn[0][0]:
        a, b = (np.array([float(one[name]) for one in sample]) for sample in drawn)
        spread = max(b.max() - b.min(), 1e-9)
        assert abs(a.mean() - b.mean()) < 0.05 * spread, name
        assert abs(a.std() - b.std()) < 0.05 * spread, name
        assert abs(a.min() - b.min()) < 0.02 * spread, name
        assert abs(a.max() - b.max()) < 0.02 * spread, name
    for arguments in ({"height_shift_range": 3}, {"width_shift_range": 2}, {"width_shift_range": [-4, 1]}):
        mine = ours.ImageDataGenerator(**arguments, compat="keras")
        other = theirs.ImageDataGenerator(**arguments)
        values = [
            {tuple(g.get_random_transform((20, 30, 3))[k] for k in ("tx", "ty")) for _ in range(200)}
            for g in (mine, other)
        ]
        assert values[0] == values[1]


# --- standardization ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arguments",
    [
        {"rescale": 1 / 255},
        {"samplewise_center": True, "samplewise_std_normalization": True},
        {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 0.5},
        {"featurewise_center": True, "zca_whitening": True},
    ],
)
def test_standardization(rng, arguments):
    x = rng.integers(0, 256, (40, 6, 5, 3)).astype(np.float32)
    generators = [module.ImageDataGenerator(**arguments) for module in (ours, theirs)]
    for generator in generators:
        generator.fit(x)
    got, want = (next(g.flow(x, batch_size=9, shuffle=False)) for g in generators)
    # Whitening multiplies what is left of small singular values by up to 1e3.
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-3 if "zca_whitening" in arguments else 2e-5)


# --- files --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from PIL import Image

    root = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(3)
    modes = {"RGB": 3, "RGBA": 4, "L": 0, "LA": 2, "CMYK": 4}
    number = 0
    for name in ("b-class", "a", "b", "empty", "ünïcødé 猫"):
        (root / name / "below" / "more").mkdir(parents=True)
        (root / name / "below-").mkdir()
        if name == "empty":
            continue
        for at in (".", "below", "below/more", "below-"):
            for mode, channels in modes.items():
                size = (int(generator.integers(5, 40)), int(generator.integers(5, 40)))
                pixels = generator.integers(0, 256, (*size, channels)[: 3 if channels else 2]).astype(
                    np.uint8
                )
                image = Image.fromarray(pixels) if mode != "CMYK" else Image.fromarray(pixels).convert("CMYK")
                ending = {"RGB": "png", "L": "BMP", "CMYK": "jpg"}.get(mode, "png")
                image.save(root / name / at / f"{number}.{ending}")
                number += 1
        Image.fromarray(generator.integers(0, 256, (9, 9, 3)).astype(np.uint8)).quantize(8).save(
            root / name / "palette.png"
        )
    (root / "a" / "notes.txt").write_text("no picture")
    (root / "a" / "link").symlink_to(root / "b")
    grey = root.parent / "deep"
    (grey / "c").mkdir(parents=True)
    Image.fromarray(generator.integers(0, 65536, (7, 9)).astype(np.uint16)).save(grey / "c" / "16.png")
    return root


def _same(a, b):
    assert type(a) is type(b)
    if isinstance(a, (tuple, list)):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            _same(one, other)
    else:
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def _compare(a, b, batches=3):
    for name in ("filenames", "samples", "n", "batch_size", "image_shape", "class_mode", "target_size"):
        assert getattr(a, name) == getattr(b, name), name
    assert list(a.filepaths) == list(b.filepaths)
    assert len(a) == len(b)
    for _ in range(batches):
        _same(next(a), next(b))
    _same(a[len(a) - 1], b[len(b) - 1])


CASES = [
    *({"class_mode": mode} for mode in ("categorical", "binary", "sparse", "input", None)),
    *({"color_mode": mode} for mode in ("grayscale", "rgba")),
    *(
        {"interpolation": name, "keep_aspect_ratio": name in ("bilinear", "box")}
        for name in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
    ),
    {"subset": "training"},
    {"subset": "validation", "follow_links": True},
    {"classes": ["b", "a"], "target_size": (9, 30)},
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("workers", [1, 3])
def test_directories(folder, case, workers):
    options = {"target_size": (12, 10), "shuffle": False, "batch_size": 17, **case}
    generator = {"validation_split": 0.3, "rescale": 1 / 255}
    mine = ours.ImageDataGenerator(**generator).flow_from_directory(folder, **options, workers=workers)
    other = theirs.ImageDataGenerator(**generator).flow_from_directory(str(folder), **options)
    assert mine.class_indices == other.class_indices
    assert mine.num_classes == other.num_classes
    np.testing.assert_array_equal(mine.classes, other.classes)
    np.testing.assert_array_equal(mine.labels, other.labels)
    _compare(mine, other)


def test_other_formats(folder):
    for options in ({"data_format": "channels_first"}, {"dtype": "float64", "rescale": 0.1}):
        mine, other = (
            module.ImageDataGenerator(**options).flow_from_directory(str(folder), (8, 6), shuffle=False)
            for module in (ours, theirs)
        )
        _compare(mine, other)
    deep = folder.parent / "deep"
    mine, other = (
        module.ImageDataGenerator().flow_from_directory(str(deep), (5, 4), "grayscale", class_mode=None)
        for module in (ours, theirs)
    )
    _compare(mine, other, 1)
    assert next(mine).max() > 255


@pytest.mark.parametrize(
    "case",
    [
        {"class_mode": "categorical"},
        {"class_mode": "categorical", "y_col": "several", "classes": ["x", "z"]},
        {"class_mode": "binary", "y_col": "two", "subset": "validation"},
        {"class_mode": "sparse", "weight_col": "weight"},
        {"class_mode": "raw", "y_col": ["number", "weight"], "subset": "training"},
        {"class_mode": "multi_output", "y_col": ["number", "weight"]},
        {"class_mode": "input"},
        {"class_mode": None},
    ],
    ids=str,
)
def test_tables(folder, case):
    pandas = pytest.importorskip("pandas")
    names = [f"a/{path.name}" for path in sorted((folder / "a").glob("*.png"))] + ["a/missing.png"]
    n = len(names)
    table = pandas.DataFrame(
        {
            "filename": names,
            "class": [("p", "q", "r")[i % 3] for i in range(n)],
            "several": [["x"], ["y", "z"], "x"][:1] * n,
            "two": [("p", "q")[i % 2] for i in range(n)],
            "number": np.arange(n),
            "weight": np.arange(n) / 2,
        }
    )
    options = {"target_size": (6, 7), "shuffle": False, "batch_size": 2, **case}
    iterators = []
    for module in (ours, theirs):
        generator = module.ImageDataGenerator(validation_split=0.4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            iterators.append(generator.flow_from_dataframe(table, str(folder), **options))
    mine, other = iterators
    if hasattr(other, "class_indices"):
        assert mine.class_indices == other.class_indices
        assert mine.classes == other.classes
    _compare(mine, other, 2)


def test_pictures(folder):
    import keras.utils as their_utils

    import pycnn.utils as our_utils

    for path in sorted((folder / "a").rglob("*.*g")):
        for size in (None, (7, 9)):
            got, want = (utils.load_img(path, target_size=size) for utils in (our_utils, their_utils))
            _same(our_utils.img_to_array(got), their_utils.img_to_array(want))
            x = their_utils.img_to_array(want)
            for scale in (True, False):
                a, b = (utils.array_to_img(x, scale=scale) for utils in (our_utils, their_utils))
                assert a.mode == b.mode
                _same(np.asarray(a), np.asarray(b))


def test_arrays(rng):
    x, y = rng.integers(0, 256, (10, 6, 5, 3)).astype(np.uint8), np.arange(10) % 2
    for case in ({}, {"subset": "validation"}, {"subset": "training"}, {"sample_weight": np.arange(10.0)}):
        for images in (x, (x, np.arange(10)), [x, [np.arange(10), np.eye(10)]]):
            mine, other = (
                module.ImageDataGenerator(validation_split=0.3).flow(
                    images, y, shuffle=False, batch_size=4, **case
                )
                for module in (ours, theirs)
            )
            for _ in range(4):
                _same(next(mine), next(other))


def test_smart_resize(rng):
    for h, w, size in ((20, 30, (10, 10)), (9, 7, (13, 20)), (31, 5, (8, 8))):
        x = rng.uniform(0, 255, (2, h, w, 3)).astype(np.float32)
        want = np.asarray(keras.preprocessing.image.smart_resize(x, size))
        np.testing.assert_allclose(ours.smart_resize(x, size), want, atol=2e-3)
        np.testing.assert_allclose(ours.smart_resize(x[0], size), want[0], atol=2e-3)
        for method in ("bicubic", "lanczos3", "lanczos5"):
            want = np.asarray(keras.preprocessing.image.smart_resize(x, size, method))
            np.testing.assert_allclose(ours.smart_resize(x, size, method), want, atol=2e-3)
