"""fit, evaluate and single batches: what they compute and print."""

import _thread
import signal
import threading

import numpy as np
import pytest
import reference
from fitting import SPARSE, Batches, compiled, network
from helpers import normal

import pycnn as keras
from pycnn import layers


@pytest.fixture
def data(rng):
    return normal(rng, 50, 6, 6, 1), rng.integers(0, 3, 50)


def weights_equal(a, b):
    return all((x == y).all() for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


# --- it learns ----------------------------------------------------------------------------------------------
def test_it_learns(rng):
    keras.utils.set_random_seed(3)
    x, y = normal(rng, 600, 6, 6, 1), rng.integers(0, 3, 600)
    for i in range(3):
        x[y == i, 2 * i : 2 * i + 2] += 1.0
    model = compiled(optimizer=keras.optimizers.Adam(0.01))
    history = model.fit(x, y, epochs=10, validation_split=0.2, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["val_accuracy"][-1] > 0.8


def test_history(data):
    model = compiled(metrics=["acc"])
    history = model.fit(*data, epochs=3, batch_size=20, validation_data=data, verbose=0)
    assert history is model.history
    assert history.epoch == [0, 1, 2]
    assert list(history.history) == ["acc", "loss", "val_acc", "val_loss"]
    assert all(type(value) is float for values in history.history.values() for value in values)
    assert history.params == {"epochs": 3, "steps": 3, "verbose": 0}
    assert history.model is model
    loss, accuracy = model.evaluate(*data, verbose=0)
    assert loss == pytest.approx(history.history["val_loss"][-1], rel=1e-6)
    assert accuracy == pytest.approx(history.history["val_acc"][-1])
    assert model.metrics_names == ["loss", "acc"]
    assert model.metrics[0].result() == pytest.approx(accuracy)
    assert model.fit(*data, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]


def test_losses_are_means_over_samples(data):
    """Not over batches: the last one is smaller."""
    x, y = data
    model = compiled(optimizer=keras.optimizers.SGD(0.0))
    p = model.predict(x)
    expected = reference.loss(SPARSE, p.astype(float), y)[0].mean()
    accuracy = (p.argmax(1) == y).mean()
    for batch_size in (1, 7, 32, 50, 1000):
        history = model.fit(x, y, batch_size=batch_size, verbose=0).history
        assert history["loss"] == [pytest.approx(expected, rel=1e-5)]
        assert history["accuracy"] == [pytest.approx(accuracy)]
        assert model.evaluate(x, y, batch_size, verbose=0) == pytest.approx([expected, accuracy], rel=1e-5)


def test_one_step(data):
    """A batch's step is what the gradients of its mean loss say."""
    x, y = data
    model = compiled(optimizer=keras.optimizers.SGD(0.1), metrics=[])
    before = model.get_weights()
    features = keras.Sequential([keras.Input((6, 6, 1)), *model.layers[:-1]]).predict(x).astype(float)
    p = model.predict(x).astype(float)
    loss = model.train_on_batch(x, y)
    assert loss == pytest.approx(-np.log(p[np.arange(50), y]).mean(), rel=1e-5)
    slope = (p - np.eye(3)[y]) / 50
    np.testing.assert_allclose(model.get_weights()[3], before[3] - 0.1 * slope.sum(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        model.get_weights()[2], before[2] - 0.1 * features.T @ slope, rtol=1e-4, atol=1e-6
    )


# --- order and seeds ----------------------------------------------------------------------------------------
def train(data, threads=None, seed=1, **options):
    before = keras.config.get_num_threads()
    if threads:
        keras.config.set_num_threads(threads)
    try:
        keras.utils.set_random_seed(seed)
        model = compiled(optimizer="adam", dropout=0.3)
        model.fit(*data, epochs=2, batch_size=8, verbose=0, **options)
        return model
    finally:
        keras.config.set_num_threads(before)


def test_same_seed_same_bits(data):
    model = train(data)
    assert weights_equal(model, train(data))
    assert weights_equal(model, train(data, threads=1))
    assert weights_equal(model, train(data, threads=3))
    assert not weights_equal(model, train(data, seed=2))
    assert not weights_equal(model, train(data, shuffle=False))


def test_shuffling_takes_each_sample_once():
    """With a bias alone, a step of 1/2 w -> (w + y) / 2 for each sample tells the order."""
    x, y = np.zeros((64, 1)), np.arange(64.0)
    seen = []
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.25), "mse")

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            bias = float(model.layers[0].bias.numpy()[0])
            seen.append(2 * bias - self.bias)
            self.bias = bias

    watch = Watch()
    watch.bias = 0.0
    for shuffle in (False, True):
        seen.clear()
        model.layers[0].set_weights([[[0.0]], [0.0]])
        watch.bias = 0.0
        model.fit(x, y, batch_size=1, shuffle=shuffle, callbacks=[watch], verbose=0)
        order = np.rint(seen).astype(int).tolist()
        assert sorted(order) == list(range(64))
        assert (order == list(range(64))) is not shuffle


# --- forms of data ------------------------------------------------------------------------------------------
def fitted(x, y=None, loss=SPARSE, metrics=("accuracy",), **options):
    keras.utils.set_random_seed(1)
    model = compiled(loss, metrics=metrics, units=3)
    return model, model.fit(x, y, shuffle=False, verbose=0, **options)


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.tolist(),
        lambda y: y.astype(np.uint8),
        lambda y: y.astype(np.float64),
        lambda y: y.astype(np.float32)[:, None],
        lambda y: y[:, None],
        lambda y: np.repeat(y, 2)[::2],
        lambda y: y.astype(">i8"),
    ],
)
def test_forms_of_labels(data, change):
    x, y = data
    expected, _ = fitted(x, y)
    y.flags.writeable = False
    assert weights_equal(expected, fitted(x, change(y))[0])


