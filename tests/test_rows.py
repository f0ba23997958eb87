"""Rows of all samples, `reshape(x, (-1, d))`: functions, layers, losses and models of them."""

import copy

import numpy as np
import pytest
from helpers import normal
from hypothesis import given
from hypothesis import strategies as st
from symbols import check, check_gradient, predicted

import pycnn as keras
from pycnn import layers, ops, tf

TABLE = np.linspace(-1, 1, 20, dtype=np.float32).reshape(4, 5)


def samples(m, y, count, at=0):
    """Rows back as samples, each with `count` of them."""
    y = m.moveaxis(y, at, 0)
    return m.reshape(y, (-1, count, *y.shape[1:]))


def rows(x):
    """Six rows of each sample of shape (2, 3, 4)."""
    return x.reshape(-1, 4) if isinstance(x, np.ndarray) else ops.reshape(x, (-1, 4))


# The same call of NumPy and of keras.ops on rows (None, 4), 6 of each sample.
SAME = {
    "values": lambda m, r: m.exp(r) * 2 + m.maximum(r, 0.5) - r / 3,
    "beside a vector": lambda m, r: m.where(r > 0, r, TABLE[:, 0]) + TABLE[:1, :4],
    "sum": lambda m, r: r - m.sum(r, axis=1, keepdims=True),
    "sums of rows": lambda m, r: r - m.sum(r, axis=0),
    "mean of all": lambda m, r: r * m.mean(r),
    "mean of rows": lambda m, r: r - m.mean(r, axis=0, keepdims=True),
    "spread of rows": lambda m, r: r / (m.std(r, axis=0) + m.var(r, axis=(0, 1), keepdims=True)),
    "largest": lambda m, r: m.max(r, axis=-1, keepdims=True) + m.min(r, axis=1, keepdims=True),
    "length": lambda m, r: r * m.sqrt(m.sum(m.square(r), axis=-1))[:, None],
    "matmul": lambda m, r: m.matmul(r, TABLE),
    "vector": lambda m, r: m.matmul(r, TABLE[:, 0])[:, None] * r,
    "dot": lambda m, r: m.dot(r, TABLE),
    "tensordot": lambda m, r: m.tensordot(r, TABLE, 1),
    "einsum": lambda m, r: m.einsum("nd,de->ne", r, TABLE),
    "einsum of the rows": lambda m, r: r * m.einsum("nd->d", r),
    "products of all rows": lambda m, r: m.matmul(r, m.matmul(m.transpose(r), r)),
    "einsum of all rows": lambda m, r: m.matmul(r, m.einsum("nd,ne->de", r, r * 2)),
    "tensordot of all rows": lambda m, r: m.matmul(r, m.tensordot(r, r, ((0,), (0,)))),
    "from the left": lambda m, r: m.transpose(m.matmul(TABLE.T, m.transpose(r))),
    "weights of rows": lambda m, r: r * m.matmul(m.transpose(r), m.sum(r, axis=1)),
    "matrices": lambda m, r: m.matmul(m.reshape(r, (-1, 2, 2)), m.reshape(r, (-1, 2, 2)) * 2),
    "matrices of all": lambda m, r: m.matmul(m.reshape(r, (-1, 2, 2)), TABLE[:2, :3]),
    "matrices broadcast": lambda m, r: m.matmul(TABLE[:4, :2].reshape(1, 4, 2), m.reshape(r, (-1, 2, 2))),
    "concatenate": lambda m, r: m.concatenate([r, r * 2], -1),
    "stack": lambda m, r: m.stack([r, r * 2], 1),
    "split": lambda m, r: m.split(r, 2, axis=1)[1],
    "slices": lambda m, r: r[:, 1:3] + r[:, :1] * r[..., None, 0],
    "places": lambda m, r: r[:, [2, 0]],
    "take": lambda m, r: m.take(r, [3, 1], axis=-1),
    "repeat": lambda m, r: m.repeat(m.tile(r, (1, 2)), 2, axis=1),
    "flip and roll": lambda m, r: m.flip(m.roll(r, 1, axis=1), axis=-1),
    "pad": lambda m, r: m.pad(r, ((0, 0), (1, 2))),
    "triangle": lambda m, r: m.tril(m.reshape(r, (-1, 2, 2))),
    "diagonal": lambda m, r: m.diagonal(m.reshape(r, (-1, 2, 2)), 0, 1, 2),
    "axes": lambda m, r: m.squeeze(m.swapaxes(m.expand_dims(r, -1), 1, 2), 1),
    "moved and picked": lambda m, r: m.moveaxis(m.reshape(r, (-1, 2, 2)), 1, 0)[1],
    "moved twice": lambda m, r: m.transpose(m.exp(m.transpose(r)) + TABLE[:, :1]),
    "broadcast": lambda m, r: r + m.broadcast_to(TABLE[:1, :4], (1, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_functions(name):
    def function(m, x):
        return samples(m, SAME[name](m, rows(x)), 6)

    x = normal(np.random.default_rng(1), 3, 2, 3, 4)
    check(lambda x: function(ops, x), lambda x: function(np, x), x, terms=64, unit=8)


def hot(m, indices):
    """One-hot rows."""
    return ops.one_hot(indices, 5) if m is ops else np.eye(5)[indices]


def test_numbers_of_classes():
    x = normal(np.random.default_rng(1), 3, 2, 3, 4)

    def nearest(m, x):
        r = rows(x)
        indices = m.argmin(m.sum(m.square(r[:, :, None] - TABLE), axis=1), axis=1)
        picked = m.take_along_axis(r, m.argmax(r, axis=1)[:, None], axis=1)
        return samples(m, m.matmul(hot(m, indices), TABLE.T) + m.take(TABLE.T, indices, axis=0) + picked, 6)

    check(lambda x: nearest(ops, x), lambda x: nearest(np, x), x)


def test_functions_that_numpy_lacks():
    x = normal(np.random.default_rng(2), 3, 2, 3, 4)
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    for function in (
        ops.softmax,
        ops.log_softmax,
        ops.relu6,
        ops.gelu,
        lambda r: ops.normalize(r, axis=-1),
        lambda r: ops.logsumexp(r, axis=1, keepdims=True),
        lambda r: ops.layer_normalization(r, ones, zeros),
        lambda r: ops.batch_normalization(r, zeros, ones, axis=1),
        lambda r: ops.categorical_crossentropy(ops.softmax(r), r, from_logits=True)[:, None],
        lambda r: ops.sparse_categorical_crossentropy(ops.argmax(r, 1), r, from_logits=True)[:, None],
        lambda r: ops.average_pool(ops.expand_dims(r, -1), 2),
        lambda r: keras.losses.binary_crossentropy(ops.cast(r > 0, "float32"), ops.sigmoid(r))[:, None],
        lambda r: tf.reshape(tf.nn.softmax(tf.reshape(r, (-1, 2))), (-1, 4)),
    ):
        wanted = np.asarray(function(x.reshape(-1, 4)))
        found = predicted(lambda x, function=function: samples(ops, function(rows(x)), 6), x)
        np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-6)


def others(y, at):
    return [axis for axis in range(y.ndim) if axis != at]


def along(name):
    """A function along an axis that is drawn, which is none of the rows'."""

    def step(m, y, at, n):
        axis = others(y, at)[n % (y.ndim - 1)]
        return getattr(m, name)(y, *([2] if name in ("repeat", "roll") else []), axis=axis), at

    return step


def reduced(m, y, at, n):
    axis = others(y, at)[n % (y.ndim - 1)]
    if y.ndim == 2:
        return y - m.mean(y, axis=axis, keepdims=True), at
    return m.sum(y, axis=axis), at - (axis < at)


def moved(m, y, at, n):
    return m.moveaxis(y, at, n % y.ndim), n % y.ndim


def expanded(m, y, at, n):
    if y.ndim == 5:  # the core has at most eight axes
        return y, at
    place = n % (y.ndim + 1)
    return m.expand_dims(y, place), at + (place <= at)


def stacked(m, y, at, n):
    if y.ndim == 5:
        return y, at
    place = n % (y.ndim + 1)
    return m.stack([y, m.negative(y)], axis=place), at + (place <= at)


def chosen(m, y, at, n):
    axis = others(y, at)[n % (y.ndim - 1)]
    keys = [slice(None)] * y.ndim
    if y.ndim == 2:
        keys[axis] = slice(None, None, -1)
        return y[tuple(keys)], at
    keys[axis] = n % y.shape[axis]
    return y[tuple(keys)], at - (axis < at)


def times_matrix(m, y, at, n):
    if at == y.ndim - 1:
        y, at = m.swapaxes(y, at, 0), 0 if y.ndim > 1 else at
    d = y.shape[-1]
    return m.matmul(y, np.linspace(-1, 1, d * 3, dtype=np.float32).reshape(d, 3)), at


def of_all_rows(m, y, at, n):
    return y - m.mean(y, axis=at, keepdims=True) + m.sum(y) * 0.01, at


def merged(m, y, at, n):
    """The axis after the rows becomes rows, too."""
    y = m.moveaxis(y, at, 0)
    return (m.reshape(y, (-1, *y.shape[2:])), 0) if y.ndim > 2 else (y, 0)


def beside_array(m, y, at, n):
    shape = [1 if axis == at else size for axis, size in enumerate(y.shape)]
    return y * np.linspace(0.5, 1.5, int(np.prod(shape)), dtype=np.float32).reshape(shape), at


STEPS = (
    along("flip"), along("repeat"), along("roll"), along("cumsum"), reduced, moved, expanded, stacked, chosen,
    times_matrix, of_all_rows, merged, beside_array,
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), min_size=1, max_size=6))
def test_chains(steps):
    def function(m, x):
        y, at = m.reshape(x, (-1, 3, 2)), 0
        per_sample = 4
        for step, n in steps:
            if step is merged and y.ndim > 2:
                per_sample *= m.moveaxis(y, at, 0).shape[1]
            y, at = step(m, y, at, n)
            y = m.tanh(y)
        return samples(m, y, per_sample, at)

    x = normal(np.random.default_rng(3), 3, 4, 3, 2)
    check(lambda x: function(ops, x), lambda x: function(np, x), x, terms=256, unit=4)


