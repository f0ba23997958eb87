"""Callbacks: when they are called, and what those of pycnn do."""

import numpy as np
import pytest

import pycnn as keras
from pycnn import callbacks, layers

X, Y = np.zeros((10, 2)), np.ones((10, 1))


def line(rate=0.1):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="zeros", name="d")])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


class Record(callbacks.Callback):
    """Writes down every call."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name.startswith("on_"):
            return lambda *arguments: self.calls.append((name, *arguments))
        return super().__getattribute__(name)


def test_moments_of_fit():
    record = Record()
    line().fit(X, Y, batch_size=5, validation_data=(X, Y), callbacks=[record], verbose=0)
    names = [name for name, *_ in record.calls]
    batch = ["on_{}_batch_begin", "on_{}_batch_end"]
    assert names == [
        "on_train_begin",
        "on_epoch_begin",
        *[name.format("train") for name in batch * 2],
        "on_test_begin",
        *[name.format("test") for name in batch * 2],
        "on_test_end",
        "on_epoch_end",
        "on_train_end",
    ]
    arguments = {name: rest for name, *rest in record.calls}
    assert arguments["on_epoch_begin"] == [0, {}]
    assert arguments["on_train_batch_begin"] == [1, {}]
    assert all(isinstance(rest[-1], dict) for _, *rest in record.calls)  # the logs of every moment
    assert list(arguments["on_train_batch_end"][1]) == ["loss"]
    assert list(arguments["on_epoch_end"][1]) == ["loss", "val_loss"]
    assert arguments["on_train_end"] == [arguments["on_epoch_end"][1]]
    assert record.params == {"epochs": 1, "steps": 2, "verbose": 0}


def test_moments_of_evaluate_and_predict():
    record = Record()
    model = line()
    model.evaluate(X, Y, batch_size=5, callbacks=record, verbose=0)
    assert [name for name, *_ in record.calls] == [
        "on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_batch_begin",
        "on_test_batch_end", "on_test_end",
    ]  # fmt: skip
    assert all(isinstance(rest[-1], dict) for _, *rest in record.calls)
    record.calls.clear()
    model.predict(X, batch_size=5, callbacks=record)
    assert [name for name, *_ in record.calls] == [
        "on_predict_begin", "on_predict_batch_begin", "on_predict_batch_end", "on_predict_batch_begin",
        "on_predict_batch_end", "on_predict_end",
    ]  # fmt: skip
    assert record.calls[2][2]["outputs"].shape == (5, 1)
    assert all(isinstance(rest[-1], dict) for _, *rest in record.calls)


def test_older_names_of_moments():
    seen = []

    class Old(callbacks.Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(batch)

        def on_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    line().fit(X, Y, batch_size=5, callbacks=[Old()], verbose=0)
    assert seen[::2] == [0, 1]
    assert seen[1] == 1.0


def test_logs_are_running_means():
    losses = []
    keep = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(logs["loss"]))
    history = line().fit(X, Y, batch_size=4, callbacks=[keep], verbose=0)
    b, expected, total = 0.0, [], 0.0
    for i, size in enumerate((4, 4, 2)):
        total += size * (1 - b) ** 2
        expected.append(total / (4 * i + size))
        b += 0.2 * (1 - b)
    assert losses == pytest.approx(expected, rel=1e-5)
    assert history.history["loss"] == [losses[-1]]


@pytest.mark.parametrize(
    "moment", ["on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_epoch_end"]
)
def test_stop_training(moment):
    def stop(number, logs=None):
        model.stop_training = True

    model = line()
    history = model.fit(X, Y, 5, epochs=4, callbacks=[callbacks.LambdaCallback(**{moment: stop})], verbose=0)
    assert history.epoch == [0]
    assert model.optimizer.iterations == (2 if moment == "on_epoch_end" else 1)
    model.fit(X, Y, 5, epochs=2, verbose=0)
    assert model.stop_training is False


def test_a_callback_may_set_weights():
    model = line(rate=0.0)

    def set_weights(epoch, logs=None):
        model.layers[0].bias.assign([float(epoch)])

    model.fit(X, Y, epochs=3, callbacks=[callbacks.LambdaCallback(on_epoch_begin=set_weights)], verbose=0)
    assert model.history.history["loss"] == [1.0, 0.0, 1.0]


def test_a_callback_may_predict():
    model = line()
    seen = []
    watch = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.predict(X)[0, 0])
    )
    model.fit(X, Y, 5, callbacks=[watch], verbose=0)
    assert seen == pytest.approx([0.2, 0.36])


def scripted(values, name="val_loss"):
    """A callback that makes up the logged value of each epoch."""

    def put(epoch, logs):
        logs[name] = values[epoch]

    return callbacks.LambdaCallback(on_epoch_end=put)


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        ([3, 2, 1, 0, 0], {}, 5),
        ([3, 2, 2.5, 1, 0], {}, 3),
        ([3, 2, 2.5, 2.4, 1], {"patience": 2}, 4),
        ([3, 2, 2.5, 1.9, 1], {"patience": 2}, 5),
        ([3, 2.9, 2.8, 2, 1], {"min_delta": 0.5}, 2),
        ([1, 2, 3, 4, 3], {"mode": "max"}, 5),
        ([1, 2, 2, 3, 4], {"mode": "max"}, 3),
        ([1, 5, 5, 5, 5], {"start_from_epoch": 3}, 5),
        ([1, 5, 5, 5, 6], {"start_from_epoch": 2, "patience": 1}, 4),
        ([3, 2, 1, 0, 0], {"baseline": 0.5, "patience": 2}, 5),
        ([3, 2.9, 2.8, 2.7, 2.6], {"baseline": 0.5, "patience": 2}, 5),
        ([3, 2.9, 3, 2.7, 2.6], {"baseline": 0.5, "patience": 2}, 3),
    ],
)
def test_early_stopping(values, options, epochs):
    """How many of five epochs are done."""
    stop = callbacks.EarlyStopping(**options)
    history = line().fit(X, Y, epochs=5, callbacks=[scripted(values), stop], verbose=0)
    assert len(history.epoch) == epochs


@pytest.mark.parametrize(
    ("monitor", "metric", "epochs"),
    [
        ("val_hits", keras.metrics.BinaryAccuracy(name="hits"), 4),  # not by the letters of its name
        ("acc", "acc", 4),
        ("val_accumulated", keras.metrics.MeanMetricWrapper(lambda t, p: t - p, "accumulated"), None),
        ("learning_rate", "acc", None),
        ("val_loss", "acc", 2),
    ],
)
def test_the_direction_is_that_of_the_metric(monitor, metric, epochs):
    model = line()
    model.compile("sgd", "mse", metrics=[metric])
    stop = callbacks.EarlyStopping(monitor=monitor)
    run = lambda: model.fit(X, Y, epochs=5, callbacks=[scripted([1, 2, 3, 2, 1], monitor), stop], verbose=0)  # noqa: E731
    if epochs is None:
        with pytest.raises(ValueError, match="maximized or minimized"):
            run()
        assert model.optimizer.iterations == 0
    else:
        assert len(run().epoch) == epochs


def test_the_direction_of_one_of_several_outputs():
    x = keras.Input((2,))
    a, b = layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)
    model = keras.Model(x, [a, b])
    model.compile("sgd", "mse", metrics=["acc"])
    for monitor, best in (("b_acc", 3), ("val_a_loss", 1), ("loss", 1)):
        stop = callbacks.EarlyStopping(monitor=monitor, patience=9)
        model.fit(X, [Y, Y], epochs=3, callbacks=[scripted([1, 3, 2], monitor), stop], verbose=0)
        assert stop.best == best


def test_early_stopping_restores_the_best_weights(capsys):
    biases = []
    model = line()
    keep = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: biases.append(float(model.layers[0].bias.numpy()[0]))
    )
    stop = callbacks.EarlyStopping(patience=1, restore_best_weights=True, verbose=1)
    model.fit(X, Y, epochs=5, callbacks=[scripted([2, 1, 3, 4, 5]), keep, stop], verbose=0)
    assert len(biases) == 3
    assert float(model.layers[0].bias.numpy()[0]) == biases[1]
    text = capsys.readouterr().out
    assert "Epoch 3: early stopping" in text
    assert "best epoch: 2" in text


def test_a_value_that_is_not_logged():
    with pytest.warns(UserWarning, match="metric `val_loss` which is not available.*: loss"):
        line().fit(X, Y, callbacks=[callbacks.EarlyStopping()], verbose=0)


def test_model_checkpoint(tmp_path, capsys):
    model = line()
    each = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{val_loss:.1f}.safetensors", verbose=1)
    best = callbacks.ModelCheckpoint(
        tmp_path / "best.safetensors", save_best_only=True, save_weights_only=True
    )
    biases = []
    keep = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: biases.append(float(model.layers[0].bias.numpy()[0]))
    )
    model.fit(X, Y, epochs=3, callbacks=[scripted([2, 1, 3]), each, best, keep], verbose=0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["01-2.0.safetensors", "02-1.0.safetensors", "03-3.0.safetensors", "best.safetensors"]
    assert keras.models.load_model(tmp_path / names[0]).get_weights()[1] == [biases[0]]
    model.load_weights(tmp_path / "best.safetensors")
    assert model.get_weights()[1] == [biases[1]]
    assert "Epoch 1: saving model to" in capsys.readouterr().out


def test_model_checkpoint_by_batches(tmp_path):
    path = tmp_path / "{epoch}-{loss:.2f}.safetensors"
    line().fit(X, Y, 2, callbacks=[callbacks.ModelCheckpoint(path, save_freq=2)], verbose=0)
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(ValueError, match="'acc', which is not logged"):
        line().fit(X, Y, callbacks=[callbacks.ModelCheckpoint("{acc}.safetensors")], verbose=0)


def test_learning_rate_scheduler(capsys):
    model = line(rate=0.4)
    rates = [callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)]
    history = model.fit(X, Y, epochs=3, callbacks=rates, verbose=0)
    assert history.history["learning_rate"] == pytest.approx([0.2, 0.1, 0.05])
    assert "setting learning rate to 0.2" in capsys.readouterr().out
    model.fit(
        X, Y, epochs=2, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.5 - epoch / 4)], verbose=0
    )
    assert model.optimizer.learning_rate == 0.25


def test_terminate_on_nan(capsys):
    model = line(rate=1e30)
    history = model.fit(X, Y, 1, epochs=3, callbacks=[callbacks.TerminateOnNaN()], verbose=0)
    assert history.epoch == [0]
    assert model.optimizer.iterations < 10
    assert "Batch 1: Invalid loss" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 0"):
        model.fit(X, Y, 1, callbacks=[callbacks.TerminateOnNaN(raise_error=True)], verbose=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: callbacks.LambdaCallback(on_epoch_start=print),
        lambda: callbacks.LambdaCallback(set_model=print),
        lambda: callbacks.LambdaCallback(on_epoch_end=3),
        lambda: callbacks.EarlyStopping(mode="least"),
        lambda: callbacks.ModelCheckpoint("model.txt"),
        lambda: callbacks.ModelCheckpoint("m.safetensors", save_freq=0),
        lambda: callbacks.LearningRateScheduler(0.1),
        lambda: line().fit(X, Y, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 1)], verbose=0),
        lambda: callbacks.ReduceLROnPlateau(factor=1.0),
        lambda: callbacks.CSVLogger("log.csv", separator="--"),
        lambda: callbacks.BackupAndRestore(""),
        lambda: callbacks.BackupAndRestore("folder", save_freq=0),
        lambda: callbacks.TensorBoard(profile_batch=2),
        lambda: callbacks.TensorBoard(embeddings_freq=1),
        lambda: line().fit(X, Y, callbacks=[callbacks.SwapEMAWeights()], validation_data=(X, Y), verbose=0),
        lambda: callbacks.RemoteMonitor("http://localhost:9000"),
        lambda: callbacks.OrbaxCheckpoint("folder"),
        lambda: callbacks.NoSuchCallback,
    ],
)
def test_refused(make):
    with pytest.raises((TypeError, ValueError, NotImplementedError, AttributeError)):
        make()