@pytest.mark.parametrize(
    "change", [lambda x: x.tolist(), lambda x: x.astype(float), np.asfortranarray, lambda x: x[..., 0]]
)
def test_forms_of_samples(data, change):
    x, y = data
    expected, _ = fitted(x, y)
    assert weights_equal(expected, fitted(change(x), y)[0])


def test_pictures_of_bytes(rng):
    x, y = rng.integers(0, 255, (40, 6, 6, 1)).astype(np.uint8), rng.integers(0, 3, 40)
    assert weights_equal(fitted(x, y)[0], fitted(x.astype(np.float32), y)[0])


def test_one_hot_and_binary_targets(data, rng):
    x, y = data
    _, sparse = fitted(x, y)
    _, one_hot = fitted(x, np.eye(3)[y], "categorical_crossentropy")
    assert one_hot.history["loss"] == pytest.approx(sparse.history["loss"], rel=1e-5)
    assert one_hot.history["accuracy"] == sparse.history["accuracy"]
    targets = rng.integers(0, 2, 50)
    results = []
    for form in (targets, targets[:, None], targets.astype(bool), targets.tolist()):
        keras.utils.set_random_seed(1)
        model = compiled("binary_crossentropy", units=1, activation="sigmoid")
        results.append(model.fit(x, form, verbose=0, shuffle=False).history)
    assert results[1:] == results[:1] * 3
    p = 0.5
    assert abs(results[0]["loss"][0] + np.log(p)) < 1


def stream(arrays, size, passes=1):
    sequence = Batches(arrays, size)
    return (sequence[i] for _ in range(passes) for i in range(len(sequence)))


@pytest.mark.parametrize("weighted", [False, True])
def test_streams(data, rng, weighted):
    weight = rng.random(50) if weighted else None
    arrays = (*data, weight) if weighted else data
    expected, history = fitted(*data, batch_size=20, epochs=2, sample_weight=weight)
    for source, options in (
        (Batches(arrays, 20), {}),
        (Batches(arrays, 20), {"steps_per_epoch": 3}),
        (stream(arrays, 20, 2), {"steps_per_epoch": 3}),
        (Restarting(arrays, 20), {}),
        (Restarting(arrays, 20), {"steps_per_epoch": 3}),
    ):
        model, other = fitted(source, epochs=2, **options)
        assert weights_equal(model, expected)
        assert other.history == history.history
    with pytest.warns(UserWarning, match="ran out of data; interrupting training after 1 of 2 batches"):
        model, other = fitted(*data, batch_size=20, steps_per_epoch=2, epochs=4, sample_weight=weight)
    assert weights_equal(model, expected)  # six batches in all
    assert len(other.epoch) == 4


class Restarting:
    """An iterable without a length."""

    def __init__(self, arrays, size):
        self.arrays, self.size = arrays, size

    def __iter__(self):
        return stream(self.arrays, self.size)


def test_a_sequence_is_shuffled_and_told_of_the_end(data):
    sequence = Batches(data, 10)
    keras.utils.set_random_seed(1)
    model = compiled()
    model.fit(sequence, epochs=3, verbose=0)
    assert sequence.passes == 3
    assert not weights_equal(model, fitted(sequence, epochs=3)[0])


def test_a_generator_is_not_closed(data):
    generator = stream(data, 10)
    model, _ = fitted(generator, steps_per_epoch=2)
    model.fit(generator, steps_per_epoch=2, verbose=0)
    assert len(list(generator)) == 1


