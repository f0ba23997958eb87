"""Functional models: layers called on symbols, branches, shared layers, models inside models."""

import numpy as np
import pytest
from functional import data, residual, same_weights, trained, twins
from helpers import normal
from network_check import check

import pycnn as keras
from pycnn import layers


# --- building -----------------------------------------------------------------------------------------------
def chain():
    return [
        layers.Conv2D(4, 3, name="a"),
        layers.BatchNormalization(name="b"),
        layers.Activation("relu", name="c"),
        layers.MaxPooling2D(name="d"),
        layers.Flatten(name="e"),
        layers.Dropout(0.3, seed=1, name="f"),
        layers.Dense(4, activation="softmax", name="g"),
    ]


def test_a_chain_is_a_sequential_bit_for_bit(rng):
    row = keras.Sequential([keras.Input((8, 8, 3), name="x"), *chain()], name="net")
    inputs = x = keras.Input((8, 8, 3), name="x")
    for layer in chain():
        x = layer(x)
    model = keras.Model(inputs, x, name="net")
    model.set_weights(row.get_weights())
    x, y = data(rng)
    np.testing.assert_array_equal(model.predict(x), row.predict(x))
    assert trained(model, x, y) == trained(row, x, y)
    same_weights(model, row)
    assert model.evaluate(x, y, verbose=0) == row.evaluate(x, y, verbose=0)
    assert model.count_params() == row.count_params()
    assert model.layers[0].name == "x"
    assert [layer.name for layer in model.layers[1:]] == [layer.name for layer in row.layers]
    texts = []
    for each in (model, row):
        each.summary(print_fn=texts.append)
    assert texts[0].splitlines()[6:] == texts[1].splitlines()[4:]  # but for the Input


def test_symbols():
    x = keras.Input((8, 8, 3), name="image", dtype="uint8")
    assert (x.shape, x.dtype, x.name, x.ndim) == ((None, 8, 8, 3), "uint8", "image", 4)
    conv = layers.Conv2D(4, 3)
    y = conv(x)
    assert conv.built
    assert (y.shape, y.dtype) == ((None, 6, 6, 4), "float32")
    assert (y.node.operation, y.node.inputs) == (conv, (x,))
    assert conv.input is x
    assert conv.output is y
    assert (conv.input_shape, conv.output_shape) == ((None, 8, 8, 3), (None, 6, 6, 4))
    z = layers.Add(name="sum")([y, y])
    assert z.node.operation.input == [y, y]
    assert layers.ReLU()([y]).shape == y.shape
    assert z.node.operation.input_shape == [(None, 6, 6, 4)] * 2


@pytest.mark.parametrize(
    "use",
    [
        lambda x: np.tanh(x), lambda x: np.asarray(x), lambda x: list(x), lambda x: bool(x),
        lambda x: float(x), lambda x: int(x), lambda x: len(x),
    ],
)  # fmt: skip
def test_symbols_have_no_values(use):
    with pytest.raises(TypeError, match="stands for arrays and has no values"):
        use(keras.Input((4,)))


def test_layers_and_weights():
    model = residual()
    names = ["image", "a", "norm", "relu", "shared", "sum", "max", "mean", "join", "pool", "drop", "out"]
    assert [layer.name for layer in model.layers] == names
    assert model.get_layer("join") is model.get_layer(index=8) is model.layers[8]
    paths = [
        "a/kernel", "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance", "shared/kernel",
        "shared/bias", "out/kernel", "out/bias",
    ]  # fmt: skip
    assert [w.path for w in model.weights] == paths
    assert model.count_params() == 3 * 3 * 3 * 8 + 4 * 8 + 3 * 3 * 8 * 8 + 8 + 16 * 4 + 4
    assert [w.path for w in model.non_trainable_weights] == paths[3:5]
    assert (model.input_shape, model.output_shape) == ((None, 8, 8, 3), (None, 4))
    assert model.inputs == [model.input]
    assert model.outputs == [model.output]
    assert model.output is model.get_layer("out").output
    assert model.compute_output_shape((7, 8, 8, 3)) == (7, 4)
    model.get_layer("shared").trainable = False
    assert [w.path for w in model.non_trainable_weights] == paths[3:7]
    model.trainable = False
    assert model.trainable_weights == []


