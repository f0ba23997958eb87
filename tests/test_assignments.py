"""Variables that a `call` assigns to: when the values change, what is read, where gradients go."""

import contextlib
import copy

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops

X = np.random.default_rng(0).random((300, 3), np.float32)
Y = X.sum(1, keepdims=True) * 2


class Running(layers.Layer):
    """Takes the running mean away, with the new value; counts its batches in training and all of them."""

    def build(self, input_shape):
        self.calls = self.add_weight((), "zeros", trainable=False)
        self.steps = self.add_weight((), "zeros", trainable=False)
        self.mean = self.add_weight((input_shape[-1],), "zeros", trainable=False)

    def call(self, x, training=False):
        self.calls.assign_add(1)
        if training:
            self.steps.assign_sub(-1)
            self.mean.assign(self.mean * 0.5 + ops.mean(x, axis=0) * 0.5)
        return x - self.mean

    def state(self):
        return float(self.calls), float(self.steps), self.mean.numpy()


def running(batches, mean=0.0):
    """The mean after some batches."""
    for x in batches:
        mean = mean * 0.5 + x.mean(0, dtype=np.float64) * 0.5
    return mean


def cut(x, size):
    return [x[i : i + size] for i in range(0, len(x), size)]


def functional(layer):
    x = keras.Input((3,))
    return keras.Model(x, layers.Dense(1)(layer(x)))


def sequential(layer):
    return keras.Sequential([layer, layers.Dense(1)])


def nested(layer):
    x = keras.Input((3,))
    inner = keras.Sequential([keras.Input((3,)), layer])
    return keras.Model(x, layers.Dense(1)(inner(x)))


def several(layer):
    x, z = keras.Input((3,)), keras.Input((3,))
    return keras.Model([x, z], [layers.Dense(1)(layer(x)), layers.Dense(1)(z)])


def frozen(layer):
    model = functional(layer)
    model.trainable = False
    return model


class Own(keras.Model):
    def __init__(self, layer):
        super().__init__()
        self.inner, self.dense = layer, layers.Dense(1)

    def call(self, x, training=False):
        return self.dense(self.inner(x, training=training))


class OwnStep(keras.Model):
    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}

    def test_step(self, data):
        return {"loss": self.compute_loss(y=data[1], y_pred=self(data[0], training=False))}


def own_step(layer):
    x = keras.Input((3,))
    return OwnStep(x, layers.Dense(1)(layer(x)))


class Wrapped(layers.Wrapper):
    def call(self, x, training=False):
        return self.layer(x, training=training) * 1.0


def wrapped(layer):
    return functional(Wrapped(layer))


MODELS = [functional, sequential, nested, several, frozen, Own, own_step, wrapped]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_each_batch_assigns_once(make):
    layer = Running()
    model = make(layer)
    x, y = ([X, X], [Y, Y]) if make is several else (X, Y)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(x, y, batch_size=140, shuffle=False, verbose=0)  # more than the core's chunk, and a rest
    mean = running(cut(X, 140))
    calls, steps, found = layer.state()
    assert (calls, steps) == (3, 3)
    np.testing.assert_allclose(found, mean, rtol=1e-5)
    model.evaluate(x, y, batch_size=100, verbose=0)
    assert layer.state()[:2] == (6, 3)
    model.predict(x, verbose=0)  # 32 at a time
    assert layer.state()[:2] == (16, 3)
    model.predict(x, batch_size=150, verbose=0)
    model.predict_on_batch(x)
    model.test_on_batch(x, y)
    assert layer.state()[:2] == (20, 3)
    model(x)
    np.testing.assert_array_equal(layer.mean.numpy(), found)
    model(x, training=True)
    mean = running([X], mean)
    model.train_on_batch(x, y)
    calls, steps, found = layer.state()
    assert (calls, steps) == (23, 5)
    np.testing.assert_allclose(found, running([X], mean), rtol=1e-5)


