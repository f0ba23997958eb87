"""Pictures from files: readable ones, broken ones, and batches of them."""

import io
import os
import threading

import numpy as np
import pytest
from PIL import Image

import pycnn as keras
from pycnn.preprocessing import image
from pycnn.utils.folders import pictures_in


@pytest.fixture
def folder(tmp_path):
    """Classes with 7, 0 and 6 pictures, the last of which are partly deeper."""
    rng = np.random.default_rng(0)
    for name, places in (("cats", ["."] * 7), ("none", []), ("犬", [".", "x", "x", "x/y", "x-", "."])):
        (tmp_path / name).mkdir()
        for i, place in enumerate(places):
            (tmp_path / name / place).mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (9 + i, 12, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / place / f"{i}.png")
    return tmp_path


def _flow(folder, generator=None, **options):
    options = {"target_size": (8, 8), "batch_size": 4, "shuffle": False, **options}
    return (generator or image.ImageDataGenerator()).flow_from_directory(folder, **options)


# --- folders ------------------------------------------------------------------------------------------------
def test_order_and_attributes(folder, capsys):
    batches = _flow(folder)
    assert capsys.readouterr().out == "Found 13 images belonging to 3 classes.\n"
    assert batches.class_indices == {"cats": 0, "none": 1, "犬": 2}
    names = [name.split(os.sep, 1)[1] for name in batches.filenames[7:]]
    assert names == ["0.png", "5.png", "x/1.png", "x/2.png", "x-/4.png", "x/y/3.png"]
    assert batches.classes.tolist() == [0] * 7 + [2] * 6
    assert (batches.samples, batches.n, len(batches), batches.image_shape) == (13, 13, 4, (8, 8, 3))
    assert all(os.path.isfile(path) for path in batches.filepaths)
    x, y = batches[3]
    assert x.shape == (1, 8, 8, 3)
    assert y.tolist() == [[0, 0, 1]]


def test_links_to_themselves_end(folder):
    (folder / "cats" / "again").symlink_to(folder / "cats")
    assert len(pictures_in(str(folder / "cats"), ("png",), True)) == 7
    assert len(pictures_in(str(folder / "cats"), ("png",), False)) == 7
    (folder / "none" / "cats").symlink_to(folder / "cats")
    assert len(pictures_in(str(folder / "none"), ("png",), True)) == 7


def test_pipes_are_left_out(folder):
    """A reader would wait for them without end."""
    os.mkfifo(folder / "cats" / "pipe.png")
    (folder / "cats" / "gone.png").symlink_to(folder / "nowhere.png")
    names = [f"{i}.png" for i in range(7)]
    assert pictures_in(str(folder / "cats"), ("png",), False) == [*names, "gone.png"]


def test_refused_folders(folder):
    for options, error, message in (
        ({"classes": ["cats", "dogs"]}, FileNotFoundError, "dogs"),
        ({"classes": ["cats", "cats"]}, ValueError, "more than once"),
        ({"class_mode": "raw"}, ValueError, "class_mode"),
        ({"color_mode": "hsv"}, ValueError, "color_mode"),
        ({"interpolation": "cubic"}, ValueError, "interpolation"),
        ({"target_size": 8}, ValueError, "target_size"),
        ({"target_size": (0, 8)}, ValueError, "at least 1"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"subset": "test"}, ValueError, "subset"),
        ({"save_to_dir": str(folder / "nowhere")}, FileNotFoundError, "nowhere"),
        ({"on_error": "ignore"}, ValueError, "on_error"),
        ({"jpeg_decoder": "fast"}, ValueError, "jpeg_decoder"),
        ({"seed": -1}, ValueError, "seed"),
    ):
        with pytest.raises(error, match=message):
            _flow(folder, **options)
    with pytest.raises(FileNotFoundError):
        _flow(folder / "missing")


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user may read everything")
def test_unreadable_folders(folder):
    (folder / "cats").chmod(0)
    with pytest.raises(PermissionError, match="cats"):
        _flow(folder)
    (folder / "cats").chmod(0o755)


