"""keras.ops on symbols and arrays: each element by itself, broadcasting, gradients."""

import json
import math

import numpy as np
import pytest
from helpers import normal, small_integers
from hypothesis import given, settings
from hypothesis import strategies as st
from symbols import check, check_gradient, close, predicted

import pycnn as keras
import pycnn.tf as tf
from pycnn import ops
from pycnn.core.operations import plain

SHAPES = ((5,), (3, 1), (2, 3, 4), (17, 2, 1, 3))
erf = np.vectorize(math.erf)

# NumPy's function, and the interval that x comes from. None where the gradient is 0 or jumps.
UNARY = {
    "negative": (np.negative, (-3, 3)),
    "absolute": (np.abs, (0.1, 3)),
    "abs": (np.abs, (-3, -0.1)),
    "square": (np.square, (-3, 3)),
    "sqrt": (np.sqrt, (0.1, 4)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), (0.5, 4)),
    "reciprocal": (np.reciprocal, (0.5, 4)),
    "exp": (np.exp, (-3, 1)),
    "expm1": (np.expm1, (-3, 1)),
    "log": (np.log, (0.5, 5)),
    "log1p": (np.log1p, (-0.5, 5)),
    "log2": (np.log2, (0.5, 5)),
    "log10": (np.log10, (0.5, 5)),
    "sin": (np.sin, (-7, 7)),
    "cos": (np.cos, (-7, 7)),
    "erf": (erf, (-3, 3)),
    "tanh": (np.tanh, (-3, 3)),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), (-5, 5)),
    "relu": (lambda x: np.maximum(x, 0), (0.1, 3)),
    "relu6": (lambda x: np.clip(x, 0, 6), (0.1, 5.9)),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), (-3, -0.1)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), (-3, 3)),
    "celu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), (-3, 3)),
    "selu": (
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
        (-3, -0.1),
    ),
    "gelu": (lambda x: x * (1 + erf(x / math.sqrt(2))) / 2, (-3, 3)),
    "silu": (lambda x: x / (1 + np.exp(-x)), (-5, 5)),
    "swish": (lambda x: x / (1 + np.exp(-x)), (-5, 5)),
    "softplus": (lambda x: np.logaddexp(x, 0), (-5, 5)),
    "softsign": (lambda x: x / (1 + np.abs(x)), (0.1, 3)),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), (-2.9, 2.9)),
    "hard_silu": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), (-2.9, 2.9)),
    "hard_swish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), (-2.9, 2.9)),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), (-0.9, 0.9)),
    "mish": (lambda x: x * np.tanh(np.logaddexp(x, 0)), (-3, 3)),
    "log_sigmoid": (lambda x: -np.logaddexp(-x, 0), (-5, 5)),
    "tanh_shrink": (lambda x: x - np.tanh(x), (0.5, 3)),
    "hard_shrink": (lambda x: np.where(np.abs(x) > 0.5, x, 0), (0.6, 3)),
    "soft_shrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), (-3, -0.6)),
    "squareplus": (lambda x: (x + np.sqrt(x * x + 4)) / 2, (-3, 3)),
    "sparse_plus": (
        lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
        (-0.9, 0.9),
    ),
    "sparse_sigmoid": (lambda x: np.clip((x + 1) / 2, 0, 1), (-0.9, 0.9)),
    "arctan": (np.arctan, (-5, 5)),
    "arcsin": (np.arcsin, (-0.9, 0.9)),
    "arccos": (np.arccos, (-0.9, 0.9)),
    "tan": (np.tan, (-1, 1)),
    "cosh": (np.cosh, (-2, 2)),
    "sinh": (np.sinh, (-2, 2)),
    "exp2": (np.exp2, (-3, 2)),
    "deg2rad": (np.deg2rad, (-9, 9)),
    "rad2deg": (np.rad2deg, (-0.1, 0.1)),
    "nan_to_num": (np.nan_to_num, (-3, 3)),
}
STEPS = {
    "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round,
    "nan_to_num": lambda x: np.nan_to_num(x.astype(np.float32)),
    "isnan": np.isnan, "isfinite": np.isfinite, "isinf": np.isinf, "logical_not": np.logical_not,
}  # fmt: skip
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "true_divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mod": np.mod,
    "logaddexp": np.logaddexp,
    "divide_no_nan": np.divide,
}
BINARY_STEPS = {
    "floor_divide": np.floor_divide, "equal": np.equal, "not_equal": np.not_equal, "less": np.less,
    "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor,
    "isclose": np.isclose,
}  # fmt: skip


