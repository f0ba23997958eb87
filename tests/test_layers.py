"""Layers: what they compute, their weights, names, configurations, and what they refuse."""

import json
import math

import numpy as np
import pytest
import reference
from helpers import assert_close, normal

import pycnn as keras
from pycnn import layers

# Class, arguments, shape of a sample, shape of its output.
CASES = [
    (layers.Conv2D, {"filters": 4, "kernel_size": 3}, (9, 8, 3), (7, 6, 4)),
    (
        layers.Conv2D,
        {"filters": 4, "kernel_size": (3, 2), "strides": 2, "padding": "same"},
        (9, 8, 3),
        (5, 4, 4),
    ),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "dilation_rate": 2, "groups": 2}, (9, 8, 2), (5, 4, 4)),
    (layers.Conv2D, {"filters": 2, "kernel_size": 3, "padding": ((2, 1), (0, 3))}, (9, 8, 3), (10, 9, 2)),
    (layers.DepthwiseConv2D, {"kernel_size": 3, "depth_multiplier": 2}, (9, 8, 3), (7, 6, 6)),
    (
        layers.SeparableConv2D,
        {"filters": 4, "kernel_size": 3, "depth_multiplier": 2, "strides": 2},
        (9, 8, 3),
        (4, 3, 4),
    ),
    (layers.SeparableConv2D, {"filters": 4, "kernel_size": (2, 3), "use_bias": False}, (9, 8, 3), (8, 6, 4)),
    (layers.Dense, {"units": 5}, (7,), (5,)),
    (layers.Dense, {"units": 5, "use_bias": False}, (2, 3, 7), (2, 3, 5)),
    (layers.MaxPooling2D, {}, (9, 8, 3), (4, 4, 3)),
    (layers.MaxPooling2D, {"pool_size": 3, "strides": 2, "padding": "same"}, (9, 8, 3), (5, 4, 3)),
    (layers.AveragePooling2D, {"pool_size": (2, 3), "strides": 1}, (9, 8, 3), (8, 6, 3)),
    (layers.GlobalMaxPooling2D, {}, (9, 8, 3), (3,)),
    (layers.GlobalAveragePooling2D, {"keepdims": True}, (9, 8, 3), (1, 1, 3)),
    (layers.Flatten, {}, (9, 8, 3), (216,)),
    (layers.Reshape, {"target_shape": (3, -1)}, (9, 8), (3, 24)),
    (layers.Dropout, {"rate": 0.25, "seed": 3}, (4, 5), (4, 5)),
    (layers.BatchNormalization, {"scale": False, "momentum": 0.5}, (4, 5), (4, 5)),
    (layers.Activation, {"activation": "elu"}, (4, 5), (4, 5)),
    (layers.ReLU, {"max_value": 6.0}, (4, 5), (4, 5)),
    (layers.LeakyReLU, {"negative_slope": 0.1}, (4, 5), (4, 5)),
    (layers.ELU, {"alpha": 0.5}, (4, 5), (4, 5)),
    (layers.Softmax, {"axis": 2}, (4, 5), (4, 5)),
    (layers.Maxout, {"num_units": 2}, (4, 6), (4, 2)),
    (layers.ZeroPadding2D, {"padding": (1, 2)}, (9, 8, 3), (11, 12, 3)),
    (layers.Rescaling, {"scale": 0.5, "offset": 1.0}, (4, 5), (4, 5)),
]
IDS = [f"{cls.__name__}-{i}" for i, (cls, *_) in enumerate(CASES)]


@pytest.mark.parametrize(("cls", "arguments", "shape", "output"), CASES, ids=IDS)
def test_shapes(rng, cls, arguments, shape, output):
    layer = cls(**arguments)
    assert layer.compute_output_shape((None, *shape)) == (None, *output)
    assert layer.compute_output_shape((7, *shape)) == (7, *output)
    assert not layer.built
    y = layer(normal(rng, 2, *shape))
    assert y.shape == (2, *output)
    assert y.dtype == np.float32
    assert layer.input_shape == (None, *shape)
    assert layer.output_shape == (None, *output)
    assert layer.count_params() == sum(w.size for w in layer.get_weights())


