"""Models: how they are built, what they predict, and how they share layers."""

import threading
import warnings

import numpy as np
import pytest
from helpers import normal

import pycnn as keras
from pycnn import layers


def small(**options):
    """Images (6, 6, 1) to three numbers."""
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, activation="relu", name="a"),
            layers.MaxPooling2D(2, name="b"),
            layers.Flatten(name="c"),
            layers.Dense(3, name="d"),
        ],
        **options,
    )


# --- building -----------------------------------------------------------------------------------------------
def test_ways_to_give_the_input_shape():
    shape = (None, 3)
    for model in (
        keras.Sequential([keras.Input((6,)), layers.Dense(3)]),
        keras.Sequential([layers.InputLayer((6,)), layers.Dense(3)]),
        keras.Sequential([layers.InputLayer(input_shape=(6,)), layers.Dense(3)]),
        keras.Sequential([keras.Input(batch_shape=(None, 6)), layers.Dense(3)]),
        keras.Sequential([layers.Dense(3, input_shape=(6,))]),
        keras.Sequential([layers.Dense(3, input_dim=6)]),
        keras.Sequential([keras.Sequential([keras.Input((6,)), layers.Dense(3)])]),
    ):
        assert model.built
        assert (model.input_shape, model.output_shape) == ((None, 6), shape)
        assert model.count_params() == 21
        assert len(model.layers) == 1
    for build in (
        lambda m: m.build((None, 6)),
        lambda m: m.predict(np.zeros((2, 6))),
        lambda m: m(np.zeros((2, 6))),
    ):
        model = keras.Sequential([layers.Dense(3)])
        assert not model.built
        build(model)
        assert model.built
        assert model.output_shape == shape


def test_add_and_pop():
    model = keras.Sequential(name="m")
    model.add(keras.Input((6, 6, 1)))
    model.add(layers.Conv2D(4, 3))
    assert model.output_shape == (None, 4, 4, 4)
    flat = layers.Flatten()
    model.add(flat)
    kernel = model.layers[0].get_weights()[0]
    assert model.output_shape == (None, 64)
    assert model.predict(np.zeros((2, 6, 6, 1))).shape == (2, 64)
    assert model.pop() is flat
    assert model.predict(np.zeros((2, 6, 6, 1))).shape == (2, 4, 4, 4)
    model.add(layers.GlobalMaxPooling2D())
    assert model.output_shape == (None, 4)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], kernel)
    assert [w.path for w in model.weights] == [w.path for w in model.layers[0].weights]
    model.pop()
    model.pop()
    with pytest.raises(IndexError, match="'m' has no layer"):
        model.pop()


def test_a_layer_that_does_not_fit_is_not_added(rng):
    model = small()
    x = normal(rng, 2, 6, 6, 1)
    y = model.predict(x)
    for layer in (layers.Conv2D(3, 3), layers.Dense(2, name="a"), keras.Input((3,)), "x"):
        with pytest.raises((TypeError, ValueError)):
            model.add(layer)
        assert model.output_shape == (None, 3)
        np.testing.assert_array_equal(model.predict(x), y)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: keras.Sequential([layers.Dense(2, name="a"), layers.Dense(2, name="a")]), "'a' already"),
        (lambda: keras.Sequential([keras.Input((2,)), keras.Input((2,))]), "has an input already"),
        (lambda: keras.Sequential([layers.Dense(2), keras.Input((2,))]), "has an input already"),
        (lambda: keras.Sequential("abc"), "list of layers"),
        (lambda: keras.Sequential([3]), "Only layers"),
        (
            lambda: keras.Sequential([keras.Input((6, 6)), layers.Conv2D(2, 3, name="c")]),
            "'c' expects images",
        ),
        (lambda: keras.Sequential([layers.Dense(2)]).build(), "has no Input"),
        (
            lambda: keras.Sequential([keras.Input((3,)), layers.Dense(2)]).build((None, 4)),
            "was made for inputs",
        ),
        (lambda: keras.Sequential().predict(np.zeros((2, 2))), "has no layers"),
        (lambda: keras.Sequential([layers.Dense(2)]).set_weights([]), "no weights yet"),
        (lambda: keras.Sequential([layers.Dense(2)]).count_params(), "no weights yet"),
        (lambda: small().get_layer("e"), "Unknown layer"),
        (lambda: small().get_layer(), "either"),
        (lambda: small().get_layer(index=4), "no layer 4"),
    ],
)
def test_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_layers_and_weights():
    model = small(name="net")
    assert [layer.name for layer in model.layers] == ["a", "b", "c", "d"]
    assert model.get_layer("b") is model.get_layer(index=1) is model.layers[1]
    assert [w.path for w in model.weights] == ["a/kernel", "a/bias", "d/kernel", "d/bias"]
    assert model.inputs[0].shape == (None, 6, 6, 1)
    assert model.outputs[0].shape == model.layers[-1].output.shape == (None, 3)
    weights = [np.full(w.shape, i, np.float32) for i, w in enumerate(model.weights)]
    model.set_weights(weights)
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    model.trainable = False
    assert model.trainable_weights == []
    assert not model.layers[0].trainable