def test_a_forward_pass_is_its_layers_in_turn(rng):
    model = residual()
    x, y = data(rng)
    trained(model, x, y)
    layer = model.get_layer
    a = layer("relu")(layer("norm")(layer("a")(x)))
    b = layer("sum")([a, layer("shared")(layer("shared")(a))])
    c = layer("pool")(layer("join")([layer("max")(b), layer("mean")(a)]))
    np.testing.assert_allclose(layer("out")(c), model.predict(x), rtol=1e-5, atol=1e-6)


def test_training_goes_down_and_repeats(rng, restore_threads):
    x, y = data(rng)
    start, results = residual().get_weights(), []
    for threads in (1, 2, 3):
        keras.config.set_num_threads(threads)
        model = residual()
        model.set_weights(start)
        history = trained(model, x, y, epochs=40)
        assert history["loss"][-1] < 0.7 * history["loss"][0]
        results.append(model.get_weights())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_names_of_models():
    keras.backend.clear_session()
    assert [residual(name=None).name for _ in range(2)] == ["functional", "functional_1"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x, y: keras.Model(), "needs `inputs` and `outputs`"),
        (lambda x, y: keras.Model(x), "needs `inputs` and `outputs`"),
        (lambda x, y: keras.Model(x, layers.Add()([x, y])), "Graph disconnected.*name=y"),
        (lambda x, y: keras.Model(layers.ReLU()(x), layers.ReLU()(x)), "Graph disconnected.*name=x"),
        (lambda x, y: keras.Model(x, y), "Graph disconnected"),
        (lambda x, y: keras.Model([x, x], layers.Add()([x, x])), "`inputs` has one symbol twice"),
        (lambda x, y: keras.Model(x, []), "`outputs` is empty"),
        (lambda x, y: keras.Model(np.zeros((2, 4)), x), "`inputs` is array"),
        (lambda x, y: keras.Model(x, layers.ReLU()), "`outputs` is <ReLU .*expected symbols"),
        (
            lambda x, y: keras.Model(x, layers.ReLU(name="r")(layers.ReLU(name="r")(x))),
            "'r' is used by several layers",
        ),
        (
            lambda x, y: keras.Model(x, layers.ReLU(name="x")(x)),
            "'x' is used by several layers",
        ),
        (lambda x, y: layers.Dense(2)([x, y]), "takes one input, but was called on 2"),
        (lambda x, y: layers.Conv2D(2, 3, name="c")(x), "'c' expects images"),
        (lambda x, y: layers.Add()(x), "on a list of inputs"),
        (lambda x, y: layers.Add()([]), "on a list of inputs"),
        (lambda x, y: layers.Add()([x, np.zeros((2, 4))]), "on symbols and other things"),
        (lambda x, y: layers.Add(name="s")([x, keras.Input((5,))]), r"'s' .*\(None, 4\) and \(None, 5\)"),
        (lambda x, y: layers.Subtract(name="s")([x, y, x]), "'s' subtracts one input"),
        (lambda x, y: layers.Concatenate(3, name="s")([keras.Input((2, 3))] * 2), "axis 3 is none"),
        (lambda x, y: layers.Concatenate(0)([x, y]), "axis 0 is none"),
        (lambda x, y: layers.Concatenate(name="s")([x, keras.Input((2, 4))]), "in axis -1 only"),
        (lambda x, y: layers.Concatenate("last"), "axis"),
        (lambda x, y: layers.Add()([np.zeros((2, 4)), np.zeros((3, 4))]), "numbers of samples: 2, 3"),
        (lambda x, y: layers.Add().compute_output_shape((None, 4)), "list of shapes"),
        (lambda x, y: keras.Sequential([keras.Input((4,)), layers.Add()]), "on a list of inputs"),
        (lambda x, y: keras.Sequential([layers.ReLU()(x)]), "Only layers"),
        (lambda x, y: residual()(y), "made for inputs of shape"),
        (lambda x, y: keras.Model(x, y, "name"), "positional arguments"),
    ],
)  # fmt: skip
def test_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(keras.Input((4,), name="x"), keras.Input((4,), name="y"))


