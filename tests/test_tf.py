"""TensorFlow's names over pycnn."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import pycnn as keras
import pycnn.tf as tf

RNG = np.random.default_rng(0)
IMAGE = RNG.random((5, 7, 3), np.float32)


def test_a_program():
    """The shape of a first program of TensorFlow."""
    x = tf.cast(RNG.integers(0, 256, (32, 8, 8)), tf.float32) / 255.0
    y = RNG.integers(0, 3, 32)
    assert int(tf.__version__.split(".")[0]) >= 2
    assert "pycnn" in tf.__version__
    model = tf.keras.models.Sequential(
        [
            tf.keras.layers.Flatten(input_shape=(8, 8)),
            tf.keras.layers.Dense(16, activation=tf.nn.relu),
            tf.keras.layers.Dropout(0.2),
            tf.keras.layers.Dense(3),
        ]
    )
    predictions = model(x[:1]).numpy()
    assert tf.nn.softmax(predictions).numpy().shape == (1, 3)
    loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert loss_fn(y[:1], predictions).numpy() > 0
    model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
    scores = probability_model(x[:5])
    np.testing.assert_allclose(tf.reduce_sum(scores, axis=1).numpy(), np.ones(5), rtol=1e-6)


def test_a_training_loop():
    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    inputs = tf.keras.Input((8, 8, 1))
    x = tf.keras.layers.Conv2D(4, 3)(inputs)
    x = tf.nn.relu(x)
    x = tf.reduce_mean(x, axis=[1, 2])
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(3)(x))
    optimizer = tf.keras.optimizers.Adam(0.05)
    images, labels = RNG.random((32, 8, 8, 1), np.float32), RNG.integers(0, 3, 32)
    losses = [float(step(images, labels)) for _ in range(15)]
    assert losses[-1] < losses[0]


def test_old_imports():
    program = """
        from pycnn.tf.keras.layers import Dense
        from pycnn.tf.keras import layers, models
        import pycnn.tf as tf
        import pycnn
        assert tf.keras is pycnn.keras
        assert Dense is pycnn.layers.Dense is layers.Dense is tf.keras.layers.Dense
        print(tf.config.list_physical_devices("GPU"), tf.test.gpu_device_name())
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "[] \n")


def test_what_is_not_there():
    with pytest.raises(AttributeError, match=r"no attribute 'lookup'.*reduce_mean.*keras\.ops"):
        _ = tf.lookup
    assert {"keras", "image", "reduce_sum", "float32", "GradientTape"} <= set(dir(tf))
    for name in dir(tf):
        assert name == "data" or hasattr(tf, name)
    with pytest.raises(ValueError, match="'/GPU:0'"), tf.device("/GPU:0"):
        pass
    with tf.device("/CPU:0"), tf.name_scope("scope"):
        pass