# --- each element by itself -------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", UNARY)
def test_unary(rng, name, shape):
    function, (low, high) = UNARY[name]
    check(getattr(ops, name), function, rng.uniform(low, high, (4, *shape)), unit=8)


@pytest.mark.parametrize("name", UNARY)
def test_unary_gradient(rng, name):
    function, (low, high) = UNARY[name]
    check_gradient(getattr(ops, name), function, rng.uniform(low, high, (3, 7)))


@pytest.mark.parametrize("name", STEPS)
def test_steps(rng, name):
    x = np.array([[-2.5, -1.0, -0.5, 0.0], [0.5, 1.5, 2.0, 7.25], [np.inf, -np.inf, np.nan, 1e-30]])
    if name == "trunc":
        x = x[:2]  # the core has sign(x) floor(|x|), which is NaN for infinite x
    check(getattr(ops, name), STEPS[name], x)


def test_angles_at_their_ends():
    """Symbols and arrays alike; the slope of arccos at 1 is infinite, and the angle no NaN."""
    x = np.array([[-1.0, -0.99999, -0.3, 0.0, 1e-4, 0.41421357, 0.7, 0.99999, 1.0]], np.float32)
    for name in ("arccos", "arcsin"):
        wanted = getattr(np, name)(x.astype(np.float64))
        found = predicted(getattr(ops, name), x)
        np.testing.assert_allclose(found, wanted, rtol=3e-7, atol=2e-7)
        slopes = predicted(lambda x, name=name: ops.gradient(getattr(ops, name)(x), x), x)
        assert np.abs(slopes[0, [0, -1]]).min() > 1e30
    x = np.array([[-np.inf, -1e9, -2.4142137, -1.0, -0.0, 0.1, 2.0, 3e38, np.inf, np.nan]], np.float32)
    np.testing.assert_allclose(predicted(ops.arctan, x), np.arctan(x.astype(np.float64)), rtol=3e-7)
    x = np.array([[0.0, 1.0, -2.0]])
    check(lambda x: ops.divide_no_nan(6.0, x), lambda x: np.array([[0.0, 6.0, -3.0]]), x)
    check(lambda x: ops.isclose(x, x * np.nan, equal_nan=True), lambda x: x > 9, x)
    assert ops.isclose([np.inf, np.nan], [np.inf, np.nan], equal_nan=True).tolist() == [True, True]
    check(lambda x: ops.moments(x, 1)[0], lambda x: x.mean(1), x)
    check(lambda x: ops.moments(x, 1, True)[1], lambda x: x.var(1, keepdims=True), x, unit=4)


def test_options_of_activations(rng):
    x = rng.uniform(-3, 3, (4, 5))
    check(lambda x: ops.leaky_relu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * x), x)
    check(lambda x: ops.celu(x, 2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2)), x, unit=4)
    check(lambda x: ops.elu(x, 2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(x)), x, unit=4)
    check(
        lambda x: ops.relu(x, max_value=1.0, threshold=0.5),
        lambda x: np.where(x >= 1, 1, np.where(x > 0.5, x, 0)),
        x,
    )
    gate = lambda x: 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))  # noqa: E731
    check(lambda x: ops.gelu(x, approximate=True), lambda x: x * gate(x), x, unit=4)
    check(lambda x: ops.round(x, 1), lambda x: np.round(x, 1), x, unit=4)
    check(lambda x: ops.clip(x, -1, 1.5), lambda x: np.clip(x, -1, 1.5), x)


@pytest.mark.parametrize("name", [*BINARY, *BINARY_STEPS])
def test_binary(rng, name):
    function = {**BINARY, **BINARY_STEPS}[name]
    a, b = rng.uniform(0.5, 3, (4, 3, 5)), rng.uniform(0.5, 3, (4, 3, 5))
    if name in ("equal", "not_equal", "less_equal", "greater_equal", "logical_and", "logical_or"):
        a, b = small_integers(rng, 4, 3, 5, low=0), small_integers(rng, 4, 3, 5, low=0)
    check(getattr(ops, name), function, a, b, unit=16)
    check(lambda x: getattr(ops, name)(x, 2.0), lambda x: function(x, 2.0), a, unit=16)
    check(lambda x: getattr(ops, name)(2.0, x), lambda x: function(2.0, x), np.abs(a) + 1, unit=64)
    check(lambda x: getattr(ops, name)(x, x), lambda x: function(x, x), np.abs(a) + 1, unit=256)