def test_a_layer_that_did_not_fit_can_be_used_elsewhere():
    conv = layers.Conv2D(2, 3)
    with pytest.raises(ValueError, match="3 pixels"):
        conv(keras.Input((2, 2, 5)))
    assert not conv.built
    assert conv(keras.Input((4, 4, 1))).shape == (None, 2, 2, 2)
    with pytest.raises(ValueError, match="has a kernel of shape"):
        conv(keras.Input((4, 4, 2)))


# --- merging layers -----------------------------------------------------------------------------------------
MERGES = [
    (layers.Add(), layers.add, lambda *x: sum(x), 3),
    (layers.Subtract(), layers.subtract, lambda x, y: x - y, 2),
    (layers.Multiply(), layers.multiply, lambda *x: np.prod(x, axis=0), 3),
    (layers.Average(), layers.average, lambda *x: np.mean(x, axis=0), 3),
    (layers.Maximum(), layers.maximum, lambda *x: np.max(x, axis=0), 3),
    (layers.Minimum(), layers.minimum, lambda *x: np.min(x, axis=0), 3),
    (layers.Concatenate(), layers.concatenate, lambda *x: np.concatenate(x, axis=-1), 3),
]
MERGE_IDS = [type(layer).__name__ for layer, *_ in MERGES]


@pytest.mark.parametrize(("layer", "function", "formula", "count"), MERGES, ids=MERGE_IDS)
@pytest.mark.parametrize("shape", [(5,), (4, 3, 2)])
def test_merging(rng, layer, function, formula, count, shape):
    layer = type(layer).from_config(layer.get_config())
    whole = keras.Input((*shape[:-1], count * shape[-1]))
    parts = [layers.Conv2D if len(shape) == 3 else layers.Dense for _ in range(count)]
    parts = [part(shape[-1], 1) if len(shape) == 3 else part(shape[-1]) for part in parts]
    model = keras.Model(whole, layer([part(whole) for part in parts]))
    assert isinstance(layer.output_shape, tuple)
    assert layer.compute_output_shape([(None, *shape)] * count) == model.output_shape
    x = normal(rng, 6, *whole.shape[1:])
    arrays = [part(x) for part in parts]
    expected = formula(*(array.astype(np.float64) for array in arrays))
    assert model.output_shape == (None, *expected.shape[1:])
    for y in (layer(arrays), function(arrays), model.predict(x)):
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    assert function([part(whole) for part in parts]).shape == model.output_shape


@pytest.mark.parametrize(("layer", "function", "formula", "count"), MERGES, ids=MERGE_IDS)
def test_gradients_of_merging(isa, layer, function, formula, count):
    def build(g, x):
        nodes = [g.activation(g.dense(x, units=5), "tanh") for _ in range(count)]
        y = layer.lower(g, *nodes)
        return g.dense(g.reshape(y, (int(np.prod(g.shape(y))),)), units=3)

    check(build, (3, 2, 4))


def test_equal_values_share_the_gradient():
    for layer in (layers.Maximum(), layers.Minimum()):
        x = keras.Input((2,))
        parts = [layers.Dense(2, use_bias=False, kernel_initializer="ones") for _ in range(2)]
        model = keras.Model(x, layer([part(x) for part in parts]))
        model.compile("sgd", "mse")
        model.train_on_batch(np.ones((3, 2)), np.zeros((3, 2)))
        first, second = (part.get_weights()[0] for part in parts)
        assert (first != 1).all()
        np.testing.assert_array_equal(first, second)


# --- parts of models ----------------------------------------------------------------------------------------
def test_models_that_share_layers(rng):
    model = residual()
    features = keras.Model(model.input, model.get_layer("pool").output)
    head_input = keras.Input((16,))
    head = keras.Model(head_input, model.get_layer("out")(head_input))
    x, y = data(rng)
    before = features.predict(x)
    trained(model, x, y)
    after = features.predict(x)
    assert np.abs(after - before).max() > 1e-4
    np.testing.assert_allclose(head.predict(after), model.predict(x), rtol=1e-5, atol=1e-6)


