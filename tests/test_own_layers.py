"""One's own layers and models: they train natively, are saved and cloned, and refuse what they cannot do."""

import numpy as np
import pytest
from helpers import normal

import pycnn as keras
from pycnn import layers, ops

register = keras.saving.register_keras_serializable("tests")


@register
class Squeeze(layers.Layer):
    """Squeeze and excite, of layers inside."""

    def __init__(self, ratio=2, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.down = layers.Dense(channels // self.ratio, activation="relu")
        self.up = layers.Dense(channels, activation="sigmoid")

    def call(self, x):
        weights = self.up(self.down(ops.mean(x, axis=(1, 2))))
        return x * ops.reshape(weights, (-1, 1, 1, x.shape[-1]))


@register
class Gelu(layers.Layer):
    def call(self, x):
        return 0.5 * x * (1.0 + ops.erf(x / np.sqrt(2.0)))


@register
class Tied(layers.Layer):
    """Encoder and decoder with one matrix."""

    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], self.units), "he_normal", regularizer="l2")
        self.b = self.add_weight((input_shape[-1],), "zeros", constraint="non_neg")

    def call(self, x):
        return ops.matmul(ops.tanh(ops.matmul(x, self.w)), ops.transpose(self.w)) + self.b


@register
class Noisy(layers.Layer):
    """Something else in training."""

    def call(self, x, training=False):
        return 2 * x if training else x


@register
class Standardized(layers.Conv2D):
    """A convolution of the package, with more around it."""

    def call(self, x):
        return super().call(x - ops.mean(x, axis=(1, 2, 3), keepdims=True))


@register
class Scaled(layers.Dense):
    def build(self, input_shape):
        super().build(input_shape)
        self.scale = self.add_weight((self.units,), "ones", name="scale")

    def call(self, x):
        return super().call(x) * self.scale