@pytest.mark.parametrize(("cls", "arguments", "shape", "output"), CASES, ids=IDS)
def test_configuration(rng, cls, arguments, shape, output):
    layer = cls(name="given", trainable=False, **arguments)
    described = json.loads(json.dumps(layers.serialize(layer)))
    copy = layers.deserialize(described)
    assert type(copy) is cls
    assert copy.get_config() == layer.get_config()
    assert (copy.name, copy.trainable) == ("given", False)
    x = normal(rng, 2, *shape)
    y = layer(x)
    copy.build((None, *shape))
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(x), y)


@pytest.mark.parametrize("cls", dict.fromkeys(cls for cls, *_ in CASES), ids=lambda cls: cls.__name__)
def test_no_weights_share_a_name(cls):
    names = [cls(**next(arguments for c, arguments, *_ in CASES if c is cls)).name for _ in range(2)]
    assert names[0] != names[1]


# --- what they compute --------------------------------------------------------------------------------------
def test_convolution_with_values_outside(rng):
    layer = layers.Conv2D(3, (3, 2), padding=((2, 0), (1, 3)), padding_value=-1.5, activation="tanh")
    x = normal(rng, 2, 6, 5, 2)
    y = layer(x)
    w, b = (weight.astype(float) for weight in layer.get_weights())
    expected = np.tanh(reference.conv2d(x.astype(float), w, b, (1, 1), (2, 0, 1, 3), -1.5, (1, 1), 1))
    assert_close(y, expected, terms=12, unit=1.5)
    config = layer.get_config()
    assert config["padding"] == [[2, 0], [1, 3]]
    assert config["padding_value"] == -1.5
    assert "padding_value" not in layers.Conv2D(1, 1).get_config()  # Keras would not know it


def test_depthwise_convolution(rng):
    layer = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)
    x = normal(rng, 2, 5, 6, 3)
    y = layer(x)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (3, 3, 3, 2)
    expected = reference.depthwise_conv2d(
        x.astype(float), kernel.astype(float), bias.astype(float), (1, 1), (1, 1, 1, 1), 0.0, (1, 1)
    )
    assert_close(y, expected, terms=9)


