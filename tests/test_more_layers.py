"""Layers that normalize, merge, embed and wrap, against NumPy; files, summaries, and what is refused."""

import numpy as np
import pytest
from helpers import normal
from symbols import check, check_gradient

import pycnn as keras
from pycnn import layers, ops


def standardized(x, axes, epsilon):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), (1, 3), (1, 2, 3)])
def test_layer_normalization(rng, axis):
    x = normal(rng, 3, 4, 2, 5)
    axes = (axis,) if isinstance(axis, int) else axis
    gamma, beta = (normal(rng, *(x.shape[a] for a in axes)) for _ in range(2))
    kept = [size if a in axes or a - 4 in axes else 1 for a, size in enumerate(x.shape)]
    check(
        lambda x: ops.layer_normalization(x, gamma, beta, axis, 0.1),
        lambda x: standardized(x, axes, 0.1) * gamma.reshape(kept) + beta.reshape(kept),
        x,
        terms=40,
    )
    check(
        lambda x: ops.rms_normalization(x, gamma, axis, 0.1),
        lambda x: x / np.sqrt((x**2).mean(axes, keepdims=True) + 0.1) * gamma.reshape(kept),
        x,
        terms=40,
    )
    check_gradient(
        lambda x: ops.layer_normalization(x, axis=axis, epsilon=0.1), lambda x: standardized(x, axes, 0.1), x
    )


@pytest.mark.parametrize(
    "axis",
    [0, 4],
)
def test_no_axis_of_a_sample(axis):
    x = keras.Input((3, 2, 5))
    for function in (ops.layer_normalization, ops.rms_normalization):
        with pytest.raises(ValueError, match="axis"):
            function(x, axis=axis)
    for layer in (
        layers.LayerNormalization(axis),
        layers.GroupNormalization(1, axis),
        layers.PReLU(shared_axes=4),
    ):
        with pytest.raises(ValueError, match="none of a sample"):
            layer(x)


@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_normalization(rng, axis, groups):
    x = normal(rng, 3, 4, 8, 4)
    moved = np.moveaxis(x.astype(np.float64), axis, 1)
    parts = moved.reshape(3, groups, -1)
    expected = np.moveaxis(standardized(parts, 2, 1e-3).reshape(moved.shape), 1, axis)
    np.testing.assert_allclose(layers.GroupNormalization(groups, axis)(x), expected, rtol=1e-5, atol=1e-5)


def test_large_means_leave_the_variance(rng):
    """Sums of squares would cancel: the mean is taken off before."""
    x = 1000 + normal(rng, 4, 64)
    expected = standardized(x.astype(np.float64), 1, 1e-3)
    np.testing.assert_allclose(layers.LayerNormalization()(x), expected, atol=1e-3)