# --- pictures -----------------------------------------------------------------------------------------------
def _bytes_of(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _broken(tmp_path):
    whole = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8))
    png, jpeg = _bytes_of(whole, "png"), _bytes_of(whole, "jpeg")
    deep = _bytes_of(Image.fromarray(np.full((4, 4), 40000, np.uint16)), "png")
    dds = _bytes_of(whole, "dds")
    dds = dds[:80] + bytes(4) + dds[84:]
    return {
        "empty.png": (b"", "is empty"),
        "text.jpg": (b"no picture at all", "not a picture"),
        "half.png": (png[: len(png) // 2], "damaged"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "damaged"),
        "head.bmp": (_bytes_of(whole, "bmp")[:30], "picture"),
        "noise.png": (png[:60] + bytes(range(200)) + png[260:], "damaged"),
        "deep.png": (deep, "40000"),
        "kind.png": (dds, "damaged"),  # Pillow: NotImplementedError
    }


def test_broken_pictures_are_named(tmp_path):
    for name, (content, message) in _broken(tmp_path).items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=message) as raised:
            keras.utils.load_img(tmp_path / name)
        assert name in str(raised.value)
    with pytest.raises(FileNotFoundError):
        keras.utils.load_img(tmp_path / "missing.png")
    with pytest.raises(TypeError, match="expected a path"):
        keras.utils.load_img(3)
    deep = keras.utils.img_to_array(keras.utils.load_img(tmp_path / "deep.png", "grayscale"))
    assert deep.max() == 40000


def test_decompression_bombs(tmp_path, monkeypatch):
    Image.new("L", (40, 40)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"bomb\.png is too large"):
        keras.utils.load_img(tmp_path / "bomb.png")


def test_broken_pictures_in_batches(folder):
    for name, (content, _) in _broken(folder).items():
        (folder / "none" / name).write_bytes(content)
    with pytest.raises(ValueError, match="none"):
        [next(batches) for batches in [_flow(folder)] for _ in range(len(batches))]
    for workers in (1, 3):
        batches = _flow(folder, on_error="skip", batch_size=8, workers=workers)
        parts = [next(batches) for _ in range(len(batches))]
        assert sum(len(x) for x, _ in parts) == 13
        assert all(len(x) == len(y) for x, y in parts)
        assert np.concatenate([y for _, y in parts]).sum(0).tolist() == [7, 0, 6]
        assert sorted(os.path.basename(one.path) for one in batches.skipped) == sorted(_broken(folder))
        assert all(one.reason for one in batches.skipped)
    lonely = _flow(folder, on_error="skip", batch_size=1, classes=["none"])
    with pytest.raises(ValueError, match="No picture of a batch"):
        next(lonely)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "1", "animated"])
def test_all_kinds_of_pictures(tmp_path, mode):
    rng = np.random.default_rng(2)
    picture = Image.fromarray(rng.integers(0, 256, (9, 7, 3), np.uint8))
    kind, options = ("jpeg" if mode == "CMYK" else "png"), {}
    if mode == "animated":
        options = {"save_all": True, "append_images": [picture.rotate(90)]}
    else:
        picture = picture.convert(mode)
    (tmp_path / "wrong-ending.bmp").write_bytes(_bytes_of(picture, kind, **options))
    for color_mode, channels in (("rgb", 3), ("rgba", 4), ("grayscale", 1)):
        array = keras.utils.img_to_array(keras.utils.load_img(tmp_path / "wrong-ending.bmp", color_mode))
        assert array.shape == (9, 7, channels)


def test_orientation_and_decoders(tmp_path):
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, :48] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert keras.utils.load_img(tmp_path / "a.jpg").size == (96, 64)
    upright = np.asarray(keras.utils.load_img(tmp_path / "a.jpg", orientation=True))
    assert upright.shape == (96, 64, 3)
    assert upright[:40].min() > 150
    exact, draft = (
        np.asarray(
            keras.utils.load_img(
                tmp_path / "a.jpg", target_size=(16, 24), interpolation="box", jpeg_decoder=decoder
            )
        )
        for decoder in ("pillow", "draft")
    )
    np.testing.assert_allclose(draft.astype(float), exact, atol=12)


