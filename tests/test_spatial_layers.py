"""Layers and functions of sequences and images: values, gradients, data formats, files."""

import numpy as np
import pytest
import reference
from helpers import assert_close, double, normal
from hypothesis import given, settings
from hypothesis import strategies as st
from symbols import check, check_gradient

import pycnn as keras
from pycnn import layers, ops
from pycnn.core.blueprint import Blueprint
from pycnn.core.trimming import live_axes

SEQUENCE, IMAGE = (7, 4), (6, 5, 4)
# One form of each layer that makes images of images, by its rank.
LAYERS = {
    1: [
        ("Conv1D", {"filters": 6, "kernel_size": 3, "groups": 2, "activation": "relu"}),
        ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "activation": "softmax"}),
        ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 2}),
        ("SeparableConv1D", {"filters": 5, "kernel_size": 3, "padding": "same"}),
        ("Conv1DTranspose", {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same"}),
        ("MaxPooling1D", {"pool_size": 2}),
        ("AveragePooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}),
        ("GlobalMaxPooling1D", {"keepdims": True}),
        ("GlobalAveragePooling1D", {}),
        ("ZeroPadding1D", {"padding": (1, 2)}),
    ],
    2: [
        ("Conv2D", {"filters": 6, "kernel_size": (3, 2), "strides": (1, 2), "padding": "same"}),
        ("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "dilation_rate": 2}),
        ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "activation": "tanh"}),
        ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": (3, 2), "activation": "softmax"}),
        ("MaxPooling2D", {"pool_size": (2, 1)}),
        ("AveragePooling2D", {"pool_size": 2, "padding": "same"}),
        ("GlobalMaxPooling2D", {}),
        ("GlobalAveragePooling2D", {"keepdims": True}),
        ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}),
        ("Cropping2D", {"cropping": (1, 2)}),
        ("ZeroPadding2D", {"padding": (1, 0)}),
    ],
}
BOTH_FORMATS = [(rank, *form) for rank, forms in LAYERS.items() for form in forms]
OTHERS = [
    ("UpSampling1D", {"size": 3}, SEQUENCE),
    ("Cropping1D", {"cropping": (2, 1)}, SEQUENCE),
    ("Permute", {"dims": (3, 1, 2)}, IMAGE),
    ("RepeatVector", {"n": 3}, (5,)),
    ("Flatten", {"data_format": "channels_first"}, IMAGE),
    ("Identity", {}, IMAGE),
]


def first(x):
    return np.moveaxis(x, -1, 1)


@pytest.mark.parametrize(("rank", "name", "arguments"), BOTH_FORMATS)
def test_data_formats(rng, rank, name, arguments):
    sample = SEQUENCE if rank == 1 else IMAGE
    last = getattr(layers, name)(**arguments)
    other = getattr(layers, name)(**arguments, data_format="Channels_First")
    assert other.get_config()["data_format"] == "channels_first"
    x = normal(rng, 2, *sample)
    expected = last(x)
    other.build((None, *first(x).shape[1:]))
    other.set_weights(last.get_weights())
    if arguments.get("activation") == "softmax":  # over the last axis, whatever it is
        linear = getattr(layers, name)(**arguments | {"activation": None})
        linear.build((None, *sample))
        linear.set_weights(last.get_weights())
        expected = ops.softmax(first(linear(x)))
    elif expected.ndim > 2:
        expected = first(expected)
    np.testing.assert_allclose(other(first(x)), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "sample"),
    [*((name, a, SEQUENCE if rank == 1 else IMAGE) for rank, name, a in BOTH_FORMATS), *OTHERS],
)
def test_files_and_summary(rng, tmp_path, name, arguments, sample):
    model = keras.Sequential(
        [keras.Input(sample), getattr(layers, name)(**arguments), layers.Flatten(), layers.Dense(2)]
    )
    model.compile("sgd", "mse")
    x = normal(rng, 4, *sample)
    model.fit(x, normal(rng, 4, 2), epochs=2, verbose=0)
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    assert name[:9] in "\n".join(lines)
    model.save(tmp_path / "model.safetensors")
    again = keras.models.load_model(tmp_path / "model.safetensors")
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_default_data_format():
    try:
        keras.config.set_image_data_format("channels_first")
        assert keras.config.image_data_format() == keras.backend.image_data_format() == "channels_first"
        pool = layers.MaxPooling2D()
        assert pool.compute_output_shape((None, 3, 8, 6)) == (None, 3, 4, 3)
        assert ops.max_pool(np.ones((1, 3, 8, 6)), 2).shape == (1, 3, 4, 3)
    finally:
        keras.config.set_image_data_format("channels_last")
    assert pool.compute_output_shape((None, 3, 8, 6)) == (None, 3, 4, 3)
    assert layers.MaxPooling2D().compute_output_shape((None, 3, 8, 6)) == (None, 1, 4, 6)