INTEGERS = np.arange(6, dtype=np.int32).reshape(2, 3)
FLOATS = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (tf.add(1, 2), np.int32(3)),
        (tf.add(1.0, 2), np.float32(3)),
        (tf.multiply(INTEGERS, 2), INTEGERS * 2),
        (tf.reduce_sum(INTEGERS), np.int32(15)),
        (tf.reduce_sum(INTEGERS, 1, True), INTEGERS.sum(1, keepdims=True, dtype=np.int32)),
        (tf.reduce_max(INTEGERS, axis=0), INTEGERS.max(0)),
        (tf.reduce_mean(FLOATS, axis=-1), FLOATS.mean(-1)),
        (tf.reduce_mean(input_tensor=FLOATS), FLOATS.mean()),
        (tf.math.reduce_std(FLOATS), FLOATS.std()),
        (tf.square(3), np.int32(9)),
        (tf.divide(1, 2), np.float32(0.5)),
        (tf.cast(FLOATS * 3, tf.int32), (FLOATS * 3).astype(np.int32)),
        (tf.reshape(INTEGERS, [-1]), INTEGERS.reshape(-1)),
        (tf.transpose(INTEGERS, perm=[1, 0]), INTEGERS.T),
        (tf.expand_dims(INTEGERS, 0), INTEGERS[None]),
        (tf.stop_gradient(INTEGERS), INTEGERS),
        (tf.squeeze(INTEGERS[None], axis=0), INTEGERS),
        (tf.concat([INTEGERS, INTEGERS], axis=1), np.concatenate([INTEGERS, INTEGERS], 1)),
        (tf.stack([FLOATS, FLOATS], axis=-1), np.stack([FLOATS, FLOATS], -1)),
        (tf.argmax(FLOATS), FLOATS.argmax(0)),
        (tf.argmax(FLOATS, axis=1, output_type=tf.int32), FLOATS.argmax(1).astype(np.int32)),
        (tf.one_hot([1, 5], 3), np.array([[0, 1, 0], [0, 0, 0]], np.float32)),
        (tf.one_hot([1, 0], 2, axis=0, dtype=tf.int32), np.array([[0, 1], [1, 0]], np.int32)),
        (tf.gather(INTEGERS, [1]), INTEGERS[[1]]),
        (tf.pad(FLOATS, [[1, 0], [0, 2]]), np.pad(FLOATS, [(1, 0), (0, 2)])),
        (tf.split(FLOATS, [1, 2], axis=1)[1], FLOATS[:, 1:]),
        (tf.unstack(INTEGERS)[1], INTEGERS[1]),
        (tf.boolean_mask(INTEGERS, INTEGERS[:, 0] > 0), INTEGERS[1:]),
        (tf.zeros([2, 3]), np.zeros((2, 3), np.float32)),
        (tf.ones_like(INTEGERS), np.ones_like(INTEGERS)),
        (tf.fill([2], 7), np.full(2, 7, np.int32)),
        (tf.range(3), np.arange(3, dtype=np.int32)),
        (tf.range(1, 2, 0.5), np.array([1, 1.5], np.float32)),
        (tf.eye(2), np.eye(2, dtype=np.float32)),
        (tf.shape(INTEGERS), np.array([2, 3], np.int32)),
        (tf.rank(INTEGERS), np.int32(2)),
        (tf.clip_by_value(FLOATS, 0.0, 0.5), FLOATS.clip(0, 0.5)),
        (tf.where(FLOATS > 0, FLOATS, 0.0), np.maximum(FLOATS, 0)),
        (tf.matmul(FLOATS, tf.transpose(FLOATS)), FLOATS @ FLOATS.T),
        (tf.equal(INTEGERS, 3), INTEGERS == 3),
        (tf.math.log(FLOATS + 2), np.log(FLOATS + 2)),
        (tf.math.divide_no_nan(FLOATS, 0.0), np.zeros_like(FLOATS)),
        (tf.math.squared_difference(FLOATS, 1.0), (FLOATS - 1) ** 2),
        (tf.matmul(FLOATS, FLOATS, transpose_b=True), FLOATS @ FLOATS.T),
        (tf.linalg.matmul(FLOATS, FLOATS, transpose_a=True), FLOATS.T @ FLOATS),
        (tf.linalg.diag_part(FLOATS), np.diagonal(FLOATS)),
        (tf.linalg.trace(FLOATS), np.trace(FLOATS)),
        (tf.linalg.band_part(FLOATS, 0, 1), np.triu(np.tril(FLOATS, 1))),
        (tf.linalg.band_part(FLOATS, -1, -1), FLOATS),
        (tf.linalg.set_diag(FLOATS, [7.0, 8.0]), np.where(np.eye(*FLOATS.shape), [[7], [8]], FLOATS)),
        (tf.linalg.matrix_transpose(FLOATS), FLOATS.T),
        (tf.cumsum(FLOATS, axis=1), FLOATS.cumsum(1)),
        (tf.roll(FLOATS, shift=1, axis=0), np.roll(FLOATS, 1, 0)),
        (tf.math.acos(0.5), np.arccos(0.5)),
        (tf.nn.l2_loss(FLOATS), (FLOATS**2).sum() / 2),
        (tf.nn.moments(FLOATS, axes=[0])[1], FLOATS.var(0)),
        (tf.convert_to_tensor([1.5]), np.array([1.5], np.float32)),
        (tf.identity(INTEGERS), INTEGERS),
        (tf.constant([[1, 2]]), np.array([[1, 2]])),
    ],
)  # fmt: skip
def test_functions(found, expected):
    array = found.numpy()
    assert array.shape == np.shape(expected)
    assert array.dtype.kind == np.asarray(expected).dtype.kind
    np.testing.assert_allclose(array, expected, rtol=2e-6, atol=1e-7)


