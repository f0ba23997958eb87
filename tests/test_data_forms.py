"""Data of other libraries, threads that fetch batches, and the older names of fit."""

import gc
import itertools
import os
import signal
import threading
import time
import traceback

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers
from pycnn.core.foreign import as_array
from pycnn.models.ahead import END, fetched_ahead

X = np.linspace(-1, 1, 24).reshape(12, 2).astype(np.float32)
Y = np.linspace(0, 1, 12)[:, None].astype(np.float32)


def line(**options):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse", **options)
    return model


def weights_after(x, y=None, **options):
    model = line()
    model.fit(x, y, shuffle=False, verbose=0, **({"batch_size": 4} | options))
    return [*model.get_weights(), model.predict(x if y is not None else X), model.optimizer.iterations]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# --- other libraries' objects -------------------------------------------------------------------------------
class TorchTensor:
    """What torch's tensors answer to; one that wants gradients refuses to become an array."""

    def __init__(self, array, dtype="torch.float32"):
        self.array, self.dtype, self.shape = array, dtype, array.shape

    def __array__(self, *_, **__):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad")

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        return iter(self.array)

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return TorchTensor(self.array)

    def numpy(self):
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.array


class Loader:
    """A DataLoader: batches as lists, a length, no items."""

    def __len__(self):
        return 3

    def __iter__(self):
        return ([TorchTensor(X[i : i + 4]), TorchTensor(Y[i : i + 4])] for i in (0, 4, 8))


class Dataset(Loader):
    """A tf.data.Dataset: how many batches there are is `cardinality`, and a length where that is known."""

    def __init__(self, cardinality=3):
        self._cardinality = cardinality

    def __len__(self):
        if self._cardinality < 0:
            raise TypeError("The dataset length is unknown.")
        return self._cardinality

    def cardinality(self):
        return np.int64(self._cardinality)


@pytest.mark.parametrize(
    "form", [TorchTensor, lambda a: TorchTensor(a, "torch.bfloat16"), lambda a: [TorchTensor(a)]]
)
def test_tensors(form):
    assert same(
        weights_after(form(X), form(Y), sample_weight=TorchTensor(np.ones(12, np.float32))),
        weights_after(X, Y),
    )


@pytest.mark.parametrize("source", [Loader(), Dataset(), Dataset(-2)])
def test_loaders(source):
    expected = weights_after(X, Y, epochs=2)
    model = line()
    history = model.fit(source, epochs=2, shuffle=False, verbose=0)
    assert same([*model.get_weights(), model.predict(X), 6], expected)
    assert history.params["steps"] == (None if getattr(source, "_cardinality", 3) < 0 else 3)
    assert model.evaluate(source, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    np.testing.assert_array_equal(model.predict(source), model.predict(X))
    with pytest.warns(UserWarning, match="ran out of data; interrupting training after 1 of 2"):
        model.fit(source, epochs=4, steps_per_epoch=2, verbose=0)


def test_data_without_end_or_of_samples():
    with pytest.raises(ValueError, match="without end; give the number of steps"):
        line().fit(Dataset(-1))
    kind = type("Dataset", (), {"__module__": "torch.utils.data.dataset"})
    samples = type(
        "Mine", (kind,), {"__len__": lambda self: 3, "__getitem__": lambda self, i: (X[i], Y[i])}
    )()
    with pytest.raises(TypeError, match="wrap it in a torch"):
        line().fit(samples)


def test_frames():
    pandas = pytest.importorskip("pandas")
    expected = weights_after(X, Y)
    frame, series = pandas.DataFrame(X, columns=["a", "b"]), pandas.Series(Y[:, 0])
    for x, y in (
        (frame, series),
        (frame.astype({"a": "Float32"}), series.astype("Float32")),
        (frame, pandas.DataFrame({"y": Y[:, 0]})),
        ([frame], series),
    ):
        assert same(weights_after(x, y), expected)
    mixed = pandas.DataFrame({"a": pandas.array([1, 2], "Int64"), "b": [True, False]})
    np.testing.assert_array_equal(as_array("x", mixed), [[1, 1], [2, 0]])
    holes = pandas.DataFrame(
        {"a": pandas.array([1, None], "Int64"), "b": pandas.array([True, False], "boolean")}
    )
    np.testing.assert_array_equal(as_array("x", holes), [[1, 1], [np.nan, 0]])
    labels = keras.Sequential([keras.Input((2,)), layers.Dense(3, activation="softmax")])
    labels.compile("sgd", "sparse_categorical_crossentropy")
    labels.fit(frame, pandas.Series([0, 1, 2] * 4, dtype="Int8"), validation_split=0.25, verbose=0)
    for wrong in (
        pandas.DataFrame({"a": ["1", "2"], "b": [1, 2]}),
        pandas.Series(["1", "2"]).astype("category"),
        pandas.DataFrame({"a": pandas.to_datetime(["2020-01-01", "2020-01-02"]), "b": [1, 2]}),
    ):
        with pytest.raises(TypeError, match="expected numbers"):
            line().fit(wrong, [1, 2])
    with pytest.raises(ValueError, match="NaN"):
        line().fit(frame[:2], pandas.Series(pandas.array([1, None], "Int64")))


def test_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.csr_matrix, sparse.coo_array):
        for call in (line().fit, line().evaluate, line().train_on_batch):
            with pytest.raises(TypeError, match=r"`x` is a .*, which is sparse or ragged.*x\.toarray\(\)"):
                call(kind(X), Y)
        with pytest.raises(TypeError, match="sparse"):
            line().predict(kind(X))