@pytest.mark.parametrize("size", [5, 6, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_same_padding(size, stride, kernel):
    """Ceil(size / stride) outputs, the odd pixel at the end: a convolution with ones counts pixels."""
    layer = layers.Conv2D(1, kernel, stride, "same", kernel_initializer="ones")
    column = layer(np.ones((1, size, size, 1)))[0, :, 0, 0]
    outputs = math.ceil(size / stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    starts = [i * stride - total // 2 for i in range(outputs)]
    expected = np.array([min(s + kernel, size) - max(s, 0) for s in starts])
    np.testing.assert_allclose(column / column[0], expected / expected[0], rtol=1e-6)


def test_maxout(rng):
    x = normal(rng, 3, 4, 12)
    np.testing.assert_array_equal(layers.Maxout(4)(x), x.reshape(3, 4, 4, 3).max(-1))


def test_padding_of_average_pooling_is_not_counted():
    y = layers.AveragePooling2D(2, padding="same")(np.ones((1, 3, 3, 1)))
    np.testing.assert_array_equal(y, np.ones((1, 2, 2, 1)))


@pytest.mark.parametrize(
    "activation",
    [
        "leaky_relu",
        keras.activations.leaky_relu,
        keras.nn.leaky_relu,
        layers.LeakyReLU(0.2),
        lambda x: keras.nn.leaky_relu(x, alpha=0.2),
    ],
)
def test_forms_of_an_activation(activation):
    x = np.array([[-1.0, 0.0, 2.0]])
    np.testing.assert_allclose(layers.Activation(activation)(x), [[-0.2, 0.0, 2.0]], rtol=1e-6)
    dense = layers.Dense(3, activation, kernel_initializer=identity)
    np.testing.assert_allclose(dense(x), [[-0.2, 0.0, 2.0]], rtol=1e-6)
    described = layers.Activation(activation).get_config()["activation"]
    assert described == "leaky_relu" or described["config"]["negative_slope"] == 0.2
    np.testing.assert_allclose(layers.Activation(described)(x), [[-0.2, 0.0, 2.0]], rtol=1e-6)


def identity(shape, dtype=None):
    return np.eye(*shape)


def test_an_own_function_cannot_be_described():
    with pytest.raises(ValueError, match="cannot be described"):
        layers.Dense(3, kernel_initializer=lambda shape: identity(shape)).get_config()


def test_parameters_of_a_foreign_activation_are_kept():
    layer = layers.Activation(lambda x: keras.nn.leaky_relu(x, alpha=0.5))
    np.testing.assert_allclose(layer([[-2.0]]), [[-1.0]])
    assert layer.get_config()["activation"]["config"]["negative_slope"] == 0.5
    layer = layers.Activation(lambda x: keras.activations.relu(x, max_value=3.0))
    np.testing.assert_allclose(layer([[-2.0, 5.0]]), [[0.0, 3.0]])


@pytest.mark.parametrize(
    "function", [lambda x: keras.ops.concatenate([x, x]), np.tanh, lambda x: 3, print, lambda: None]
)
def test_functions_that_are_no_activation(function):
    with pytest.raises(ValueError, match="activation"):
        layers.Activation(function)


def test_a_function_of_one_s_own_as_activation():
    x = np.array([[-2.0, 0.5]], np.float32)
    for function in (lambda x: x * 2, lambda x: keras.nn.relu(keras.nn.tanh(x)), keras.ops.square):
        expected = np.asarray(function(x), np.float32)
        np.testing.assert_allclose(layers.Activation(function)(x), expected, rtol=1e-6)
        dense = layers.Dense(2, function, kernel_initializer=identity)
        np.testing.assert_allclose(dense(x), expected, rtol=1e-6)


# --- weights ------------------------------------------------------------------------------------------------
def test_weights():
    layer = layers.Dense(2, name="d", bias_initializer="ones")
    with pytest.raises(ValueError, match="no weights yet"):
        layer.count_params()
    assert layer.get_weights() == layer.weights == []
    layer.build((None, 3))
    assert [w.path for w in layer.weights] == ["d/kernel", "d/bias"]
    assert layer.weights == layer.variables == layer.trainable_weights == [layer.kernel, layer.bias]
    kernel = np.arange(6.0).reshape(3, 2)
    layer.set_weights([kernel, [5, 6]])
    np.testing.assert_array_equal(layer(np.eye(3)), kernel + np.array([5, 6]))
    layer.bias.assign([0, 0])
    np.testing.assert_array_equal(layer(np.eye(3)), kernel)
    np.testing.assert_array_equal(layer.kernel, kernel)
    copy = layer.get_weights()
    copy[0][:] = 7
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    with pytest.raises(ValueError, match="read-only"):
        layer.kernel.value[0, 0] = 1
    layer.trainable = False
    assert layer.trainable_weights == []
    assert layer.non_trainable_weights == layer.weights


def test_refused_weights_change_nothing():
    layer = layers.Dense(2, name="d")
    layer.build((None, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match="1 arrays, expected 2"):
        layer.set_weights([np.zeros((3, 2))])
    with pytest.raises(ValueError, match=r"d/bias has shape \(2,\), but was given \(3,\)"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    with pytest.raises(ValueError, match="shape"):
        layer.bias.assign(np.zeros(3))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_of_batch_normalization():
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    assert [w.name for w in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]
    assert [w.name for w in layer.non_trainable_weights] == ["moving_mean", "moving_variance"]
    np.testing.assert_array_equal(layer.get_weights(), [np.ones(4), np.zeros(4), np.zeros(4), np.ones(4)])


def test_a_layer_keeps_to_its_weights():
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match=r"kernel of shape \(3, 2\), but an input of shape \(None, 4\)"):
        layer(np.zeros((1, 4)))


def test_layers_on_other_sizes(rng):
    """A convolution's weights serve images of any size."""
    layer = layers.Conv2D(2, 3)
    x = normal(rng, 1, 8, 9, 1)
    small = layer(x[:, :5, :6])
    large = layer(x)
    np.testing.assert_allclose(large[:, :3, :4], small, rtol=1e-5, atol=1e-6)


# --- what they refuse ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(0, 3), "filters is 0"),
        (lambda: layers.Conv2D(3.5, 3), "filters is 3.5; expected an integer"),
        (lambda: layers.Conv2D(2, (1, 2, 3)), "kernel_size is"),
        (lambda: layers.Conv2D(2, 3, strides=0), "strides is 0"),
        (lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2), "dilation_rate"),
        (lambda: layers.Conv2D(2, 3, padding="full"), "padding is 'full'"),
        (lambda: layers.Conv2D(2, 3, padding=((0, -1), (0, 0))), "padding"),
        (lambda: layers.Conv2D(2, 3, padding=3), "padding is 3"),
        (lambda: layers.Conv2D(2, 3, padding_value=math.nan), "padding_value"),
        (lambda: layers.Conv2D(3, 3, groups=2), "3 filters cannot be divided into 2 groups"),
        (lambda: layers.Conv2D(2, 3, data_format="first"), "channels_first"),
        (lambda: layers.Conv2D(2, 3, kernel_regularizer="l3"), "Unknown regularizer: 'l3'"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier is 0"),
        (lambda: layers.DepthwiseConv2D(3, bias_constraint=1), "Unknown constraint: 1"),
        (lambda: layers.SeparableConv2D(0, 3), "filters is 0"),
        (lambda: layers.SeparableConv2D(2, 3, depth_multiplier=0), "depth_multiplier is 0"),
        (lambda: layers.SeparableConv2D(2, 3, pointwise_constraint=1), "Unknown constraint: 1"),
        (lambda: layers.Dense(-1), "units is -1"),
        (lambda: layers.Dense(True), "units is True"),
        (lambda: layers.Dense(2, activation="rellu"), "Did you mean 'relu'"),
        (lambda: layers.Dense(2, activation=layers.Dense(2)), "has weights"),
        (lambda: layers.Dense(2, activation=3), "Unknown activation: 3"),
        (lambda: layers.Dense(2, kernel_initializer="he"), "Unknown initializer"),
        (lambda: layers.Dense(2, activity_regularizer="l3"), "Unknown regularizer"),
        (lambda: layers.Dense(2, lora_rank=2), "lora_rank"),
        (lambda: layers.Dense(2, unitz=3), "Unrecognized keyword arguments passed to Dense"),
        (lambda: layers.Dense(2, dtype="float64"), "float64"),
        (lambda: layers.Dense(2, name="a/b"), "name"),
        (lambda: layers.Dense(2, name=3), "name"),
        (lambda: layers.MaxPooling2D(0), "pool_size is 0"),
        (lambda: layers.MaxPooling2D(2, padding=((0, 0), (0, 0))), "padding"),
        (lambda: layers.Reshape((2, 0)), "target_shape"),
        (lambda: layers.Reshape((-1, -1)), "target_shape"),
        (lambda: layers.Reshape("ab"), "target_shape"),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), "padding"),
        (lambda: layers.ZeroPadding2D(-1), "padding"),
        (lambda: layers.Dropout(1.5), "rate is 1.5"),
        (lambda: layers.Dropout(-0.1), "rate is -0.1"),
        (lambda: layers.Dropout(0.5, noise_shape=(0,)), "noise_shape"),
        (lambda: layers.Dropout(0.5, seed=1.5), "seed is 1.5"),
        (lambda: layers.BatchNormalization(momentum=2), "momentum"),
        (lambda: layers.BatchNormalization(epsilon=0), "epsilon"),
        (lambda: layers.BatchNormalization(renorm=True), "renorm"),
        (lambda: layers.ReLU(max_value=-1), "max_value"),
        (lambda: layers.LeakyReLU("a"), "negative_slope"),
        (lambda: layers.Rescaling(math.inf), "scale"),
        (lambda: layers.Maxout(0), "num_units"),
        (lambda: keras.Input(), "`shape` is missing"),
        (lambda: keras.Input(()), "`shape` is empty"),
        (lambda: keras.Input((None, 3)), "vary"),
        (lambda: keras.Input((0, 3)), "positive integers"),
        (lambda: keras.Input((2.5,)), "positive integers"),
        (lambda: keras.Input((10**6, 10**6)), "shape of a sample"),
        (lambda: keras.Input((3,), sparse=True), "sparse"),
        (lambda: keras.Input((3,), dtype="string"), "dtype"),
    ],
)
def test_refused_arguments(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (layers.Conv2D(2, 9, name="c"), (1, 8, 8, 1), "c: .*9 pixels"),
        (
            layers.Conv2D(2, 3, name="c"),
            (1, 8, 8),
            r"'c' expects images.*Input\(\(8, 8, 1\)\)|'c' expects images",
        ),
        (layers.Conv2D(2, 3, groups=2, name="c"), (1, 8, 8, 3), "'c': 3 input channels"),
        (layers.DepthwiseConv2D(3, name="c"), (1, 8), "'c' expects images"),
        (layers.MaxPooling2D(9, name="p"), (1, 8, 8, 1), "p: .*9 pixels"),
        (layers.GlobalMaxPooling2D(name="p"), (1, 8, 8), "'p' expects images"),
        (layers.ZeroPadding2D(name="z"), (1, 8), "'z' expects images"),
        (layers.Reshape((5,), name="r"), (1, 4), "'r' cannot make"),
        (layers.Reshape((-1, 5), name="r"), (1, 4), "'r' cannot make"),
        (layers.Softmax(0, name="s"), (1, 3, 4), "'s': axis 0 is none of a sample"),
        (layers.BatchNormalization(3, name="b"), (1, 3, 4), "'b': axis 3 is none of a sample"),
        (layers.Maxout(3, name="m"), (1, 8), "'m': 8 input channels"),
    ],
)
def test_refused_inputs(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(shape))