@pytest.mark.parametrize("name", BINARY)
def test_binary_gradient(rng, name):
    a, b = rng.uniform(2.1, 2.9, (2, 3)), rng.uniform(1.1, 1.9, (2, 3))
    check_gradient(getattr(ops, name), BINARY[name], a, b, terms=64)
    check_gradient(lambda x: getattr(ops, name)(x, 2.0), lambda x: BINARY[name](x, 2.0), a, terms=64)
    check_gradient(lambda x: getattr(ops, name)(2.0, x), lambda x: BINARY[name](2.0, x), b, terms=64)


def test_equal_operands_share_the_gradient():
    x = np.ones((1, 2), np.float32)
    both = predicted(lambda a, b: ops.gradient(ops.maximum(a, b), [a, b]), x, x)
    np.testing.assert_array_equal(both[0], [[0.5, 0.5]])
    np.testing.assert_array_equal(both[1], [[0.5, 0.5]])


def test_the_same_operand_twice_is_one_input():
    x = keras.Input((3,))
    y = ops.multiply(x, x)
    assert y.node.inputs == (x,)
    check_gradient(lambda x: x * x + x, lambda x: x * x + x, np.ones((2, 3)))


def test_where(rng):
    a, b = normal(rng, 4, 3), normal(rng, 4, 3)
    check(lambda a, b: ops.where(a > b, a, b), np.maximum, a, b)
    check(lambda a: ops.where(a > 0, a, -1.0), lambda a: np.where(a > 0, a, -1.0), a)
    check_gradient(lambda a, b: ops.where(a > 0, a * b, b), lambda a, b: np.where(a > 0, a * b, b), a, b)
    with pytest.raises(ValueError, match="where: needs x1 and x2"):
        ops.where(a > 0)


def test_operators(rng):
    a, b = rng.uniform(1, 2, (2, 3, 4)), rng.uniform(1, 2, (2, 3, 4))

    def arithmetic(a, b):
        return ((a + b) * 2 - b / a + 1 - (3 - a)) ** 2 // 0.5 % 3 + (1 / a) + abs(-b) + 2**a

    check(arithmetic, arithmetic, a, b, terms=64, unit=4)
    check(lambda a, b: (a < b) | ~(a <= 1.5), lambda a, b: (a < b) | ~(a <= 1.5), a, b)
    check(lambda a, b: (a > b) & (b >= 1.5), lambda a, b: (a > b) & (b >= 1.5), a, b)
    w = normal(rng, 4, 2)
    check(lambda a: a @ w, lambda a: a @ w.astype(np.float64), a, terms=4, unit=2)
    check(lambda a: a[:, 1:, ::2], lambda a: a[:, 1:, ::2], a)
    array = normal(rng, 3, 4)
    check(lambda a: array + a, lambda a: array + a, a)


def test_types_of_symbols():
    x = keras.Input((3,))
    assert ops.less(x, 1).dtype == "bool"
    assert ops.argmax(x, axis=1).dtype == "int32"
    assert ops.cast(x, "int32").dtype == "int32"
    assert ops.cast(x, "float16").dtype == "float32"
    assert ops.one_hot(ops.argmax(x, axis=1), 3).dtype == "float32"
    assert ops.reshape(ops.cast(x, "int32"), (-1, 3, 1)).dtype == "int32"
    assert (x + 1).dtype == "float32"


def test_types_of_arrays():
    assert ops.add([1, 2], 3).dtype == np.float32
    assert ops.less([1, 2], 3).dtype == np.bool_
    assert ops.argmax([1, 2]).dtype == np.int32
    assert ops.reshape(np.arange(4), (2, 2)).dtype == np.arange(4).dtype
    assert ops.concatenate([np.arange(2), np.ones(2)]).dtype == np.float32
    assert ops.transpose(np.ones((2, 3))).dtype == np.float32
    assert float(ops.sum([1.0, 2.0])) == 3.0
    assert float(ops.max([1.0, 2.0])) == 2.0


def test_results_share_no_memory(rng):
    x = normal(rng, 2, 3)
    views = [
        ops.reshape(x, (3, 2)),
        ops.transpose(x),
        ops.get_item(x, 0),
        ops.squeeze(x),
        *ops.split(x, 3, 1),
    ]
    for y in (*views, ops.stop_gradient(x), ops.cast(x, "float32"), ops.convert_to_tensor(x)):
        assert not np.shares_memory(x, y)
        assert y.flags.c_contiguous
        y += 1


