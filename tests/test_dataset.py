"""Datasets, as `tf.data` has them."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import pycnn as keras
import pycnn.tf as tf
from pycnn.data import Dataset, TensorSpec


def numbers(n: int = 10) -> Dataset:
    return Dataset.range(n)


def listed(data: Dataset) -> list:
    return [x.tolist() if isinstance(x, np.ndarray) else x for x in data.as_numpy_iterator()]


def window(*args) -> Dataset:
    """Windows of 7 numbers, as lists."""
    return numbers(7).window(*args).map(lambda w: np.array([*w, *[-1] * (3 - len(w))]))


def constants(n: int) -> Dataset:
    return Dataset.range(1, n).map(lambda x: x * np.ones(6, int)).interleave(Dataset.from_tensor_slices, 2, 4)


EXPECTED = {
    "window": (lambda: window(3), [[0, 1, 2], [3, 4, 5], [6, -1, -1]], 3),
    "window shift": (lambda: window(3, 2), [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, -1, -1]], 4),
    "window stride": (lambda: window(3, 1, 2, True), [[0, 2, 4], [1, 3, 5], [2, 4, 6]], 3),
    "window gap": (lambda: window(2, 4), [[0, 1, -1], [4, 5, -1]], 2),
    "window drop": (lambda: window(3, 5, 1, True), [[0, 1, 2]], 1),
    "window none": (lambda: numbers(2).window(3, drop_remainder=True), [], 0),
    # As in TensorFlow's documentation of `interleave`.
    "interleave": (
        lambda: constants(6),
        [1] * 4 + [2] * 4 + [1] * 2 + [2] * 2 + [3] * 4 + [4] * 4 + [3] * 2 + [4] * 2 + [5] * 6,
        -2,
    ),
    "scan": (lambda: numbers(5).scan(0, lambda state, x: (state + x, state * x)), [0, 0, 2, 9, 24], 5),
    "take_while": (lambda: numbers(5).take_while(lambda x: x < 3), [0, 1, 2], -2),
    "unique": (lambda: Dataset.from_tensor_slices([1, 37, 2, 37, 2, 1]).unique(), [1, 37, 2], -2),
    "choose": (
        lambda: Dataset.choose_from_datasets([numbers(2), Dataset.range(5, 9)], numbers(2).repeat(4)),
        [0, 5, 1, 6],
        -2,
    ),
    "sample one": (lambda: Dataset.sample_from_datasets([numbers(3), numbers(9)], [1, 0]), [0, 1, 2], 12),
    "range": (lambda: Dataset.range(2, 9, 3), [2, 5, 8], 3),
    "map": (lambda: numbers(4).map(lambda x: x * 2), [0, 2, 4, 6], 4),
    "map in threads": (lambda: numbers(40).map(lambda x: x + 1, tf.data.AUTOTUNE), [*range(1, 41)], 40),
    "filter": (lambda: numbers().filter(lambda x: x % 3 == 0), [0, 3, 6, 9], -2),
    "batch": (lambda: numbers(5).batch(2), [[0, 1], [2, 3], [4]], 3),
    "drop": (lambda: numbers(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]], 2),
    "unbatch": (lambda: numbers(5).batch(2).unbatch(), [0, 1, 2, 3, 4], -2),
    "rebatch": (lambda: numbers(5).batch(2).rebatch(3), [[0, 1, 2], [3, 4]], -2),
    "repeat": (lambda: numbers(2).repeat(3), [0, 1] * 3, 6),
    "repeat none": (lambda: numbers(2).repeat(0), [], 0),
    "without end": (lambda: numbers(2).repeat().take(5), [0, 1, 0, 1, 0], 5),
    "repeat nothing": (lambda: numbers(0).repeat(), [], 0),
    "take": (lambda: numbers(4).take(9), [0, 1, 2, 3], 4),
    "take all": (lambda: numbers(4).take(-1), [0, 1, 2, 3], 4),
    "skip": (lambda: numbers(5).skip(3), [3, 4], 2),
    "skip all": (lambda: numbers(5).skip(-1), [], 0),
    "shard": (lambda: numbers(10).shard(3, 1), [1, 4, 7], 3),
    "cache": (lambda: numbers(3).cache(), [0, 1, 2], 3),
    "prefetch": (lambda: numbers(3).prefetch(tf.data.AUTOTUNE), [0, 1, 2], 3),
    "zip": (lambda: Dataset.zip((numbers(2), numbers())), [(0, 0), (1, 1)], 2),
    "zip of a dict": (lambda: Dataset.zip({"a": numbers(1)}), [{"a": 0}], 1),
    "concatenate": (lambda: numbers(2).concatenate(numbers(1)), [0, 1, 0], 3),
    "enumerate": (lambda: numbers(2).map(lambda x: -x).enumerate(5), [(5, 0), (6, -1)], 2),
    "flat_map": (lambda: numbers(3).flat_map(lambda n: Dataset.range(int(n))), [0, 0, 1], -2),
    "slices": (lambda: Dataset.from_tensor_slices(([1, 2], [0.5, 1.5])), [(1, 0.5), (2, 1.5)], 2),
    "one": (lambda: Dataset.from_tensors([1, 2]), [[1, 2]], 1),
    "generator": (lambda: Dataset.from_generator(lambda n: iter(range(n)), args=(3,)), [0, 1, 2], -2),
    "strings": (lambda: Dataset.from_tensor_slices(["a", "b"]), [b"a", b"b"], 2),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_elements_and_their_number_twice(name: str) -> None:
    make, expected, size = EXPECTED[name]
    data = make()
    assert listed(data) == listed(data) == expected
    assert int(data.cardinality()) == size
    if size >= 0:
        assert len(data) == size
    else:
        with pytest.raises(TypeError, match="unknown"):
            len(data)


def test_datasets_in_elements() -> None:
    pairs = Dataset.zip((numbers(5), Dataset.range(10, 15))).window(2, shift=2, drop_remainder=True)
    found = [(listed(a), listed(b)) for a, b in pairs]
    assert found == [([0, 1], [10, 11]), ([2, 3], [12, 13])]
    assert pairs.element_spec[1].element_spec == numbers().element_spec
    joined = pairs.flat_map(lambda a, b: Dataset.zip((a.batch(2), b.batch(2))))
    assert [(a.tolist(), b.tolist()) for a, b in joined] == found
    with pytest.raises(TypeError, match="an element is a dataset; flat_map"):
        listed(numbers(4).window(2).batch(2))
    drawn = Dataset.sample_from_datasets([numbers(40), Dataset.range(100, 140)], seed=1)
    assert listed(drawn) == listed(drawn) != sorted(listed(drawn))
    assert sorted(listed(drawn)) == [*range(40), *range(100, 140)]
    shorter = Dataset.sample_from_datasets([numbers(4), numbers(400)], seed=1, stop_on_empty_dataset=True)
    assert len(listed(shorter)) < 100
    with pytest.raises(ValueError, match="expected 2 of at least 0"):
        Dataset.sample_from_datasets([numbers(), numbers()], [1.0, -1.0])
    with pytest.raises(TypeError, match="map_func returned 0; expected a Dataset"):
        listed(numbers(2).interleave(int, 2))
    with pytest.raises(ValueError, match="there is no dataset 2"):
        listed(Dataset.choose_from_datasets([numbers(3), numbers(3)], numbers(3)))
    with pytest.raises(TypeError, match="no single number"):
        listed(numbers(4).batch(2).unique())


def test_shuffle_draws_from_a_buffer_and_again_in_each_pass() -> None:
    data = numbers(50).shuffle(10, seed=3)
    first, second = listed(data), listed(data)
    assert sorted(first) == sorted(second) == [*range(50)]
    assert first != second
    assert all(x <= i + 9 for i, x in enumerate(first))
    again = numbers(50).shuffle(10, seed=3)
    assert [listed(again), listed(again)] == [first, second]
    fixed = numbers(50).shuffle(50, seed=3, reshuffle_each_iteration=False)
    assert listed(fixed) == listed(fixed) != [*range(50)]
    keras.utils.set_random_seed(1)
    one = listed(numbers(50).shuffle(50))
    keras.utils.set_random_seed(1)
    assert listed(numbers(50).shuffle(50)) == one
    passes = listed(numbers(5).shuffle(5, seed=0).repeat(4))
    assert len({tuple(passes[i : i + 5]) for i in range(0, 20, 5)}) > 1


def test_what_is_cached_is_made_once() -> None:
    calls: list[int] = []
    data = numbers(3).map(lambda x: (calls.append(int(x)), x)[1]).cache()
    next(iter(data))  # a pass that is not finished keeps nothing
    assert listed(data) == listed(data) == [0, 1, 2]
    assert calls == [0, 0, 1, 2]


def test_functions_run_in_threads_and_their_errors_come_out() -> None:
    barrier = threading.Barrier(2, timeout=30)

    def meet(x: np.ndarray) -> np.ndarray:
        barrier.wait()  # two calls at once, or none returns
        return x

    assert listed(numbers(4).map(meet, num_parallel_calls=2)) == [0, 1, 2, 3]
    for data in (numbers(3).map(lambda x: 1 // 0, 2), numbers(3).map(lambda x: 1 // 0).prefetch(1)):
        with pytest.raises(ZeroDivisionError):
            list(data)


def test_elements_answer_numpy() -> None:
    x, y, path = next(iter(Dataset.from_tensor_slices((np.zeros((2, 3)), [1, 2], ["a", "b"]))))
    assert (type(x.numpy()), x.dtype) == (np.ndarray, np.float64)
    assert (type(y.numpy()), y.numpy()) == (np.int32, 1)
    assert (path.numpy(), path) == (b"a", "a")


def test_specs() -> None:
    x = np.zeros((5, 4, 3), np.float32)
    data = Dataset.from_tensor_slices((x, np.arange(5)))
    assert data.element_spec == (TensorSpec((4, 3)), TensorSpec((), "int64"))
    batches = data.batch(2).map(lambda x, y: (x[:, :2], y)).prefetch(1)
    assert batches.element_spec == (TensorSpec((None, 2, 3)), TensorSpec((None,), "int64"))
    assert data.batch(2, True).element_spec[0] == tf.TensorSpec(shape=(2, 4, 3), dtype=tf.float32)
    assert batches.unbatch().element_spec[0].shape == (2, 3)
    signed = Dataset.from_generator(
        lambda: iter([([1, 2], 3)]), output_signature=(TensorSpec((2,)), TensorSpec((), "int64"))
    )
    assert [leaf.dtype for leaf in next(iter(signed))] == ["float32", "int64"]
    older = Dataset.from_generator(lambda: iter([(1, 2)]), (tf.float32, tf.int64), ((), ()))
    assert older.element_spec == (TensorSpec(()), TensorSpec((), "int64"))


def test_models_take_datasets() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(22, 4)).astype(np.float32), rng.integers(0, 3, 22)
    data = Dataset.from_tensor_slices((x, y)).batch(5)

    def trained(given: dict) -> list:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(**given, epochs=2, verbose=0).history
        return [history, model.evaluate(data, verbose=0), model.predict(data, verbose=0), model]

    ours = trained({"x": data.cache().prefetch(2), "validation_data": data})
    theirs = trained({"x": x, "y": y, "batch_size": 5, "shuffle": False, "validation_data": (x, y)})
    assert ours[0]["loss"] == pytest.approx(theirs[0]["loss"], rel=1e-6)
    assert ours[0]["val_loss"] == pytest.approx(theirs[0]["val_loss"], rel=1e-5)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-5)
    np.testing.assert_allclose(ours[3].predict(data.map(lambda x, y: x), verbose=0), ours[2], rtol=1e-6)
    with pytest.raises(ValueError, match="without end"):
        ours[3].fit(data.repeat(), verbose=0)
    steps = ours[3].fit(data.repeat(), steps_per_epoch=7, epochs=2, verbose=0)
    assert len(steps.history["loss"]) == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: numbers().batch(0), ValueError, "batch_size"),
        (lambda: numbers().map(3), TypeError, "map_func"),
        (lambda: numbers().cache("file"), NotImplementedError, "np.save"),
        (lambda: numbers().with_options(None), NotImplementedError, "Dataset.with_options"),
        (lambda: numbers().padded_batch(3), NotImplementedError, "resize"),
        (lambda: tf.data.TFRecordDataset("x"), NotImplementedError, "from_generator"),
        (lambda: Dataset.from_tensor_slices(([1], [1, 2])), ValueError, "different lengths"),
        (lambda: Dataset.from_tensor_slices(3), ValueError, "scalar"),
        (lambda: Dataset.from_generator([1]), TypeError, "expected a function"),
        (lambda: numbers().shard(2, 2), ValueError, "less than num_shards"),
        (lambda: Dataset.zip(numbers(), 3), TypeError, "datasets"),
        (lambda: len(numbers().repeat()), TypeError, "infinite"),
        (lambda: list(numbers(3).map(lambda x: np.zeros(x)).batch(2)), ValueError, "resize the images"),
        (lambda: list(numbers(3).map(lambda x: object())), TypeError, "numbers or strings"),
        (lambda: numbers().nothing, AttributeError, "nothing"),
    ],
)
def test_refusals(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_counter():
    assert [int(i) for i in Dataset.counter(3, -2).take(3)] == [3, 1, -1]
    pairs = Dataset.zip((Dataset.range(2), tf.data.experimental.Counter()))
    assert [(int(a), int(b)) for a, b in pairs] == [(0, 0), (1, 1)]
    assert int(Dataset.counter().cardinality()) == -1