def test_same_seed_same_weights(rng):
    x = normal(rng, 3, 6, 6, 1)
    outputs = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        outputs.append(small().predict(x))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert (outputs[0] != outputs[2]).any()


def test_data_of_the_wrong_shape_does_not_fix_the_shape():
    model = keras.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"add the channel axis: Input\(\(8, 8, 1\)\)"):
        model.predict(np.zeros((2, 8, 8)))
    model = keras.Sequential([layers.Dense(3), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match="expects images"):
        model.predict(np.zeros((2, 8)))
    assert model.predict(np.zeros((2, 8, 8, 1))).shape == (2, 2)


def test_clone_and_configuration(rng):
    model = small(name="net")
    copy = keras.models.clone_model(model)
    assert copy.get_config() == model.get_config()
    assert (copy.get_weights()[0] != model.get_weights()[0]).any()
    copy.set_weights(model.get_weights())
    x = normal(rng, 3, 6, 6, 1)
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))
    again = keras.models.model_from_json(model.to_json())
    assert again.get_config() == model.get_config()
    unbuilt = keras.models.clone_model(keras.Sequential([layers.Dense(2, name="x")]))
    assert not unbuilt.built


# --- prediction ---------------------------------------------------------------------------------------------
@pytest.fixture
def model():
    keras.utils.set_random_seed(5)
    return small()


def test_predictions_do_not_depend_on_the_way(model, rng):
    x = normal(rng, 70, 6, 6, 1)
    y = model.predict(x)
    assert y.dtype == np.float32
    one_by_one = np.concatenate([model.predict(x[i : i + 1]) for i in range(70)])
    np.testing.assert_allclose(one_by_one, y, rtol=1e-5, atol=1e-6)
    for other in (
        model(x),
        model.predict_on_batch(x),
        model.predict(x, batch_size=7),
        model.predict(x, batch_size=7, callbacks=[keras.callbacks.Callback()]),
        model.predict(x[i : i + 10] for i in range(0, 70, 10)),
        model.predict((x[i : i + 10], None) for i in range(0, 70, 10)),
        model.predict(Batches(x, 32)),
    ):
        np.testing.assert_allclose(other, y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(x, batch_size=10, steps=3), y[:30], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(Batches(x, 32), steps=1), y[:32], rtol=1e-5, atol=1e-6)