# --- broadcasting -----------------------------------------------------------------------------------------
# Shapes with None are symbols with a batch axis; the others constants.
BROADCAST = (
    ((None, 3, 4), (4,)),
    ((None, 3, 4), (3, 1)),
    ((None, 3, 4), (1, 3, 4)),
    ((None, 3, 4), (1, 1, 1)),
    ((None, 3, 4), ()),
    ((None, 3, 4), (None, 1, 4)),
    ((None, 3, 1), (None, 1, 4)),
    ((None, 1), (5,)),
    ((None,), ()),
    ((None,), (1,)),
    ((None,), (None,)),
)
REFUSED = (
    ((None, 3, 4), (None, 4), "batch axis would meet another"),
    ((None, 4), (None, 3, 4), "batch axis would meet another"),
    ((None, 3, 4), (2, 3, 4), "the same for all samples"),
    ((None, 4), (3, 4, 4), "the same for all samples"),
    ((None, 4), (1, 1, 4), "the same for all samples"),
    ((None,), (4,), "the same for all samples"),
    ((None, 3, 4), (3,), "do not broadcast"),
    ((None, 3, 4), (None, 3, 5), "do not broadcast"),
)


def operands(rng, shapes):
    return [normal(rng, *(6 if size is None else size for size in shape)) for shape in shapes]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("shapes", BROADCAST)
def test_broadcasting(rng, shapes, swapped):
    first, second = operands(rng, shapes)
    arrays = [x for x, shape in zip((first, second), shapes, strict=True) if None in shape[:1]]

    def function(*given):
        found = iter(given)
        a, b = (
            next(found) if None in shape[:1] else x for x, shape in zip((first, second), shapes, strict=True)
        )
        return a * b + a if not swapped else b + b * a

    check(function, function, *arrays, terms=2, unit=4)
    check_gradient(function, lambda *x: function(*x).astype(np.float64), *arrays)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("first", "second", "message"), REFUSED)
def test_broadcasting_refused(first, second, message, swapped):
    a, b = (
        keras.KerasTensor(shape) if None in shape[:1] else np.ones(shape, np.float32)
        for shape in (first, second)
    )
    with pytest.raises(ValueError, match=message):
        ops.add(*((b, a) if swapped else (a, b)))


@st.composite
def broadcasting(draw):
    """Two shapes of samples that broadcast, and whether the second one has a batch axis."""
    shape = draw(st.lists(st.integers(1, 4), max_size=3))
    batched = draw(st.booleans())
    second = [size if draw(st.booleans()) else 1 for size in shape]
    first = [
        size if other != 1 or draw(st.booleans()) else 1 for size, other in zip(shape, second, strict=True)
    ]
    if not batched:
        second = second[draw(st.integers(0, len(second))) :]
    return first, second, batched


@settings(max_examples=60, deadline=None)
@given(broadcasting(), st.integers(0, 2**32 - 1))
def test_broadcasting_of_any_shapes(case, seed):
    first, second, batched = case
    rng = np.random.default_rng(seed)
    a, b = normal(rng, 3, *first), normal(rng, *([3] if batched else []), *second)
    if batched:
        close(predicted(ops.subtract, a, b), a.astype(np.float64) - b, unit=8)
    else:
        close(predicted(lambda x: ops.subtract(x, b), a), a.astype(np.float64) - b, unit=8)


# --- refusals and errors ----------------------------------------------------------------------------------
def test_operands_that_are_no_numbers():
    x = keras.Input((3,))
    for function in (lambda: ops.add(x, "a"), lambda: ops.exp(["a"]), lambda: ops.add([object()], 1)):
        with pytest.raises(TypeError):
            function()
    with pytest.raises(TypeError, match="add: x2 is None"):
        ops.add(x, None)
    with pytest.raises(TypeError, match="exp: got an unexpected keyword argument"):
        ops.exp(x, axis=1)
    with pytest.raises(TypeError, match="add: missing a required argument: 'x2'"):
        ops.add(x)
    with pytest.raises(TypeError, match="has no values"):
        np.sin(x)
    with pytest.raises(TypeError, match="has no values"):
        ops.convert_to_numpy(x)


