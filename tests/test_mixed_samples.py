"""What mixes the samples of a batch: in a GradientTape, and as the loss that `compile` gets."""

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops


def make_model(*further, units=3):
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((4,)), layers.Dense(5, "tanh"), *further, layers.Dense(units)])


def pairs(z, y):
    z = ops.normalize(z, axis=1)
    same = ops.cast(ops.equal(y[:, None], y[None, :]), "float32")
    return -ops.mean(same * ops.log_softmax(ops.matmul(z, ops.transpose(z)) / 0.5))


def samples(n):
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, 4)).astype(np.float32), rng.integers(0, 3, n)


@pytest.mark.parametrize("n", [1, 5, 150])  # the core takes 128 samples at a time
def test_gradients_of_a_loss_of_pairs(n):
    model, (x, y) = make_model(), samples(n)

    def loss():
        with keras.GradientTape() as tape:
            value = pairs(model(x, training=True), y)
        return value, tape

    value, tape = loss()
    kernel = model.trainable_variables[0]
    found = np.asarray(tape.gradient(value, kernel))
    z = model.predict(x, verbose=0).astype(np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    logits = z @ z.T / 0.5
    logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    assert float(value) == pytest.approx(-np.mean((y[:, None] == y) * logits), rel=1e-5)
    start, direction = kernel.numpy(), np.random.default_rng(1).normal(size=kernel.shape).astype(np.float32)
    step = 1e-2
    values = []
    for sign in (1, -1):
        kernel.assign(start + sign * step * direction)
        values.append(float(loss()[0]))
    ahead, back = values
    assert np.sum(found * direction) == pytest.approx((ahead - back) / (2 * step), rel=2e-2, abs=2e-5)


def test_one_run_for_values_and_gradients():
    """The dropout of the gradient is that of the loss, and moving statistics change once."""
    normalization = layers.BatchNormalization()
    model, (x, _) = make_model(layers.Dropout(0.5), normalization), samples(6)
    with keras.GradientTape() as tape:
        z = model(x, training=True)
        loss = ops.sum(ops.square(ops.matmul(z, ops.transpose(z))))
    tape.gradient(loss, model.trainable_variables)
    assert float(loss) == pytest.approx(np.square(np.asarray(z) @ np.asarray(z).T).sum(), rel=1e-4)
    variance = normalization.moving_variance.numpy()
    assert (variance > 0.99 - 1e-6).all()  # one step of momentum 0.99 from 1


def test_functions_of_whole_batches():
    x = keras.constant(np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32))
    array = x.numpy()
    cases = {
        "transpose": (lambda z: ops.transpose(z), array.T),
        "row": (lambda z: ops.reshape(z, (-1,)), array.ravel()),
        "flip": (lambda z: ops.flip(z, axis=0), array[::-1]),
        "stack": (lambda z: ops.concatenate([z, 2 * z], axis=0), np.concatenate([array, 2 * array])),
        "max": (lambda z: ops.max(z, axis=0), array.max(0)),
        "sort": (lambda z: ops.argmax(z, axis=0), array.argmax(0)),
        "some": (lambda z: z[1:4:2], array[1:4:2]),
        "meet": (lambda z: z[:, 0] * z[:, :1], array[:, 0] * array[:, :1]),
        "back": (lambda z: z + ops.transpose(ops.transpose(z)), 2 * array),
        "layer": (
            lambda z: layers.Activation("relu")(ops.matmul(z, ops.transpose(z))),
            np.maximum(array @ array.T, 0),
        ),
        "array": (lambda z: ops.transpose(z) * np.ones((2, 3, 5)), array.T * np.ones((2, 3, 5))),
        "moved": (lambda z: ops.repeat(z, 2, axis=0), array.repeat(2, 0)),
    }
    for name, (function, wanted) in cases.items():
        with keras.GradientTape() as tape:
            tape.watch(x)
            y = function(layers.Activation("linear")(x))
        assert y.shape == wanted.shape, name
        np.testing.assert_allclose(np.asarray(y), wanted, rtol=1e-5, atol=1e-6, err_msg=name)
    with keras.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(ValueError, match="given 3 samples that are computed from a batch of 5"):
            layers.Softmax()(ops.transpose(layers.Activation("linear")(x)))