def own(call, **weights):
    """A layer with weights of these shapes, or initial values, and this `call`."""

    class Layer(layers.Layer):
        def build(self, input_shape):
            for name, (initial, trainable) in weights.items():
                initial = np.asarray(initial, np.float32)
                make = keras.initializers.Constant(initial)
                setattr(self, name, self.add_weight(initial.shape, make, trainable=trainable, name=name))

    Layer.call = call
    return Layer()


def test_what_is_read_is_what_was_assigned_before():
    def call(self, x):
        first = self.w * 1.0
        kept = self.w.value
        self.w.assign(ops.sum(x, axis=0))
        second = self.w * 1.0
        self.w.assign_add(self.v)
        self.w.assign_sub([1.0, 2.0])
        self.v.assign(self.w)
        return self.w, second, first, kept * 1.0, self.v + 0.0

    layer = own(call, w=([1, 2], False), v=([10, 20], False))
    x = np.array([[1, 2], [3, 4]], np.float32)
    w, v = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    for _ in range(3):
        total = x.sum(0)
        after = total + v - [1, 2]
        found = layer(x)
        for value, wanted in zip(found, [after, total, w, w, after], strict=True):
            np.testing.assert_array_equal(value, wanted)
        w = v = after
        np.testing.assert_array_equal([layer.w.numpy(), layer.v.numpy()], [w, v])


class Program(layers.Layer):
    """Random reads, assignments and calls of layers like it; `run` is the same on arrays, line by line."""

    def __init__(self, rng, depth):
        super().__init__()
        self.weights_ = [self.add_weight((), "zeros", trainable=bool(rng.integers(2))) for _ in range(2)]
        self.inner = [Program(rng, depth - 1) for _ in range(2 if depth else 0)]
        kinds = ["read", "assign", "mean", "only", *(["call", "drop"] if depth else [])]
        self.lines = [(rng.choice(kinds), *rng.integers(0, 2, 2)) for _ in range(6)]

    def call(self, x, training=False):
        return self.run(self.weights_, x, training, lambda i, x: self.inner[i](x, training=training), ops)

    def run(self, state, x, training, call, np_):
        """`state`: two that can be assigned to."""
        total = x * 1.0
        for kind, i, j in self.lines:
            if kind == "read":
                total = total * 0.5 + state[i] * 1.0
            elif kind == "assign":
                state[i].assign(state[j] * 0.5 + state[i] + 1.0)
            elif kind == "mean":
                state[i].assign_add(np_.mean(total))
            elif kind == "only" and training:
                state[i].assign_sub(state[j] * 0.25)
            elif kind == "call":
                total = total + call(i, total * 0.5)
            elif kind == "drop":
                call(j, total)
        return total


class Held:
    """A number that can be assigned to, for `Program.run` on arrays."""

    def __init__(self, value):
        self.value = np.float64(value)

    def assign(self, value):
        self.value = np.float64(value)

    def assign_add(self, value):
        self.value = self.value + value

    def assign_sub(self, value):
        self.value = self.value - value

    def __mul__(self, other):
        return self.value * other

    def __add__(self, other):
        return self.value + other

    def __radd__(self, other):
        return other + self.value


def eager(layer, x, training, states):
    """The result, with the states of the layer and those inside by identity, which change."""
    return layer.run(
        states[id(layer)],
        x,
        training,
        lambda i, x: eager(layer.inner[i], x, training, states),
        np,
    )


@pytest.mark.parametrize("seed", range(6))
def test_random_programs(seed):
    rng = np.random.default_rng(seed)
    layer = Program(rng, 2)
    model = keras.Sequential([keras.Input((2,)), layer])
    states = {id(p): [Held(0.0), Held(0.0)] for p in layer.leaves()}
    x = rng.random((5, 2), np.float32)

    def taped(x, training):
        with keras.GradientTape() as tape:
            y = model(x, training=training)
            loss = ops.sum(y)
        tape.gradient(loss, layer.weights_[0])
        return y

    ways = [layer, model, lambda x, training: model.predict(x, verbose=0), taped, taped]
    for run, training in zip(ways, [True, True, False, True, False], strict=True):
        wanted = eager(layer, x.astype(np.float64), training, states)
        np.testing.assert_allclose(run(x, training=training), wanted, rtol=1e-4, atol=1e-4)
        for part in layer.leaves():
            found = [float(w) for w in part.weights_]
            np.testing.assert_allclose(found, [held.value for held in states[id(part)]], rtol=1e-4, atol=1e-4)


