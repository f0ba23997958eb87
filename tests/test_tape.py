"""GradientTape: what is recorded, the gradients, and how often programs are made."""

import threading

import numpy as np
import pytest

import pycnn as keras
import pycnn as tf
from pycnn import layers, ops
from pycnn.core import taped


def make_model(*further, optimizer="sgd", loss="sparse_categorical_crossentropy"):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(2),
            *further,
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, loss)
    return model


def data(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 8, 8, 2)).astype(np.float32), rng.integers(0, 3, n)


def assert_near(found, wanted, rel=1e-6):
    """Equal but for the rounding of another order of operations, relative to the largest value."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rel * max(np.abs(wanted).max(initial=0), 1e-30))


# --- what TensorFlow's guide shows --------------------------------------------------------------------------
def test_a_number():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x**2
    dy = tape.gradient(y, x)
    assert float(dy) == 6.0
    assert dy.numpy() == np.float32(6)
    assert dy.shape == ()
    assert float(dy * 2 + 1) == 13.0


def test_watched_constants():
    x = tf.constant(np.ones((2, 2)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(x)
        z = ops.multiply(y, y)
    assert tape.gradient(z, x).numpy().tolist() == [[8.0, 8.0], [8.0, 8.0]]


def test_what_is_not_watched():
    x0, x1 = tf.Variable(0.0), tf.Variable(10.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x1)
        y = ops.sum(ops.sin(x0) + ops.softplus(x1))
    by0, by1 = tape.gradient(y, [x0, x1])
    assert by0 is None
    assert float(by1) == pytest.approx(1 / (1 + np.exp(-10)))
    fixed = tf.Variable(1.0, trainable=False)
    with tf.GradientTape() as tape:
        y = fixed * x1
    assert tape.watched_variables() == (x1,)
    assert tape.gradient(y, fixed) is None
    with tf.GradientTape() as tape:
        y = tf.constant(2.0) * 3.0
    assert tape.gradient(y, x1) is None


def test_structures_and_unconnected_sources():
    w, b, other = tf.Variable(np.ones((3, 2))), tf.Variable(np.zeros(2)), tf.Variable([1.0, 2.0])
    x = np.array([[1.0, 2.0, 3.0]], np.float32)
    with tf.GradientTape(persistent=True) as tape:
        y = x @ w + b
        loss = ops.mean(y**2)
    found = tape.gradient(loss, {"w": w, "rest": [b, other]})
    assert found["w"].shape == (3, 2)
    assert found["rest"][0].numpy().tolist() == [6.0, 6.0]
    assert found["rest"][1] is None
    zeros = tape.gradient(loss, [other, b], unconnected_gradients="zero")
    assert zeros[0].numpy().tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="`unconnected_gradients` is 'nought'"):
        tape.gradient(loss, w, unconnected_gradients="nought")


def test_persistent():
    x = tf.constant([1.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    assert tape.gradient(z, x).numpy().tolist() == [4.0, 108.0]
    assert tape.gradient(y, x).numpy().tolist() == [2.0, 6.0]
    assert tape.gradient(z, y).numpy().tolist() == [2.0, 18.0]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="non-persistent GradientTape"):
        tape.gradient(y, x)


def test_several_targets_and_output_gradients():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, z = x * x, 3.0 * x
    assert tape.gradient([y, z], x).numpy().tolist() == [5.0, 7.0]
    assert tape.gradient(y, x, output_gradients=[1.0, 10.0]).numpy().tolist() == [2.0, 40.0]
    assert tape.gradient([y, z], x, output_gradients=[[1.0, 0.0], None]).numpy().tolist() == [5.0, 3.0]


def test_stop_recording_and_reset():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
        with tape.stop_recording():
            factor = x * 10.0
        z = y * factor
    assert float(tape.gradient(z, x)) == 80.0
    with tf.GradientTape() as tape:
        y = x * x
        tape.reset()
        z = x * 3.0
    assert tape.watched_variables() == (x,)
    assert float(tape.gradient(z, x)) == 3.0


def test_stop_gradient_and_integers():
    x = tf.constant([1.0, 4.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = ops.sum(x * ops.stop_gradient(x))
        stopped = ops.stop_gradient(x)
        place = ops.argmax(x)
    assert tape.gradient(y, x).numpy().tolist() == [1.0, 4.0, 2.0]
    assert tape.gradient(stopped, x) is None
    assert tape.gradient(place, x) is None
    assert int(place) == 1


def test_samples_of_a_batch():
    x, _ = data(5)
    model = make_model()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        p = model(x)
        one = p[2, 1]
        row = ops.sum(p[-1] ** 2)
    found = tape.gradient(one, x).numpy()
    assert found.shape == x.shape
    assert np.abs(found[2]).max() > 0
    assert np.abs(np.delete(found, 2, 0)).max() == 0
    assert np.abs(np.delete(tape.gradient(row, x), 4, 0)).max() == 0
    assert one.numpy() == pytest.approx(model(x)[2, 1], rel=1e-6)
    with pytest.raises(IndexError, match="no sample 5 among 5"), tf.GradientTape():
        model(x)[5]


# --- values -------------------------------------------------------------------------------------------------
def test_tensors_are_arrays_to_others():
    x, y = data(6)
    model = make_model()
    with tf.GradientTape() as tape:
        p = model(x, training=True)
        assert p.shape == (6, 3)
        assert len(p) == 6
        assert p.ndim == 2
        loss = keras.losses.SparseCategoricalCrossentropy()(y, p)
        assert not loss.is_known
    tape.gradient(loss, model.trainable_variables)
    assert loss.is_known
    assert p.is_known
    np.testing.assert_array_equal(np.asarray(p), p.numpy())
    assert np.mean(p) == pytest.approx(1 / 3, rel=1e-6)
    assert f"{loss:.3f}" == f"{float(loss):.3f}"
    assert "Tensor" in repr(p)
    assert keras.metrics.SparseCategoricalAccuracy()(y, p) == np.mean(np.argmax(p, 1) == y)
    later = ops.sum(p) * 2.0 + np.float32(1)
    assert float(later) == pytest.approx(13.0, rel=1e-6)


def test_values_are_those_of_the_weights_of_then():
    v, w = tf.Variable([1.0, 2.0]), tf.Variable(1.0)
    with tf.GradientTape():
        y = v * 2.0
        z = w * v
    v.assign([10.0, 10.0])
    keras.optimizers.SGD(1.0).apply_gradients([(np.float32(1), w)])
    assert y.numpy().tolist() == [2.0, 4.0]
    assert z.numpy().tolist() == [1.0, 2.0]


def test_values_asked_for_inside():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        z = y * 2.0 if float(y) > 5 else y
    assert float(tape.gradient(z, x)) == 12.0


def test_a_tensor_of_an_earlier_tape_is_a_constant():
    x = tf.Variable(3.0)
    with tf.GradientTape():
        y = x * x
    with tf.GradientTape() as tape:
        z = y * x
    assert float(tape.gradient(z, x)) == 9.0


# --- layers, models and losses ------------------------------------------------------------------------------
LOSSES = {
    "sparse": (keras.losses.SparseCategoricalCrossentropy(), lambda y: y),
    "categorical": (keras.losses.CategoricalCrossentropy(label_smoothing=0.1), lambda y: np.eye(3)[y]),
    "binary": (keras.losses.BinaryCrossentropy(label_smoothing=0.2), lambda y: np.eye(3)[y]),
    "mse": (keras.losses.MeanSquaredError(), lambda y: np.eye(3)[y]),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_fit(isa, name, weighted):
    loss, targets = LOSSES[name]
    model = make_model(layers.BatchNormalization(), loss=loss)
    x, y = data()
    y, weight = targets(y), np.linspace(0, 2, len(x)) if weighted else None
    wanted = model.gradients(x, y, weight)
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True), sample_weight=weight)
    found = tape.gradient(value, model.trainable_variables)
    assert float(value) == pytest.approx(wanted.loss, rel=1e-6)
    # Both sum up 40 samples' gradients of up to 9 * 36 terms, in other orders.
    largest = max(np.abs(g).max() for g in wanted.gradients)
    for mine, fits in zip(found, wanted.gradients, strict=True):
        np.testing.assert_allclose(mine, fits, rtol=0, atol=2e-6 * largest)


def test_functions_and_reductions_of_losses():
    x, y = data(6)
    model = make_model()
    mean = keras.losses.SparseCategoricalCrossentropy()
    with tf.GradientTape(persistent=True) as tape:
        p = model(x, training=True)
        each = keras.losses.sparse_categorical_crossentropy(y, p)
        total = keras.losses.SparseCategoricalCrossentropy(reduction="sum")(y, p)
        none = keras.losses.SparseCategoricalCrossentropy(reduction=None)(y, p)
        average = mean(y, p)
    assert each.shape == none.shape == (6,)
    wanted = [6 * g.numpy() for g in tape.gradient(average, model.trainable_variables)]
    for target in (each, none, total):
        for found, w in zip(tape.gradient(target, model.trainable_variables), wanted, strict=True):
            assert_near(found, w, 3e-6)
    with pytest.raises(ValueError, match="labels from 0 to 7"), tf.GradientTape():
        mean(np.array([0, 1, 2, 0, 1, 7]), model(x))


def test_by_inputs_against_central_differences():
    model = make_model(layers.BatchNormalization())
    x, y = data(6)
    loss = keras.losses.SparseCategoricalCrossentropy()

    def value(x):
        with tf.GradientTape():
            return float(loss(y, model(x)))

    with tf.GradientTape() as tape:
        tape.watch(x)
        target = loss(y, model(x))
    found = tape.gradient(target, x).numpy()
    place = np.unravel_index(np.abs(found).argmax(), x.shape)
    step = 2.0**-6
    above, below = x.copy(), x.copy()
    above[place] += step
    below[place] -= step
    difference = (value(above) - value(below)) / (2 * step)
    assert difference == pytest.approx(found[place], abs=step**2 + 4e-7 / step)


def test_moving_statistics_and_dropout():
    model = make_model(layers.BatchNormalization(momentum=0.5), layers.Dropout(0.5))
    x, y = data()
    moving = model.layers[2].moving_mean
    loss = keras.losses.SparseCategoricalCrossentropy()
    losses = []
    for _ in range(3):
        before = moving.numpy()
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        tape.gradient(value, model.trainable_variables)
        losses.append(float(value))
        assert np.abs(moving.numpy() - before).max() > 0
    assert len(set(losses)) == 3
    before = model.get_weights()
    with tf.GradientTape() as tape:
        p = model(x)
    tape.gradient(p, model.trainable_variables)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    np.testing.assert_allclose(p, model.predict(x, verbose=0), rtol=0, atol=1e-6)


def test_dropout_has_one_mask_in_both_directions():
    x = np.ones((16, 10), np.float32)
    drop = layers.Dropout(0.5)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = drop(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), y)
    assert set(np.unique(y)) == {0.0, 2.0}


def test_layers_of_ones_own():
    class Scale(layers.Layer):
        def __init__(self):
            super().__init__()
            self.scale = tf.Variable([1.0, 1.0])

        def call(self, x, training=None):
            return x * self.scale * (2.0 if training else 1.0)

    layer = Scale()
    x = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    for training, factor in ((False, 1), (True, 2)):
        with tf.GradientTape() as tape:
            y = layer(x, training=training)
        assert tape.gradient(y, layer.scale).numpy().tolist() == [6.0 * factor, 9.0 * factor]


def test_several_inputs_and_outputs():
    a, b = keras.Input((4,)), keras.Input((4,))
    both = layers.Add()([a, b])
    model = keras.Model([a, b], {"sum": both, "one": layers.Dense(1, kernel_initializer="ones")(both)})
    x = np.ones((5, 4), np.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = model([x, 2 * x])
        target = ops.sum(out["one"])
    assert out["sum"].shape == (5, 4)
    assert np.all(tape.gradient(target, x).numpy() == 1)


# --- training -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("optimizer", [
    lambda: keras.optimizers.SGD(0.1),
    lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    lambda: keras.optimizers.RMSprop(0.01),
    lambda: keras.optimizers.Adam(0.01, weight_decay=0.1),
])  # fmt: skip
def test_a_loop_is_what_fit_is(optimizer):
    x, y = data(90)
    fitted = make_model(optimizer=optimizer())
    fitted.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0)
    model, own = make_model(), optimizer()
    loss = keras.losses.SparseCategoricalCrossentropy()
    made = taped.compilations
    for step in range(6):
        rows = slice(step % 3 * 32, step % 3 * 32 + 32)
        with tf.GradientTape() as tape:
            value = loss(y[rows], model(x[rows], training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        own.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    assert own.iterations == 6
    assert taped.compilations - made == 1  # for full batches and for the shorter last one
    for found, wanted in zip(model.get_weights(), fitted.get_weights(), strict=True):
        # RMSprop and Adam divide by the size of gradients, of which small ones are sums that cancel.
        assert_near(found, wanted, 1e-6 if isinstance(own, keras.optimizers.SGD) else 1e-4)


def test_structures_are_compiled_once():
    model = make_model()
    loss = keras.losses.SparseCategoricalCrossentropy()
    made = taped.compilations
    for n in (8, 8, 5, 8):
        x, y = data(n)
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True)) + 0.01 * ops.sum(model.weights[0] ** 2)
        tape.gradient(value, model.trainable_variables)
    assert taped.compilations - made == 1
    for training in (True, False, True):
        x, y = data(8)
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=training))
        tape.gradient(value, model.trainable_variables)
    assert taped.compilations - made == 3
    model.get_layer("conv").trainable = False
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True))
    tape.gradient(value, model.trainable_variables)
    assert taped.compilations - made == 4


def test_two_tapes_of_two_models():
    """As generative adversarial networks are trained."""
    keras.utils.set_random_seed(0)
    maker = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    critic = keras.Sequential([keras.Input((2,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    rng = np.random.default_rng(0)
    noise, real = rng.normal(size=(8, 3)).astype("f"), rng.normal(size=(8, 2)).astype("f")
    with tf.GradientTape() as first, tf.GradientTape() as second:
        fake = maker(noise, training=True)
        on_real, on_fake = critic(real, training=True), critic(fake, training=True)
        maker_loss = ops.mean(ops.square(on_fake - 1.0))
        critic_loss = ops.mean(ops.square(on_real - 1.0)) + ops.mean(ops.square(on_fake))
    by_maker = first.gradient(maker_loss, maker.trainable_variables)
    by_critic = second.gradient(critic_loss, critic.trainable_variables)
    assert [g.shape for g in by_maker] == [(3, 2), (2,)]
    assert [g.shape for g in by_critic] == [(2, 4), (4,), (4, 1), (1,)]
    assert float(critic_loss) == pytest.approx(
        np.mean((critic(real) - 1) ** 2) + np.mean(critic(maker(noise)) ** 2), rel=1e-5
    )


def test_threads_have_their_own_tapes():
    x = tf.Variable(2.0)
    seen = []
    with tf.GradientTape():
        thread = threading.Thread(target=lambda: seen.append(type(x * x)))
        thread.start()
        thread.join()
    assert seen[0] is not tf.core.tensor.Tensor


# --- refusals -----------------------------------------------------------------------------------------------
def test_refusals():
    x = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        y = x * x * x
    with pytest.raises(NotImplementedError, match=r"tape.gradient\(y\[:, i\], x\)"):
        outer.jacobian(y, x)
    with pytest.raises(NotImplementedError, match="jacobian is not available"):
        outer.batch_jacobian(y, x)
    with pytest.raises(TypeError, match="what NumPy computes is not recorded"):
        outer.gradient(np.float32(1), x)
    with pytest.raises(TypeError, match="neither a variable nor a Tensor"):
        tf.GradientTape().gradient(y, "x")
    with pytest.raises(TypeError, match="watch"):
        tf.GradientTape().watch("x")
    with pytest.raises(ValueError, match="records already"), outer, outer:
        pass


def test_batches_of_two_sizes_are_refused():
    model = make_model()
    x, _ = data(8)
    with tf.GradientTape() as tape, pytest.raises(ValueError, match="one number of samples"):
        ops.sum(model(x) * model(x[:4]))
    with tf.GradientTape() as tape:
        y = ops.sum(model(x)) + ops.sum(model(x[:4]))
    with pytest.raises(ValueError, match=r"\[4, 8\] samples meet"):
        tape.gradient(y, model.trainable_variables)


def test_optimizers_refuse():
    v = tf.Variable([1.0, 2.0], name="v")
    sgd = keras.optimizers.SGD(1.0)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        sgd.apply_gradients([(None, v)])
    with pytest.raises(ValueError, match=r"gradient by v has shape \(3,\); expected \(2,\)"):
        sgd.apply_gradients([(np.ones(3), v)])
    with pytest.raises(TypeError, match="no pair of a gradient and a variable"):
        sgd.apply_gradients([(np.ones(2), np.ones(2))])
    with pytest.raises(ValueError, match="1 gradients for 0 variables"):
        sgd.apply([np.ones(2)])
    with pytest.raises(ValueError, match="twice"):
        sgd.apply([np.ones(2), np.ones(2)], [v, v])
    assert sgd.iterations == 0
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables \['w'\]"):
        sgd.apply([np.ones(2), None], [v, tf.Variable(1.0, name="w")])
    assert v.numpy().tolist() == [0.0, 1.0]
    sgd.build([v])
    sgd.apply([np.ones(2)])
    assert v.numpy().tolist() == [-1.0, 0.0]


def test_large_variables_are_updated_in_parts():
    values = np.random.default_rng(0).normal(size=(300, 301)).astype(np.float32)
    v = tf.Variable(values)
    keras.optimizers.SGD(0.5).apply([values], [v])
    np.testing.assert_array_equal(v.numpy(), values - np.float32(0.5) * values)


@pytest.mark.parametrize("options", [
    {"clipnorm": 0.01}, {"clipvalue": 0.001}, {"global_clipnorm": 0.01}, {"gradient_accumulation_steps": 2},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)},
])  # fmt: skip
def test_a_loop_clips_accumulates_and_averages_as_fit(options):
    x, y = data(64)
    fitted, model = make_model(optimizer=keras.optimizers.SGD(**options)), make_model()
    own = keras.optimizers.SGD(**options)
    loss = keras.losses.SparseCategoricalCrossentropy()
    for _ in range(4):
        fitted.train_on_batch(x, y)
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        own.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
    assert own.iterations == fitted.optimizer.iterations
    for found, wanted in zip(model.get_weights(), fitted.get_weights(), strict=True):
        assert_near(found, wanted)


def test_constraints_hold():
    v = tf.Variable([1.0, 2.0])
    v.constraint = lambda w: np.maximum(w, 0.0)
    keras.optimizers.SGD(1.0).apply([np.array([3.0, 1.0])], [v])
    assert v.numpy().tolist() == [0.0, 1.0]


def test_a_model_on_a_variable():
    """A picture that is optimized, as in programs for style transfer: by the model and by itself."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    image = keras.Variable(np.array([[1.0, 2.0], [3.0, 5.0]]))
    for _ in range(2):
        values = image.numpy()
        with keras.GradientTape() as tape:
            loss = ops.sum(ops.square(model(image))) + ops.sum(ops.square(image))
        by_image, (by_kernel,) = tape.gradient(loss, [image, model.trainable_variables])
        sums = values.sum(1, keepdims=True)
        np.testing.assert_allclose(by_image, 2 * sums + 2 * values, rtol=1e-6)
        np.testing.assert_allclose(by_kernel, (2 * sums * values).sum(0)[:, None], rtol=1e-6)
        image.assign(values * 0.5)
