"""Copies of models, layers and optimizers; and what is freed when the last reference goes."""

import copy
import gc
import multiprocessing
import pickle
import subprocess
import sys
import textwrap
import weakref

import numpy as np
import pytest

import pycnn as keras

COPY = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
X = np.random.default_rng(0).random((16, 6), np.float32)
Y = np.arange(16) % 3


class Scale(keras.layers.Layer):
    """A layer without a `get_config`, and with an attribute that no configuration knows."""

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
        self.note = {"shape": tuple(input_shape)}

    def call(self, x):
        return x * self.scale


class Own(keras.Model):
    """A model that cannot be described, as its constructor takes an object."""

    def __init__(self, function=keras.ops.relu):
        super().__init__()
        self.function = function
        self.hidden = [keras.layers.Dense(4), Scale()]
        self.last = keras.layers.Dense(3, activation="softmax")

    def call(self, x, training=None):
        for layer in self.hidden:
            x = self.function(layer(x))
        return self.last(x)


class WithStep(keras.Model):
    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


def sequential():
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(4, kernel_regularizer="l2", kernel_constraint="max_norm"),
            keras.layers.BatchNormalization(),
            Scale(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def functional(cls=keras.Model):
    inputs = keras.Input((6,))
    shared = keras.layers.Dense(6, activation="relu", trainable=False)
    x = shared(shared(inputs)) + keras.ops.exp(-inputs) * np.arange(6)
    x = keras.layers.Concatenate()([x, keras.activations.tanh(x)])
    return cls(inputs, keras.layers.Dense(3, activation="softmax")(x))


def nested():
    return keras.Sequential([keras.Input((6,)), functional(), keras.layers.Dense(3, activation="softmax")])


def two_ends():
    inputs = {"a": keras.Input((6,), name="a"), "b": keras.Input((6,), name="b")}
    x = keras.layers.Add()([inputs["a"], inputs["b"]])
    return keras.Model(inputs, [keras.layers.Dense(3, activation="softmax")(x), keras.layers.Dense(1)(x)])


def unbuilt():
    return keras.Sequential([keras.layers.Dense(3, activation="softmax")])


def with_step():
    return functional(WithStep)


MODELS = {f.__name__: f for f in (sequential, functional, nested, Own, with_step, unbuilt)}


def trained(make, optimizer="adam"):
    model = make()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0, shuffle=False, epochs=2)
    model.predict(X, verbose=0)
    model(X, training=False)
    return model


@pytest.mark.parametrize("how", COPY)
@pytest.mark.parametrize("make", MODELS.values(), ids=list(MODELS))
def test_a_copy_goes_on_as_the_original_would(make, how):
    model = trained(make)
    twin = COPY[how](model)
    assert type(twin) is type(model)
    assert twin.name == model.name
    assert [v.path for v in twin.weights] == [v.path for v in model.weights]
    assert twin.optimizer is not model.optimizer
    assert twin.optimizer.iterations == model.optimizer.iterations
    assert twin.history.history == model.history.history
    before = model.predict(X, verbose=0)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), before)
    found = [m.fit(X, Y, verbose=0, shuffle=False, epochs=2).history for m in (twin, model)]
    assert found[0] == found[1]
    for a, b in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    twin.set_weights([np.zeros_like(w) for w in twin.get_weights()])
    assert any(w.any() for w in model.get_weights())


@pytest.mark.parametrize("how", COPY)
@pytest.mark.parametrize("make", [*MODELS.values(), two_ends], ids=[*MODELS, "two_ends"])
def test_copies_of_what_was_not_used(make, how):
    model = make()
    twin = COPY[how](model)
    assert not twin.compiled
    assert len(twin.layers) == len(model.layers)
    x = {"a": X, "b": 2 * X} if make is two_ends else X
    outputs = [keras.ops.stack(m.predict(x, verbose=0)[:1]) for m in (model, twin)]
    if model.built and make is not unbuilt:
        assert twin.built
        assert len(twin.weights) == len(model.weights)
    if model.weights and make not in (Own, unbuilt):
        np.testing.assert_array_equal(*outputs)


def test_parts_of_a_copy_are_its_own():
    model = functional()
    twin = copy.deepcopy(model)
    assert not {id(layer) for layer in model.layers} & {id(layer) for layer in twin.layers}
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert not twin.layers[1].trainable
    assert twin.layers[1].input is twin.input
    part = keras.Model(twin.input, twin.layers[-2].output)
    original = keras.Model(model.input, model.layers[-2].output)
    np.testing.assert_array_equal(part.predict(X, verbose=0), original.predict(X, verbose=0))
    longer = copy.deepcopy(sequential())
    longer.add(keras.layers.Dense(2))
    assert longer.output_shape == (None, 2)
    longer.pop()
    assert longer.output_shape == (None, 3)


def test_layers_that_models_share_are_shared_in_copies():
    base = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    heads = [keras.Sequential([base, keras.layers.Dense(2)]) for _ in range(2)]
    first, second = copy.deepcopy(heads)
    assert first.layers[0] is second.layers[0] is not base
    first.layers[0].set_weights([np.ones((6, 4)), np.ones(4)])
    np.testing.assert_array_equal(second.layers[0].get_weights()[1], np.ones(4))


def test_what_is_frozen_stays_so():
    """It counts as it was at `compile`."""
    model = sequential()
    model.layers[0].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.layers[0].trainable = True
    twin = pickle.loads(pickle.dumps(model))
    before = twin.layers[0].get_weights()[0]
    twin.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(twin.layers[0].get_weights()[0], before)


def test_deep_models():
    inputs = x = keras.Input((3,))
    for _ in range(1500):
        x = keras.layers.Activation("relu")(x)
    model = keras.Model(inputs, x)
    for how in COPY.values():
        twin = how(model)
        assert len(twin.layers) == 1501
    np.testing.assert_array_equal(twin.predict(-X[:, :3], verbose=0), np.zeros((16, 3)))


