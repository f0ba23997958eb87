"""keras.ops on symbols and arrays: shapes, selection, conversion."""

import itertools

import numpy as np
import pytest
from helpers import normal
from hypothesis import given
from hypothesis import strategies as st
from symbols import check, check_gradient, close, predicted

import pycnn as keras
from pycnn import ops

# The same call of NumPy and of keras.ops, for samples of shape (3, 4, 2).
SAME = {
    "reshape": lambda m, x: m.reshape(x, (-1, 6, 4)),
    "reshape flat": lambda m, x: m.reshape(x, (-1, 24)),
    "transpose": lambda m, x: m.transpose(x, (0, 3, 1, 2)),
    "transpose back": lambda m, x: m.transpose(m.transpose(x, (0, 2, 3, 1)), (0, 3, 1, 2)),
    "transpose nothing": lambda m, x: m.transpose(x, (0, 1, 2, 3)),
    "swapaxes": lambda m, x: m.swapaxes(x, 1, -1),
    "moveaxis": lambda m, x: m.moveaxis(x, 1, 3),
    "moveaxis of several": lambda m, x: m.moveaxis(x, (1, 3), (2, 1)),
    "expand_dims": lambda m, x: m.expand_dims(x, 1),
    "expand_dims at the end": lambda m, x: m.expand_dims(x, -1),
    "expand_dims twice": lambda m, x: m.expand_dims(x, (1, 4)),
    "squeeze": lambda m, x: m.squeeze(m.expand_dims(x, 2)),
    "squeeze of one": lambda m, x: m.squeeze(m.expand_dims(x, (1, 3)), 1),
    "concatenate": lambda m, x: m.concatenate([x, x * 2, x], 2),
    "concatenate channels": lambda m, x: m.concatenate([x, x * 2], -1),
    "concatenate one": lambda m, x: m.concatenate([x * 2], 1),
    "stack": lambda m, x: m.stack([x, x * 2], 1),
    "stack at the end": lambda m, x: m.stack([x, x * 2, x], -1),
    "split": lambda m, x: m.split(x, 2, 2)[1],
    "split at places": lambda m, x: m.split(x, [1, 3], 2)[1],
    "flip": lambda m, x: m.flip(x, 1),
    "flip of several": lambda m, x: m.flip(x, (1, 3)),
    "repeat": lambda m, x: m.repeat(x, 3, 2),
    "tile": lambda m, x: m.tile(x, (1, 2, 1, 3)),
    "tile the last": lambda m, x: m.tile(x, (2, 1)),
    "pad": lambda m, x: m.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0))),
    "pad channels": lambda m, x: m.pad(x, ((0, 0), (1, 2), (0, 1), (3, 1)), "constant", constant_values=2.5),
    "pad reflect": lambda m, x: m.pad(x, ((0, 0), (2, 1), (3, 0), (0, 0)), "reflect"),
    "pad reflect far": lambda m, x: m.pad(x, ((0, 0), (5, 4), (0, 0), (0, 2)), "reflect"),
    "pad edge": lambda m, x: m.pad(x, ((0, 0), (1, 2), (4, 1), (0, 0)), "edge"),
    "pad edge of channels": lambda m, x: m.pad(x, ((0, 0), (1, 2), (4, 1), (2, 0)), "edge"),
    "pad symmetric": lambda m, x: m.pad(x, ((0, 0), (1, 2), (4, 1), (2, 0)), "symmetric"),
    "pad wrap": lambda m, x: m.pad(x, ((0, 0), (1, 2), (5, 1), (0, 1)), "wrap"),
    "take": lambda m, x: m.take(x, np.array([[1, 0], [2, -1]]), 2),
    "diagonal": lambda m, x: m.diagonal(x, 0, 1, 2),
    "diagonal above": lambda m, x: m.diagonal(x, 2, 1, 2),
    "diagonal below": lambda m, x: m.diagonal(x, -1, 2, 1),
    "tril": lambda m, x: m.tril(x, -1),
    "tril above": lambda m, x: m.tril(m.moveaxis(x, 3, 1), 1),
    "triu": lambda m, x: m.triu(m.moveaxis(x, 3, 1)),
    "roll": lambda m, x: m.roll(x, 1, 1),
    "roll of several": lambda m, x: m.roll(x, (-3, 5), (2, 3)),
    "rot90": lambda m, x: m.rot90(x, 1, (1, 2)),
    "rot90 twice": lambda m, x: m.rot90(x, 2, (2, 1)),
    "rot90 back": lambda m, x: m.rot90(x, -1, (1, 2)),
    "fliplr": lambda m, x: m.fliplr(x),
    "hstack": lambda m, x: m.hstack([x, x * 2]),
    "item": lambda m, x: x[:, 1],
    "item from the end": lambda m, x: x[:, -1, ..., 0],
    "slice": lambda m, x: x[:, 1:, ::2],
    "slice backwards": lambda m, x: x[:, ::-1, -1:0:-2, :1],
    "new axes": lambda m, x: x[:, None, 1:, ..., None],
    "places": lambda m, x: x[:, :, [0, 3, -2, 0]],
    "places in slices": lambda m, x: x[:, 1:, [0, 3], ::-1],
    "a place and places": lambda m, x: x[:, 1:, 1, [0, 1, 1]],
    "broadcast_to": lambda m, x: m.broadcast_to(
        m.expand_dims(x, 2), (None if m is ops else len(x), 3, 5, 4, 2)
    ),
}
# Several operands.
TWO = {
    "concatenate": lambda m, x, y: m.concatenate([x, y, x], 1),
    "concatenate with a constant": lambda m, x, y: m.concatenate(
        [x, np.ones((1 if m is ops else len(x), 2, 4, 2), np.float32), y], 1
    ),
    "stack": lambda m, x, y: m.stack([x, y], 2),
    "take_along_axis": lambda m, x, y: m.take_along_axis(x, ops_cast(m, y), 2),
}


