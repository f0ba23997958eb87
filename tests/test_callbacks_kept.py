"""Callbacks that write files, change rates and swap weights; a training that is killed and goes on."""

import signal
import struct
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import pycnn as keras
from pycnn import callbacks, layers

X, Y = np.linspace(-1, 1, 20).reshape(10, 2), np.linspace(0, 1, 10)[:, None]


def line(optimizer="sgd", **options):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="zeros", name="d")])
    model.compile(optimizer, "mse", **options)
    return model


def scripted(values, name="val_loss"):
    """A callback that makes up the logged value of each epoch."""

    def put(epoch, logs):
        logs[name] = values[epoch]

    return callbacks.LambdaCallback(on_epoch_end=put)


# --- the learning rate --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "options", "rates"),
    [
        ([3, 2, 1, 0], {"patience": 1}, [1, 1, 1, 1]),
        ([3, 3, 3, 3], {"patience": 1}, [1, 0.5, 0.25, 0.125]),
        ([3, 3, 3, 3], {"patience": 1, "cooldown": 1}, [1, 0.5, 0.25, 0.125]),
        ([3, 3, 3, 3], {"patience": 1, "cooldown": 2}, [1, 0.5, 0.5, 0.25]),
        ([3, 3, 3, 3], {"patience": 2}, [1, 1, 0.5, 0.5]),
        ([3, 3, 3, 3], {"patience": 1, "min_lr": 0.3}, [1, 0.5, 0.3, 0.3]),
        ([3, 2.9, 2.8, 2.7], {"patience": 1, "min_delta": 0.5}, [1, 0.5, 0.25, 0.125]),
        ([1, 2, 2, 3], {"patience": 1, "mode": "max"}, [1, 1, 0.5, 0.5]),
    ],
)
def test_reduce_lr_on_plateau(values, options, rates, capsys):
    model = line(keras.optimizers.SGD(1.0))
    reduce = callbacks.ReduceLROnPlateau(factor=0.5, verbose=1, **options)
    history = model.fit(X, Y, epochs=4, callbacks=[scripted(values), reduce], verbose=0).history
    assert [*history["learning_rate"][1:], model.optimizer.learning_rate] == rates
    printed = capsys.readouterr().out.count("ReduceLROnPlateau reducing learning rate to ")
    assert printed == len(set(rates)) - 1


def test_reduce_lr_without_its_value():
    with pytest.warns(UserWarning, match="Learning rate reduction is conditioned on metric `val_loss`"):
        line().fit(X, Y, callbacks=[callbacks.ReduceLROnPlateau()], verbose=0)
    fixed = line(keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)))
    with pytest.raises(TypeError, match="learning rate is not settable"):
        fixed.fit(
            X, Y, epochs=2, callbacks=[scripted([1, 1]), callbacks.ReduceLROnPlateau(patience=1)], verbose=0
        )


# --- averages -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_swap_ema_weights(swap_on_epoch):
    seen = {}

    def note(name):
        return lambda *_: seen.setdefault(name, []).append(model.get_weights()[0].copy())

    model = line(keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5))
    watch = callbacks.LambdaCallback(
        on_test_end=note("tested"), on_train_batch_end=note("trained"), on_epoch_end=note("ended")
    )
    swap = callbacks.SwapEMAWeights(swap_on_epoch)
    model.fit(
        X, Y, 10, epochs=3, shuffle=False, validation_data=(X, Y), callbacks=[watch, swap, watch], verbose=0
    )
    trained, ended = seen["trained"][::2], seen["ended"][1::2]
    average = trained[0]
    for epoch in range(3):  # one step an epoch
        average = average if epoch == 0 else 0.5 * average + 0.5 * trained[epoch]
        np.testing.assert_allclose(seen["tested"][2 * epoch], average, rtol=1e-6)
        np.testing.assert_allclose(ended[epoch], average if swap_on_epoch else trained[epoch], rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-6)
    with pytest.raises(ValueError, match="use_ema=True"):
        line().predict(X, callbacks=[swap])