def test_a_generator_that_ends_early(data):
    with pytest.warns(UserWarning, match="ran out of batches"):
        _, history = fitted(stream(data, 10), steps_per_epoch=3, epochs=5)
    assert len(history.epoch) == 2
    with pytest.warns(UserWarning, match="ran out of batches"):
        _, history = fitted(stream(data, 10), epochs=2)
    assert len(history.epoch) == 1


def test_streams_build_models_without_an_input(data):
    for source in (stream(data, 25), Batches(data, 25), Restarting(data, 25)):
        model = keras.Sequential([layers.Flatten(), layers.Dense(3, activation="softmax")])
        model.compile("sgd", SPARSE)
        model.fit(source, verbose=0, steps_per_epoch=2)
        assert model.output_shape == (None, 3)
        assert model.optimizer.iterations == 2


def test_validation_forms(data):
    model = compiled()
    expected = model.evaluate(*data, verbose=0, return_dict=True)
    for validation in (data, (*data, np.ones(50)), list(data), Batches(data, 20), Restarting(data, 20)):
        model.compile(keras.optimizers.SGD(0.0), SPARSE, metrics=["accuracy"])
        history = model.fit(*data, validation_data=validation, validation_batch_size=9, verbose=0).history
        assert history["val_loss"] == [pytest.approx(expected["loss"], rel=1e-5)]
        assert history["val_accuracy"] == [pytest.approx(expected["accuracy"])]
    history = model.fit(*data, epochs=4, validation_data=data, validation_freq=2, verbose=0).history
    assert (len(history["loss"]), len(history["val_loss"])) == (4, 2)
    history = model.fit(*data, epochs=4, validation_data=data, validation_freq=[1, 4, 9], verbose=0).history
    assert len(history["val_loss"]) == 2
    first = model.evaluate(data[0][:10], data[1][:10], verbose=0)
    assert model.evaluate(*data, batch_size=5, steps=2, verbose=0) == pytest.approx(first, rel=1e-5)
    assert model.evaluate(Batches(data, 20), verbose=0) == pytest.approx(
        list(expected.values())[::-1], rel=1e-5
    )


def test_validation_split_is_the_last_part(data):
    x, y = data
    model = compiled(optimizer=keras.optimizers.SGD(0.0))
    weight = np.linspace(0, 2, 50)
    history = model.fit(x, y, validation_split=0.33, sample_weight=weight, verbose=0).history
    cut = 33  # floor(50 * 0.67)
    for name, part in (("", slice(cut)), ("val_", slice(cut, None))):
        loss, accuracy = model.evaluate(x[part], y[part], sample_weight=weight[part], verbose=0)
        assert history[f"{name}loss"] == [pytest.approx(loss, rel=1e-5)]
        assert history[f"{name}accuracy"] == [pytest.approx(accuracy)]


def test_weights_of_samples_and_classes(data):
    x, y = data
    by_class = {0: 3.0, 2: 0.5}
    weight = np.array([by_class.get(label, 1.0) for label in y])
    expected, history = fitted(x, y, sample_weight=weight, epochs=2)
    for targets, loss in ((y, SPARSE), (y.astype(float), SPARSE)):
        model, other = fitted(x, targets, loss, class_weight=by_class, epochs=2)
        assert weights_equal(model, expected)
        assert other.history == history.history
    _, other = fitted(x, np.eye(3)[y], "categorical_crossentropy", class_weight=by_class, epochs=2)
    assert other.history["loss"] == pytest.approx(history.history["loss"], rel=1e-5)
    model, _ = fitted(x, y)
    plain = model.evaluate(x, y, verbose=0)
    doubled = model.evaluate(x, y, sample_weight=np.full((50, 1), 2.0), verbose=0)
    assert doubled == pytest.approx([2 * plain[0], plain[1]], rel=1e-6)


def test_outputs_with_several_axes(rng):
    """One label for each pixel."""
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(3, 1, activation="softmax")])
    model.compile("adam", SPARSE, metrics=["accuracy"])
    x, y = normal(rng, 10, 4, 4, 2), rng.integers(0, 3, (10, 4, 4))
    loss, accuracy = model.evaluate(x, y, verbose=0)
    p = model.predict(x)
    assert accuracy == pytest.approx((p.argmax(-1) == y).mean())
    picked = np.take_along_axis(p, y[..., None], -1)
    assert loss == pytest.approx(-np.log(picked).mean(), rel=1e-5)
    assert model.evaluate(x, y[..., None], verbose=0) == [loss, accuracy]
    model.fit(x, y, verbose=0)