TRANSPOSED = [
    ((3, 3), (1, 1), "valid", None, (1, 1)),
    ((3, 2), (2, 3), "same", None, (1, 1)),
    ((4, 5), (2, 2), "same", (1, 0), (1, 1)),
    ((1, 2), (3, 1), "valid", (2, 0), (1, 2)),
    ((2, 2), (2, 1), "valid", None, (3, 2)),
    ((5, 1), (2, 4), "same", None, (1, 1)),
]


@pytest.mark.parametrize(("kernel_size", "strides", "padding", "beyond", "dilation"), TRANSPOSED)
@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
def test_conv_transpose(rng, kernel_size, strides, padding, beyond, dilation, order):
    x, w = normal(rng, 2, 3, 2, 3), normal(rng, *kernel_size, 2, 3)
    moved = (lambda x: x) if order == "channels_last" else first
    back = (lambda x: x) if order == "channels_last" else (lambda x: np.moveaxis(x, 1, -1))

    def expected(x):
        y = reference.conv2d_transpose(
            back(x), double(w)[0], None, strides, padding, beyond or (None, None), dilation
        )
        return moved(y)

    def ours(x):
        return ops.conv_transpose(x, w, strides, padding, beyond, order, dilation)

    check(ours, expected, moved(x), terms=3 * kernel_size[0] * kernel_size[1], unit=2)
    check_gradient(ours, expected, moved(x)[:1])