class Batches(keras.utils.PyDataset):
    def __init__(self, x, size):
        super().__init__()
        self.x, self.size = x, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, i):
        return self.x[i * self.size : (i + 1) * self.size]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.tolist(),
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(np.int64),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(np.float64),
        lambda x: x.astype(">f4"),
        lambda x: x.astype(">f8"),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.repeat(x.astype(float), 2, axis=2)[:, :, ::2],
        lambda x: np.flip(np.flip(x, 1).copy(), 1),
        lambda x: x[..., 0],
        lambda x: x[..., None],
        lambda x: np.frombuffer(x.tobytes(), np.float32).reshape(x.shape),
        lambda x: np.frombuffer(b"-" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape),
    ],
)
def test_arrays_of_any_kind(model, rng, change):
    x = rng.integers(0, 9, (5, 6, 6, 1)).astype(np.float32)
    expected = model.predict(x)
    changed = change(x)
    before = np.array(changed)
    for call in (
        model.predict,
        model,
        model.predict_on_batch,
        keras.Sequential([keras.Input((6, 6, 1)), *model.layers]),
    ):
        np.testing.assert_array_equal(call(changed), expected)
    np.testing.assert_array_equal(changed, before)


def test_booleans(rng):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    x = rng.random((3, 4)) > 0.5
    np.testing.assert_array_equal(model.predict(x), model.predict(x.astype(np.float32)))


def test_no_samples(model):
    assert model.predict(np.zeros((0, 6, 6, 1))).shape == (0, 3)
    assert model(np.zeros((0, 6, 6, 1))).shape == (0, 3)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((6, 6, 1)), r"one sample needs a batch axis: x\[None\]"),
        (np.zeros((2, 6, 7, 1)), r"shape \(2, 6, 7, 1\), but the model expects \(None, 6, 6, 1\)"),
        (np.zeros((2, 6, 6, 3)), "expects"),
        (3.0, "expected samples"),
        ("abc", "real numbers"),
        (None, "real numbers"),
        (np.array([["a"]]), "real numbers"),
        (np.zeros((2, 6, 6, 1), complex), "real numbers"),
        ([[1, 2], [3]], "array of numbers"),
        (iter([]), "no batches"),
    ],
)
def test_refused_samples(model, x, message):
    with pytest.raises((TypeError, ValueError), match=message):
        model.predict(x)


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"batch_size": 1.5}, {"steps": 0}, {"verbose": 3}, {"callbacks": [1]}]
)
def test_refused_options(model, options):
    with pytest.raises((TypeError, ValueError)):
        model.predict(np.zeros((2, 6, 6, 1)), **options)


def test_training_mode_drops(rng):
    model = keras.Sequential([keras.Input((50,)), layers.Dropout(0.5)])
    x = np.ones((4, 50), np.float32)
    dropped = model(x, training=True)
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert (model(x, training=True) != dropped).any()  # another mask each time
    np.testing.assert_array_equal(model(x), x)
    np.testing.assert_array_equal(model(x, training=False), x)