def test_features_of_a_sequential(rng):
    row = keras.Sequential([keras.Input((8, 8, 3)), *chain()])
    features = keras.Model(row.inputs, row.get_layer("d").output)
    x = normal(rng, 4, 8, 8, 3)
    expected = keras.Sequential([keras.Input((8, 8, 3)), *row.layers[:4]]).predict(x)
    np.testing.assert_array_equal(features.predict(x), expected)
    row.pop()
    row.add(layers.Dense(2, name="g"))
    assert keras.Model(row.input, row.output).output_shape == row.output_shape == (None, 2)


def test_a_model_from_the_midst_of_another(rng):
    model = residual()
    part = keras.Model(model.get_layer("relu").output, model.output, name="part")
    assert isinstance(part.layers[0], layers.InputLayer)
    assert [layer.name for layer in part.layers[1:]] == [layer.name for layer in model.layers[4:]]
    x = normal(rng, 4, 8, 8, 3)
    first = keras.Model(model.input, model.get_layer("relu").output)
    np.testing.assert_allclose(part.predict(first.predict(x)), model.predict(x), rtol=1e-5, atol=1e-6)
    copy = keras.models.clone_model(part)
    copy.set_weights(part.get_weights())
    np.testing.assert_array_equal(copy.predict(first.predict(x)), part.predict(first.predict(x)))


def test_nothing_but_an_input(rng):
    x = keras.Input((4,))
    model = keras.Model(x, x)
    values = normal(rng, 3, 4)
    np.testing.assert_array_equal(model.predict(values), values)
    assert keras.models.clone_model(model).count_params() == 0
    model.summary(print_fn=lambda text: None)


@pytest.mark.parametrize("kind", ["functional", "sequential", "unbuilt"])
def test_models_as_layers(rng, kind, tmp_path):
    inner = residual("inner")
    if kind != "functional":
        inputs = [keras.Input((8, 8, 3))] * (kind == "sequential")
        inner = keras.Sequential(
            [*inputs, *chain()[:4], layers.GlobalMaxPooling2D(), layers.Dense(4)], name="inner"
        )
    model = twins(inner)
    assert [layer.name for layer in model.layers] == ["x", "half", "inner", "both", "last"]
    assert model.count_params() == inner.count_params() + 10
    assert len(model.weights) == len(inner.weights) + 2
    x, _ = data(rng)
    expected = model.get_layer("last")(inner.predict(x) + inner.predict(x * np.float32(0.5)))
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5, atol=1e-5)
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(x, normal(rng, len(x), 2), verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    model.save(tmp_path / "m.safetensors")
    copy = keras.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))
    inner.trainable = False
    assert [w.path for w in model.trainable_weights] == ["last/kernel", "last/bias"]


def test_a_functional_model_in_a_sequential(rng):
    inner = residual()
    model = keras.Sequential([inner, layers.Dense(2)])
    assert model.input_shape == (None, 8, 8, 3)
    x, _ = data(rng)
    np.testing.assert_allclose(model.predict(x), model.layers[1](inner.predict(x)), rtol=1e-5, atol=1e-6)


SUMMARY = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ image (InputLayer)  │ (None, 8, 8, 3)   │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ shared (Conv2D)     │ (None, 8, 8, 3)   │         84 │ image[0][0],      │
│                     │                   │            │ shared[0][0]      │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ sum (Add)           │ (None, 8, 8, 3)   │          0 │ image[0][0],      │
│                     │                   │            │ shared[1][0]      │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 84 (336.00 B)
 Trainable params: 84 (336.00 B)
 Non-trainable params: 0 (0.00 B)
"""


def test_summary():
    x = keras.Input((8, 8, 3), name="image")
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    model = keras.Model(x, layers.Add(name="sum")([x, shared(shared(x))]), name="net")
    texts = []
    model.summary(line_length=76, print_fn=texts.append)
    assert texts == [SUMMARY]
    twins(residual("inner")).summary(expand_nested=True, line_length=100, print_fn=texts.append)
    assert "inner (Functional)" in texts[1]
    assert "   └ sum (Add)" in texts[1]
    assert "half[0][0]" in texts[1]