def test_batch_normalization_of_any_axis(rng):
    x = normal(rng, 6, 4, 3, 5)
    for axis in (1, 2, -2, 3):
        layer, last = layers.BatchNormalization(axis, momentum=0.5), layers.BatchNormalization(momentum=0.5)
        y, expected = layer(x, training=True), last(np.moveaxis(x, axis, -1), training=True)
        np.testing.assert_array_equal(np.moveaxis(y, axis, -1), expected)
        for a, b in zip(layer.get_weights(), last.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_maxout_of_any_axis(rng):
    x = normal(rng, 3, 4, 6)
    np.testing.assert_array_equal(layers.Maxout(2, axis=1)(x), x.reshape(3, 2, 2, 6).max(2))


def test_merging_repeats_axes_of_size_one(rng):
    a, b, c = normal(rng, 3, 4, 5), normal(rng, 3, 1, 5), normal(rng, 3, 5)
    wide = c[:, None]
    for function, formula in (
        (layers.add, a + b + wide),
        (layers.multiply, a * b * wide),
        (layers.maximum, np.maximum(np.maximum(a, b), wide)),
        (layers.average, (a.astype(np.float64) + b + wide) / 3),
    ):
        np.testing.assert_allclose(function([a, b, c]), formula, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(layers.subtract([c, a]), wide - a)
    np.testing.assert_array_equal(layers.add([a]), a)
    np.testing.assert_array_equal(layers.concatenate([a, b], axis=1), np.concatenate([a, b], 1))
    np.testing.assert_allclose(layers.dot([a, a], axes=(1, 1)), np.einsum("nab,nac->nbc", a, a), rtol=1e-5)


def every_layer():
    x = keras.Input((4, 6), name="x")
    y = layers.LayerNormalization(axis=[1, 2])(x)
    y = layers.GroupNormalization(3)(layers.PReLU(shared_axes=[1])(y))
    y = layers.UnitNormalization()(layers.RMSNormalization()(y))
    y = layers.Dense(6, activation="squareplus")(layers.SpatialDropout1D(0.2, seed=1)(y))
    y = layers.GaussianNoise(0.1, seed=2)(layers.ActivityRegularization(l2=0.01)(y))
    y = layers.Dropout(0.2, noise_shape=(None, 1, 6), seed=3)(layers.AlphaDropout(0.1, seed=4)(y))
    y = layers.EinsumDense("abc,cd->abd", (4, 6), bias_axes="d", activation="glu")(y)
    z = layers.Concatenate(axis=1)([layers.BatchNormalization(axis=1)(y), layers.Softmax(axis=[1, 2])(y)])
    z = layers.TimeDistributed(layers.Dense(3))(layers.Add()([z]))
    z = layers.Dot((2, 2), normalize=True)([z, layers.GaussianDropout(0.1, seed=5)(z)])
    return keras.Model(x, layers.Flatten()(layers.Normalization(axis=1)(z)))


def test_files_and_summary(rng, tmp_path):
    model = every_layer()
    model.compile("sgd", "mse")
    x, y = normal(rng, 8, 4, 6), normal(rng, 8, 64)
    first = model.train_on_batch(x, y)
    assert min(model.train_on_batch(x, y) for _ in range(20)) < first
    model.save(tmp_path / "m.safetensors")
    read = keras.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(read.predict(x, verbose=0), model.predict(x, verbose=0))
    assert read.to_json() == model.to_json()
    assert keras.models.clone_model(model).count_params() == model.count_params()
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    for layer in model.layers:
        assert type(layer).__name__[:12] in "\n".join(lines)


def test_training_argument_of_layers_and_models(rng):
    x = normal(rng, 16, 4, 6)
    model = every_layer()
    np.testing.assert_array_equal(model(x), model(x, training=False))
    np.testing.assert_array_equal(model(x), model.predict(x, verbose=0))
    assert (model(x, training=True) != model(x)).any()
    inputs = keras.Input((4, 6))
    for training in (True, False):
        y = keras.Model(inputs, layers.GaussianNoise(0.5, seed=1)(inputs, training=training))
        assert (y.predict(x, verbose=0) == x).all() != training
        outer = keras.Model(inputs, layers.GaussianNoise(0.5, seed=1)(inputs))
        y = keras.Model(inputs, outer(inputs, training=training))
        assert (y.predict(x, verbose=0) == x).all() != training


def test_normalization_of_data(rng):
    x = (3 * normal(rng, 50, 3, 2) + 5).astype(np.float32)
    layer = layers.Normalization()
    layer.adapt(x[i : i + 7] for i in range(0, 50, 7))
    expected = (x - x.mean((0, 1), dtype=np.float64)) / x.std((0, 1), dtype=np.float64)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-5)
    assert layer.trainable_weights == []
    given = layers.Normalization(mean=[1, 2], variance=[4, 9], invert=True)
    np.testing.assert_allclose(given(x), x * [2, 3] + [1, 2], rtol=1e-6)
    assert given.weights == []
    with pytest.raises(ValueError, match="given its mean"):
        given.adapt(x)
    with pytest.raises(ValueError, match="no batches"):
        layers.Normalization().adapt([])
    with pytest.raises(ValueError, match="has a mean of shape"):
        layer.adapt(np.ones((3, 3)))


def test_einsum_dense_takes_sizes_from_its_input(rng):
    x = normal(rng, 3, 4, 2, 5)
    for equation, shape, formula in (
        ("...x,xy->...y", 3, "nabx,xy->naby"),
        ("abcd,de->abce", (None, None, 3), "nabx,xy->naby"),
        ("ab...,bc->ac...", 3, "nxab,xy->nyab"),
    ):
        layer = layers.EinsumDense(equation, shape)
        y = layer(x)
        np.testing.assert_allclose(y, np.einsum(formula, x, layer.kernel.numpy()), rtol=1e-5, atol=1e-5)
    # Of glorot_uniform: the variance depends on inputs and outputs of the equation.
    layer = layers.EinsumDense("abc,bcde->ade", (30, 40))
    layer.build((None, 20, 10))
    limit = np.sqrt(6 / (20 * 10 + 30 * 40))
    assert 0.99 * limit < np.abs(layer.kernel.numpy()).max() <= limit


def test_embedding():
    table = np.arange(6.0).reshape(3, 2)
    layer = layers.Embedding(3, 2, weights=table)
    np.testing.assert_array_equal(layer(np.array([[0, 2], [1, 1]])), table[[[0, 2], [1, 1]]])


class Sparse(layers.Layer):
    def call(self, x, training=False):
        y = layers.ReLU()(x)
        self.add_loss([0.5 * ops.mean(y), 0.25 * ops.square(y[:, :1])])
        return y


def test_losses_that_layers_add(rng):
    x = normal(rng, 6, 4)
    model = keras.Sequential([keras.Input((4,)), Sparse(), Sparse()])
    model.compile("sgd", "mse")
    y = np.maximum(x, 0).astype(np.float64)
    expected = ((y - 1) ** 2).mean() + 2 * (0.5 * y.mean() + 0.25 * (y[:, 0] ** 2).sum())
    np.testing.assert_allclose(model.evaluate(x, np.ones((6, 4)), verbose=0), expected, rtol=1e-5)
    with pytest.raises(RuntimeError, match="outside of `call`"):
        Sparse().add_loss(1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.LayerNormalization("last"), "axis is 'last'"),
        (lambda: layers.LayerNormalization([1, 1]), "different"),
        (lambda: layers.LayerNormalization([1, -2])(np.ones((2, 3, 4))), "comes twice"),
        (lambda: layers.LayerNormalization(epsilon=-1), "epsilon is -1"),
        (lambda: layers.GroupNormalization(0), "groups is 0"),
        (lambda: layers.GroupNormalization(4)(np.ones((2, 6))), "4 groups do not divide"),
        (lambda: layers.BatchNormalization(synchronized=True), "synchronized"),
        (lambda: layers.BatchNormalization(0)(np.ones((2, 6))), "axis 0 is none"),
        (lambda: layers.GaussianNoise(1.5), "stddev is 1.5"),
        (lambda: layers.GaussianDropout(1), "rate is 1"),
        (lambda: layers.AlphaDropout(1), "rate is 1"),
        (lambda: layers.Dropout(0.5, noise_shape="ab"), "noise_shape is 'ab'"),
        (lambda: layers.Dropout(0.5, noise_shape=(None, 2))(np.ones((2, 3)), training=True), "noise_shape"),
        (lambda: layers.Dropout(0.5, noise_shape=(2, 3))(np.ones((2, 3)), training=True), "noise_shape"),
        (
            lambda: layers.SpatialDropout2D(0.5)(np.ones((2, 3, 4)), training=True),
            "expects an input of 4 axes",
        ),
        (lambda: layers.SpatialDropout2D(0.5, "channels_first"), "channels_first"),
        (lambda: layers.Dot((1, 2, 3)), "pair"),
        (lambda: layers.Dot(1)([np.ones((2, 3)), np.ones((2, 4))]), "one size along axes"),
        (lambda: layers.Dot(0)([np.ones((2, 3)), np.ones((2, 3))]), "axis 0 is none"),
        (lambda: layers.Softmax()(np.ones((2, 3)), mask=np.ones((2, 4))), "broadcast"),
        (lambda: layers.Softmax()(keras.Input((3,)), mask=np.ones((2, 3))), "expected a symbol"),
        (lambda: layers.ReLU()(np.ones((2, 3)), mask=np.ones((2, 3))), "takes its input and `training`"),
        (lambda: layers.EinsumDense("ab,bc", 3), "equation is 'ab,bc'"),
        (lambda: layers.EinsumDense("ab,bc->ac", (3, 4))(np.ones((2, 5))), "do not fit"),
        (lambda: layers.EinsumDense("abc,cd->abd", (5, 3))(np.ones((2, 4, 6))), "has size 4"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="x"), "bias_axes"),
        (lambda: layers.EinsumDense("ab,ac->ac", 3)(np.ones((2, 5))), "kernel"),
        (lambda: layers.Embedding(3, 2, mask_zero=True), "mask_zero"),
        (lambda: layers.TimeDistributed(3), "layer is 3"),
        (lambda: layers.TimeDistributed(layers.ReLU())(np.ones((2, 3))), "at least three axes"),
        (lambda: layers.Normalization(mean=1.0), "both"),
        (lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0]), "one shape"),
        (lambda: layers.Normalization(0), "batch axis"),
        (lambda: ops.glu(np.ones((2, 3))), "even"),
        (lambda: layers.Activation("squareplusplus"), "squareplus"),
    ],
)
def test_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize("name", sorted(set(dir(keras.activations)) - {"get", "serialize", "deserialize"}))
def test_activations_on_symbols(rng, name):
    """In functional models, and in layers, where they are one node of the layer's name."""
    function = getattr(keras.activations, name)
    options = (0.5, -1.0) if name == "threshold" else ()
    x = normal(rng, 3, 4, 6)
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, function(inputs, *options))
    expected = function(x, *options)
    for each in (model, keras.models.clone_model(model)):
        np.testing.assert_allclose(each.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    if not options:
        layer = layers.Activation(name)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
        assert keras.activations.get(layer.get_config()["activation"]) is function is layer.activation


def test_sparsemax(rng):
    x = 2 * normal(rng, 7, 5)
    for y in (ops.sparsemax(x), layers.Activation("sparsemax")(x)):
        np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)
        assert y.min() == 0
        # Karush-Kuhn-Tucker: what is above zero lies equally far below x, the rest at least as far.
        gap = x - y
        top = np.where(y > 0, gap, np.inf).min(-1, keepdims=True)
        np.testing.assert_allclose(np.where(y > 0, gap, top), np.broadcast_to(top, x.shape), atol=1e-5)
        assert (x <= top + np.where(y > 0, np.inf, 1e-5)).all()