def test_the_faster_decoder_is_named(tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "a.jpg")
    try:
        import simplejpeg  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match="pip install simplejpeg"):
            keras.utils.load_img(tmp_path / "a.jpg", target_size=(8, 8), jpeg_decoder="simplejpeg")
    else:
        picture = keras.utils.load_img(tmp_path / "a.jpg", target_size=(8, 8), jpeg_decoder="simplejpeg")
        assert picture.size == (8, 8)


@pytest.mark.parametrize(
    ("data_format", "color_mode"), [("channels_last", "rgb"), ("channels_first", "grayscale")]
)
def test_pictures_are_resized_by_the_augmentation(tmp_path, data_format, color_mode):
    """Where simplejpeg halves JPEGs: as if they were resized before, whatever reads them."""
    pytest.importorskip("simplejpeg")
    (tmp_path / "a").mkdir()
    y, x = np.mgrid[:130, :170]
    for i in range(6):
        smooth = np.stack([x + 8 * i, y + 4 * i, (x + y) / 2], -1).clip(0, 255).astype(np.uint8)
        name = f"{i}.{'jpg' if i else 'png'}"
        Image.fromarray(smooth).save(tmp_path / "a" / name, quality=98)
    generator = image.ImageDataGenerator(
        rotation_range=30, width_shift_range=0.2, zoom_range=0.3, horizontal_flip=True,
        brightness_range=(0.5, 1.0), channel_shift_range=20, rescale=0.5, data_format=data_format,
    )  # fmt: skip
    options = {"target_size": (48, 64), "batch_size": 6, "class_mode": "input", "seed": 5}
    options |= {"color_mode": color_mode, "interpolation": "bilinear"}
    kept = tmp_path / "kept"
    kept.mkdir()
    expected, _ = next(_flow(tmp_path, generator, classes=["a"], **options))
    found, same = next(
        _flow(tmp_path, generator, classes=["a"], jpeg_decoder="simplejpeg", save_to_dir=kept, **options)
    )
    np.testing.assert_array_equal(found, same)
    assert (found.dtype, found.shape, len(list(kept.iterdir()))) == (np.float32, expected.shape, 6)
    np.testing.assert_array_equal(found[0], expected[0])  # no JPEG
    assert np.abs(found - expected).mean() < 1
    np.testing.assert_allclose(found, expected, atol=10)  # steps where a border is repeated
    for workers in (1, 4):
        again, _ = next(
            _flow(tmp_path, generator, classes=["a"], jpeg_decoder="simplejpeg", workers=workers, **options)
        )
        np.testing.assert_array_equal(again, found)


def test_empty_pictures_for_the_augmentation(tmp_path):
    """They are named as everywhere, though another function reads them."""
    pytest.importorskip("simplejpeg")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.jpg").touch()
    batches = _flow(tmp_path, image.ImageDataGenerator(rotation_range=9), jpeg_decoder="simplejpeg")
    with pytest.raises(ValueError, match=r"0\.jpg is empty"):
        next(batches)


def test_save_img(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (5, 6, 4)).astype(np.float32)
    keras.utils.save_img(tmp_path / "a.png", x, scale=False)
    np.testing.assert_array_equal(np.asarray(keras.utils.load_img(tmp_path / "a.png", "rgba")), x)
    with pytest.warns(UserWarning, match="transparency"):
        keras.utils.save_img(tmp_path / "a.jpg", x)
    keras.utils.save_img(tmp_path / "b.png", x.transpose(2, 0, 1), "channels_first")
    for array, message in ((np.zeros((3, 3)), "3 axes"), (np.zeros((3, 3, 2)), "2 channels")):
        with pytest.raises(ValueError, match=message):
            keras.utils.save_img(tmp_path / "c.png", array)
    with pytest.raises(ValueError, match="format"):
        keras.utils.save_img(io.BytesIO(), x, file_format="nothing")


