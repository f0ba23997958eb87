"""Gradients of models: of the loss by the weights, and of symbols by symbols."""

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops


def make_model(*further):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, activation="tanh", name="conv"),
            *further,
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def data(n=7, classes=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 6, 6, 2)).astype(np.float32), rng.integers(0, classes, n)


def difference(loss, variable, place, step):
    """Central difference of loss() by one number of a variable."""
    kept = variable.numpy()
    values = []
    for sign in (1, -1):
        moved = kept.copy()
        moved[place] += sign * step
        variable.assign(moved)
        values.append(loss())
    variable.assign(kept)
    return (values[0] - values[1]) / (2 * step)


def test_against_central_differences():
    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = data()
    weight = np.linspace(0.5, 2, len(x))
    loss, gradients = model.gradients(x, y, weight)
    assert loss == pytest.approx(model.test_on_batch(x, y, weight), rel=1e-6)
    for variable, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient.shape == variable.shape
        assert gradient.dtype == np.float32
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        step = 2.0**-6
        found = difference(lambda: model.test_on_batch(x, y, weight), variable, place, step)
        # The difference's own error: O(step^2) of the third derivative, and rounding of two losses over step.
        assert found == pytest.approx(gradient[place], abs=step**2 + 4e-7 * loss / step)


def test_it_is_what_a_step_uses():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    x, y = data()
    before = model.get_weights()
    gradients = model.gradients(x, y).gradients
    model.train_on_batch(x, y)
    for old, gradient, new in zip(before, gradients, model.get_weights(), strict=True):
        np.testing.assert_allclose(new, old - np.float32(0.5) * gradient, rtol=0, atol=1e-7)


def test_nothing_changes():
    x, y = data()
    histories = []
    for looks in (False, True):
        model = make_model(layers.BatchNormalization(), layers.Dropout(0.5, seed=3))
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = []
        for _ in range(3):
            if looks:
                before = model.get_weights()
                for _ in range(2):
                    assert np.isfinite(model.gradients(x, y).loss)
                assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
            losses.append(model.train_on_batch(x, y))
        histories.append((losses, model.get_weights()))
    assert histories[0][0] == histories[1][0]
    assert all(np.array_equal(a, b) for a, b in zip(histories[0][1], histories[1][1], strict=True))


def test_frozen_layers_are_left_out():
    model = make_model()
    model.get_layer("conv").trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = data()
    assert [g.shape for g in model.gradients(x, y).gradients] == [(64, 3), (3,)]
    model.get_layer("conv").trainable = True
    with pytest.raises(ValueError, match="conv/kernel was not trainable at the last `compile`"):
        model.gradients(x, y)


def test_it_needs_compile_and_labels():
    model = make_model()
    x, y = data()
    with pytest.raises(ValueError, match="compile"):
        model.gradients(x, y)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="`y` is missing"):
        model.gradients(x)


# --- symbols ------------------------------------------------------------------------------------------------
def test_saliency():
    model = make_model()
    x, _ = data()
    score = model.output[:, 1]
    saliency = keras.Model(model.input, ops.gradient(score, model.input))
    found = saliency.predict(x, verbose=0)
    assert found.shape == x.shape
    for sample in range(3):
        place = np.unravel_index(np.abs(found[sample]).argmax(), found.shape[1:])
        moved = np.repeat(x[sample : sample + 1], 2, 0)
        moved[0][place] += 2.0**-6
        moved[1][place] -= 2.0**-6
        values = model.predict(moved, verbose=0)[:, 1]
        assert (values[0] - values[1]) * 2.0**5 == pytest.approx(found[sample][place], abs=2.0**-11)


def test_grad_cam():
    """By a feature map: what the rest of the network says of it."""
    model = make_model()
    x, _ = data()
    maps = model.get_layer("conv").output
    cam = keras.Model(model.input, [maps, ops.gradient(model.output[:, 2], maps)])
    values, found = cam.predict(x, verbose=0)
    kernel, bias = model.get_weights()[2:]
    logits = values.reshape(len(x), -1).astype(np.float64) @ kernel + bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    wanted = (p[:, 2:] * (np.eye(3)[2] - p)) @ kernel.T
    np.testing.assert_allclose(found.reshape(len(x), -1), wanted, rtol=0, atol=1e-6)


def test_by_the_output_of_a_model_inside():
    inner = make_model()
    x, _ = data()
    inputs = keras.Input((6, 6, 2))
    maps = inner(inputs)
    outputs = layers.Dense(1)(maps)
    found = keras.Model(inputs, ops.gradient(outputs, maps)).predict(x, verbose=0)
    np.testing.assert_allclose(
        found, np.repeat(outputs.node.operation.kernel.numpy().T, len(x), 0), rtol=1e-6
    )


def test_second_order_is_refused():
    x = keras.Input((3,))
    slope = ops.gradient(ops.square(x), x)
    with pytest.raises(NotImplementedError, match="gradient of a gradient is not available"):
        ops.gradient(ops.sum(slope * x, axis=1), x)
    assert ops.gradient(ops.stop_gradient(slope) * x, x).shape == (None, 3)