def test_refused_calls():
    with pytest.raises(TypeError, match="training is 'yes'; expected True, False or None"):
        layers.Dense(2)(keras.Input((3,)), training="yes")
    with pytest.raises(TypeError, match="takes its input and `training`"):
        layers.Dense(2)(np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(AttributeError, match="not part of a model"):
        _ = layers.Dense(2).output_shape
    with pytest.raises(TypeError, match="real numbers"):
        layers.Dense(2)(np.array([["a"]]))


# --- descriptions from elsewhere ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "description",
    [
        None,
        3,
        [],
        {},
        {"class_name": "Lambda", "config": {}},
        {"class_name": "Dense"},
        {"class_name": "Dense", "config": []},
        {"class_name": "Dense", "config": {3: 4}},
        {"class_name": ["Dense"], "config": {}},
        {"class_name": "Dense", "config": {"units": 2, "dtype": {"config": {"name": "mixed_float16"}}}},
        {
            "class_name": "Dense",
            "config": {"units": 2, "kernel_initializer": {"class_name": "os.system", "config": {}}},
        },
        {"class_name": "Sequential", "config": {}},
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "eval"}]}},
    ],
)
def test_refused_descriptions(description):
    with pytest.raises((TypeError, ValueError)):
        layers.deserialize(description)


def test_old_names_and_arguments():
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.AvgPool2D is layers.AveragePooling2D
    assert layers.LeakyReLU(alpha=0.1).negative_slope == 0.1
    assert layers.Dense(2, input_dim=3).requested_input_shape == (3,)
    assert layers.Dense(2, input_shape=(4, 3)).requested_input_shape == (4, 3)
    assert layers.Dense(2, batch_input_shape=(None, 4, 3)).requested_input_shape == (4, 3)


def test_an_activation_that_is_taken_away(rng):
    """`model.layers[-1].activation = None`, for the scores before a softmax."""
    for layer, x in (
        (keras.layers.Dense(3, "softmax"), normal(rng, 4, 5)),
        (keras.layers.Conv2D(3, 2, activation="relu"), normal(rng, 2, 4, 4, 2)),
    ):
        model = keras.Sequential([keras.Input(x.shape[1:]), layer])
        layer.activation = None
        without = model.predict(x, verbose=0)
        layer.activation = keras.activations.linear
        np.testing.assert_array_equal(without, keras.Model(model.input, model.output).predict(x, verbose=0))


def test_average_pooling_of_two_by_two():
    assert keras.layers.AveragePooling2D().pool_size == (2, 2)