def classifier(*own, shape=(6, 6, 2)):
    model = keras.Sequential(
        [keras.Input(shape), *own, layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def assert_native(model):
    """No step of Python in what trains the model and what predicts."""
    for network in (model._trained.network, model._ready(None).network):
        assert all(network.graph.node(i)[0] != "host" for i in range(len(network.graph)))


OWN = {
    "squeeze": lambda: [layers.Conv2D(4, 3), Squeeze(2)],
    "gelu": lambda: [layers.Conv2D(4, 3), Gelu()],
    "tied": lambda: [layers.Flatten(), Tied(5)],
    "noisy": lambda: [Noisy()],
    "convolution": lambda: [Standardized(4, 3, kernel_regularizer="l2")],
    "dense": lambda: [Scaled(5)],
}


@pytest.mark.parametrize("name", OWN)
def test_they_train_and_are_kept(name, rng, tmp_path):
    model = classifier(*OWN[name]())
    x, y = normal(rng, 48, 6, 6, 2), rng.integers(0, 3, 48)
    losses = model.fit(x, y, batch_size=16, epochs=4, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < losses[0]
    assert_native(model)
    before = [v.numpy() for v in model.trainable_variables]
    model.train_on_batch(x, y)
    assert all((v.numpy() != old).any() for v, old in zip(model.trainable_variables, before, strict=True))
    expected = model.predict(x)
    model.save(tmp_path / "m.safetensors")
    copy = keras.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(copy.predict(x), expected)
    assert copy.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    clone = keras.models.clone_model(model)
    assert [v.shape for v in clone.weights] == [v.shape for v in model.weights]
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(x), expected)
    model.save_weights(tmp_path / "w.safetensors")
    fresh = classifier(*OWN[name]())
    fresh.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(fresh.predict(x), expected)
    model.summary(print_fn=lambda text: None)


def test_gelu_by_hand_is_gelu(rng):
    x = normal(rng, 5, 4)
    np.testing.assert_allclose(Gelu()(x), keras.activations.gelu(x), atol=1e-6)


def test_training_changes_what_is_computed(rng):
    x = normal(rng, 4, 3)
    np.testing.assert_array_equal(Noisy()(x), x)
    np.testing.assert_array_equal(Noisy()(x, training=True), 2 * x)
    model = keras.Sequential([keras.Input((3,)), Noisy(), layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    y = model.predict(x)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(0, abs=1e-10)
    assert model.train_on_batch(x, y) == pytest.approx((y.astype(np.float64) ** 2).mean(), rel=1e-5)


class Many(layers.Layer):
    """Inputs in every form, several outputs."""

    def build(self, input_shape):
        self.dense = layers.Dense(3)

    def call(self, x, other=None, *, extra):
        if isinstance(x, dict):
            x = x["a"] + x["b"]
        elif isinstance(x, (list, tuple)):
            x = x[0] + x[1]
        if other is not None:
            x = x * other
        return {"sum": self.dense(x + extra), "raw": x}


@pytest.mark.parametrize("form", ["list", "dict", "positional"])
def test_several_inputs_and_outputs(form, rng):
    a, b, c = keras.Input((4,), name="a"), keras.Input((4,), name="b"), keras.Input((4,), name="c")
    layer = Many()
    found = {
        "list": lambda: layer([a, b], extra=c),
        "dict": lambda: layer({"a": a, "b": b}, extra=c),
        "positional": lambda: layer(a, b, extra=c),
    }[form]()
    assert found["sum"].shape == (None, 3)
    model = keras.Model([a, b, c], found)
    model.compile("sgd", {"sum": "mse", "raw": "mse"})
    x = [normal(rng, 8, 4) for _ in range(3)]
    raw = x[0] * x[1] if form == "positional" else x[0] + x[1]
    outputs = model.predict(x)
    np.testing.assert_allclose(outputs["raw"], raw, rtol=1e-6)
    model.fit(x, {"sum": np.ones((8, 3)), "raw": raw}, verbose=0)
    assert_native(model)


def test_a_shared_own_layer_and_a_model_inside(rng):
    class Wrapped(layers.Layer):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def call(self, x):
            return self.inner(x) + x

    inner = keras.Sequential([keras.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(4)])
    shared = Wrapped(inner)
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(1)(shared(shared(x))))
    assert len(model.weights) == 6
    model.compile("sgd", "mse")
    data = normal(rng, 16, 4)
    losses = model.fit(data, data[:, :1], epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    h = data + inner.predict(data)
    h = h + inner.predict(h)
    kernel, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(model.predict(data), h @ kernel + bias, atol=1e-5)


class Network(keras.Model):
    def __init__(self, units=8, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = [layers.Dense(units, "relu") for _ in range(2)]
        self.drop = layers.Dropout(0.2, seed=1)
        self.last = layers.Dense(3, "softmax")

    def call(self, x, training=False):
        for layer in self.hidden:
            x = layer(x)
        return self.last(self.drop(x, training=training))


@register
class Described(Network):
    def get_config(self):
        return super(Network, self).get_config() | {"units": self.units}


@pytest.mark.parametrize("build", [True, False])
def test_a_model_of_one_s_own(build, rng, tmp_path):
    x, y = normal(rng, 64, 5), rng.integers(0, 3, 64)
    model = Network()
    if build:
        model.build((None, 5))
        assert len(model.weights) == 6
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert_native(model)
    assert len(model.weights) == len(model.trainable_weights) == 6
    assert model.count_params() == 5 * 8 + 8 + 8 * 8 + 8 + 8 * 3 + 3
    text = []
    model.summary(print_fn=text.append)
    assert "dense" in "".join(text)
    model.save_weights(tmp_path / "w.safetensors")
    other = Network()
    other.build((None, 5))
    other.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    assert np.isfinite(model.evaluate(x, y, verbose=0)).all()


def test_saving_a_model_of_one_s_own(rng, tmp_path):
    x = normal(rng, 8, 5)
    model = Network(name="mine")
    model(x)
    with pytest.raises((ValueError, NotImplementedError), match=r"'mine'.*Network.*get_config"):
        model.save(tmp_path / "m.safetensors")
    model = Described(4)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, np.zeros(8), verbose=0)
    model.save(tmp_path / "m.safetensors")
    copy = keras.models.load_model(tmp_path / "m.safetensors")
    assert type(copy) is Described
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))
    copy.fit(x, np.zeros(8), verbose=0)


class Unregistered(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor


def test_custom_objects(tmp_path, rng):
    model = classifier(Unregistered(3.0))
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"Unknown layer: 'Unregistered'.*"):
        keras.models.load_model(tmp_path / "m.safetensors")
    x = normal(rng, 3, 6, 6, 2)
    own = {"Unregistered": Unregistered}
    copy = keras.models.load_model(tmp_path / "m.safetensors", custom_objects=own)
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))
    with keras.utils.custom_object_scope(own):
        copy = keras.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))
    config = model.get_config()
    assert keras.Sequential.from_config(config, custom_objects=own).get_config() == config
    assert keras.models.model_from_json(model.to_json(), custom_objects=own).get_config() == config
    with pytest.raises(TypeError, match="custom_objects is"):
        keras.models.load_model(tmp_path / "m.safetensors", custom_objects=[Unregistered])