def test_layers_take_arrays_of_all_samples():
    """Pictures that are joined to a batch inside the tape, as style transfer does."""
    dense = layers.Dense(2, kernel_initializer="ones")
    picture, other = keras.Variable(np.ones((1, 3), np.float32)), np.full((2, 3), 2.0, np.float32)
    with keras.GradientTape() as tape:
        batch = ops.concatenate([other, picture], axis=0)
        loss = ops.sum(ops.square(dense(batch)[2]))
    assert float(loss) == 18.0
    assert tape.gradient(loss, picture).numpy().tolist() == [[12.0, 12.0, 12.0]]


def loss_of_batch(y_true, y_pred):
    return ops.mean(ops.square(ops.matmul(y_pred, ops.transpose(y_pred)) - y_true @ ops.transpose(y_true)))


def test_compiled_loss():
    """Learning, the last batch being smaller; and what needs the core's steps is refused by name."""
    model, (x, _) = make_model(), samples(11)
    y = x[:, :3]
    model.compile(keras.optimizers.Adam(0.02), loss_of_batch, metrics=["mae"])
    history = model.fit(x, y, batch_size=4, epochs=15, verbose=0, validation_split=0.2).history
    assert sorted(history) == ["loss", "mae", "val_loss", "val_mae"]
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    loss, _ = model.evaluate(x, y, batch_size=11, verbose=0)
    z = model.predict(x, verbose=0)
    assert loss == pytest.approx(np.mean(np.square(z @ z.T - y @ y.T)), rel=1e-4)
    assert model.test_on_batch(x, y)[0] == pytest.approx(loss, rel=1e-5)
    assert model.train_on_batch(x, y)[0] == pytest.approx(loss, rel=1e-5)
    with pytest.raises(NotImplementedError, match=r"`gradients`.*loss_of_batch.*GradientTape"):
        model.gradients(x, y)
    with pytest.raises(NotImplementedError, match="`profile`"):
        model.profile(x, y)
    model.on_gradients = lambda gradients: None
    with pytest.raises(ValueError, match=r"`on_gradients` is not supported.*loss_of_batch"):
        model.fit(x, y, verbose=0)


def test_streams_files_and_frozen_layers(tmp_path):
    model, (x, _) = make_model(layers.BatchNormalization()), samples(6)
    data = keras.data.Dataset.from_tensor_slices((x, x[:, :3])).batch(4)
    model.compile("adam", keras.saving.register_keras_serializable()(loss_of_batch))
    history = model.fit(data, epochs=2, validation_data=data, verbose=0).history
    assert [len(values) for values in history.values()] == [2, 2]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    wanted = model.evaluate(x, x[:, :3], verbose=0)
    assert again.evaluate(x, x[:, :3], verbose=0) == pytest.approx(wanted, rel=1e-6)
    assert int(again.optimizer.iterations) == 4
    for layer in model.layers:
        layer.trainable = False
    model.compile("sgd", loss_of_batch)
    before = model.get_weights()
    assert model.fit(x, x[:, :3], verbose=0).history["loss"][0] == pytest.approx(wanted, rel=1e-5)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_one_of_several_outputs():
    a = keras.Input((4,))
    model = keras.Model(a, [layers.Dense(3, name="pairs")(a), layers.Dense(1, name="number")(a)])
    model.compile(
        "sgd", {"pairs": loss_of_batch, "number": "mse"}, {"pairs": 0.5, "number": 2.0}, {"number": ["mae"]}
    )
    x, _ = samples(6)
    found = model.evaluate(x, {"pairs": x[:, :3], "number": x[:, :1]}, verbose=0, return_dict=True)
    assert sorted(found) == ["loss", "number_loss", "number_mae", "pairs_loss"]
    assert found["loss"] == pytest.approx(0.5 * found["pairs_loss"] + 2 * found["number_loss"], rel=1e-5)
    z, number = model.predict(x, verbose=0)
    assert found["pairs_loss"] == pytest.approx(float(loss_of_batch(x[:, :3], z)), rel=1e-4)
    assert found["number_loss"] == pytest.approx(np.mean(np.square(number - x[:, :1])), rel=1e-4)


def test_a_metric_alone():
    """A metric that mixes samples is computed on arrays; the loss stays with the core."""

    def largest(y_true, y_pred):
        return ops.max(y_pred, axis=0)[0] - ops.max(y_true, axis=0)[0]

    model, (x, _) = make_model(), samples(8)
    model.compile("sgd", "mse", metrics=[largest])
    _, found = model.evaluate(x, x[:, :3], verbose=0)
    assert found == pytest.approx(model.predict(x, verbose=0)[:, 0].max() - x[:, 0].max(), rel=1e-5)
    assert model.gradients(x, x[:, :3]).loss > 0