def test_symbols_stay_symbols():
    x = keras.Input((4, 4, 2))
    y = tf.concat([tf.square(x), tf.nn.relu(x)], axis=-1)
    y = tf.nn.max_pool2d(tf.reduce_max(y, axis=3, keepdims=True), 2, 2, "VALID")
    model = keras.Model(x, tf.reshape(y, (-1, 4)))
    data = RNG.random((3, 4, 4, 2), np.float32)
    expected = np.maximum(data**2, data).max(3).reshape(3, 2, 2, 2, 2).max((2, 4)).reshape(3, 4)
    np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-6)
    with pytest.raises(TypeError, match=r"tf\.image\.rot90 computes with arrays.*symbol"):
        tf.image.rot90(x)


def test_variables_and_gradients():
    v = tf.Variable(3, name="v")
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.square(v) * tf.constant([1.0, 2.0]))
    assert float(tape.gradient(y, v)) == 18.0
    assert tf.Variable(lambda: np.ones(2), dtype=tf.float32).shape == (2,)
    assert tf.is_tensor(v)
    assert not tf.is_tensor(np.ones(2))


def test_random():
    tf.random.set_seed(3)
    first = tf.random.normal((100,), 2.0, 0.5).numpy(), tf.random.shuffle(np.arange(9)).numpy()
    tf.random.set_seed(3)
    again = tf.random.normal([100], 2.0, 0.5).numpy(), tf.random.shuffle(np.arange(9)).numpy()
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert 1.8 < first[0].mean() < 2.2
    assert np.abs(tf.random.truncated_normal([500]).numpy()).max() <= 2
    whole = tf.random.uniform([200], 1, 4, dtype=tf.int32).numpy()
    assert set(whole.tolist()) == {1, 2, 3}
    with pytest.raises(ValueError, match="maxval"):
        tf.random.uniform([2], dtype=tf.int32)


def test_dtypes():
    assert tf.float32 == "float32" == tf.float32.name
    assert tf.uint8.max == 255
    assert np.dtype(tf.int64) == np.int64
    assert keras.layers.Dense(1, dtype=tf.float32).dtype == tf.float32
    with pytest.raises(TypeError, match="dtype is 'text'"):
        tf.cast(1, "text")


# --- images -------------------------------------------------------------------------------------------------
def test_image_shapes():
    batch = np.stack([IMAGE, IMAGE[::-1]])
    image = tf.image
    assert image.resize(batch, (10, 3)).shape == (2, 10, 3, 3)
    assert image.resize(IMAGE, (10, 28), preserve_aspect_ratio=True).shape == (10, 14, 3)
    np.testing.assert_array_equal(image.flip_left_right(batch).numpy(), batch[:, :, ::-1])
    np.testing.assert_array_equal(image.flip_up_down(IMAGE).numpy(), IMAGE[::-1])
    np.testing.assert_array_equal(image.rot90(IMAGE).numpy(), np.rot90(IMAGE))
    np.testing.assert_array_equal(image.transpose(IMAGE).numpy(), IMAGE.transpose(1, 0, 2))
    np.testing.assert_array_equal(image.crop_to_bounding_box(IMAGE, 1, 2, 3, 4).numpy(), IMAGE[1:4, 2:6])
    np.testing.assert_array_equal(image.central_crop(batch, 0.5).numpy(), batch[:, 1:4, 1:6])
    padded = image.pad_to_bounding_box(IMAGE, 1, 2, 8, 9).numpy()
    np.testing.assert_array_equal(padded, np.pad(IMAGE, [(1, 2), (2, 0), (0, 0)]))
    fitted = image.resize_with_crop_or_pad(IMAGE, 3, 10).numpy()
    np.testing.assert_array_equal(fitted, np.pad(IMAGE[1:4], [(0, 0), (1, 2), (0, 0)]))
    crop = image.random_crop(IMAGE, (2, 3, 3), seed=1).numpy()
    assert any(np.array_equal(crop, IMAGE[i : i + 2, j : j + 3]) for i in range(4) for j in range(5))
    flips = [tuple(image.random_flip_left_right(IMAGE).numpy()[0, 0]) for _ in range(20)]
    assert set(flips) == {tuple(IMAGE[0, 0]), tuple(IMAGE[0, -1])}