def test_symbols_of_variables_in_call(rng):
    class Affine(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight((shape[-1], 2), "normal", name="w")
            self.b = self.add_weight((2,), "ones", name="b")

        def call(self, x):
            half = self.w * 0.5 + 0.5 * self.w
            return x @ half - (-self.b) * ops.sum(self.w[:1] * 0.0 + 1.0)

    layer = Affine()
    x = normal(rng, 3, 4)
    y = layer(x)
    close(y, x.astype(np.float64) @ layer.w.numpy() + 2.0, terms=4, unit=2)
    assert isinstance(layer.w * 2, np.ndarray)
    assert isinstance(np.ones((4, 2)) * layer.w, np.ndarray)


def test_training_through_functions(rng):
    class Gate(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight((shape[-1],), "ones", name="w")

        def call(self, x):
            return ops.sum(x * ops.exp(self.w), axis=-1, keepdims=True)

    x = normal(rng, 8, 3)
    target = x.sum(1, keepdims=True, dtype=np.float64)
    inputs = keras.Input((3,))
    layer = Gate()
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(x, target, batch_size=8, epochs=1, verbose=0)
    residual = x.sum(1, keepdims=True) * math.e - target
    gradient = (2 * residual * x * math.e).mean(0)
    close(layer.w.numpy(), 1 - 0.1 * gradient, terms=32, unit=8)


def test_gradient():
    x = keras.Input((2,))
    with pytest.raises(TypeError, match="is no symbol"):
        ops.gradient(np.ones(2), x)
    values = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    found = predicted(lambda x: ops.gradient(ops.stop_gradient(x) * x, x), values)
    np.testing.assert_array_equal(found, values)
    other = keras.Input((2,))
    with pytest.raises(ValueError, match="does not depend on"):
        keras.Model([x, other], ops.gradient(x * 2, other)).predict([values, values], verbose=0)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.get_item(x, (slice(None), ..., [0, 2])),
        lambda x: x[:, 1:, ::2],
        lambda x: ops.sum(x, axis=(1,), keepdims=True),
        lambda x: ops.reshape(x, (None, 4, 3)),
        lambda x: ops.pad(x, ((0, 0), (1, 1), np.array([0, 1]))),
        lambda x: ops.leaky_relu(x, 0.1),
        lambda x: ops.one_hot(x, 3),
        lambda x: ops.concatenate([x, x], axis=1),
        lambda x: ops.split(x, [1, 2], axis=1)[1],
        lambda x: ops.where(x > 0, x, 1.0),
    ],
)
def test_descriptions_of_operations(rng, function):
    node = function(keras.Input((3, 4))).node
    config = json.loads(json.dumps(plain.config_of(node.operation.function.name, node.operation.attributes)))
    again = plain.from_config(config)(*node.arguments[0])
    again = again[1] if isinstance(again, list) else again
    assert again.node.operation.function is node.operation.function
    assert again.node.outputs[again.index].shape == node.outputs[again.index].shape


def test_functions_that_do_not_exist():
    with pytest.raises(ValueError, match=r"there is no function 'system' in keras\.ops"):
        plain.from_config({"function": "system", "attributes": {}})


@pytest.mark.parametrize("other", [1.0, 2, np.array([1.0, 2.0, 4.0], np.float32)])
def test_equality_by_operators(other):
    x = np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 1.0]], np.float32)
    for compare, right in ((lambda a, b: a == b, x == other), (lambda a, b: a != b, x != other)):
        found = predicted(lambda s, compare=compare: keras.ops.cast(compare(s, other), "float32"), x)
        np.testing.assert_array_equal(found, right.astype(np.float32))
        np.testing.assert_array_equal(compare(tf.constant(x), other).numpy(), right)
        np.testing.assert_array_equal(compare(keras.Variable(x), other), right)
    both = predicted(lambda s: keras.ops.cast(keras.ops.round(s) == s, "float32"), x + 0.5)
    np.testing.assert_array_equal(both, np.zeros_like(x))


def test_what_equality_leaves_alone():
    """Membership goes by identity, and what has no values is not equal."""
    x, y = keras.Input((2,)), keras.Input((2,))
    assert x in [y, x]
    assert x not in [y]
    assert {x: 1, y: 2}[y] == 2
    assert (x == None) is False  # noqa: E711
    assert (x == "x") is False
    with pytest.raises(TypeError, match="has no values"):
        bool(x == 1.0)
    v, w = keras.Variable([1.0, 2.0]), keras.Variable([1.0, 2.0])
    assert [v, w] == [v, w]
    assert v not in [w]


def test_a_loss_that_compares():
    """`y_true == 1` in a loss is a comparison of values."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, kernel_initializer="ones")])
    model.compile("sgd", lambda y, p: keras.ops.mean(keras.ops.where(y == 1.0, p * p, 0.0), axis=-1))
    y = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert model.evaluate(np.ones((2, 2)), y, verbose=0) == pytest.approx((2 + 4) / 2)
