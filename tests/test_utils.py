"""Helpers: one-hot vectors, seeds, names, progress lines."""

import random
import types

import numpy as np
import pytest

import pycnn as keras
from pycnn import utils
from pycnn.core import progress
from pycnn.core.names import auto_name


def test_to_categorical():
    np.testing.assert_array_equal(utils.to_categorical([0, 2, 1]), np.eye(3)[[0, 2, 1]])
    np.testing.assert_array_equal(utils.to_categorical([[0], [1]], 3), np.eye(3)[[0, 1]])
    assert utils.to_categorical(np.zeros((2, 4), np.uint8), 5).shape == (2, 4, 5)
    assert utils.to_categorical([], 4).shape == (0, 4)
    np.testing.assert_array_equal(utils.to_categorical(1, 2), [0, 1])


@pytest.mark.parametrize(
    ("x", "classes", "message"),
    [
        ([0, 3], 3, "values from 0 to 3"),
        ([-1, 0], None, "values from -1"),
        ([], None, "empty"),
        ([0], 0, "num_classes"),
        ([0], 2.5, "num_classes"),
        (["a"], None, "dtype"),
        ([0, np.nan], None, "NaN"),
    ],
)
def test_refused_classes(x, classes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        utils.to_categorical(x, classes)


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(utils.normalize(x), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(utils.normalize(x, axis=0, order=1), [[1, 1], [0, 0]])


def test_set_random_seed():
    def draw():
        utils.set_random_seed(9)
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        return random.random(), np.random.rand(), *layer.kernel.numpy().ravel()

    assert draw() == draw()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "a", None])
def test_refused_seeds(seed):
    for call in (utils.set_random_seed, keras.random.set_seed):
        with pytest.raises((TypeError, ValueError), match="seed is"):
            call(seed)


def test_automatic_names():
    keras.backend.clear_session()
    names = [auto_name(name) for name in ("Conv2D", "Conv2D", "ReLU", "Conv2D", "GlobalAveragePooling2D")]
    assert names == ["conv2d", "conv2d_1", "re_lu", "conv2d_2", "global_average_pooling2d"]
    keras.backend.clear_session()
    assert auto_name("Conv2D") == "conv2d"


def test_datasets_without_methods():
    for call in (lambda: len(utils.PyDataset()), lambda: utils.PyDataset()[0]):
        with pytest.raises(NotImplementedError, match="PyDataset defines no"):
            call()


# --- progress lines -----------------------------------------------------------------------------------------
class Terminal:
    """Looks like a terminal, keeps what is written."""

    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress, "sys", types.SimpleNamespace(stdout=terminal, modules={}))
    return terminal


def visible(text):
    """What a terminal shows: the text after the last return of each line, without colours."""
    for code in ("\x1b[32m", "\x1b[37m", "\x1b[0m"):
        text = text.replace(code, "")
    return [line.rsplit("\r", 1)[-1].rstrip() for line in text.split("\n")]


def test_bar_on_a_terminal(clock, terminal):
    bar = progress.Progress(200, 1)
    assert not bar.due()
    clock[0] += 0.05
    assert not bar.due()
    clock[0] += 0.95
    assert bar.due()
    bar.draw(50, {"loss": 0.25})
    assert visible(terminal.text) == [" 50/200 ━━━━━━━━━━━━━━━━━━━━ 3s 20ms/step - loss: 0.2500"]
    assert not bar.due()
    clock[0] += 100
    bar.draw(100, {"loss": 0.0005})
    assert visible(terminal.text) == ["100/200 ━━━━━━━━━━━━━━━━━━━━ 1:41 1s/step - loss: 5.0000e-04"]
    bar.finish(200, {"accuracy": 1.0, "loss": 0.1})
    assert visible(terminal.text) == [
        "200/200 ━━━━━━━━━━━━━━━━━━━━ 101s 505ms/step - accuracy: 1.0000 - loss: 0.1000",
        "",
    ]
    assert terminal.text.count("\n") == 1


def test_hours_and_unknown_ends(clock, terminal):
    bar = progress.Progress(1000, 1)
    clock[0] += 7200
    bar.draw(500, {})
    assert "2:00:00" in terminal.text
    terminal.text = ""
    bar = progress.Progress(None, 1)
    clock[0] += 3e-4
    bar.draw(3, {})
    assert visible(terminal.text) == ["      3/Unknown 100us/step"]


def test_quiet_prediction(clock, terminal):
    """Nothing for a while, then a bar that is gone at the end."""
    bar = progress.Progress(10, 1, patience=1.0)
    clock[0] += 0.9
    assert not bar.due()
    bar.finish(10, {})
    assert terminal.text == ""
    bar = progress.Progress(10, 1, patience=1.0)
    clock[0] += 1.1
    assert bar.due()
    bar.draw(5, {})
    bar.finish(10, {})
    assert visible(terminal.text) == [""]


def test_terminals_without_unicode(clock, terminal):
    terminal.encoding = "ascii"
    bar = progress.Progress(4, 1)
    clock[0] += 4
    bar.draw(1, {})
    bar.finish(4, {})
    assert "1/4 =====............... 12s 4s/step" in terminal.text
    terminal.text.encode("ascii")


def test_no_terminal(clock, capsys):
    bar = progress.Progress(4, 1)
    clock[0] += 4
    assert not bar.due()
    bar.finish(4, {"loss": 1.0})
    assert capsys.readouterr().out == "4/4 ━━━━━━━━━━━━━━━━━━━━ 4s 1s/step - loss: 1.0000\n"
    progress.Progress(4, 0).finish(4, {})
    assert capsys.readouterr().out == ""