def test_calls_of_layers_run_in_the_order_in_which_they_are_written():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = own(inner, total=(0, False))

        def call(self, x):
            self.inner(x * 10.0)  # what it returns is of no use
            a, b = self.inner(x), self.inner(x + 1.0)
            return b * 1.0, a * 1.0, self.inner.total * 1.0

    def inner(self, x):
        self.total.assign(self.total * 2.0 + ops.sum(x))
        return self.total

    x = np.ones((2, 1), np.float32)
    layer, total = Outer(), 0.0
    for taped in (False, False, True, True):
        with keras.GradientTape() if taped else contextlib.nullcontext():
            b, a, last = layer(x)
        first = total * 2 + 20
        second = first * 2 + 2
        total = second * 2 + 4
        assert [float(b), float(a), float(last), float(layer.inner.total)] == [total, second, total, total]


def test_a_layer_that_assigns_and_adds_a_loss():
    def call(self, x):
        self.w.assign_add(1)
        self.add_loss(self.w * 2.0)
        return x + self.w

    layer = own(call, w=(0, False))
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile("sgd", "mse")
    for count, run in enumerate([layer, model, lambda x: model(x, training=True), layer], 1):
        np.testing.assert_array_equal(run(X), X + np.float32(count))
        assert float(layer.w) == count
        assert [float(loss) for loss in layer.losses] == [2.0 * count]
    assert np.isclose(model.evaluate(X, X + 5.0, batch_size=300, verbose=0), 10.0)
    with keras.GradientTape():
        y = layer(X)
        assert [float(loss) for loss in layer.losses] == [12.0]
    np.testing.assert_array_equal(y, X + np.float32(6))
    assert float(layer.w) == 6


def test_a_shared_layer_assigns_in_each_call():
    def call(self, x, training=False):
        if training:
            self.w.assign(self.w * 2.0 + ops.sum(x))
        return x * self.w

    layer = own(call, w=(1, False))
    a, b = keras.Input((1,)), keras.Input((1,))
    model = keras.Model([a, b], [layer(b), layer(layer(a))])  # Keras runs the longest way first
    model.compile("sgd", ["mse", "mse"])
    x, y = np.full((2, 1), 1.0, np.float32), np.full((2, 1), 3.0, np.float32)
    w = 1.0
    for _ in range(2):
        model.train_on_batch([x, y], [x, y])
        first = w * 2 + 2
        candidates = []
        for order in ("ab", "ba"):  # the second call on a, and that on b, have the same way to go
            now = first
            for which in order:
                now = now * 2 + (2 * first if which == "a" else 6)
            candidates.append(now)
        w = float(layer.w)
        assert w == candidates[1]


# --- gradients ----------------------------------------------------------------------------------------------
class Scaled(layers.Layer):
    """Its kernel, which trains, becomes the kernel over its sum before the layer uses it."""

    def __init__(self):
        super().__init__()
        initial = keras.initializers.RandomUniform(0.5, 1.5, seed=1)  # far from a sum of 0
        self.dense = layers.Dense(2, kernel_initializer=initial)

    def call(self, x, training=False):
        if not self.dense.built:
            self.dense.build(x.shape)
        if training:
            kernel = self.dense.kernel
            kernel.assign(kernel / ops.sum(kernel))
        return self.dense(x)


def scaled_step(kernel, bias, calls, rate=0.1):
    """The kernel and the bias after a step on some (x, y), the layer called on each."""
    steps = np.zeros_like(kernel), np.zeros_like(bias)
    for x, y in calls:
        kernel = kernel / kernel.sum()
        gradient = 2 * (x @ kernel + bias - y) / y.size
        steps = steps[0] + x.T @ gradient, steps[1] + gradient.sum(0)
    return kernel - rate * steps[0], bias - rate * steps[1]