# --- batches ------------------------------------------------------------------------------------------------
def test_workers_change_nothing(folder):
    generator = image.ImageDataGenerator(rotation_range=40, horizontal_flip=True, zoom_range=0.3)
    state = np.random.get_state()[1].copy()
    runs = []
    for workers in (1, 2, 5):
        batches = _flow(folder, generator, shuffle=True, seed=3, workers=workers, max_queue_size=2)
        run = [next(batches) for _ in range(6)]
        batches.reset()
        run += [next(batches), batches[2], next(batches)]
        runs.append(run)
        assert len(batches._ahead) <= 2
    for run in runs[1:]:
        for (x1, y1), (x2, y2) in zip(runs[0], run, strict=True):
            np.testing.assert_array_equal(x1, x2)
            np.testing.assert_array_equal(y1, y2)
    np.testing.assert_array_equal(state, np.random.get_state()[1])


def test_several_threads_take_batches(folder):
    batches = _flow(folder, workers=2, max_queue_size=3)
    taken = []
    threads = [
        threading.Thread(target=lambda: taken.extend(next(batches) for _ in range(4))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(x) for x, _ in taken) == 3 * 13
    assert batches.epoch == 3


def test_subsets_and_saved_images(folder, tmp_path):
    generator = image.ImageDataGenerator(validation_split=0.4, rotation_range=90)
    parts = [_flow(folder, generator, subset=subset) for subset in ("training", "validation")]
    assert [part.n for part in parts] == [9, 4]
    assert [part.augment for part in parts] == [True, False]
    assert not set(parts[0].filenames) & set(parts[1].filenames)
    (folder / "saved").mkdir()
    saving = _flow(folder, save_to_dir=str(folder / "saved"), save_prefix="p", classes=["cats"])
    next(saving)
    assert len(list((folder / "saved").glob("p_*.png"))) == 4


def test_tables(folder):
    names = [f"cats/{i}.png" for i in range(7)]
    table = {"filename": names, "class": ["a", "b"] * 3 + ["a"], "w": np.arange(7.0), "n": np.arange(7)}
    generator = image.ImageDataGenerator()

    def flow(**options):
        options = {"target_size": (4, 4), "shuffle": False, **options}
        return generator.flow_from_dataframe(options.pop("table", table), folder, **options)

    x, y, w = next(flow(weight_col="w"))
    assert (x.shape, y[:2].tolist(), w.tolist()) == ((7, 4, 4, 3), [[1, 0], [0, 1]], list(range(7)))
    assert next(flow(class_mode="raw", y_col="n"))[1].tolist() == list(range(7))
    assert [part.tolist() for part in next(flow(class_mode="multi_output", y_col=["n", "w"]))[1]] == [
        list(range(7))
    ] * 2
    several = {"filename": names[:2], "class": [["a", "c"], ["b", "d"]]}
    assert next(flow(table=several, classes=["a", "b", "c"]))[1].tolist() == [[1, 0, 1], [0, 1, 0]]
    with pytest.warns(UserWarning, match=r"missing\.png"):
        assert flow(table={"filename": ["missing.png", names[0]], "class": ["a", "b"]}).n == 1
    with pytest.warns(DeprecationWarning, match="`drop_duplicates` has no effect"):
        assert flow(drop_duplicates=False).n == 7
    for options, error in (
        ({"wrong": 1}, TypeError),
        ({"class_mode": "binary", "table": {"filename": names[:1], "class": ["a"]}}, ValueError),
        ({"class_mode": "sparse", "y_col": "n"}, TypeError),
        ({"class_mode": "multi_output"}, TypeError),
        ({"weight_col": "class"}, TypeError),
        ({"x_col": "n"}, TypeError),
        ({"x_col": "absent"}, KeyError),
    ):
        with pytest.raises(error):
            flow(**options)


def test_models_take_them(folder):
    keras.utils.set_random_seed(0)
    generator = image.ImageDataGenerator(rescale=1 / 255, rotation_range=10, validation_split=0.3)
    training, validation = (_flow(folder, generator, subset=s) for s in ("training", "validation"))
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(training, validation_data=validation, epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert np.isfinite(model.evaluate(validation, verbose=0)).all()
    validation.reset()
    assert model.predict(validation, verbose=0).shape == (3, 3)
    alone = _flow(folder, image.ImageDataGenerator(rescale=1 / 255), class_mode=None)
    assert model.predict(alone, verbose=0).shape == (13, 3)