def without_decay():
    optimizer = keras.optimizers.AdamW(weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma"])
    return optimizer


OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(centered=True, momentum=0.5),
    "amsgrad": lambda: keras.optimizers.Adam(amsgrad=True, weight_decay=0.1),
    "average": lambda: keras.optimizers.Adam(use_ema=True, ema_overwrite_frequency=3),
    "accumulation": lambda: keras.optimizers.SGD(gradient_accumulation_steps=3, global_clipnorm=0.1),
    "lamb": keras.optimizers.Lamb,
    "nadam": keras.optimizers.Nadam,
    "without decay": without_decay,
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
def test_optimizers(make):
    model = trained(sequential, make())
    twin = pickle.loads(pickle.dumps(model))
    assert twin.optimizer.get_config() == model.optimizer.get_config()
    found = [m.fit(X, Y, verbose=0, shuffle=False, batch_size=4).history for m in (twin, model)]
    assert found[0] == found[1]


def test_an_optimizer_alone():
    weight = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.apply([np.ones(2)], [weight])
    twin, values = copy.deepcopy((optimizer, weight))
    for a, b in ((optimizer, weight), (twin, values)):
        a.apply([np.array([3.0, -1.0])], [b])
    assert twin.iterations == 2
    np.testing.assert_array_equal(values.numpy(), weight.numpy())
    assert values is not weight


def all_layers():
    given = {
        "Activation": ("relu",), "Dense": (3,), "Conv2D": (3, 3), "DepthwiseConv2D": (3,), "Dropout": (0.5,),
        "SeparableConv2D": (3, 3), "InputLayer": ((4, 4, 2),), "Maxout": (2,), "Reshape": ((8, 4),),
    }  # fmt: skip
    for name in keras.layers.__all__:
        thing = getattr(keras.layers, name)
        if not isinstance(thing, type) or not issubclass(thing, keras.layers.Layer):
            continue
        try:
            yield pytest.param(thing(*given.get(name, ())), id=name)
        except (TypeError, ValueError):  # needs arguments of its own, and adds nothing here
            continue


@pytest.mark.parametrize("layer", list(all_layers()))
def test_every_layer(layer):
    x = np.random.default_rng(1).random((2, 4, 4, 2), np.float32)
    outputs = []
    for how in COPY.values():
        twin = how(layer)
        assert twin.get_config() == layer.get_config()
    if isinstance(layer, keras.layers.InputLayer):
        return
    try:
        expected = np.asarray(layer(x, training=False))
    except (TypeError, ValueError, NotImplementedError):  # takes several inputs, or others
        return
    for how in COPY.values():
        twin = how(layer)
        assert [v.path for v in twin.weights] == [v.path for v in layer.weights]
        outputs.append(np.asarray(twin(x, training=False)))
        np.testing.assert_array_equal(outputs[-1], expected)
        with pytest.raises(AttributeError, match="not part of a model"):
            _ = how(layer).input


def test_functions_are_pickled_by_name_only():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Lambda(lambda x: x)])
    assert copy.deepcopy(model).layers[0].function is model.layers[0].function
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)


def _predicted(model):
    return model.predict(X, verbose=0)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork server")
def test_other_processes():
    model = trained(functional)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (found,) = pool.map(_predicted, [model])
    np.testing.assert_array_equal(found, model.predict(X, verbose=0))


# --- memory -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("make", MODELS.values(), ids=list(MODELS))
def test_dropped_models_are_freed_at_once(make, used):
    gc.collect()
    gc.disable()
    try:
        model = trained(make) if used else make()
        if used:
            model(X, training=True)
            for layer in model.layers:
                if isinstance(layer, (keras.Model, Scale)):
                    layer(X if isinstance(layer, keras.Model) else X[:, :4])
                del layer
            with keras.GradientTape() as tape:
                loss = keras.ops.mean(model(X, training=True))
            tape.gradient(loss, model.trainable_variables)
            del tape, loss
            model.summary(print_fn=lambda text: None)
            copy.deepcopy(model)
        references = [weakref.ref(thing) for thing in (model, *model.weights)]
        del model
        assert [reference() for reference in references if reference() is not None] == []
    finally:
        gc.enable()


def test_history():
    model = sequential()
    assert model.history is None
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(X, Y, verbose=0)
    assert model.history is history
    assert history.model is model
    kept = history.history
    del history
    assert model.history.history is kept
    assert model.history.model is model
    assert model.history is not model.fit(X, Y, verbose=0)
    other = model.fit(X, Y, verbose=0)
    del model
    assert other.model.predict(X, verbose=0).shape == (16, 3)


def test_symbols_come_back_when_asked_for():
    layer = keras.layers.Dense(3)
    layer(keras.Input((6,)))
    assert layer.output_shape == (None, 3)
    output = layer.output
    assert layer.output is output
    assert keras.Model(layer.input, output).predict(X, verbose=0).shape == (16, 3)


# --- the end of the process ---------------------------------------------------------------------------------
@pytest.mark.parametrize("step", ["", "keras.layers.PythonStep(lambda x: 2 * x), "])
def test_daemon_threads_at_the_end_of_the_process(step):
    program = f"""
        import threading, time
        import numpy as np
        import pycnn as keras

        layers = [keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3), {step}keras.layers.Flatten()]
        model = keras.Sequential(layers)
        x = np.random.rand(64, 28, 28, 1).astype("f")
        started = threading.Event()

        def run():
            while True:
                model.predict(x, verbose=0)
                started.set()

        threading.Thread(target=run, daemon=True).start()
        started.wait()
        time.sleep(0.05)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