@pytest.mark.parametrize("options", [{}, {"clipnorm": 1e6}])
def test_steps_go_on_from_what_was_assigned(options):
    layer = Scaled()
    model = keras.Sequential([keras.Input((3,)), layer])
    y = np.hstack([Y, -Y])
    state = [w.astype(np.float64) for w in model.get_weights()]
    model.compile(keras.optimizers.SGD(0.1, **options), "mse")
    model.fit(X, y, batch_size=150, shuffle=False, verbose=0)
    for batch in zip(cut(X, 150), cut(y, 150), strict=True):
        state = scaled_step(*state, [batch])
    for found, wanted in zip(model.get_weights(), state, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("looks", [False, True])
def test_a_tape_takes_gradients_by_all_that_was_read(looks):
    layer = Scaled()
    layer(X)
    variables = layer.trainable_variables
    optimizer = keras.optimizers.SGD(0.1)
    state = [w.numpy().astype(np.float64) for w in variables]
    x = cut(X, 100)
    y = [np.hstack([part, -part]) for part in cut(Y, 100)]
    for _ in range(2):
        with keras.GradientTape(persistent=looks) as tape:
            loss = ops.mean(ops.square(layer(x[0], training=True) - y[0]))
            if looks:
                assert np.isfinite(float(loss))
                assert np.isclose(layer.dense.kernel.numpy().sum(), 1.0)
            loss = loss + ops.mean(ops.square(layer(x[1], training=True) - y[1]))
        gradients = tape.gradient(loss, variables)
        if looks:
            again = tape.gradient(loss, variables)
            np.testing.assert_allclose(again[0], gradients[0], rtol=1e-6)
        optimizer.apply(gradients, variables)
        state = scaled_step(*state, zip(x[:2], y[:2], strict=True))
        for found, wanted in zip(variables, state, strict=True):
            np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-6)


def test_no_gradient_goes_through_an_assignment():
    def call(self, x):
        self.w.assign(ops.mean(x, axis=0))
        return x * self.w + self.v * self.w

    layer = own(call, w=([0, 0, 0], False), v=([1, 1, 1], True))
    x = keras.constant(X[:4])
    with keras.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    by_x, by_v = tape.gradient(y, [x, layer.v])
    mean = X[:4].mean(0)
    np.testing.assert_allclose(by_x, np.tile(mean, (4, 1)), rtol=1e-6)
    np.testing.assert_allclose(by_v, 4 * mean, rtol=1e-6)
    np.testing.assert_allclose(layer.w.numpy(), mean, rtol=1e-6)


def test_functions_in_a_tape_read_what_a_layer_assigned():
    layer = Scaled()
    layer(X)
    kernel = layer.dense.kernel
    kernel.assign(np.arange(6, dtype=np.float32).reshape(3, 2))
    with keras.GradientTape() as tape:
        before = ops.sum(kernel * kernel)
        layer(X, training=True)
        after = ops.sum(kernel * kernel * kernel)
        loss = before + after
    scaled = np.arange(6).reshape(3, 2) / 15
    np.testing.assert_allclose(
        tape.gradient(loss, kernel), 2 * np.arange(6).reshape(3, 2) + 3 * scaled**2, rtol=1e-5
    )
    np.testing.assert_allclose([float(before), float(after)], [55, (scaled**3).sum()], rtol=1e-5)
    np.testing.assert_allclose(kernel.numpy(), scaled, rtol=1e-6)