def test_gradients():
    def function(m, x):
        r = m.reshape(x, (-1, 3))
        r = r - m.mean(r, axis=0)
        return samples(m, m.matmul(m.matmul(r, m.matmul(m.transpose(r), r)), TABLE[:3]), 4)

    def of_each(x):
        r = ops.reshape(x, (-1, 3))
        return samples(ops, ops.exp(r) * ops.sum(r, axis=1, keepdims=True), 4)

    x = normal(np.random.default_rng(4), 2, 4, 3)
    check(lambda x: function(ops, x), lambda x: function(np, x), x, terms=64, unit=8)
    check_gradient(of_each, lambda x: np.exp(x) * x.sum(-1, keepdims=True), x)

    class Squares(layers.Layer):
        """A number that all rows make, for each sample."""

        def call(self, x):
            r = ops.reshape(x, (-1, 3))
            return ops.zeros_like(x[:, 0, 0]) + ops.sum(ops.square(ops.matmul(ops.transpose(r), r)))

    with keras.GradientTape() as tape:
        given = keras.constant(x)
        tape.watch(given)
        total = ops.mean(Squares()(given))
    r = x.reshape(-1, 3)
    assert float(total) == pytest.approx(np.square(r.T @ r).sum(), rel=1e-5)
    np.testing.assert_allclose(
        tape.gradient(total, given).numpy().reshape(-1, 3), 4 * r @ (r.T @ r), rtol=1e-5
    )