def ops_cast(m, y):
    """Places from -4 to 3, from numbers."""
    if m is np:
        return np.clip(np.trunc(y * 3), -4, 3).astype(np.int64)
    return ops.cast(ops.clip(ops.cast(y * 3, "int32"), -4, 3), "int32")


@pytest.mark.parametrize("name", SAME)
def test_shapes(rng, name):
    x = normal(rng, 5, 3, 4, 2)
    function = SAME[name]
    expected = function(np, x)
    np.testing.assert_array_equal(predicted(lambda x: function(ops, x), x), expected)
    if name not in ("broadcast_to",):
        np.testing.assert_array_equal(function(ops, x), expected)


@pytest.mark.parametrize("name", SAME)
def test_gradients_of_shapes(rng, name):
    # One sample is enough: nothing here goes over the batch.
    check_gradient(lambda x: SAME[name](ops, x), lambda x: SAME[name](np, x), normal(rng, 1, 3, 4, 2))


@pytest.mark.parametrize("name", TWO)
def test_shapes_of_two(rng, name):
    x, y = normal(rng, 5, 3, 4, 2), normal(rng, 5, 3, 4, 2)
    np.testing.assert_array_equal(predicted(lambda x, y: TWO[name](ops, x, y), x, y), TWO[name](np, x, y))
    if "along" not in name:
        check_gradient(lambda *z: TWO[name](ops, *z), lambda *z: TWO[name](np, *z), x[:1], y[:1])