# --- single batches, compiling again ------------------------------------------------------------------------
def test_single_batches(data):
    model = compiled()
    values = model.evaluate(*data, batch_size=50, verbose=0)
    assert model.test_on_batch(*data) == values
    assert model.test_on_batch(*data, return_dict=True) == {"loss": values[0], "accuracy": values[1]}
    assert model.train_on_batch(*data) == pytest.approx(values, rel=1e-6)
    assert model.optimizer.iterations == 1
    assert model.train_on_batch(*data, class_weight={0: 0.0}, return_dict=True).keys() == {"loss", "accuracy"}
    assert compiled(metrics=[]).test_on_batch(*data) > 0


def test_compiling_again(data):
    def run(*steps):
        keras.utils.set_random_seed(1)
        model = network()
        for optimizer in steps:
            model.compile(optimizer(model), SPARSE)
            model.fit(*data, shuffle=False, verbose=0)
        return model

    adam = lambda model: "adam"  # noqa: E731
    kept = run(adam, lambda model: model.optimizer)
    fresh = run(adam, adam)
    assert kept.optimizer.iterations == 4
    assert fresh.optimizer.iterations == 2  # a new optimizer has no past
    assert not weights_equal(kept, fresh)


def test_frozen_layers(data):
    model = compiled(optimizer="adam")
    model.fit(*data, verbose=0)
    before = model.get_weights()
    model.layers[0].trainable = False
    model.fit(*data, verbose=0)  # takes effect with compile
    between = model.get_weights()
    assert (before[0] != between[0]).any()
    model.compile("adam", SPARSE)
    model.fit(*data, verbose=0)
    after = model.get_weights()
    assert [bool((a == b).all()) for a, b in zip(between, after, strict=True)] == [True, True, False, False]


@pytest.mark.parametrize("trainable", [True, False])
def test_frozen_batch_normalization_uses_moving_statistics(rng, trainable):
    model = keras.Sequential(
        [keras.Input((4,)), layers.BatchNormalization(trainable=trainable), layers.Dense(2)]
    )
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x, y = 3 * normal(rng, 20, 4) + 1, normal(rng, 20, 2)
    before = model.get_weights()
    inference, training = model.test_on_batch(x, y), model.train_on_batch(x, y)
    assert (training == pytest.approx(inference, rel=1e-6)) is not trainable
    assert (before[2] == model.get_weights()[2]).all() == (not trainable)


def test_layers_added_after_training(data):
    model = compiled()
    model.fit(*data, verbose=0)
    kernel = model.get_weights()[0]
    model.add(layers.Dense(3, activation="softmax"))
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    model.fit(*data, verbose=0)
    assert model.optimizer.iterations == 4  # an optimizer keeps what it knows of the weights that stay


# --- interruption -------------------------------------------------------------------------------------------
def test_ctrl_c(data):
    model = compiled()
    model.fit(*data, verbose=0)
    started = threading.Event()

    class Started(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            started.set()

    def interrupt():
        started.wait()
        _thread.interrupt_main(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data, epochs=10**6, callbacks=[Started()], verbose=0)
    thread.join()
    finished = len(model.history.epoch)
    assert 1 <= finished < 10**6
    assert len(model.history.history["loss"]) == finished
    assert np.isfinite(model.predict(data[0])).all()
    model.fit(*data, verbose=0)
    assert model.optimizer.iterations > 2 * finished


def test_an_error_in_a_callback_leaves_the_model_usable(data):
    model = compiled()

    def fail(batch, logs):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        model.fit(*data, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=fail)], verbose=0)
    model.fit(*data, verbose=0)
    assert model.optimizer.iterations == 3


# --- what is printed ----------------------------------------------------------------------------------------
def test_printing(data, capsys):
    model = compiled()
    model.fit(*data, epochs=2, validation_data=data, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(*data, epochs=2, validation_data=data)
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[2]] == ["Epoch 1/2", "Epoch 2/2"]
    assert lines[1].startswith("2/2 ━━━━━━━━━━━━━━━━━━━━ 0s ")
    assert [part.split(":")[0] for part in lines[1].split(" - ")[1:]] == [
        "accuracy",
        "loss",
        "val_accuracy",
        "val_loss",
    ]
    model.fit(*data, verbose=2)
    assert capsys.readouterr().out.splitlines()[0].startswith("2/2 - 0s - ")
    model.evaluate(*data)
    assert capsys.readouterr().out.startswith("2/2 ━━")
    model.evaluate(*data, verbose=0)
    model.fit(stream(data, 10))
    assert capsys.readouterr().out.lstrip().startswith("5/Unknown 0s ")