# --- files --------------------------------------------------------------------------------------------------
def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    log = callbacks.CSVLogger(path, separator=";")
    model = line(keras.optimizers.SGD(0.0), metrics=["accuracy"])
    history = model.fit(X, Y, epochs=2, callbacks=[log], verbose=0).history
    rows = [f"{i};{history['accuracy'][i]};{history['loss'][i]};NA;NA" for i in range(2)]
    assert path.read_text().splitlines() == ["epoch;accuracy;loss;val_accuracy;val_loss", *rows]
    more = callbacks.CSVLogger(path, separator=";", append=True)
    several = scripted([[1, 2]], "pair")
    model.fit(X, Y, validation_data=(X, Y), callbacks=[several, more], verbose=0)
    lines = path.read_text().splitlines()
    assert len(lines) == 4
    assert '"""[1, 2]"""' in lines[3]
    model.fit(X, Y, validation_data=(X, Y), validation_freq=[2], epochs=2, callbacks=[log], verbose=0)
    assert path.read_text().splitlines()[0] == "epoch;accuracy;loss;val_accuracy;val_loss"


def events_in(folder):
    """The events of a folder's one file: records of a length, its checksum, the data and their checksum."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    (path,) = folder.iterdir()
    content, events = path.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        events.append(event_pb2.Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return events


def values_in(events):
    return {
        (value.tag, event.step): value.simple_value
        for event in events
        for value in event.summary.value
        if value.WhichOneof("value") == "simple_value"
    }


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    board = callbacks.TensorBoard(tmp_path, 1, write_images=True, write_steps_per_second=True, update_freq=2)
    model = line()
    history = model.fit(X, Y, 4, epochs=2, validation_data=(X, Y), callbacks=[board], verbose=0).history
    train, validation = events_in(tmp_path / "train"), events_in(tmp_path / "validation")
    found = values_in(train)
    for epoch in range(2):
        assert found["epoch_loss", epoch] == pytest.approx(history["loss"][epoch])
        assert found["epoch_learning_rate", epoch] == pytest.approx(0.01)
        assert found["epoch_steps_per_second", epoch] > 0
        of_validation = values_in(validation)
        assert of_validation["epoch_loss", epoch] == pytest.approx(history["val_loss"][epoch])
        assert of_validation["evaluation_loss_vs_iterations", 3 * epoch + 3] == pytest.approx(
            history["val_loss"][epoch]
        )
    assert sorted(step for tag, step in found if tag == "batch_loss") == [2, 4, 6]
    other = {value.tag for event in train for value in event.summary.value} - {tag for tag, _ in found}
    assert other == {
        f"d/{name}/{kind}" for name in ("kernel", "bias") for kind in ("histogram", "image/0")
    } - {"d/bias/image/0"}
    graph_pb2 = pytest.importorskip("tensorboardX.proto.graph_pb2")
    (graph,) = (graph_pb2.GraphDef.FromString(event.graph_def) for event in train if event.graph_def)
    assert [(node.op, list(node.input)) for node in graph.node] == [
        ("InputLayer", []),
        ("Dense", [graph.node[0].name]),
    ]


def test_tensorboard_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'pycnn\[tensorboard\]'"):
        callbacks.TensorBoard()


# --- a progress bar among callbacks -------------------------------------------------------------------------
def test_progbar_logger(capsys):
    model = line()
    for callback, first in ((None, "bar"), (callbacks.ProgbarLogger(), "bar")):
        end = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print("after"))
        given = [end] if callback is None else [callback, end]
        model.fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=given)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "Epoch 1/2", first
        assert len(lines) == 6
        assert lines[1].startswith("1/1 ━━")
        assert "val_loss" in lines[1]
        assert lines[2] == "after"
    model.fit(X, Y, callbacks=[callbacks.ProgbarLogger()], verbose=0)
    assert capsys.readouterr().out == ""
    model.evaluate(X, Y, callbacks=[callbacks.ProgbarLogger()])
    model.predict(X, callbacks=[callbacks.ProgbarLogger()], verbose=1)
    assert [text.split()[0] for text in capsys.readouterr().out.splitlines()] == ["1/1", "1/1"]


def test_a_history_of_ones_own_is_used():
    mine = callbacks.History()
    assert line().fit(X, Y, callbacks=[[mine]], verbose=0) is mine
    assert list(mine.history) == ["loss"]


def test_callback_list():
    seen = []
    parts = [callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs)))]
    both = callbacks.CallbackList(
        parts, add_history=True, add_progbar=True, model=line(), epochs=1, verbose=0
    )
    both.on_train_begin()
    both.on_epoch_begin(0)
    both.on_train_batch_end(0)
    both.on_epoch_end(0, {"loss": 1.0})
    both.on_train_end()
    assert seen == [(0, {"loss": 1.0})]
    assert both.history.history == {"loss": [1.0]}
    assert [type(callback).__name__ for callback in both.callbacks][1:] == ["History", "ProgbarLogger"]


class OnlyWrites:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


@pytest.mark.parametrize("stdout", [None, OnlyWrites()])
def test_programs_without_a_whole_stdout(monkeypatch, stdout):
    monkeypatch.setattr(sys, "stdout", stdout)
    model = line()
    stop = callbacks.EarlyStopping("loss", mode="max", verbose=1, restore_best_weights=True)
    model.fit(X, Y, epochs=3, callbacks=[stop])
    model.evaluate(X, Y)
    model.predict(X, verbose=1)
    assert stdout is None or "Epoch 1/3" in stdout.text


# --- a training that is killed ------------------------------------------------------------------------------
PROGRAM = """
    import os, signal, sys
    import numpy as np
    import pycnn as keras

    folder, save_freq, stop, kind = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype("float32"), rng.integers(0, 3, 40)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"),
                              keras.layers.BatchNormalization(), keras.layers.Dropout(0.4),
                              keras.layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.05, use_ema=True), "sparse_categorical_crossentropy")

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return x[8 * i : 8 * i + 8], y[8 * i : 8 * i + 8]

    class Kill(keras.callbacks.Callback):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            self.seen += 1
            if self.seen == stop:
                os.kill(os.getpid(), signal.SIGKILL)

    rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.9 * rate)
    backup = keras.callbacks.BackupAndRestore(folder, int(save_freq) if save_freq != "epoch" else "epoch",
                                              double_checkpoint=True)
    data, size = ((Batches(),), None) if kind == "sequence" else ((x, y), 8)
    steps = 3 if kind == "steps" else None
    model.fit(*data, batch_size=size, epochs=4, steps_per_epoch=steps, verbose=0,
              callbacks=[rates, backup, Kill()] if folder != "none" else [rates])
    assert folder == "none" or not os.path.exists(folder)
    print(model.history.history["loss"][-1], b"".join(w.tobytes() for w in model.get_weights()).hex())
