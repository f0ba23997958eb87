"""The functions of keras.ops on arrays and symbols, the same calls in Keras."""

import inspect

import keras_peer
import numpy as np
import pytest
from helpers import normal
from symbols import predicted

from pycnn import ops

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

# Both sides are float32, with sums of up to a few hundred terms in different orders.
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
IMAGE = (2, 7, 8, 4)

# Functions of any numbers, of numbers above 0.5, and of two arrays.
ANY = [
    "negative",
    "absolute",
    "abs",
    "sign",
    "square",
    "exp",
    "expm1",
    "sin",
    "cos",
    "erf",
    "floor",
    "ceil",
    "trunc",
    "round",
    "tanh",
    "sigmoid",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "silu",
    "swish",
    "softplus",
    "softsign",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "log_sigmoid",
    "celu",
    "tanh_shrink",
    "hard_shrink",
    "soft_shrink",
    "squareplus",
    "sparse_plus",
    "sparse_sigmoid",
    "layer_normalization",
    "rms_normalization",
    "isnan",
    "isfinite",
    "isinf",
    "zeros_like",
    "ones_like",
    "stop_gradient",
    "softmax",
    "log_softmax",
    "normalize",
    "convert_to_tensor",
]
POSITIVE = ["sqrt", "rsqrt", "reciprocal", "log", "log1p", "log2", "log10"]
TWO = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "floor_divide",
    "mod",
    "maximum",
    "minimum",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
]
REDUCTIONS = [
    "sum",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "prod",
    "amax",
    "amin",
    "any",
    "all",
    "logsumexp",
    "count_nonzero",
]


def one(name, shift=None):
    return lambda m, x: getattr(m, name)(x if shift is None else m.abs(x) + shift)


def two(name):
    return lambda m, x: getattr(m, name)(x, m.flip(m.abs(x) + 0.5, axis=1))


def over(name, axis, **options):
    return lambda m, x: getattr(m, name)(x, axis=axis, **options)


def kernel(*shape):
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


