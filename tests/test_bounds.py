"""No kernel reads or writes outside its arrays: they end, or begin, at a page that must not be touched."""

import ctypes
import math
import mmap
import os
import subprocess
import sys

import numpy as np
import pytest
from core_graph import Graph, Network

from pycnn import _core, ops

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect as Linux has it")


class Guarded:
    """Makes float32 arrays between two forbidden pages, touching one of them."""

    def __init__(self, rng):
        self.rng, self.maps = rng, []
        self.libc = ctypes.CDLL(None, use_errno=True)

    def array(self, *shape):
        size, page = 4 * math.prod(shape), mmap.PAGESIZE
        pages = -(-size // page) if size else 1
        memory = mmap.mmap(-1, (pages + 2) * page)
        self.maps.append(memory)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for forbidden in (start, start + (pages + 1) * page):
            assert self.libc.mprotect(ctypes.c_void_p(forbidden), ctypes.c_size_t(page), 0) == 0
        offset = page if self.rng.random() < 0.3 else (pages + 1) * page - size
        array = np.frombuffer(memory, np.float32, math.prod(shape), offset).reshape(shape)
        array[...] = self.rng.standard_normal(shape)
        return array


def exercise(isa, seed):
    """Everything once, on shapes that no vector fits."""
    _core.set_isa(isa)
    rng = np.random.default_rng(seed)
    make = Guarded(rng).array

    def whole(low, high):
        return int(rng.integers(low, high, endpoint=True))

    n, h, w, c, k = whole(1, 3), whole(3, 9), whole(3, 9), whole(1, 35), whole(1, 35)
    x, kernel, b = make(n, h, w, c), make(3, whole(1, 3), c, k), make(k)
    options = {"strides": (whole(1, 2), whole(1, 2)), "padding": whole(0, 1)}
    y = ops.conv2d(x, kernel, b, **options)
    ops.conv2d_backward(make(*y.shape), x, kernel, **options)
    one_each = make(2, 2, c, whole(1, 3))
    y = ops.depthwise_conv2d(x, one_each)
    ops.depthwise_conv2d_backward(make(*y.shape), x, one_each)
    for pool, backward in [
        (ops.max_pool2d, ops.max_pool2d_backward),
        (ops.average_pool2d, ops.average_pool2d_backward),
    ]:
        y = pool(x, 3, strides=whole(1, 3), padding=1)
        y = pool(x, 2)
        backward(make(*y.shape), x, 2)
    for mode in ("constant", "reflect", "edge"):
        y = ops.pad2d(x, 2, mode=mode)
        ops.pad2d_backward(make(*y.shape), 2, mode=mode)
    rows, weights = make(n * h, c), make(c, k)
    ops.matmul(rows, weights)
    y = ops.dense(rows, weights, b)
    ops.dense_backward(make(*y.shape), rows, weights)
    for name in ("relu", "gelu", "mish", "softplus", "elu"):
        getattr(ops, f"{name}_backward")(make(*y.shape), getattr(ops, name)(y))
        getattr(ops, name)(make(whole(0, 70)))
    pieces = make(n, 3 * k)
    ops.maxout_backward(ops.maxout(pieces, k), pieces, k)
    ops.softmax_backward(make(n, k), make(n, k))
    ops.log_softmax_backward(make(n, k), make(n, k))
    ops.softmax_cross_entropy(make(n, k), make(n, k))
    _, mean, variance = ops.batch_normalization(x, make(c), make(c))
    ops.batch_normalization_backward(make(*x.shape), x, mean, variance, make(c))
    ops.batch_normalization_inference(x, make(c), variance, make(c), make(c))
    ops.dropout(x, 0.5, seed=1)

    g = Graph()
    v = g.activation(g.conv2d(g.input((h, w, c)), filters=k, kernel_size=(2, 2)), "relu")
    v = g.max_pool2d(v, pool_size=(2, 2), strides=(2, 2))
    v = g.dense(g.reshape(v, (math.prod(g.shape(v)),)), units=k)
    network = Network(g, v)
    network.compile(loss="mean_squared_error", optimizer="adam")
    for batch in (1, 2, 5):
        x, out = make(batch, h, w, c), make(batch, k)
        network.predict(x, out)
        network.train_step(x, out, None, make(batch), 0.01)
        network.train_step(x, out, np.array([batch - 1]), make(batch), 0.01)


@pytest.mark.parametrize("isa", _core.config()["isas_available"])
def test_nothing_outside_is_touched(isa):
    """In a process of its own, which a stray access would kill."""
    script = f"import test_bounds\nfor seed in range(60): test_bounds.exercise({isa!r}, seed)\nprint('whole')"
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *filter(None, sys.path)]),
        },
    )
    assert found.stdout.split() == ["whole"], f"ended with {found.returncode}: {found.stderr[-2000:]}"


def test_the_guard_itself():
    """A read a few elements too far does kill the process."""
    script = (
        "import numpy as np, test_bounds\n"
        "x = test_bounds.Guarded(np.random.default_rng(1)).array(5)\n"
        "print(np.lib.stride_tricks.as_strided(x, (9,), (4,)).sum())"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *filter(None, sys.path)]),
    }
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, env=environment)
    assert found.returncode < 0