def test_colours():
    image = tf.image
    np.testing.assert_allclose(image.hsv_to_rgb(image.rgb_to_hsv(IMAGE)).numpy(), IMAGE, atol=1e-6)
    np.testing.assert_allclose(image.adjust_hue(IMAGE, 1 / 3).numpy(), np.roll(IMAGE, 1, -1), atol=1e-6)
    gray = image.adjust_saturation(IMAGE, 0.0).numpy()
    np.testing.assert_allclose(gray, np.repeat(IMAGE.max(-1, keepdims=True), 3, -1), atol=1e-6)
    np.testing.assert_allclose(image.adjust_brightness(IMAGE, 0.25).numpy(), IMAGE + 0.25, rtol=1e-6)
    mean = IMAGE.mean((0, 1))
    contrast = image.adjust_contrast(IMAGE, 2.0).numpy()
    np.testing.assert_allclose(contrast, (IMAGE - mean) * 2 + mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(image.adjust_gamma(IMAGE, 2).numpy(), IMAGE**2, rtol=1e-6)
    whole = image.convert_image_dtype(IMAGE, tf.uint8).numpy()
    assert whole.dtype == np.uint8
    back = image.convert_image_dtype(whole, tf.float32).numpy()
    np.testing.assert_allclose(back, IMAGE, atol=1 / 255)
    assert image.adjust_brightness(whole, 1.0).numpy().min() == 255
    np.testing.assert_allclose(
        image.rgb_to_grayscale(IMAGE).numpy()[..., 0], IMAGE @ [0.2989, 0.587, 0.114], rtol=1e-6
    )
    assert image.grayscale_to_rgb(image.rgb_to_grayscale(whole)).numpy().dtype == np.uint8
    standard = image.per_image_standardization(IMAGE).numpy()
    np.testing.assert_allclose([standard.mean(), standard.std()], [0, 1], atol=1e-6)
    assert image.random_contrast(IMAGE, 0.5, 0.6, seed=1).shape == IMAGE.shape


def test_files(tmp_path):
    whole = (IMAGE * 255).astype(np.uint8)
    path = tmp_path / "new" / "image.png"
    tf.io.write_file(path, tf.io.encode_png(whole))
    contents = tf.io.read_file(str(path))
    np.testing.assert_array_equal(tf.image.decode_png(contents).numpy(), whole)
    assert tf.io.decode_image(contents, channels=1).shape == (5, 7, 1)
    assert tf.io.decode_image(contents, channels=4, dtype=tf.float32).numpy()[..., 3].min() == 1
    jpeg = tf.image.decode_jpeg(tf.image.encode_jpeg(np.full((8, 8, 3), 90, np.uint8)), channels=3)
    np.testing.assert_allclose(jpeg.numpy(), 90, atol=2)


# Of the definitions: U = 0.492 (B - Y), V = 0.877 (R - Y), rounded as they are in ITU-R BT.601.
def test_luma_and_chroma():
    luma = IMAGE @ [0.299, 0.587, 0.114]
    yuv = tf.image.rgb_to_yuv(IMAGE).numpy()
    np.testing.assert_allclose(yuv[..., 0], luma, rtol=1e-6)
    np.testing.assert_allclose(yuv[..., 1], 0.492 * (IMAGE[..., 2] - luma), atol=3e-4)
    np.testing.assert_allclose(yuv[..., 2], 0.877 * (IMAGE[..., 0] - luma), atol=3e-4)
    yiq = tf.image.rgb_to_yiq(IMAGE).numpy()
    np.testing.assert_allclose(np.hypot(*yiq[..., 1:].T), np.hypot(*yuv[..., 1:].T), rtol=1e-5)
    np.testing.assert_allclose(yiq[..., 1], IMAGE @ [0.5959, -0.2746, -0.3213], atol=3e-4)
    for name, there in (("yuv", yuv), ("yiq", yiq)):
        np.testing.assert_allclose(getattr(tf.image, f"{name}_to_rgb")(there).numpy(), IMAGE, atol=1e-5)


def test_measures():
    images = np.stack([IMAGE, IMAGE**2])
    other = np.clip(images + 0.1, 0, 1)
    error = ((images - other) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(tf.image.psnr(images, other, 2.0).numpy(), 10 * np.log10(4 / error), rtol=1e-5)
    whole = (images * 255).astype(np.uint8)
    assert np.isinf(tf.image.psnr(whole, whole, 255).numpy()).all()
    variation = sum(np.abs(np.diff(images, axis=axis)).sum((1, 2, 3)) for axis in (1, 2))
    np.testing.assert_allclose(tf.image.total_variation(images).numpy(), variation, rtol=1e-5)
    np.testing.assert_allclose(tf.image.total_variation(IMAGE).numpy(), variation[0], rtol=1e-5)
    np.testing.assert_allclose(tf.image.ssim(images, images, 1.0, filter_size=3).numpy(), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="filter_size is 11; expected at most 5"):
        tf.image.ssim(images, images, 1.0)


def test_gradients_go_through_images():
    """A step of total variation flattens a picture, as in programs for style transfer."""
    image = tf.Variable(IMAGE[None])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.image.total_variation(image))
    gradient = tape.gradient(loss, image).numpy()
    later = tf.image.total_variation(IMAGE[None] - 1e-4 * gradient).numpy().item()
    assert later < float(loss)
    with tf.GradientTape(), pytest.raises(TypeError, match=r"gradient could not go through it"):
        tf.image.adjust_contrast(image * 2.0, 2.0)
    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(IMAGE[None]))
        y = tf.image.resize(tf.image.flip_left_right(x), (10, 14))
    assert tape.gradient(y, x).numpy().sum() == pytest.approx(10 * 14 * 3, rel=1e-5)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.image.resize(x, (3, 9)),
        lambda x: tf.image.resize(x, (10, 28), "nearest", preserve_aspect_ratio=True),
        tf.image.flip_left_right,
        tf.image.flip_up_down,
        tf.image.rgb_to_grayscale,
        lambda x: tf.image.grayscale_to_rgb(x[..., :1]),
        tf.image.rgb_to_yuv,
        lambda x: tf.image.ssim(x, x * 0.5, 1.0, filter_size=3),
        lambda x: tf.image.psnr(x, x * 0.5, 1.0),
        tf.image.total_variation,
        lambda x: tf.image.extract_patches(x, [1, 2, 3, 1], [1, 1, 2, 1], [1, 1, 1, 1], "VALID"),
        lambda x: tf.nn.depth_to_space(tf.concat([x] * 4, -1), 2),
    ],
)
def test_images_in_models(function):
    batch = np.stack([IMAGE, IMAGE[::-1] ** 2])
    x = keras.Input((5, 7, 3))
    found = keras.Model(x, function(x)).predict(batch, verbose=0)
    np.testing.assert_allclose(found, np.asarray(function(tf.constant(batch))), rtol=1e-5, atol=1e-6)