class Pairs(layers.Layer):
    def call(self, x):
        return ops.reshape(x, (-1, 3))


X = keras.Input((4, 6))
R = ops.reshape(X, (-1, 6))
V = keras.Input((6,))
REFUSED = {
    "some rows": (lambda: R[1:], "get_item: rows would be selected. Axis 0 .*4 of each"),
    "places of rows": (lambda: R[np.array([0, 2])], "rows would be selected"),
    "largest of all": (lambda: ops.max(R, axis=0), "would mix the samples"),
    "pairs": (lambda: R @ ops.transpose(R), "products of rows with other rows"),
    "beside samples": (lambda: R + X, "do not fit together; reshape each to"),
    "beside others": (lambda: R + ops.reshape(X, (-1, 3)), "do not fit together"),
    "beside an array": (lambda: R + np.ones((24, 6)), "as rows would meet others"),
    "a vector of rows": (lambda: R + R[:, 0], "as rows would meet others"),
    "reshape": (lambda: ops.reshape(R, (5, -1)), "expected -1 or None first"),
    "reshape across": (lambda: ops.reshape(R, (-1, 5)), "whose product divides"),
    "reshape of what": (lambda: ops.reshape(R, (None, -1, 2)), "may be the number of samples or of rows"),
    "softmax": (lambda: ops.softmax(R, axis=0), "axis 0 would mix rows"),
    "argmax": (lambda: ops.argmax(R), "expected an axis"),
    "no such axis": (lambda: ops.argmax(R, axis=2), "axis is 2; expected -2 to 1"),
    "no matrix": (lambda: R @ np.ones((5, 6)), r"x2 \(5, 6\).*rows of all samples: \(None, 6\) of 4 rows"),
    "join": (lambda: ops.concatenate([R, R], 0), "axis 0 would mix"),
    "join with others": (lambda: ops.concatenate([R, np.ones((24, 6))], 1), "do not fit together"),
    "tile": (lambda: ops.tile(R, (2, 1)), "expected 1 for rows"),
    "gradient": (lambda: ops.gradient(ops.sum(R), R), "is not available for rows"),
    "an output": (lambda: keras.Model(X, R), "no output of a model.*reshape it to samples"),
    "a layer on another axis": (lambda: layers.Dense(2)(ops.transpose(R)), "samples on the first axis"),
    "a layer on samples too": (lambda: layers.Add()([R, X]), "as many in each input"),
    "a layer on numbers": (lambda: layers.Dense(2)(R[:, 0]), "at least two axes"),
    "a Sequential model": (
        lambda: keras.Sequential([keras.Input((2, 3)), Pairs(name="pairs"), layers.Dense(2)]),
        "'pairs' returned .*pass on samples; use the functional form",
    ),
    "a model with statistics": (
        lambda: keras.Sequential([layers.BatchNormalization()])(R), "Layer .sequential.* needs all at once",
    ),
    "a model of a sum": (lambda: keras.Model(V, V - ops.mean(V, axis=0))(R), "needs all at once"),
    "an activation of a sum": (lambda: layers.Dense(2, lambda r: r - ops.mean(r, axis=0))(R), "needs all at"),
    "a penalty": (lambda: layers.Dense(2, activity_regularizer="l2")(R), "activity_regularizer"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    function, message = REFUSED[name]
    with pytest.raises((ValueError, NotImplementedError), match=message):
        function()


def test_shapes():
    assert (R.shape, ops.ndim(R), ops.size(R)) == ((None, 6), 2, None)
    assert ops.reshape(R, ops.shape(X)).shape == (None, 4, 6)
    count, width = ops.shape(R)
    flat = ops.reshape(R, (count, -1, width // 2))
    assert flat.shape == (None, 2, 3)
    assert ops.reshape(X, (count, -1)).shape == (None, 6)
    assert ops.reshape(R, (-1, 24)).node is not None  # ordinary again
    assert ops.sum(ops.ravel(X), keepdims=True).shape == (1,)
    for function in (lambda: int(count), lambda: ops.eye(count), lambda: range(count), lambda: count > 2):
        with pytest.raises(ValueError, match="number of samples is not known"):
            function()
    with pytest.raises(ValueError, match="expected the number of rows, then sizes"):
        ops.reshape(R, (2, count))
    with pytest.raises(ValueError, match="cannot reshape"):
        ops.reshape(R, (count, 5))


def test_numbers_of_samples_and_rows():
    """Sizes that are products with the number of samples, and arithmetic with it."""
    n, k, d = ops.shape(X)
    assert (n, ops.shape(X)) == (None, (None, 4, 6))
    assert repr(n) == "None"
    count = ops.shape(R)[0]
    assert n * k == count == 4 * n
    assert count // 4 == n
    assert n != 4
    assert ops.reshape(R, (n, -1, 2)).shape == (None, 12, 2)
    flat = ops.reshape(X, (n * k, d))
    assert (flat.shape, flat.count) == ((None, 6), 4)
    assert ops.reshape(flat, (n * k // 2, 2 * d)).shape == (None, 12)
    for y in (
        ops.zeros((count, 3)),
        ops.broadcast_to(np.ones(3), (count, 3)),
        keras.random.normal((count, 3)),
    ):
        assert (y.shape, y.count) == ((None, 3), 4)
    assert keras.random.dropout(R, 0.5).count == 4
    assert ops.tile(np.ones((1, 2)), (n, 3)).shape == (None, 6)
    x = normal(np.random.default_rng(9), 3, 4, 6)
    found = predicted(
        lambda x: (
            x * ops.sum(x) / ops.shape(x)[0]
            + ops.sqrt(ops.shape(ops.reshape(x, (-1, 6)))[0])
            + 1 / ops.cast(ops.shape(x)[0], "float32")
            - (ops.shape(x)[0] + 1)
        ),
        x,
    )
    np.testing.assert_allclose(found, x * x.sum() / 3 + np.sqrt(12) + 1 / 3 - 4, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(3, "softmax"),
        lambda: layers.Dense(3, lambda y: ops.softmax(y, axis=1)),  # each row by itself
        layers.LayerNormalization,
        layers.BatchNormalization,
        layers.UnitNormalization,
        lambda: layers.Dropout(0.5),
        lambda: layers.Lambda(lambda r: r - ops.mean(r, axis=0)),
        lambda: layers.Activation("gelu"),
        lambda: keras.Sequential([layers.Dense(4, "relu"), layers.Dense(2)]),
    ],
)
def test_layers(make):
    layer, x = make(), normal(np.random.default_rng(5), 3, 4, 6)
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, samples(ops, layer(ops.reshape(inputs, (-1, 6))), 4))
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(
        found.reshape(12, -1), np.asarray(layer(x.reshape(12, 6))), rtol=1e-6, atol=1e-6
    )
    model.compile("sgd", "mse")
    model.fit(x, found * 0, verbose=0)


def test_statistics_are_those_of_all_rows():
    layer, x = layers.BatchNormalization(momentum=0.0), normal(np.random.default_rng(5), 3, 4, 6)
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, samples(ops, layer(ops.reshape(inputs, (-1, 6))), 4))
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.reshape(-1, 6).mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.reshape(-1, 6).var(0), rtol=1e-5)


def test_a_model_on_rows_in_a_layer():
    """Its layers see all rows, and are frozen with it."""
    picture = keras.Input((6,))
    y = layers.BatchNormalization(momentum=0.0)(layers.Dense(4)(picture))
    y = ops.reshape(ops.softmax(ops.reshape(y, (None, -1, 2))) * 2, (-1, 4))
    inner = keras.Model(picture, {"y": y})

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner, self.last = inner, layers.Dense(2)

        def call(self, x, training=False):
            rows = ops.reshape(x, (-1, 6))
            return ops.reshape(self.last(self.inner(rows, training=training)["y"]), (-1, 4, 2))

    x, outer = normal(np.random.default_rng(5), 3, 4, 6), Outer()
    model = keras.Sequential([keras.Input((4, 6)), outer])
    found = model.predict(x, verbose=0)
    wanted = np.asarray(outer.last(inner(x.reshape(12, 6))["y"])).reshape(3, 4, 2)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    middle = np.asarray(inner.layers[1](x.reshape(12, 6)))
    model.compile("sgd", "mse")
    model.fit(x, found * 0, verbose=0)
    np.testing.assert_allclose(inner.layers[2].moving_mean.numpy(), middle.mean(0), rtol=1e-5, atol=1e-6)
    inner.trainable = False
    before, last = inner.get_weights(), outer.last.get_weights()[0]
    model.compile("sgd", "mse")
    model.fit(x, found * 0, verbose=0)
    for old, new in zip(before, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.abs(last - outer.last.get_weights()[0]).max() > 0


@keras.saving.register_keras_serializable("rows")
class Parts(layers.Layer):
    def call(self, x):
        return {"parts": ops.reshape(x, (-1, 6)), "sums": ops.sum(x, axis=-1)}


@keras.saving.register_keras_serializable("rows")
class Whole(layers.Layer):
    def call(self, x):
        return ops.reshape(x, (-1, 4, x.shape[-1]))


def test_layers_that_return_rows(tmp_path):
    """On arrays, in a tape, in models that are saved and copied."""
    x = normal(np.random.default_rng(6), 3, 4, 6)
    assert Parts()(x)["parts"].shape == (12, 6)
    with keras.GradientTape() as tape:
        given = keras.constant(x)
        tape.watch(given)
        parts = Parts()(given)["parts"]
        total = ops.sum(parts[1:3] * 2)
    assert parts.shape == (12, 6)
    slope = tape.gradient(total, given).numpy().reshape(12, 6)
    np.testing.assert_array_equal(slope, np.repeat([0, 2, 2] + 9 * [0], 6).reshape(12, 6))

    inputs = keras.Input((4, 6))
    found = Parts()(inputs)
    y = Whole()(ops.sqrt(1 + layers.Dense(3, "softmax")(found["parts"]))) + found["sums"][:, :, None]
    model = keras.Model(inputs, y)
    wanted = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for other in (keras.models.load_model(tmp_path / "m.keras"), clone, copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(x, verbose=0), wanted)


def test_weights_of_samples():
    """A loss with a value for each row has none for a sample; others keep theirs."""
    x, y = normal(np.random.default_rng(7), 6, 4), np.ones((6, 4), np.float32)

    def loss(y_true, y_pred):
        return keras.losses.mean_squared_error(ops.reshape(y_true, (-1, 2)), ops.reshape(y_pred, (-1, 2)))

    model = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    model.compile("sgd", loss, metrics=[loss])
    with pytest.raises(ValueError, match="one for each of several rows"):
        model.fit(x, y, sample_weight=np.ones(6), verbose=0)
    wanted = np.mean(np.square(model.predict(x, verbose=0) - y))
    found = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    assert all(value == pytest.approx(wanted, rel=1e-5) for value in found.values())
    assert model.evaluate(x, y, batch_size=6, verbose=0)[0] == pytest.approx(wanted, rel=1e-5)


def test_a_loss_that_needs_all_rows_in_one_array():
    """Pairs of rows: a step of all samples, as for other losses that mix them."""

    def loss(y_true, y_pred):
        rows = ops.reshape(y_pred, (-1, 2))
        return ops.mean(ops.square(ops.matmul(rows, ops.transpose(rows)))) + 0 * ops.mean(y_true)

    x = normal(np.random.default_rng(8), 5, 4)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    model.compile("sgd", loss)
    r = model.predict(x, verbose=0).reshape(-1, 2)
    assert model.evaluate(x, x, verbose=0) == pytest.approx(np.mean(np.square(r @ r.T)), rel=1e-5)
    assert model.train_on_batch(x, x) == pytest.approx(np.mean(np.square(r @ r.T)), rel=1e-5)


class Quantizer(layers.Layer):
    """The nearest vectors of a table, with TensorFlow's names."""

    def build(self, shape):
        self.table = self.add_weight(shape=(3, 5), initializer="random_normal")

    def nearest(self, flat):
        distances = (
            tf.reduce_sum(flat**2, axis=1, keepdims=True)
            + tf.reduce_sum(self.table**2, axis=0)
            - 2 * tf.matmul(flat, self.table)
        )
        return tf.argmin(distances, axis=1)

    def call(self, x):
        encodings = tf.one_hot(self.nearest(tf.reshape(x, [-1, 3])), 5)
        quantized = tf.reshape(tf.matmul(encodings, self.table, transpose_b=True), tf.shape(x))
        self.add_loss(0.25 * tf.reduce_mean((tf.stop_gradient(quantized) - x) ** 2))
        self.add_loss(tf.reduce_mean((quantized - tf.stop_gradient(x)) ** 2))
        return x + tf.stop_gradient(quantized - x)


def test_vector_quantization_in_a_tape():
    """A step of one's own, whose gradients and losses are those of NumPy."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((2, 2, 3))
    quantizer = Quantizer()
    model = keras.Model(inputs, quantizer(layers.Dense(3, use_bias=False)(inputs)))
    x = normal(np.random.default_rng(10), 5, 2, 2, 3)
    with tf.GradientTape() as tape:
        y = model(x, training=True)
        total = tf.reduce_mean((y - x) ** 2) + sum(model.losses)
    kernel, table = (w.numpy().astype(np.float64) for w in model.trainable_variables)
    slopes = [np.asarray(g) for g in tape.gradient(total, model.trainable_variables)]

    z = x.reshape(-1, 3).astype(np.float64) @ kernel
    indices = np.argmin(((z[:, None] - table.T) ** 2).sum(-1), axis=1)
    np.testing.assert_array_equal(np.asarray(quantizer.nearest(z.astype(np.float32))), indices)
    q = table.T[indices]
    np.testing.assert_allclose(np.asarray(y).reshape(-1, 3), q, rtol=1e-5, atol=1e-6)
    error = q - x.reshape(-1, 3)
    assert float(total) == pytest.approx(np.mean(error**2) + 1.25 * np.mean((q - z) ** 2), rel=1e-5)
    of_z = (2 * error + 0.5 * (z - q)) / z.size
    of_table = np.zeros_like(table)
    np.add.at(of_table.T, indices, 2 * (q - z) / z.size)
    for found, wanted in zip(slopes, (x.reshape(-1, 3).T @ of_z, of_table), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
