"""Steps of one's own in `fit`, `evaluate` and `predict`, as in Keras' guide on customizing them."""

import numpy as np
import pytest

import pycnn as keras
import pycnn as tf
from pycnn import layers, ops
from pycnn.core import taped


class CustomModel(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        trainable_vars = self.trainable_variables
        gradients = tape.gradient(loss, trainable_vars)
        self.optimizer.apply(gradients, trainable_vars)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def make_model(cls, optimizer=None, **settings):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(4, 3, activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    outputs = layers.Dense(3, activation="softmax")(layers.Flatten()(x))
    model = cls(inputs, outputs)
    loss = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(optimizer or keras.optimizers.SGD(0.1, momentum=0.9), **(loss | settings))
    return model


def data(n=96):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 6, 6, 1)).astype(np.float32), rng.integers(0, 3, n)


def fit(model, *arguments, **settings):
    """Trains with the same order of the samples for every model."""
    keras.utils.set_random_seed(2)
    return model.fit(*arguments, verbose=0, **settings).history


def assert_near(found, wanted, rel=2e-6):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=rel * max(np.abs(b).max(), 1e-30))


def test_a_simple_step_is_what_fit_does():
    x, y = data()
    own, core = make_model(CustomModel), make_model(keras.Model)
    made = taped.compilations
    histories = [fit(m, x, y, batch_size=32, epochs=2, validation_data=(x, y)) for m in (own, core)]
    assert taped.compilations - made == 1
    assert histories[0].keys() == histories[1].keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for name, values in histories[1].items():
        assert histories[0][name] == pytest.approx(values, rel=1e-5)
    assert_near(own.get_weights(), core.get_weights())
    assert own.optimizer.iterations == 6