def test_blocks_of_pixels():
    x = np.arange(2 * 4 * 6 * 3, dtype=np.float32).reshape(2, 4, 6, 3)
    deep = tf.nn.space_to_depth(x, 2).numpy()
    expected = x.reshape(2, 2, 2, 3, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 3, 12)
    np.testing.assert_array_equal(deep, expected)
    np.testing.assert_array_equal(tf.nn.depth_to_space(deep, 2).numpy(), x)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("brightness", (0.3,)), ("contrast", (0.5, 2.0)), ("crop", ((2, 3, 3),)), ("flip_left_right", ()),
        ("flip_up_down", ()), ("hue", (0.2,)), ("saturation", (0.5, 2.0)),
    ],
)  # fmt: skip
def test_stateless_changes(name, args):
    function = getattr(tf.image, f"stateless_random_{name}")
    found = [function(IMAGE, *args, seed=(i, 1)).numpy() for i in range(20)]
    np.testing.assert_array_equal(found[3], function(IMAGE, *args, (3, 1)).numpy())
    assert any(not np.array_equal(x, found[0]) for x in found[1:])
    with pytest.raises(ValueError, match="two integers"):
        function(IMAGE, *args, seed=3)


def test_transposed_convolution():
    x, kernel = RNG.random((2, 3, 4, 5), np.float32), RNG.random((3, 3, 2, 5), np.float32)
    layer = keras.layers.Conv2DTranspose(2, 3, strides=2, padding="same", use_bias=False)
    layer.build(x.shape)
    layer.set_weights([kernel])
    found = tf.nn.conv2d_transpose(x, kernel, (2, 6, 8, 2), 2, "SAME").numpy()
    np.testing.assert_allclose(found, layer(x), rtol=1e-5)
    with pytest.raises(ValueError, match=r"output_shape is \(2, 9, 9, 2\)"):
        tf.nn.conv2d_transpose(x, kernel, (2, 9, 9, 2), 2, "SAME")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf.image.resize(IMAGE, (2, 2), method="sinc"), "method 'sinc'"),
        (lambda: tf.image.resize(IMAGE[0], (2, 2)), r"shape \(7, 3\)"),
        (lambda: tf.image.resize(IMAGE, (0, 2)), "not within"),
        (lambda: tf.image.crop_to_bounding_box(IMAGE, 3, 0, 3, 3), "not within"),
        (lambda: tf.image.random_crop(IMAGE, (9, 9, 3)), "not within"),
        (lambda: tf.image.rgb_to_grayscale(IMAGE[..., :2]), "2 channels"),
        (lambda: tf.image.decode_image(b"nothing"), "7 bytes are no picture"),
        (lambda: tf.image.decode_image("path"), "expected bytes"),
        (lambda: tf.image.decode_png(b"", channels=2), "channels is 2"),
        (lambda: tf.image.encode_png(IMAGE), "of uint8"),
        (lambda: tf.image.random_contrast(IMAGE, 2, 1), "the smaller"),
        (lambda: tf.one_hot([1.5], 3), "expected integers"),
        (lambda: tf.nn.conv2d(IMAGE[None], np.ones((1, 1, 3, 1)), 1, "SAME", "NCHW"), "NCHW"),
        (lambda: tf.config.experimental.set_memory_growth("gpu", True), "on the CPU"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_names_of_files():
    parts = tf.strings.split(b"flowers/roses/1.jpg", "/")
    assert (parts, parts[-2].numpy()) == (["flowers", "roses", "1.jpg"], b"roses")
    assert (parts[-2] == np.array(["daisy", "roses"])).tolist() == [False, True]
    assert tf.strings.split("a  b") == ["a", "b"]
    assert tf.strings.join(["a", "b"], "/") == "a/b"
    assert tf.strings.lower("A.JPG") == "a.jpg"
    assert tf.strings.regex_full_match("a.jpg", ".*jpg")
    assert tf.strings.regex_replace("aaa", "a", "b", replace_global=False) == "baa"
    assert tf.strings.to_number("3", tf.int32) == 3
    with pytest.raises(TypeError, match="no string"):
        tf.strings.split(["a", "b"], "/")


def test_older_names():
    assert isinstance(tf.random_normal_initializer(0.0, 0.02), keras.initializers.RandomNormal)
    assert isinstance(tf.zeros_initializer(), keras.initializers.Zeros)
    assert tf.__version__ == tf.version.VERSION
    assert tf.add_n([FLOATS, FLOATS, 1.0]).numpy().tolist() == (2 * FLOATS + 1).tolist()
    x = keras.Input((4, 6))
    assert tf.reshape(x, (tf.shape(x)[0], -1)).shape == (None, 24)
    for name, message in (("numpy_function", r"keras\.metrics\.Metric"), ("train", r"model\.save")):
        with pytest.raises(AttributeError, match=message):
            getattr(tf, name)
    from pycnn.tf.data import Dataset
    from pycnn.tf.data.experimental import AUTOTUNE, cardinality

    assert Dataset is tf.data.Dataset
    assert AUTOTUNE == tf.data.experimental.AUTOTUNE
    assert cardinality(Dataset.range(3)) == 3
    elements = tf.data.Dataset.range(3).as_numpy_iterator()
    assert [elements.next(), *elements] == [0, 1, 2]
    with pytest.raises(ModuleNotFoundError, match=r"keras\.wrappers has SKLearnClassifier"):
        import pycnn.keras.wrappers.scikit_learn  # noqa: F401