def test_what_is_computed_again_reads_what_it_read():
    def call(self, x, training=False):
        if training:
            self.w.assign(self.w * 2.0)
            self.v.assign_add(ops.sum(x))
        return x * self.w + self.v

    layer = own(call, w=(3, True), v=(1, False))
    x = np.array([[1.0], [2.0]], np.float32)
    layer(x)
    for persistent in (False, True):
        layer.w.assign(3), layer.v.assign(1)
        with keras.GradientTape(persistent=persistent) as tape:
            before = layer(x)  # 3 x + 1
            of_w = layer.w * layer.w  # 9
            layer(x, training=True)
            assert [float(layer.w), float(layer.v)] == [6, 4]  # now
            after = layer(x)  # 6 x + 4
            total = ops.sum(before * before) + ops.sum(after * after) + of_w + layer.w * layer.w
            again = layer(x, training=True)  # 12 x + 7
            total = total + ops.sum(again * again)
        assert [float(layer.w), float(layer.v)] == [12, 7]
        x_, found = x.astype(np.float64), tape.gradient(total, layer.w)
        outputs = [3 * x_ + 1, 6 * x_ + 4, 12 * x_ + 7]
        assert np.isclose(float(total), sum((y**2).sum() for y in outputs) + 9 + 36)
        wanted = sum((2 * y * x_).sum() for y in outputs) + 6 + 12
        assert np.isclose(float(found), wanted)
        if persistent:
            layer.w.assign(100)
            assert np.isclose(float(tape.gradient(total, layer.w)), wanted)
            assert float(layer.w) == 100


def test_batches_of_two_sizes_in_one_tape():
    layer = Running()
    layer(X)
    count = float(layer.calls)
    x = keras.constant(X[:3])
    with keras.GradientTape(persistent=True) as tape:
        tape.watch(x)
        first = layer(x, training=True)
        second = layer(X[3:10], training=True)
        third = layer(x, training=True)
        losses = [ops.sum(first * first), ops.sum(third * third)]
    mean = running([X[:3]])
    after = running([X[3:10], X[:3]], mean)
    for loss, away in zip(losses, (mean, after), strict=True):
        np.testing.assert_allclose(tape.gradient(loss, x), 2 * (X[:3] - away), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, X[3:10] - running([X[:3], X[3:10]]), rtol=1e-5, atol=1e-6)
    assert float(layer.calls) == count + 3
    np.testing.assert_allclose(layer.mean.numpy(), after, rtol=1e-5)


def test_a_regularizer_sees_what_was_assigned():
    def call(self, x, training=False):
        if training:
            self.w.assign(self.w * 0.5)
        return x * self.w

    layer = own(call, w=(4, True))
    model = keras.Sequential([keras.Input((1,)), layer])
    layer.w.regularizer = keras.regularizers.L2(1.0)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    zeros = np.zeros((2, 1), np.float32)
    assert np.isclose(model.train_on_batch(zeros, zeros), 4.0)
    assert np.isclose(float(layer.w), 2 - 0.1 * 4)


def test_a_loss_of_the_whole_batch():
    layer = Running()
    model = functional(layer)

    def pairs(true, pred):
        return ops.mean(ops.square(pred - ops.transpose(pred))) + ops.mean(ops.square(true - pred))

    model.compile(keras.optimizers.SGD(0.1), pairs)
    model.fit(X[:40], Y[:40], batch_size=20, shuffle=False, verbose=0)
    assert layer.state()[:2] == (2, 2)
    np.testing.assert_allclose(layer.mean.numpy(), running(cut(X[:40], 20)), rtol=1e-5)
    model.evaluate(X[:40], Y[:40], batch_size=10, verbose=0)
    assert layer.state()[:2] == (6, 2)