def blocks(x, size):
    """depth_to_space by loops."""
    n, h, w, c = x.shape
    out = np.zeros((n, h * size, w * size, c // size**2), x.dtype)
    for i, j in np.ndindex(size, size):
        start = (i * size + j) * out.shape[-1]
        out[:, i::size, j::size] = x[..., start : start + out.shape[-1]]
    return out


def test_places_and_channels(rng):
    x = normal(rng, 3, 2, 5, 8)
    check(lambda x: ops.depth_to_space(x, 2), lambda x: blocks(x, 2), x)
    check(lambda x: ops.space_to_depth(ops.depth_to_space(x, 2), 2), lambda x: x, x)
    images = x.transpose(0, 3, 1, 2)
    found = ops.depth_to_space(images, 2, "channels_first")
    np.testing.assert_array_equal(found, blocks(x, 2).transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(ops.space_to_depth(found, 2, "channels_first"), images)
    for call, message in (
        (lambda: ops.depth_to_space(x, 3), "8 channels; expected a multiple of 9"),
        (lambda: ops.space_to_depth(x, 2), "2 x 5 pixels; expected multiples of 2"),
        (lambda: ops.depth_to_space(x, 2, "NHWC"), "data_format is 'NHWC'"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_matrices(rng):
    x = normal(rng, 4, 3, 5)
    check(lambda x: ops.trace(x, 1, 1, 2), lambda x: x.trace(1, 1, 2), x, terms=3)
    check(lambda x: ops.cumsum(x, 2), lambda x: x.cumsum(2), x, terms=5)
    check(lambda x: ops.cumsum(x, 1), lambda x: x.cumsum(1), x, terms=3)
    assert ops.cumsum([[1, 2], [3, 4]]).tolist() == [1, 3, 6, 10]
    assert ops.cumsum([1, 2], dtype="float32").dtype == np.float32
    weights = keras.Variable(np.array([1.0, 2.0]))

    class Diagonals(keras.layers.Layer):
        def call(self, x):
            return [x @ ops.diag(weights, k)[: x.shape[1]] for k in (0, 1, -2)]

    for k, found in zip((0, 1, -2), Diagonals()(np.ones((1, 2))), strict=True):
        np.testing.assert_array_equal(found[0], np.diag([1.0, 2.0], k)[:2].sum(0))
    for k in (0, 1, -1):
        np.testing.assert_array_equal(ops.diag([1, 2], k), np.diag([1, 2], k))
        np.testing.assert_array_equal(ops.diag(x[0], k), np.diag(x[0], k))
    np.testing.assert_array_equal(ops.roll(x, 4), np.roll(x, 4))
    np.testing.assert_array_equal(ops.vstack([[1, 2], [3, 4]]), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(ops.flipud(x), x[::-1])
    symbol = keras.Input((3, 5))
    parts = ops.unstack(symbol, axis=1)
    assert [part.shape for part in parts] == [(None, 5)] * 3
    np.testing.assert_array_equal(keras.Model(symbol, parts[2]).predict(x, verbose=0), x[:, 2])


def test_gradient_of_take_along_axis(rng):
    x, places = normal(rng, 2, 3, 4), rng.integers(-4, 4, (2, 3, 5))
    found = predicted(
        lambda x, i: ops.gradient(ops.take_along_axis(x, i, 2) * np.arange(5.0), x),
        x,
        places.astype(np.float32),
    )
    expected = np.zeros_like(x)
    for n, i, j in np.ndindex(places.shape):
        expected[n, i, places[n, i, j]] += j
    np.testing.assert_array_equal(found, expected)


def test_take_along_all(rng):
    x, places = normal(rng, 2, 3), np.array([[0, -1]])
    np.testing.assert_array_equal(ops.take_along_axis(x, places), x.ravel()[places.ravel()])
    with pytest.raises(ValueError, match="give an axis"):
        ops.take_along_axis(keras.Input((3,)), places)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_take_along_each_axis(rng, axis):
    x = normal(rng, 3, 4, 5)
    shape = [3, 4, 5]
    shape[axis] = 2
    places = rng.integers(-4, 4, shape)
    found = predicted(lambda x, i: ops.take_along_axis(x, i, axis), x, places)
    np.testing.assert_array_equal(found, np.take_along_axis(x, places, axis))
    np.testing.assert_array_equal(ops.take_along_axis(x, places, axis), found)


def test_rows_of_a_table(rng):
    table = normal(rng, 7, 3)
    places = rng.integers(0, 7, (4, 5))
    np.testing.assert_array_equal(predicted(lambda i: ops.take(table, i, axis=0), places), table[places])
    np.testing.assert_array_equal(ops.take(table, places, axis=0), table[places])
    np.testing.assert_array_equal(ops.take(table, [-1, 0]), table.ravel()[[-1, 0]])


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_one_hot(rng, axis):
    numbers = rng.integers(-1, 4, (5, 3))
    expected = np.moveaxis(numbers[..., None] == np.arange(4), -1, axis)
    np.testing.assert_array_equal(predicted(lambda x: ops.one_hot(x, 4, axis), numbers), expected)
    np.testing.assert_array_equal(ops.one_hot(numbers, 4, axis), expected)
    assert ops.one_hot(numbers, 4, dtype="int32").dtype == np.int32


def test_cast(rng):
    x = np.array([[-2.7, -0.5, 0.0, 0.5, 2.7, 16777216.0]], np.float32)
    for dtype in ("int32", "bool", "float32", "float16"):
        expected = x if dtype.startswith("float") else x.astype(dtype)
        found = ops.cast(x, dtype)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(predicted(lambda x, dtype=dtype: ops.cast(x, dtype), x), expected)
    with pytest.raises(ValueError, match="cast: dtype is 'complex64'"):
        ops.cast(x, "complex64")


def test_arrays_like_others(rng):
    x = np.array([[1.0, np.nan], [np.inf, 2.0]], np.float32)
    for function, value in ((ops.zeros_like, 0), (ops.ones_like, 1), (lambda x: ops.full_like(x, 2.5), 2.5)):
        np.testing.assert_array_equal(predicted(function, x), np.full_like(x, value))
        np.testing.assert_array_equal(function(x), np.full_like(x, value))


def test_arrays_from_nothing():
    np.testing.assert_array_equal(ops.zeros((2, 3)), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(ops.eye(3, 4, 1), np.eye(3, 4, 1))
    np.testing.assert_array_equal(ops.arange(1, 7, 2), [1, 3, 5])
    np.testing.assert_array_equal(ops.arange(0.5), [0])
    assert ops.arange(0.5).dtype == np.float32
    assert ops.arange(3, dtype="float32").dtype == np.float32
    np.testing.assert_array_equal(ops.linspace(0, 1, 5), np.linspace(0, 1, 5))
    assert ops.linspace(0, 1, 5, retstep=True)[1] == 0.25
    assert ops.zeros((None, 3)).shape == (None, 3)


def test_shapes_as_numbers():
    x = keras.Input((3, 4))
    assert ops.shape(x) == (None, 3, 4)
    assert ops.ndim(x) == 3
    assert ops.size(x) is None
    assert ops.size(np.ones((2, 3))) == 6
    assert ops.reshape(x, (ops.shape(x)[0], -1)).shape == (None, 12)
    assert ops.reshape(x, (-1, *ops.shape(x)[1:][::-1])).shape == (None, 4, 3)
    assert ops.convert_to_tensor(x) is x
    assert ops.is_tensor(x)


def test_parts_that_are_a_list():
    x = keras.Input((4,))
    assert [y.shape for y in ops.split(x, 2, 1)] == [(None, 2), (None, 2)]
    assert [y.shape for y in ops.split(x, 1, 1)] == [(None, 4)]


X = keras.Input((3, 4))
MIXES = "would mix the samples of a batch"
REFUSED = {
    "reshape": (lambda: ops.reshape(X, (4, -1)), MIXES),
    "reshape to other samples": (lambda: ops.reshape(X, (-1, 5)), "newshape is .*sizes of 12 values"),
    "parts of a row of all": (lambda: ops.reshape(X, (-1,))[1:], "rows would be selected"),
    "a row beside samples": (lambda: ops.ravel(X) + X, "do not fit together"),
    "rows of two sizes": (lambda: ops.ravel(X) + ops.ravel(X[:, :1]), "do not fit together"),
    "rows together": (lambda: ops.concatenate([ops.ravel(X), ops.ravel(X)]), "would mix rows of all samples"),
    "transpose": (lambda: keras.Model(X, ops.transpose(X)), "is no output of a model"),
    "transpose the batch": (lambda: ops.transpose(X, (1, 0, 2))[:, 0], "rows would be selected"),
    "transpose twice": (lambda: ops.transpose(X, (0, 1, 1)), "expected each of the 3 axes once"),
    "swapaxes": (lambda: ops.swapaxes(X, 0, 1) + X, "do not fit together"),
    "moveaxis": (lambda: ops.moveaxis(X, 2, 0) @ X, "products of rows with other rows"),
    "expand_dims": (lambda: ops.expand_dims(X, 0), MIXES),
    "squeeze": (lambda: ops.squeeze(X, 0), MIXES),
    "squeeze of 3": (lambda: ops.squeeze(X, 1), "expected size 1"),
    "concatenate": (lambda: ops.concatenate([X, X], 0), MIXES),
    "concatenate by default": (lambda: ops.concatenate([X, X]), MIXES),
    "concatenate a constant": (
        lambda: ops.concatenate([X, np.ones((5, 3, 4))], 1),
        "the same for all samples",
    ),
    "concatenate ranks": (lambda: ops.concatenate([X, np.ones((3, 4))], 1), "differ in their number of axes"),
    "concatenate sizes": (lambda: ops.concatenate([X, X[:, 1:]], 2), "differ in more than axis 2"),
    "stack": (lambda: ops.stack([X, X]), MIXES),
    "split": (lambda: ops.split(X, 2), MIXES),
    "split unevenly": (lambda: ops.split(X, 2, 1), "into 2 parts of one size"),
    "split nothing": (lambda: ops.split(X, [0, 1], 1), "is empty"),
    "flip": (lambda: ops.flip(X), MIXES),
    "repeat": (lambda: ops.repeat(X, 2), MIXES),
    "repeat the batch": (lambda: ops.repeat(X, 2, 0), MIXES),
    "tile": (lambda: ops.tile(X, (2, 1, 1)), MIXES),
    "tile axes": (lambda: ops.tile(X, (2, 1, 1, 1)), MIXES),
    "pad": (lambda: ops.pad(X, 1), MIXES),
    "pad mode": (lambda: ops.pad(X, ((0, 0), (1, 1), (0, 0)), "median"), "mode is 'median'"),
    "pad width": (lambda: ops.pad(X, ((0, 0), (1, -1), (0, 0))), "pad_width is -1"),
    "pad values": (lambda: ops.pad(X, ((0, 0), (1, 1), (0, 0)), "edge", 1.0), "go with mode 'constant'"),
    "broadcast_to": (lambda: ops.broadcast_to(X, (5, 3, 4)), MIXES),
    "diagonal": (lambda: ops.diagonal(X), MIXES),
    "diagonal outside": (lambda: ops.diagonal(X, 4, 1, 2), "have no diagonal 4"),
    "diagonal of one axis": (lambda: ops.trace(X, 0, 1, -2), "axis1 and axis2 are both 1"),
    "diag": (lambda: ops.diag(X), "expected one axis or two"),
    "tril": (lambda: ops.tril(X[:, 0, 0]), "two axes or more"),
    "triu": (lambda: ops.triu(X[:, 0]), MIXES),
    "cumsum": (lambda: ops.cumsum(X, 0), MIXES),
    "roll": (lambda: ops.roll(X, 1, 0), MIXES),
    "roll shifts": (lambda: ops.roll(X, (1, 2), 1), "expected as many"),
    "rot90": (lambda: ops.rot90(X), MIXES),
    "rot90 axes": (lambda: ops.rot90(X, 1, (1, 1)), "expected two axes"),
    "unstack": (lambda: ops.unstack(X, 4, 1), "has another size"),
    "vstack": (lambda: ops.vstack([X, X]), MIXES),
    "broadcast_to axes": (lambda: ops.broadcast_to(X, (None, 2, 3, 4)), MIXES),
    "broadcast_to sizes": (lambda: ops.broadcast_to(X, (None, 3, 5)), "does not broadcast to"),
    "first sample": (lambda: X[0], r"\[0\] selects samples; expected x\[:, ...\]"),
    "last samples": (lambda: X[1:, 0], r"\[1:, 0\] selects samples"),
    "new batch": (lambda: X[None], MIXES),
    "nothing": (lambda: X[:, 3:], "selects nothing of an axis of size 3"),
    "places on two axes": (lambda: X[:, [0], [1]], "lists of places on several axes"),
    "a place apart from places": (lambda: X[:, 1, None, [0]], "select one after the other"),
    "take": (lambda: ops.take(X, [0], axis=0), MIXES),
    "take of all": (lambda: ops.take(X, [0]), MIXES),
    "take of each": (lambda: ops.take(X, X, axis=1), "use take_along_axis"),
    "take after other axes": (lambda: ops.take(np.ones((2, 3)), X, axis=1), "expected axis 0"),
    "take_along_axis": (lambda: ops.take_along_axis(X, X, 0), MIXES),
    "take_along_axis shape": (lambda: ops.take_along_axis(X, X[:, 1:], 2), "but for axis 2"),
    "one_hot": (lambda: ops.one_hot(X, 3, 0), MIXES),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    function, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        function()


def test_indices_that_do_not_exist():
    with pytest.raises(IndexError, match="there is no place 3 on an axis of size 3"):
        X[:, 3]
    with pytest.raises(IndexError, match=r"4 indices for shape \(None, 3, 4\)"):
        X[:, 1, 1, 1]
    with pytest.raises(IndexError, match=r"places \[0, 7\] are not all on an axis of size 3"):
        X[:, [0, 7]]
    with pytest.raises(TypeError, match="instead of a mask use where"):
        X[:, np.array([True, False, True])]
    with pytest.raises(TypeError, match="is no index"):
        X[:, 1.5]
    with pytest.raises(TypeError, match="is no index"):
        X[:, X]
    with pytest.raises(TypeError, match="expected a list of arrays or symbols"):
        ops.concatenate(X, 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(1, 4))))
def test_every_order_of_axes(rng, order):
    for shape in ((2, 3, 4, 5), (2, 1, 4, 5), (2, 3, 1, 1)):
        x = normal(rng, *shape)
        found = predicted(lambda x: ops.transpose(x, (0, *order)), x)
        np.testing.assert_array_equal(found, x.transpose(0, *order))


@st.composite
def chains(draw):
    """Steps that are functions of a module and an array with a batch axis of 2."""
    steps = []
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    first = tuple(shape)
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["transpose", "reshape", "slice", "expand", "flip"]))
        if kind == "transpose":
            order = draw(st.permutations(range(len(shape))))
            steps.append(lambda m, x, o=order: m.transpose(x, (0, *(a + 1 for a in o))))
            shape = [shape[a] for a in order]
        elif kind == "reshape":
            size = int(np.prod(shape))
            divisors = [d for d in range(1, size + 1) if size % d == 0]
            rows = draw(st.sampled_from(divisors))
            shape = [rows, size // rows]
            steps.append(lambda m, x, s=tuple(shape): m.reshape(x, (-1, *s)))
        elif kind == "slice":
            axis = draw(st.integers(0, len(shape) - 1))
            start = draw(st.integers(0, shape[axis] - 1))
            step = draw(st.sampled_from([1, 2, -1]))
            part = slice(start, None, step)
            key = (slice(None),) * (axis + 1) + (part,)
            steps.append(lambda m, x, k=key: x[k])
            shape[axis] = len(range(*part.indices(shape[axis])))
        elif kind == "expand" and len(shape) < 5:
            axis = draw(st.integers(0, len(shape)))
            steps.append(lambda m, x, a=axis + 1: m.expand_dims(x, a))
            shape.insert(axis, 1)
        else:
            axis = draw(st.integers(0, len(shape) - 1))
            steps.append(lambda m, x, a=axis + 1: m.flip(x, a))
    return first, steps


@given(chains())
def test_chains_of_shapes(chain):
    shape, steps = chain
    x = np.arange(2 * np.prod(shape), dtype=np.float32).reshape(2, *shape)

    def function(m, x):
        for step in steps:
            x = step(m, x)
        return x

    np.testing.assert_array_equal(predicted(lambda x: function(ops, x), x), function(np, x))
    np.testing.assert_array_equal(function(ops, x), function(np, x))


def test_values_without_a_batch_axis(rng):
    w = normal(rng, 3, 4)

    def function(x):
        m = keras.KerasTensor(w.shape)
        m.constant = w
        y = ops.reshape(ops.transpose(m), (2, -1))
        y = ops.concatenate([y, ops.flip(y)], 0)
        return x + ops.max(ops.tile(y, 2), axis=0)[:4] + ops.argmax(m) + ops.ravel(m)[:4]

    x = normal(rng, 5, 4)
    y = w.T.reshape(2, -1)
    y = np.tile(np.concatenate([y, np.flip(y)], 0), 2).max(0)[:4] + w.argmax() + w.ravel()[:4]
    close(predicted(function, x), x.astype(np.float64) + y, terms=4, unit=8)


def test_one_definition_for_symbols_and_arrays(rng):
    x = normal(rng, 2, 3)
    check(lambda x: ops.where(ops.isfinite(ops.log(x)), x, 0), lambda x: np.where(x > 0, x, 0), np.abs(x) + 1)


def test_slice():
    x = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(ops.slice(x, (0, 1, 2), (1, 2, -1)), x[0:1, 1:3, 2:])
    found = predicted(lambda s: ops.slice(s, (0, 1, 0), (None, 1, 2)), x)
    np.testing.assert_array_equal(found, x[:, 1:2, :2])
    for start, shape, message in (((0, 1), (1, 1), "do not fit"), ((0, 2, 0), (1, 2, 1), "reach beyond")):
        with pytest.raises(ValueError, match=message):
            ops.slice(x, start, shape)
    with pytest.raises(ValueError, match="select samples"):
        ops.slice(keras.Input((3, 4)), (1, 0, 0), (1, 1, 1))


def test_rows_of_all_values_of_a_batch():
    x = np.linspace(-1, 2, 24, dtype=np.float32).reshape(2, 3, 4)
    for axis in (None, 0, -1, [0]):
        found = predicted(lambda s, axis=axis: ops.sum(ops.square(ops.ravel(s)) * 2.0, axis) + 0.0 * s, x)
        np.testing.assert_allclose(found, np.full_like(x, 2 * (x**2).sum()), rtol=1e-6)
    row = ops.reshape(keras.Input((3, 4)), -1)
    assert (row.shape, ops.reshape(row, (-1,)).shape) == ((None,), (None,))


def test_the_number_of_samples_in_a_shape():
    """None, which `keras.ops.shape(x)[0]` is in a layer's `call`, gives an axis of the samples."""

    class Tokens(keras.layers.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, 2), initializer="ones")
            self.row = self.add_weight(shape=(2,), initializer="ones")

        def call(self, x):
            n = ops.shape(x)[0]
            parts = [
                ops.tile(self.token, (n, 2, 1)),
                ops.broadcast_to(2 * self.token, (n, 1, 2)),
                ops.broadcast_to(self.row, ops.shape(x)),
                ops.tile(np.eye(2)[None], (n, 1, 1)),
                ops.zeros((n, 1, 2)),
                ops.full((n, 1, 2), 3, dtype="int32"),
                x,
            ]
            return ops.concatenate(parts, axis=1)

    x = keras.Input((3, 2))
    layer = Tokens()
    model = keras.Model(x, layer(x))
    data = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
    rows = [[1, 1], [1, 1], [2, 2], [1, 1], [1, 1], [1, 1], [1, 0], [0, 1], [0, 0], [3, 3]]
    wanted = np.concatenate([np.broadcast_to(rows, (4, 10, 2)), data], axis=1)
    assert model.output_shape == (None, 13, 2)
    np.testing.assert_array_equal(model.predict(data, verbose=0), wanted)
    np.testing.assert_array_equal(layer(data), wanted)
    model.compile(keras.optimizers.SGD(0.5), loss=keras.losses.MeanSquaredError("sum"))
    model.fit(data, np.zeros((4, 13, 2)), verbose=0)  # gradients by what all samples share are their sum
    np.testing.assert_allclose(layer.token.numpy()[0, 0], 1 - 0.5 * 4 * (1 + 1 + 4), rtol=1e-5)
    for call in (
        lambda: ops.tile(ops.ones((2, 2)), (None, 1)),
        lambda: ops.broadcast_to(ops.ones((2, 2)), (None, 2)),
        lambda: ops.tile(x, (None, 1, 1)),
    ):
        with pytest.raises(ValueError, match="None, the number of samples, goes with size 1"):
            call()
    with pytest.raises(ValueError, match="on the first axis alone"):
        ops.zeros((2, None))