def test_two_threads(rng):
    model = small()
    xs = [normal(rng, 40, 6, 6, 1) for _ in range(2)]
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    expected = [copy.predict(x) for x in xs]
    wrong = []

    def work(i):
        for _ in range(50):
            if not np.array_equal(model.predict(xs[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- layers in several models -------------------------------------------------------------------------------
def test_models_that_share_layers_share_weights(rng):
    model = small()
    features = keras.Sequential([keras.Input((6, 6, 1)), *model.layers[:3]])
    x, y = normal(rng, 20, 6, 6, 1), rng.integers(0, 3, 20)
    before = features.predict(x)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss)
    model.fit(x, y, verbose=0)
    after = features.predict(x)
    assert np.abs(after - before).max() > 1e-3
    dense = model.layers[3]
    np.testing.assert_allclose(after @ dense.kernel + dense.bias, model.predict(x), rtol=1e-4, atol=1e-5)
    model.layers[0].set_weights([np.zeros((3, 3, 1, 4)), np.ones(4)])
    np.testing.assert_array_equal(features.predict(x), np.ones((20, 16)))
    expected = np.ones((20, 16)) @ dense.kernel.numpy() + dense.bias.numpy()
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-4, atol=1e-5)
    model.fit(x, y, verbose=0)  # goes on with the weights where they are
    assert (features.predict(x) != 1).any()


def test_a_layer_called_alone_has_the_weights_of_its_model(rng):
    model = small()
    x, y = normal(rng, 20, 6, 6, 1), normal(rng, 20, 3)
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    h = x
    for layer in model.layers:
        h = layer(h)
    np.testing.assert_allclose(h, model.predict(x), rtol=1e-5, atol=1e-6)


def test_a_model_inside_another(rng):
    inner = small(name="inner")
    outer = keras.Sequential([inner, layers.Dense(2, name="last")])
    assert outer.input_shape == (None, 6, 6, 1)
    assert outer.output_shape == (None, 2)
    assert [w.path for w in outer.weights] == [
        "a/kernel",
        "a/bias",
        "d/kernel",
        "d/bias",
        "last/kernel",
        "last/bias",
    ]
    x = normal(rng, 8, 6, 6, 1)
    last = outer.layers[1]
    np.testing.assert_allclose(
        outer.predict(x), inner.predict(x) @ last.kernel + last.bias, rtol=1e-4, atol=1e-5
    )
    inner.trainable = False
    assert [w.name for w in outer.trainable_weights] == ["kernel", "bias"]
    before = outer.get_weights()
    outer.compile("sgd", "mse")
    outer.fit(x, normal(rng, 8, 2), verbose=0)
    changed = [bool((a != b).any()) for a, b in zip(before, outer.get_weights(), strict=True)]
    assert changed == [False] * 4 + [True] * 2
    copy = keras.models.clone_model(outer)
    assert copy.get_config() == outer.get_config()
    with pytest.raises(ValueError, match="was made for inputs"):
        keras.Sequential([keras.Input((7, 7, 1)), inner])


# --- summary ------------------------------------------------------------------------------------------------
SUMMARY = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ a (Conv2D)                      │ (None, 4, 4, 4)        │            40 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ b (MaxPooling2D)                │ (None, 2, 2, 4)        │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ c (Flatten)                     │ (None, 16)             │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ d (Dense)                       │ (None, 3)              │            51 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 91 (364.00 B)
 Trainable params: 51 (204.00 B)
 Non-trainable params: 40 (160.00 B)
"""


def summary(model, **options):
    texts = []
    model.summary(print_fn=texts.append, **options)
    return "".join(texts)


def test_summary(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    model = small(name="net")
    model.layers[0].trainable = False
    assert summary(model) == SUMMARY
    model.summary()
    assert capsys.readouterr().out == SUMMARY


def test_summary_with_more():
    model = keras.Sequential([small(name="inner"), layers.BatchNormalization(name="n" * 50)], name="outer")
    text = summary(model, expand_nested=True, show_trainable=True, line_length=70)
    assert all(len(line) == 70 for line in text.splitlines()[1:-3])
    assert "│    └ a (Conv2D)" in text
    assert "n" * 15 + "…" in text
    assert "Trai" in text
    model.compile("adam", "mse")
    assert "Optimizer params" not in text
    model.fit(np.zeros((2, 6, 6, 1)), np.zeros((2, 3)), verbose=0)
    assert " Optimizer params: 196 (784.00 B)" in summary(model)
    assert " Total params: 299 (1.17 KB)" in summary(model)


def test_summary_of_a_part_and_of_nothing():
    text = summary(small(), layer_range=["b", "c"])
    assert [name in text for name in ("a (C", "b (M", "c (F", "d (D")] == [False, True, True, False]
    text = summary(keras.Sequential([layers.Dense(3, name="x")]))
    assert "│ ?  " in text
    assert "0 (unbuilt)" in text
    for options in ({"layer_range": ["x", "y"]}, {"layer_range": "abc"}, {"line_length": 5}):
        with pytest.raises(ValueError, match=r"layer_range|too short"):
            summary(small(), **options)


def test_nothing_is_printed_by_predict(model, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(np.zeros((2000, 6, 6, 1)))
    assert capsys.readouterr().out == ""
    model.predict(np.zeros((20, 6, 6, 1)), verbose=1)
    assert capsys.readouterr().out.startswith("1/1 ━━")