# --- files, copies, what is refused -------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["keras", "safetensors", "deepcopy", "clone"])
def test_state_is_kept(how, tmp_path):
    if how == "keras":
        pytest.importorskip("h5py")
    layer = Running()
    model = functional(layer)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(X, Y, verbose=0)
    if how == "deepcopy":
        again = copy.deepcopy(model)
    elif how == "clone":
        again = keras.models.clone_model(model)
        again.set_weights(model.get_weights())
    else:
        model.save(path := tmp_path / f"model.{how}")
        again = keras.models.load_model(path, custom_objects={"Running": Running})
    for found, wanted in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(again.predict(X[:8], verbose=0), model.predict(X[:8], verbose=0))
    assert again.layers[1].state()[:2] == layer.state()[:2] == (11, 10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda self, x: self.w.assign(x), ValueError, r"'layer.*layer.*w.*\(3,\).*\(None, 3\).*batch axis"),
        (lambda self, x: self.w.assign_add(ops.reshape(x, (-1,))), ValueError, "do not fit|batch axis"),
        (lambda self, x: self.w.assign(ops.sum(x)), ValueError, r"\(3,\) a value of shape \(\)"),
        (lambda self, x: self.w.assign("three"), TypeError, "neither a symbol nor numbers"),
        (lambda self, x: self.w.assign_add(1) + self.w.numpy(), TypeError, "no values after an assignment"),
    ],
)
def test_what_cannot_be_assigned(call, error, message):
    layer = own(call, w=([0, 0, 0], False))
    with pytest.raises(error, match=message):
        layer(X)
    assert not layer.built or not layer.w.numpy().any()


@pytest.mark.parametrize("first", [True, False])
def test_a_moving_statistic_is_not_assigned(first):
    class Both(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.BatchNormalization()

        def build(self, shape):
            self.inner.build(shape)
            self.inner.moving_mean.assign([1, 2, 3])  # this is no part of the call

        def call(self, x, training=False):
            y = x if first else self.inner(x, training=training)
            if training:
                self.inner.moving_mean.assign(self.inner.moving_mean * 0.5)
            return self.inner(y, training=training)

    layer = Both()
    model = keras.Sequential([keras.Input((3,)), layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match=r"moving_mean is a moving statistic.*train_step"):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(layer.inner.moving_mean.numpy(), [1, 2, 3])
    model.predict(X, verbose=0)


def test_a_loss_assigns_nothing():
    w = keras.Variable([0.0])

    def loss(true, pred):
        w.assign(ops.mean(pred, axis=0))
        return ops.square(true - pred)

    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", loss)
    with pytest.raises(NotImplementedError, match=r"variable.*`call` of a layer"):
        model.fit(X, Y, verbose=0)


def test_programs_that_do_not_assign(tmp_path):
    model = functional(Running())
    with pytest.raises(NotImplementedError, match=r"compile_inference.*running.*/.*predict_on_batch"):
        model.compile_inference()
    assert model.graph_json({}) is None
    model.trainable = False
    with pytest.raises(ValueError, match="in training, so that features differ"):
        model.precompute_features(X)

    class Steady(Running):
        def call(self, x, training=False):
            return super().call(x, training=True) if training else x - self.mean

    layer = Steady()
    model = functional(layer)
    model(X, training=True)
    call = model.compile_inference(batch_size=2)
    np.testing.assert_allclose(call(X[:2]), model.predict(X[:2], verbose=0), rtol=1e-6)
    assert layer.state()[:2] == (1, 1)


def test_the_optimizer_takes_the_variables_of_training():
    """Where the testing network reads other ones: here the first, which is there in training only."""

    class Noted(layers.Layer):
        def build(self, shape):
            self.seen = self.add_weight(shape[-1:], "zeros", trainable=False)
            self.scale = self.add_weight(shape[-1:], "ones", constraint=lambda w: w * 0 + 7)

        def call(self, x, training=False):
            if training:
                self.seen.assign(self.seen * 0.5 + ops.sum(x, axis=0))
            return x * self.scale

    layer = Noted()
    model = keras.Sequential([keras.Input((3,)), layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    scale, seen, kernel, bias = model.get_weights()
    assert (scale == 7).all()
    assert (kernel != 7).all()
    np.testing.assert_allclose(seen, X.sum(0, dtype=np.float64), rtol=1e-6)
    gradients = model.gradients(X, Y).gradients
    error = 2 * (X * 7 @ kernel + bias - Y) / len(X)
    np.testing.assert_allclose(gradients[1], (X * 7).T @ error, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.seen.numpy(), seen)