# --- steps and batch sizes ----------------------------------------------------------------------------------
def batches_of(model, **options):
    sizes = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: sizes.append(0), on_train_batch_end=lambda *_: sizes.append(sizes.pop() + 1)
    )
    model.fit(X, Y, callbacks=[watch], verbose=0, **options)
    return sizes


def test_steps_set_the_size_of_batches():
    assert batches_of(line(), steps_per_epoch=6) == [6]
    with pytest.warns(UserWarning, match="after 4 of 5 batches"):
        assert batches_of(line(), steps_per_epoch=5) == [4]  # 3 samples each
    with pytest.warns(UserWarning, match="after 1 of 2 batches"):
        assert batches_of(line(), batch_size=4, steps_per_epoch=2, epochs=4) == [2, 1, 2, 1]
    assert same(weights_after(X, Y, batch_size=None, steps_per_epoch=4), weights_after(X, Y, batch_size=3))
    model = line()
    assert model.predict(X, steps=2).shape == (12, 1)
    assert model.predict(X, batch_size=3, steps=2).shape == (6, 1)
    assert model.evaluate(X, Y, steps=3, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))


# --- weights ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", [0.7, "0", None, (0,), np.nan])
def test_keys_of_class_weights_are_class_numbers(key):
    with pytest.raises(ValueError, match="expected a class number and a weight"):
        line().fit(X, np.zeros(12), class_weight={key: 100.0}, verbose=0)


def test_class_weights_of_whole_floats():
    y = np.repeat([0.0, 1.0], 6)
    expected = weights_after(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    for key in (1, 1.0, np.int8(1), True):
        assert same(weights_after(X, y, class_weight={key: np.float32(3)}), expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.fit(X, Y, sample_weight=np.ones(12) * 1j),
        lambda m: m.fit(X, Y, class_weight={0: np.complex64(1 + 1j)}),
        lambda m: m.fit(X * 1j, Y),
        lambda m: m.set_weights([np.ones((2, 1)) * 1j, np.zeros(1)]),
        lambda m: m.layers[0].bias.assign([1j]),
        lambda m: m.layers[0].bias.assign_add([1j]),
        lambda m: keras.Variable([1j]),
        lambda m: keras.losses.MeanSquaredError()(Y, Y, np.ones(12) * 1j),
    ],
)
def test_complex_numbers_are_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call(line())


def test_weights_in_a_column():
    """They weigh samples, and do not spread to (n, n)."""
    t, p = np.array([[1.0], [2.0], [4.0]]), np.array([[2.0], [4.0], [4.5]])
    w = np.array([0.0, 1.0, 10.0])
    loss = keras.losses.MeanSquaredError()
    for weight in (w, w[:, None]):
        assert float(loss(t, p, sample_weight=weight)) == pytest.approx(6.5 / 3)
        with keras.GradientTape() as tape:
            x = keras.constant(p)
            tape.watch(x)
            value = loss(t, x, sample_weight=weight)
        np.testing.assert_allclose(tape.gradient(value, x).numpy(), 2 * (p - t) * w[:, None] / 3, rtol=1e-6)
        mean = keras.metrics.Mean()
        mean.update_state([1.0, 2.0, 3.0], sample_weight=weight)
        assert mean.result() == pytest.approx(32 / 11)
    for wrong in (np.ones((3, 3)), np.ones((3, 1, 1)), np.ones(2)):
        with pytest.raises(ValueError, match="sample_weight has shape"):
            loss(t, p, sample_weight=wrong)


# --- threads ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("window", [1, 4])
def test_results_in_order(workers, window):
    begun = []

    def job(i):
        begun.append(i)
        time.sleep(0.001 * (i % 3))
        return i if i < 7 else END

    taken = []
    for i in fetched_ahead((lambda i=i: job(i) for i in itertools.count()), workers, window):
        taken.append(i)
        assert len(begun) <= i + 1 + window
    assert taken == list(range(7))


