"""What all of pycnn.ops has in common: the arrays it takes, and its names."""

import numpy as np
import pytest
from helpers import small_integers

from pycnn import _core, ops

FILTER = np.arange(2.0 * 2 * 4 * 3).reshape(2, 2, 4, 3) - 20
FUNCTIONS = {
    "conv2d": lambda x: ops.conv2d(x, FILTER),
    "conv2d_reflect": lambda x: ops.conv2d(x, FILTER, padding=1, padding_mode="reflect"),
    "conv2d_weight": lambda x: ops.conv2d_backward(np.ones((2, 4, 5, 3)), x, FILTER)[1],
    "depthwise_conv2d": lambda x: ops.depthwise_conv2d(x, FILTER),
    "max_pool2d": ops.max_pool2d,
    "average_pool2d": ops.average_pool2d,
    "global_max_pool2d": ops.global_max_pool2d,
    "pad2d": lambda x: ops.pad2d(x, 1),
    "dense": lambda x: ops.dense(x, FILTER[0, 0]),
    "dense_weight": lambda x: ops.dense_backward(np.ones((2, 5, 6, 3)), x, FILTER[0, 0])[1],
    "relu": ops.relu,
    "relu_backward": lambda x: ops.relu_backward(x, x),
    "maxout": lambda x: ops.maxout(x, 2),
    "softmax": ops.softmax,
    "batch_normalization": lambda x: ops.batch_normalization(x)[0],
    "dropout": lambda x: ops.dropout(x, 0.5, seed=1),
}


def misaligned(x):
    """The same numbers one byte off every boundary."""
    buffer = np.zeros(x.nbytes + 1, np.uint8)
    copy = buffer[1:].view(x.dtype).reshape(x.shape)
    copy[...] = x
    return copy


def read_only(x):
    copy = x.copy()
    copy.flags.writeable = False
    return copy


VARIANTS = {
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "big endian": lambda x: x.astype(">f4"),
    "int8": lambda x: x.astype(np.int8),
    "int64": lambda x: x.astype(np.int64),
    "list": lambda x: x.tolist(),
    "fortran": np.asfortranarray,
    "strided": lambda x: x.repeat(2, axis=2)[:, :, ::2],
    "reversed": lambda x: x[..., ::-1].copy()[..., ::-1],
    "transposed": lambda x: x.transpose(3, 2, 1, 0).copy().transpose(3, 2, 1, 0),
    "read only": read_only,
    "misaligned": misaligned,
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_arrays_of_every_kind(rng, function, variant):
    x = small_integers(rng, 2, 5, 6, 4)
    before = x.copy()
    y = FUNCTIONS[function](VARIANTS[variant](x))
    assert y.dtype == np.float32
    assert y.flags.c_contiguous
    np.testing.assert_array_equal(y, FUNCTIONS[function](x))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_booleans_and_unsigned(rng, function):
    x = small_integers(rng, 2, 5, 6, 4, low=0, high=1)
    for dtype in (bool, np.uint8):
        np.testing.assert_array_equal(FUNCTIONS[function](x.astype(dtype)), FUNCTIONS[function](x))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [complex, object, "datetime64[s]"])
def test_arrays_that_are_not_real_numbers(function, dtype):
    with pytest.raises(TypeError, match=r"has dtype .*; expected real numbers"):
        FUNCTIONS[function](np.zeros((2, 5, 6, 4), dtype))


def test_results_are_new_arrays(rng):
    x = small_integers(rng, 2, 5, 6, 4)
    for y in (ops.linear(x), ops.dropout(x, 0.0, seed=1), ops.max_pool2d(x, 1), ops.pad2d(x, 0)):
        assert not np.shares_memory(x, y)
        y += 1  # and writable


# The functions of keras.ops that no kernel stands for have their gradients in symbols: `gradient`.
COMPOSED = ("pycnn.core.operations", "pycnn.ops._activation_composed", "pycnn.ops._convolution")
COMPOSED += ("pycnn.ops._crossentropy", "pycnn.ops._pooling")


def test_every_kernel_has_a_backward():
    names = {name for name in ops.__all__ if not getattr(ops, name).__module__.startswith(COMPOSED)}
    kernels = {name for name in names if not name.endswith("_backward")} - {"batch_normalization_inference"}
    assert len(kernels) == 31
    assert {f"{name}_backward" for name in kernels} <= set(ops.__all__)
    assert all(hasattr(ops, name) for name in ops.__all__)


@pytest.mark.parametrize("name", ops.__all__)
def test_documentation(name):
    """Every part of a public docstring; the examples themselves run as doctests."""
    text = getattr(ops, name).__doc__
    for part in ("Args:", "Returns:", "Raises:", "Source:", ">>> from pycnn import ops"):
        assert part in text, part


def test_an_isa_that_does_not_exist():
    active = _core.config()["isa_active"]
    with pytest.raises((RuntimeError, ValueError), match="avx1024"):
        _core.set_isa("avx1024")
    assert _core.config()["isa_active"] == active