"""


def run_here(monkeypatch, capsys, *arguments):
    """The program's output in this process."""
    monkeypatch.setattr(sys, "argv", ["program", *map(str, arguments)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(textwrap.dedent(PROGRAM), {"__name__": "program"})
    return capsys.readouterr().out


def run_until_killed(*arguments):
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PROGRAM), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.parametrize(
    ("save_freq", "stops", "kind"), [("epoch", (7, 8), "sequence"), (1, (4,), "arrays"), (2, (5,), "steps")]
)
def test_a_killed_training_ends_with_the_same_bits(tmp_path, monkeypatch, capsys, save_freq, stops, kind):
    expected = run_here(monkeypatch, capsys, "none", save_freq, 0, kind)
    folder = tmp_path / "backup"
    for stop in stops:
        run_until_killed(folder, save_freq, stop, kind)
        assert {path.name for path in folder.iterdir()} <= {"latest.safetensors", "previous.safetensors"}
    assert run_here(monkeypatch, capsys, folder, save_freq, 0, kind) == expected


def test_backups_that_cannot_be_read(tmp_path):
    def stop_at_the_third(epoch, logs):
        model.stop_training = epoch == 2

    stop = callbacks.LambdaCallback(on_epoch_end=stop_at_the_third)
    model = line()
    backup = callbacks.BackupAndRestore(tmp_path, double_checkpoint=True, delete_checkpoint=False)
    model.fit(X, Y, epochs=9, callbacks=[backup, stop], verbose=0)
    latest = tmp_path / "latest.safetensors"
    whole = latest.read_bytes()
    latest.write_bytes(whole[:100])
    assert line().fit(X, Y, epochs=5, callbacks=[backup], verbose=0).epoch == [2, 3, 4]
    latest.write_bytes(whole)
    (tmp_path / "previous.safetensors").unlink()
    other = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(1)])
    other.compile("sgd", "mse")
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"latest\.safetensors"):
        other.fit(X, Y, callbacks=[backup], verbose=0)
    assert all((a == b).all() for a, b in zip(before, other.get_weights(), strict=True))
    (tmp_path / "mine.txt").write_text("stays")
    line().fit(X, Y, epochs=4, callbacks=[callbacks.BackupAndRestore(tmp_path)], verbose=0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(RuntimeError, match="callbacks of `fit`"):
        model.resume(1)
    with pytest.raises(RuntimeError, match="callbacks of `fit`"):
        model.training_position()