def test_transposed_layer_learns_its_weights(rng):
    """The gradients by kernel and bias are those of central differences of the reference."""
    x, dy = normal(rng, 2, 3, 2, 2), normal(rng, 2, 6, 6, 3)
    layer = layers.Conv2DTranspose(3, (3, 4), strides=(2, 3), padding="same")
    layer.build((None, 3, 2, 2))
    with keras.GradientTape() as tape:
        total = ops.sum(layer(x) * dy)
    dw, db = (np.asarray(g) for g in tape.gradient(total, layer.weights))
    x64, dy64, w = double(x, dy, layer.kernel.numpy())
    for place in [(0, 0, 0, 0), (2, 3, 2, 1), (1, 2, 1, 0)]:
        unit = np.zeros_like(w)
        unit[place] = 1
        y = reference.conv2d_transpose(x64, unit, None, (2, 3), "same", (None, None), (1, 1))
        np.testing.assert_allclose(dw[place], (y * dy64).sum(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(db, dy64.sum((0, 1, 2)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_upsampling(rng, interpolation):
    x = normal(rng, 2, 3, 4, 2)
    layer = layers.UpSampling2D((3, 2), interpolation=interpolation)
    expected = reference.upsample2d(double(x)[0], (3, 2), interpolation)
    assert_close(layer(x), expected.astype(np.float64), terms=30, unit=1.0)
    check_gradient(layer, lambda x: reference.upsample2d(x, (3, 2), interpolation), x[:1])


axis = st.tuples(*[st.integers(1, n) for n in (4, 3, 9, 9)], st.integers(0, 12), st.integers(0, 12))


@given(h=axis, w=axis, value=st.sampled_from([0.0, 0.0, 0.0, 1.5]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_only_sees_padding(h, w, value):
    """Padding, strides and dilation of any size: as the reference, on arrays and in a graph."""
    (size, kernel, strides, dilation) = (tuple(pair) for pair in zip(h[:4], w[:4], strict=True))
    padding = (*h[4:], *w[4:])
    if any(n + a[4] + a[5] <= (k - 1) * d for n, k, d, a in zip(size, kernel, dilation, (h, w), strict=True)):
        return
    rng = np.random.default_rng(sum(padding))
    x, kernel_, b = normal(rng, 1, *size, 2), normal(rng, *kernel, 1, 4), normal(rng, 4)
    options = {"padding": (h[4:], w[4:]), "strides": strides, "dilation_rate": dilation}
    options |= {"groups": 2, "padding_value": value}
    geometry = (strides, padding, value, dilation, 2)
    x64, w64, b64 = double(x, kernel_, b)
    expected = reference.conv2d(x64, w64, b64, *geometry)
    assert_close(ops.conv2d(x, kernel_, b, **options), expected, terms=12, unit=2)
    dy = normal(rng, *expected.shape)
    gradients = reference.conv2d_backward(x64, w64, double(dy)[0], *geometry)
    found = ops.conv2d_backward(dy, x, kernel_, **options)
    for a, right in zip(found, gradients, strict=True):
        assert_close(a, right, terms=dy.size, unit=2)
    if max(strides) == 1 or max(dilation) == 1:
        layer = layers.Conv2D(4, kernel, **options)
        layer.build((None, *size, 2))
        layer.set_weights([kernel_, b])
        assert_close(layer(x), expected, terms=12, unit=2)


@pytest.mark.parametrize("dilation", [1, 10_000])
@pytest.mark.parametrize("strides", [1, 20_000, 2**31 - 1])
def test_far_beyond_the_image(rng, strides, dilation):
    """Neither memory nor time for what is only zeros: these would need gigabytes."""
    x, w = normal(rng, 1, 4, 4, 1), normal(rng, 3, 3, 1, 1)
    for padding in ("same", 20_000 if strides > 1 else 1):
        if padding == 1 and dilation > 1:
            continue
        options = {"padding": padding, "strides": strides, "dilation_rate": dilation}
        y = ops.conv2d(x, w, **options)
        dx, dw, _ = ops.conv2d_backward(np.ones_like(y), x, w, **options)
        # The sum of y is linear in x and in w.
        np.testing.assert_allclose((dx * x).sum(), y.sum(), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose((dw * w).sum(), y.sum(), rtol=1e-4, atol=1e-4)


def test_short_padding_stays_as_it_is():
    assert live_axes((5, 5), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)) is None
    assert live_axes((2, 5), (3, 3), (1, 1), (9, 1), (1, 1, 1, 1)) is None  # an error of the core's


@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
def test_a_row_of_layers_stays_one_of_images(order):
    """Between layers of sequences, or with channels first, no copy or shape stands in the way of fusion."""
    sample = (8, 4) if order == "channels_last" else (4, 8)
    graph = Blueprint()
    node = graph.input(sample, name="x")
    for layer in (
        layers.Conv1D(6, 3, activation="relu", data_format=order),
        layers.MaxPooling1D(2, data_format=order),
        layers.Conv1DTranspose(5, 2, 2, data_format=order),
    ):
        layer.build((None, *graph.shape(node)))
        node = layer.lower(graph, node)
    kinds = graph.text([node])
    assert kinds.count("conv2d") >= 2
    # Kernel and bias of the transposed one in parts; the input and the output with channels first.
    assert kinds.count("strided") == (2 if order == "channels_last" else 4)


REFUSED = [
    ("layers.Conv1D(2, 3, padding='full')", "Conv1D: padding is 'full'; expected 'valid', 'same', 'causal'"),
    ("layers.Conv1D(2, (3, 3))", "kernel_size is .3, 3.; expected one integer"),
    ("layers.Conv2D(2, 3, lora_rank=4)", "`lora_rank` is not supported"),
    ("layers.Conv1DTranspose(2, 3, 2, output_padding=2)", "output_padding is .2,.; expected less"),
    ("layers.Conv2DTranspose(2, 3, padding=1)", "Conv2DTranspose: padding is 1; expected 'valid'"),
    ("layers.SeparableConv1D(2, 3, padding='causal')", "padding is 'causal'"),
    ("layers.MaxPooling1D(0)", "pool_size is 0; expected at least 1"),
    ("layers.UpSampling2D(interpolation='area')", "interpolation is 'area'; expected one of 'nearest'"),
    ("layers.ZeroPadding1D((1, 2, 3))", r"padding\[0\] is \(1, 2, 3\)"),
    ("layers.Cropping1D(3)(keras.Input((6, 2)))", "leaves nothing of 1x6 pixels"),
    ("layers.Permute((1, 3))", "dims is .1, 3.; expected each of 1 to 2 once"),
    ("layers.Permute((2, 1))(keras.Input((6,)))", "expects samples of 2 axes"),
    ("layers.Conv1D(2, 3)(keras.Input((6,)))", r"\(batch, steps, channels\).*Input\(\(6, 1\)\)"),
    (
        "layers.Conv2D(2, 3, data_format='channels_first')(keras.Input((6, 6)))",
        r"\(batch, channels, height, width\).*Input\(\(1, 6, 6\)\)",
    ),
    (
        "layers.Conv2DTranspose(2, 2, padding='same', output_padding=0)(keras.Input((1, 1, 3)))",
        "leaves no output",
    ),
    ("keras.config.set_image_data_format('first')", "expected 'channels_last' or 'channels_first'"),
    ("ops.conv_transpose(np.ones((1, 4, 3)), np.ones((2, 5, 4)))", "takes 4 channels, but inputs have 3"),
    ("ops.conv_transpose(np.ones((1, 4, 3)), np.ones((2, 5, 3)), padding=1)", "padding is 1; expected"),
    ("ops.conv_transpose(keras.Input((4, 3)), np.ones((2, 5, 3)), output_padding=1)", "less than strides"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        eval(call)