# The calls, of a module `m` and an image.
CALLS = {
    **{name: one(name) for name in ANY},
    **{name: one(name, 0.5) for name in POSITIVE},
    **{name: two(name) for name in TWO},
    **{f"{name} over {axis}": over(name, axis) for name in REDUCTIONS for axis in ((1, 2), -1)},
    **{
        f"{name} kept": over(name, 2, keepdims=True)
        for name in ("sum", "mean", "var", "max", "argmax", "logsumexp")
    },
    "mean over the batch": lambda m, x: m.mean(x, axis=(0, 1)),
    "sum of all": lambda m, x: m.sum(x),
    "norm": lambda m, x: m.norm(x, axis=(1, 2)),
    "norm 1": lambda m, x: m.norm(x, ord=1, axis=-1),
    "norm 2": lambda m, x: m.norm(x, ord=2, axis=2, keepdims=True),
    "average": lambda m, x: m.average(x, axis=3, weights=np.arange(1.0, 5.0, dtype=np.float32)),
    "power": lambda m, x: m.power(m.abs(x) + 0.5, 1.5),
    "clip": lambda m, x: m.clip(x, -0.5, 1.0),
    "where": lambda m, x: m.where(x > 0, x, 0.0),
    "logical_and": lambda m, x: m.logical_and(x > 0, x < 1),
    "logical_or": lambda m, x: m.logical_or(x < 0, x > 1),
    "logical_not": lambda m, x: m.logical_not(x > 0),
    "gelu": lambda m, x: m.gelu(x, approximate=False),
    "gelu approximate": lambda m, x: m.gelu(x, approximate=True),
    "mish": lambda m, x: x * m.tanh(m.softplus(x)),
    "argmax": lambda m, x: m.argmax(x, axis=-1),
    "argmin": lambda m, x: m.argmin(x, axis=1),
    "one_hot": lambda m, x: m.one_hot(m.argmax(x, axis=-1), 4),
    "cast": lambda m, x: m.cast(x * 3, "int32"),
    "softmax over 1": lambda m, x: m.softmax(x, axis=1),
    "normalize 1": lambda m, x: m.normalize(x, axis=2, order=1),
    "reshape": lambda m, x: m.reshape(x, (-1, 56, 4)),
    "transpose": lambda m, x: m.transpose(x, (0, 3, 1, 2)),
    "swapaxes": lambda m, x: m.swapaxes(x, 1, 3),
    "moveaxis": lambda m, x: m.moveaxis(x, 3, 1),
    "concatenate": lambda m, x: m.concatenate([x, x + 1], axis=-1),
    "stack": lambda m, x: m.stack([x, x + 1], axis=2),
    "split": lambda m, x: m.split(x, 2, axis=2)[1],
    "split at": lambda m, x: m.split(x, [1, 3], axis=1)[2],
    "pad": lambda m, x: m.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))),
    "pad reflect": lambda m, x: m.pad(x, ((0, 0), (1, 2), (0, 3), (1, 0)), mode="reflect"),
    "pad constant": lambda m, x: m.pad(
        x, ((0, 0), (1, 2), (0, 3), (0, 1)), mode="constant", constant_values=2.0
    ),
    "expand_dims": lambda m, x: m.expand_dims(x, 1),
    "squeeze": lambda m, x: m.squeeze(m.expand_dims(x, 1), 1),
    "repeat": lambda m, x: m.repeat(x, 2, axis=1),
    "tile": lambda m, x: m.tile(x, (1, 2, 1, 1)),
    "diagonal": lambda m, x: m.diagonal(x, 1, 1, 2),
    "trace": lambda m, x: m.trace(x, -1, 2, 3),
    "tril": lambda m, x: m.tril(x, 1),
    "triu": lambda m, x: m.triu(x, -1),
    "cumsum": lambda m, x: m.cumsum(x, axis=2),
    "roll": lambda m, x: m.roll(x, (2, -1), axis=(1, 3)),
    "rot90": lambda m, x: m.rot90(x, 3, axes=(1, 2)),
    "fliplr": lambda m, x: m.fliplr(x),
    "hstack": lambda m, x: m.hstack([x, x + 1]),
    "unstack": lambda m, x: m.unstack(x, axis=3)[2],
    "depth_to_space": lambda m, x: m.depth_to_space(x, 2),
    "space_to_depth": lambda m, x: m.space_to_depth(m.depth_to_space(x, 2), 2),
    "arctan": lambda m, x: m.arctan(x * 3),
    "arcsin": lambda m, x: m.arcsin(m.tanh(x)),
    "arccos": lambda m, x: m.arccos(m.tanh(x)),
    "tan": lambda m, x: m.tan(m.tanh(x)),
    "cosh": lambda m, x: m.cosh(x),
    "sinh": lambda m, x: m.sinh(x),
    "exp2": lambda m, x: m.exp2(x),
    "logaddexp": lambda m, x: m.logaddexp(x, 2 * x),
    "divide_no_nan": lambda m, x: m.divide_no_nan(x, m.relu(x)),
    "nan_to_num": lambda m, x: m.nan_to_num(m.sqrt(x) / m.relu(x), posinf=5.0),
    "logical_xor": lambda m, x: m.logical_xor(x > 0, x > 0.5),
    "isclose": lambda m, x: m.isclose(x, x + 1e-3 * m.sign(x), rtol=1e-3),
    "moments": lambda m, x: m.moments(x, axes=[1, 2])[1],
    "flip": lambda m, x: m.flip(x, axis=2),
    "take": lambda m, x: m.take(x, np.array([1, 0, 3]), axis=3),
    "take_along_axis": lambda m, x: m.take_along_axis(x, m.argmax(x, axis=2, keepdims=True), axis=2),
    "slices": lambda m, x: x[:, 1:, ::2, 0],
    "matmul": lambda m, x: m.matmul(x, m.transpose(x, (0, 1, 3, 2))),
    "matmul of a constant": lambda m, x: m.matmul(x, np.arange(12, dtype=np.float32).reshape(4, 3)),
    "dot": lambda m, x: m.dot(x, np.arange(12, dtype=np.float32).reshape(4, 3)),
    "tensordot": lambda m, x: m.tensordot(x, np.ones((8, 4, 3), np.float32), axes=2),
    "einsum": lambda m, x: m.einsum("bhwc,bkwc->bhkw", x, x[:, :3]),
    "einsum of a constant": lambda m, x: m.einsum("bhwc,cd->bdhw", x, np.ones((4, 2), np.float32)),
    "conv": lambda m, x: m.conv(x, kernel(3, 3, 4, 6), 2, "same"),
    "conv 1D": lambda m, x: m.conv(x[:, 0], kernel(3, 4, 6), 1, "valid"),
    "depthwise_conv": lambda m, x: m.depthwise_conv(x, kernel(3, 3, 4, 2), 1, "same"),
    "separable_conv": lambda m, x: m.separable_conv(
        x,
        kernel(3, 3, 4, 2),
        kernel(1, 1, 8, 5),
        1,
        "same",
    ),
    "max_pool": lambda m, x: m.max_pool(x, 3, 2, "same"),
    "max_pool 1D": lambda m, x: m.max_pool(x[:, 0], 2, 2, "valid"),
    "average_pool": lambda m, x: m.average_pool(x, (2, 3), (2, 3), "valid"),
    "average_pool same": lambda m, x: m.average_pool(x, 3, 2, "same"),
    "batch_normalization": lambda m, x: m.batch_normalization(
        x,
        np.arange(4, dtype=np.float32),
        np.ones(4, np.float32),
        -1,
        np.ones(4, np.float32),
        np.arange(4, dtype=np.float32),
    ),
    "binary_crossentropy": lambda m, x: m.binary_crossentropy(m.sigmoid(x + 1), m.sigmoid(x)),
    "binary_crossentropy of logits": lambda m, x: m.binary_crossentropy(
        m.sigmoid(x + 1), x, from_logits=True
    ),
    "categorical_crossentropy": lambda m, x: m.categorical_crossentropy(m.softmax(x + 1), m.sigmoid(x)),
    "categorical_crossentropy of logits": lambda m, x: m.categorical_crossentropy(
        m.softmax(-x), x, from_logits=True
    ),
    "sparse_categorical_crossentropy": lambda m, x: m.sparse_categorical_crossentropy(
        m.argmax(m.sin(x), axis=-1), m.sigmoid(x)
    ),
    "sparse_categorical_crossentropy of logits": lambda m, x: m.sparse_categorical_crossentropy(
        m.argmax(m.sin(x), axis=-1), x, from_logits=True
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_same_call(rng, name):
    x = normal(rng, *IMAGE)
    call = CALLS[name]
    expected = keras.ops.convert_to_numpy(call(keras.ops, keras.ops.convert_to_tensor(x)))
    ours = np.asarray(call(ops, x))
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, **CLOSE)
    np.testing.assert_allclose(predicted(lambda x: call(ops, x), x), expected, **CLOSE)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.zeros((2, 3)),
        lambda m: m.ones((2, 3), "int32"),
        lambda m: m.full((2,), 3.5),
        lambda m: m.eye(3, 4, 1),
        lambda m: m.arange(5),
        lambda m: m.arange(1.0, 2.0, 0.25),
        lambda m: m.arange(1, 9, 3),
        lambda m: m.linspace(0, 1, 5),
        lambda m: m.linspace(0, 1, 4, endpoint=False),
        lambda m: m.one_hot(np.array([0, 2]), 3),
        lambda m: m.cast(np.array([1.7, -1.7], np.float32), "int32"),
        lambda m: m.cast(np.array([0.0, 0.5]), "bool"),
        lambda m: m.argmax(np.array([[1.0, 3.0, 3.0]])),
        lambda m: m.less(np.arange(3), 2),
    ],
)
def test_arrays_and_their_types(call):
    ours, theirs = np.asarray(call(ops)), keras.ops.convert_to_numpy(call(keras.ops))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("name", [name for name in ops.__all__ if hasattr(keras.ops, name)])
def test_the_same_arguments(name):
    ours, theirs = (dict(inspect.signature(getattr(m, name)).parameters) for m in (ops, keras.ops))
    theirs.pop("kwargs", None)
    for parameter in theirs:
        assert parameter in ours
        # The function's default was the layer's before there was one for symbols; statistics may be left out.
        if (name, parameter) != ("gelu", "approximate") and name != "batch_normalization":
            assert ours[parameter].default == theirs[parameter].default