@register
def squared(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@register
def swish2(x):
    return x * ops.sigmoid(2 * x)


@register
class Wide(keras.regularizers.Regularizer):
    def __init__(self, factor=0.1):
        self.factor = factor

    def __call__(self, w):
        return self.factor * ops.sum(ops.abs(w))

    def get_config(self):
        return {"factor": self.factor}


@register
class Half(keras.constraints.Constraint):
    def __call__(self, w):
        return ops.clip(w, -0.5, 0.5)


def test_everything_of_one_s_own_is_kept(rng, tmp_path):
    dense = layers.Dense(
        3, swish2, kernel_regularizer=Wide(0.2), kernel_constraint=Half(), bias_regularizer=Wide()
    )
    model = keras.Sequential([keras.Input((4,)), dense])
    model.compile("sgd", squared, metrics=[squared])
    x, y = normal(rng, 16, 4), normal(rng, 16, 3)
    losses = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert np.abs(dense.kernel.numpy()).max() <= 0.5
    assert_native(model)
    model.save(tmp_path / "m.safetensors")
    copy = keras.models.load_model(tmp_path / "m.safetensors")
    assert copy.get_config() == model.get_config()
    assert copy.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_clone_function(rng):
    x = keras.Input((4,))
    h = ops.square(layers.Dense(3, "relu", name="a")(x)) + 1
    model = keras.Model(x, layers.Dense(2, name="b")(h))
    seen = []

    def clone(layer):
        seen.append(layer.name)
        if layer.name == "a":
            return layers.Dense(3, "tanh", name="a")
        return type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    assert seen == ["a", "b"]
    assert copy.get_layer("a").activation is keras.activations.tanh
    assert copy.output_shape == (None, 2)
    copy.set_weights(model.get_weights())
    data = normal(rng, 5, 4)
    kernel, bias = copy.get_layer("a").get_weights()
    expected = np.tanh(data @ kernel + bias) ** 2 + 1
    kernel, bias = copy.get_layer("b").get_weights()
    np.testing.assert_allclose(copy.predict(data), expected @ kernel + bias, atol=1e-5)
    with pytest.raises(ValueError, match="clone_function returned 3 for layer 'a'"):
        keras.models.clone_model(model, clone_function=lambda layer: 3)


def own(call, build=None, name="mine"):
    members = {"call": call} | ({"build": build} if build else {})
    return type("Own", (layers.Layer,), members)(name=name)


def changing():
    shapes = iter([1, 2, 3, 4, 5, 6, 7, 8])

    def call(self, x):
        return x[:, : next(shapes)]

    return call


def wrong_weight(self, input_shape):
    self.w = self.add_weight((input_shape[-1] + 1, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: own(lambda self, x: 3), "'mine'.*returned 3"),
        (lambda: own(lambda self, x: None), "'mine'.*returned None"),
        (lambda: own(lambda self, x: np.ones(3)), "'mine'.*returned array"),
        (lambda: own(changing()), "'mine' returned shapes"),
        (lambda: own(lambda self, x: ops.matmul(x, self.w), wrong_weight), "matmul"),
        (lambda: own(lambda self, x: x, lambda self, s: self.add_weight((0,))), "'mine': a weight of shape"),
        (lambda: own(lambda self, x: np.sin(x)), "has no values"),
        (lambda: own(lambda self, x: x if x > 0 else -x), "has no values"),
    ],
)
def test_own_layers_that_do_not_work(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        classifier(make(), shape=(8,)).fit(np.ones((4, 8)), np.zeros(4), verbose=0)


def test_models_that_do_not_fit_together(rng):
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    y = layers.Dense(2, name="y")(a)
    with pytest.raises(ValueError, match=r"Graph disconnected.*name=a"):
        keras.Model(b, y)
    model = keras.Model({"a": a, "b": b}, {"y": y, "z": layers.Dense(1, name="z")(b)})
    with pytest.raises(ValueError, match=r"`loss` has the key 'x'.*'y', 'z'"):
        model.compile("sgd", {"x": "mse"})
    model.compile("sgd", {"y": "mse", "z": "mse"})
    data = normal(rng, 4, 4)
    targets = {"y": np.ones((4, 2)), "z": np.ones(4)}
    with pytest.raises(ValueError, match=r"`x` has the keys.*'c'.*'a', 'b'"):
        model.fit({"a": data, "c": data}, targets, verbose=0)
    with pytest.raises(ValueError, match=r"`y` has the key 'w'.*'y', 'z'"):
        model.fit({"a": data, "b": data}, {"y": targets["y"], "w": targets["z"]}, verbose=0)
    model.fit({"a": data, "b": data}, targets, verbose=0)