def test_lower_level():
    """A loss and metrics of its own, and no loss in `compile`."""

    class Mine(keras.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.loss_tracker = keras.metrics.Mean(name="loss")
            self.mae_metric = keras.metrics.MeanMetricWrapper(
                lambda t, p: ops.mean(ops.abs(t - p), -1), name="mae"
            )
            self.loss_fn = keras.losses.MeanSquaredError()

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.loss_fn(y, y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.loss_tracker.update_state(loss)
            self.mae_metric.update_state(y, y_pred)
            return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

        @property
        def metrics(self):
            return [self.loss_tracker, self.mae_metric]

    inputs = keras.Input((4,))
    model = Mine(inputs, layers.Dense(1)(inputs))
    model.compile(optimizer="adam")
    x, y = np.ones((40, 4), np.float32), np.ones((40, 1), np.float32)
    history = model.fit(x, y, epochs=3, verbose=0).history
    assert list(history) == ["loss", "mae"]
    assert history["loss"][2] < history["loss"][0]
    logs = model.train_on_batch(x, y, return_dict=True)
    assert list(logs) == ["loss", "mae"]


def test_sample_weights_and_compute_metrics():
    class Mine(keras.Model):
        def train_step(self, data):
            x, y, sample_weight = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return self.compute_metrics(x, y, y_pred)

    x, y = data(80)
    weight = np.linspace(0, 2, len(x))
    own, core = make_model(Mine), make_model(keras.Model)
    for m in (own, core):
        fit(m, x, y, sample_weight=weight, epochs=2)
    assert_near(own.get_weights(), core.get_weights())
    assert own.history.history["loss"] == pytest.approx(core.history.history["loss"], rel=1e-5)
    assert own.history.history["accuracy"] == pytest.approx(core.history.history["accuracy"], rel=1e-6)
    classes = {0: 1.0, 1: 2.0, 2: 0.5}
    for m in (own, core):
        fit(m, x, y, class_weight=classes)
    assert_near(own.get_weights(), core.get_weights(), 5e-6)


def test_older_names():
    """`compiled_loss` and `compiled_metrics`, as programs of TensorFlow 2 write them."""

    class Mine(keras.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.compiled_metrics.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics} | {"loss": loss}

    x, y = data(64)
    own, core = make_model(Mine), make_model(keras.Model)
    for m in (own, core):
        fit(m, x, y, batch_size=64, epochs=2)
    assert_near(own.get_weights(), core.get_weights())
    assert own.history.history["loss"] == pytest.approx(core.history.history["loss"], rel=1e-5)


def test_the_core_s_step_from_one_s_own():
    class Mine(keras.Model):
        def train_step(self, data):
            return super().train_step(data) | {"further": 1}

        def test_step(self, data):
            return super().test_step(data)

    x, y = data()
    own, core = make_model(Mine), make_model(keras.Model)
    for m in (own, core):
        fit(m, x, y)
    assert_near(own.get_weights(), core.get_weights(), 0)
    assert own.history.history["further"] == [1.0]
    assert own.evaluate(x, y, batch_size=96, verbose=0) == core.evaluate(x, y, batch_size=96, verbose=0)


def test_test_step():
    class Mine(keras.Model):
        def test_step(self, data):
            x, y = data
            y_pred = self(x, training=False)
            self.compute_loss(y=y, y_pred=y_pred)
            return self.compute_metrics(x, y, y_pred)

    x, y = data(70)
    own, core = make_model(Mine), make_model(keras.Model)
    wanted = core.evaluate(x, y, verbose=0, return_dict=True)
    assert own.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(wanted, rel=1e-6)
    assert own.evaluate(x, y, verbose=0) == pytest.approx([wanted["loss"], wanted["accuracy"]], rel=1e-6)
    own.reset_metrics()
    assert own.test_on_batch(x[:32], y[:32]) == pytest.approx(core.test_on_batch(x[:32], y[:32]), rel=1e-6)
    for m in (own, core):
        fit(m, x, y, epochs=1, validation_split=0.3)
    assert own.history.history == {k: pytest.approx(v, rel=1e-5) for k, v in core.history.history.items()}


def test_predict_step():
    class Mine(keras.Model):
        def predict_step(self, data):
            return ops.argmax(self(data, training=False), axis=-1), data[:, 0, 0, 0]

    x, _ = data(70)
    own, core = make_model(Mine), make_model(keras.Model)
    classes, corners = own.predict(x, batch_size=32, verbose=0)
    np.testing.assert_array_equal(classes, core.predict(x, verbose=0).argmax(-1))
    np.testing.assert_array_equal(corners, x[:, 0, 0, 0])


def test_batches_from_a_generator_and_callbacks():
    x, y = data()
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            seen.append((batch, sorted(logs)))

    model = make_model(CustomModel)
    batches = ((x[i : i + 32], y[i : i + 32]) for i in range(0, 96, 32))
    model.fit(batches, verbose=0, callbacks=[Watch()])
    assert seen == [(i, ["accuracy", "loss"]) for i in range(3)]


def test_a_model_of_ones_own_call():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(8, activation="relu")
            self.drop = layers.Dropout(0.5)
            self.out = layers.Dense(3)

        def call(self, x, training=None):
            return self.out(self.drop(self.hidden(x), training=training))

        train_step = CustomModel.train_step

    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 5)).astype(np.float32)
    y = x[:, :3].argmax(1)
    model = Mine()
    model.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(x, y, epochs=20, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert model.count_params() == 6 * 8 + 9 * 3
    assert model.predict(x, verbose=0).shape == (64, 3)


def test_a_generative_adversarial_network():
    """Two optimizers, two models and no `call`, as in the guide's last example."""

    class GAN(keras.Model):
        def __init__(self, discriminator, generator, latent_dim):
            super().__init__()
            self.discriminator = discriminator
            self.generator = generator
            self.latent_dim = latent_dim
            self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
            self.g_loss_tracker = keras.metrics.Mean(name="g_loss")
            self.rng = np.random.default_rng(0)

        @property
        def metrics(self):
            return [self.d_loss_tracker, self.g_loss_tracker]

        def compile(self, d_optimizer, g_optimizer, loss_fn):
            super().compile()
            self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

        def train_step(self, real):
            n = ops.shape(real)[0]
            noise = self.rng.normal(size=(n, self.latent_dim)).astype(np.float32)
            fake = self.generator(noise)
            combined = ops.concatenate([fake, real], axis=0)
            labels = ops.concatenate([ops.ones((n, 1)), ops.zeros((n, 1))], axis=0)
            labels += 0.05 * self.rng.random(labels.shape).astype(np.float32)
            with tf.GradientTape() as tape:
                predictions = self.discriminator(combined)
                d_loss = self.loss_fn(np.minimum(labels, 1), predictions)
            grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
            self.d_optimizer.apply(grads, self.discriminator.trainable_weights)

            misleading = ops.zeros((n, 1))
            with tf.GradientTape() as tape:
                predictions = self.discriminator(self.generator(noise))
                g_loss = self.loss_fn(misleading, predictions)
            grads = tape.gradient(g_loss, self.generator.trainable_weights)
            self.g_optimizer.apply(grads, self.generator.trainable_weights)
            self.d_loss_tracker.update_state(d_loss)
            self.g_loss_tracker.update_state(g_loss)
            return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}

    keras.utils.set_random_seed(0)
    discriminator = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3, 2, activation="relu"), layers.Flatten(), layers.Dense(1)]
    )
    generator = keras.Sequential([keras.Input((4,)), layers.Dense(64, "sigmoid"), layers.Reshape((8, 8, 1))])
    gan = GAN(discriminator, generator, 4)
    gan.compile(
        keras.optimizers.Adam(3e-3),
        keras.optimizers.Adam(3e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    real = np.random.default_rng(1).random((64, 8, 8, 1)).astype(np.float32)
    made = taped.compilations
    history = gan.fit(real, epochs=4, verbose=0).history
    assert list(history) == ["d_loss", "g_loss"]
    assert np.isfinite(history["d_loss"] + history["g_loss"]).all()
    assert history["d_loss"][-1] < history["d_loss"][0]
    assert taped.compilations - made == 2
    assert len(gan.trainable_weights) == 6


def test_refusals():
    class Wrong(keras.Model):
        def train_step(self, data):
            return 1.0

    x, y = data(8)
    model = make_model(Wrong)
    with pytest.raises(TypeError, match=r"`train_step` returned 1\.0; expected a dict"):
        model.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match="is empty"):
        model.fit(x[:0], y[:0], verbose=0)
    with pytest.raises(ValueError, match="different lengths"):
        model.fit(x, y[:4], verbose=0)
    keras.Model.compile(model, "sgd")
    with pytest.raises(ValueError, match="No loss to compute"):
        model.compute_loss(y=y, y_pred=model(x))


class OfThree(keras.Model):
    """Takes batches of a structure of its own, as triplets are."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def train_step(self, data):
        first, second, third = data
        with keras.GradientTape() as tape:
            loss = (
                keras.ops.mean(keras.ops.square(self.dense(first) - self.dense(second))) + 0.0 * third.sum()
            )
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss, "shape": third.ndim}

    test_step = train_step


def test_batches_of_any_structure():
    model = OfThree()
    model.compile("sgd")
    x = np.ones((8, 3), np.float32)
    dataset = keras.data.Dataset.from_tensor_slices((x, 2 * x, np.ones((8, 2, 2, 1), np.float32))).batch(4)
    assert model.fit(dataset, epochs=1, verbose=0).history["shape"] == [4.0]
    assert model.evaluate(dataset, verbose=0, return_dict=True)["shape"] == 4.0


class OldLoss(keras.Model):
    """`compute_loss` as it was before it was told of `training`."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return keras.ops.mean(keras.ops.square(y - y_pred))


def test_a_compute_loss_without_training():
    x = keras.Input((2,))
    model = OldLoss(x, keras.layers.Dense(1, kernel_initializer="zeros")(x))
    model.compile("sgd")
    assert model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0).history["loss"] == [1.0]