class Squares(keras.utils.PyDataset):
    def __init__(self, **options):
        super().__init__(**options)
        self.told, self.threads = [], set()

    def __len__(self):
        return 3

    def __getitem__(self, i):
        self.threads.add(threading.current_thread())
        return X[4 * i : 4 * i + 4], Y[4 * i : 4 * i + 4]

    def on_epoch_begin(self):
        self.told.append("begin")

    def on_epoch_end(self):
        self.told.append("end")


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_of_a_dataset(workers):
    data = Squares(workers=workers, max_queue_size=2, use_multiprocessing=True)
    assert same(weights_after(data, batch_size=None, epochs=2), weights_after(X, Y, epochs=2))
    assert data.told == ["begin", "end"] * 2
    assert (threading.main_thread() in data.threads) == (workers == 0)
    assert not any(thread.name == "pycnn data" for thread in threading.enumerate())
    assert [len(x) for x, _ in data] == [4, 4, 4]
    line().evaluate(data, verbose=0)
    line().predict(data)
    assert data.told == ["begin", "end"] * 4


def test_a_dataset_without_end():
    class Endless(Squares):
        num_batches = None

        def __getitem__(self, i):
            self.told.append(i)
            return X, Y

    with pytest.raises(ValueError, match="without end"):
        line().fit(Endless())
    data = Endless(workers=0)
    line().fit(data, steps_per_epoch=2, epochs=2, verbose=0)
    assert data.told == ["begin", 0, 1, "end", "begin", 2, 3, "end"]


def test_errors_come_with_their_traceback():
    def generator():
        yield X, Y
        raise KeyError("mine")

    class Failing(Squares):
        def __getitem__(self, i):
            raise KeyError("mine")

    model = line()
    for data in (generator(), Failing(), Failing(workers=3)):
        with pytest.raises(KeyError, match="mine") as caught:
            model.fit(data, verbose=0)
        names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert {"generator", "__getitem__"} & set(names)
        del caught
    gc.collect()
    assert not any(thread.name == "pycnn data" for thread in threading.enumerate())
    model.fit(X, Y, verbose=0)


def test_a_generator_keeps_what_was_not_asked_for():
    items = iter([(X, Y)] * 7)
    line().fit(items, steps_per_epoch=2, epochs=2, verbose=0)
    line().evaluate(items, steps=1, verbose=0)
    line().predict(items, steps=1)
    assert len(list(items)) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_ctrl_c_while_a_generator_blocks():
    blocked = threading.Event()

    def generator():
        yield X, Y
        os.kill(os.getpid(), signal.SIGINT)
        blocked.wait(60)

    with pytest.raises(KeyboardInterrupt):
        line().fit(generator(), verbose=0)
    blocked.set()


def test_stop_training_in_the_middle():
    model = line()

    def stop(batch, logs):
        model.stop_training = True

    end = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    history = model.fit(((X, Y) for _ in itertools.count()), epochs=3, callbacks=[end], verbose=0)
    assert history.epoch == [0]
    assert model.optimizer.iterations == 1


# --- older names --------------------------------------------------------------------------------------------
def test_older_names():
    model = line()
    with pytest.warns(DeprecationWarning, match="fit_generator"):
        history = model.fit_generator(
            ((X, Y) for _ in itertools.count()), 3, 2, 0, None, Squares(), max_queue_size=1
        )
    assert (history.epoch, model.optimizer.iterations) == ([0, 1], 6)
    data = Squares()
    with pytest.warns(DeprecationWarning, match="evaluate_generator"):
        assert model.evaluate_generator(data, workers=0) == model.evaluate(X, Y, verbose=0)
    assert threading.main_thread() in data.threads
    with pytest.warns(DeprecationWarning, match="predict_generator"):
        np.testing.assert_array_equal(model.predict_generator(Squares(), workers=2), model.predict(X))
    with (
        pytest.warns(UserWarning, match="ran out of batches"),
        pytest.warns(DeprecationWarning, match="fit_generator"),
    ):
        assert len(model.fit_generator(iter([(X, Y)] * 3), 2, epochs=5, verbose=0).epoch) == 2


class Both(Squares):
    """Items and `next`, as iterators over images have."""

    def __iter__(self):
        return self

    def __next__(self):
        return self[0]


def test_older_names_with_iterators_that_have_items():
    model = line()
    with pytest.warns(DeprecationWarning, match="fit_generator"):
        model.fit_generator(Both(), steps_per_epoch=1, epochs=2, verbose=0)
    assert model.optimizer.iterations == 2
    with pytest.warns(DeprecationWarning, match="evaluate_generator"):
        assert model.evaluate_generator(Both()) == model.evaluate(X, Y, verbose=0)
