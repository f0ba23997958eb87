"""Steps that the core takes several at a time where no callback looks: the same as one by one."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pycnn as keras
from pycnn import _core
from pycnn.models import trainer


class Watching(keras.callbacks.Callback):
    """Looks at each batch, so that steps are taken one by one."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)


def make_model(metrics=("accuracy",), optimizer=None):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 6, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(x))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer or "adam", "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def data(n=37):
    rng = np.random.default_rng(0)
    return rng.random((n, 6, 6, 1), np.float32), rng.integers(0, 3, n)


@pytest.fixture
def calls(monkeypatch):
    """How many steps each call of the core took."""
    found = []
    many, one = _core.Network.train_steps, _core.Network.train_step

    def train_steps(self, *args):
        results = many(self, *args)
        found.append(len(results))
        return results

    def train_step(self, *args):
        found.append(1)
        return one(self, *args)

    monkeypatch.setattr(_core.Network, "train_steps", train_steps)
    monkeypatch.setattr(_core.Network, "train_step", train_step)
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 5},
        {"batch_size": 1, "shuffle": False},
        {"batch_size": 7, "steps_per_epoch": 2},
        {"batch_size": 4, "sample_weight": np.linspace(0.5, 2, 37)},
        {"batch_size": 4, "class_weight": {0: 2.0, 2: 0.5}, "validation_split": 0.2},
        {"batch_size": 64},
    ],
    ids=[
        "a smaller last batch",
        "of one",
        "steps of an epoch",
        "sample weights",
        "class weights",
        "one step",
    ],
)
def test_as_one_by_one(options, calls):
    x, y = data()
    together, watching = make_model(), Watching()
    history = together.fit(x, y, epochs=4, verbose=0, **options).history
    steps = sum(calls)
    assert options["batch_size"] >= 37 or max(calls) > 1
    calls.clear()
    alone = make_model()  # from the same seed
    wanted = alone.fit(x, y, epochs=4, verbose=0, callbacks=[watching], **options).history
    assert set(calls) == {1}
    assert len(calls) == steps == len(watching.batches)
    assert history == wanted
    for a, b in zip(together.get_weights(), alone.get_weights(), strict=True):
        assert_array_equal(a, b)
    assert together.optimizer.iterations == steps


@pytest.mark.parametrize(
    "arguments",
    [
        {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5))},
        {"optimizer": keras.optimizers.Adam(clipnorm=0.1)},
        {"metrics": [keras.metrics.AUC(name="area")]},
    ],
    ids=["a schedule", "clipping", "a metric of the host"],
)
def test_one_by_one_where_something_is_done_in_between(arguments, calls):
    x, y = data()
    model = make_model(**arguments)
    if "metrics" in arguments:
        model.compile("sgd", "mse", **arguments)
        y = np.eye(3, dtype=np.float32)[y]
    model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    assert set(calls) <= {1}


def test_callbacks_of_epochs_stop_it(calls):
    x, y = data()
    stops = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1)
    )
    model = make_model()
    model.fit(x, y, batch_size=4, epochs=5, verbose=0, callbacks=[stops])
    assert sum(calls) == 20
    assert max(calls) > 1


def test_so_many_as_fit_into_a_moment():
    found = [trainer._steps_within(0.02, *case) for case in ((1, 0.1), (4, 0.01), (1, 0.0))]
    assert found == [1, 8, 256]


def test_steps_of_the_core_say_what_is_wrong():
    model = make_model()
    x, y = data()
    model.fit(x, y, verbose=0)
    rows, network = np.arange(4), model._start(x, y)[1].network
    with pytest.raises(ValueError, match="each must be at least 1, not 0"):
        network.train_steps([x], [y.astype(np.int32)], rows, [], 0.1, 0)
    with pytest.raises(ValueError, match="index must say which samples"):
        network.train_steps([x], [y.astype(np.int32)], None, [], 0.1, 2)
    with pytest.raises(ValueError, match="index 99 is outside the 37 samples"):
        network.train_steps([x], [y.astype(np.int32)], np.array([99]), [], 0.1, 2)
    assert network.train_steps([x], [y.astype(np.int32)], rows[:0], [], 0.1, 2) == []
