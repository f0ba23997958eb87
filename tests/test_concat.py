"""Concatenations whose inputs are written where they belong: against float64, and without needless copies."""

import numpy as np
import pytest
from graph_reference import parameters_of
from helpers import tolerance
from network_check import check, check_predictions, network_of
from test_network import flat, head

from pycnn import _core

SAME = {"kernel_size": (3, 3), "padding": (1, 1, 1, 1)}
WIDE = {"pool_size": (3, 3), "strides": (1, 1), "padding": (1, 1, 1, 1)}
TALL = {"pool_size": (3, 1), "strides": (1, 1), "padding": (1, 1, 0, 0)}
HALVE = {"pool_size": (2, 2), "strides": (2, 2)}


def conv(g, x, filters, activation="relu", **options):
    x = g.conv2d(x, filters=filters, **{**SAME, **options})
    return g.activation(x, activation) if activation else x


def one_by_one(g, x, filters):
    return conv(g, x, filters, kernel_size=(1, 1), padding=(0, 0, 0, 0))


def inception(g, x):
    """Odd channels, so that parts begin between vectors; direct sums, Winograd's form, both poolings."""
    x = conv(g, x, 17)
    parts = [one_by_one(g, x, 5), conv(g, one_by_one(g, x, 19), 35), conv(g, x, 21, "tanh")]
    parts += [
        g.max_pool2d(x, **WIDE),
        one_by_one(g, g.average_pool2d(x, **TALL), 3),  # another one than the last, which is copied otherwise
        g.average_pool2d(x, **WIDE),
    ]
    return head(g, conv(g, g.concat(parts), 18))


def reduction(g, x):
    """Max-pools behind the convolutions, in their tiles, and beside them."""
    x = conv(g, x, 17)
    pooled = [g.max_pool2d(conv(g, x, filters), **HALVE) for filters in (18, 33)]
    few = g.max_pool2d(conv(g, x, 3, kernel_size=(1, 1), padding=(0, 0, 0, 0)), **HALVE)
    return head(g, g.concat([*pooled, few, g.max_pool2d(x, **HALVE)]))


def normalized(g, x):
    parts = [
        g.activation(g.batch_norm(g.conv2d(x, filters=f, use_bias=False, **SAME)), "relu") for f in (7, 17)
    ]
    return head(g, conv(g, g.concat(parts), 5))


def nested(g, x):
    """The inner one's parts are written into the outer one."""
    inner = g.concat([conv(g, x, 3), conv(g, x, 5, "sigmoid")])
    middle = g.concat([conv(g, x, 4), inner, conv(g, x, 2)])
    return head(g, conv(g, g.concat([middle, conv(g, x, 6)]), 5))


def dense_block(g, x):
    """What has gone in is read again behind each concatenation: a copy of that each time."""
    x = conv(g, x, 6)
    for _ in range(3):
        x = g.concat([x, conv(g, x, 4)])
    return head(g, x)


def copied(g, x):
    """The network's input, a value taken twice, one that is read elsewhere, a depthwise one, a sum."""
    y = conv(g, x, 6)
    depthwise = g.conv2d(y, filters=6, groups=6, **SAME)
    residual = g.add([y, conv(g, y, 6, None)])
    twice = conv(g, x, 5)
    return head(g, g.concat([x, y, twice, depthwise, twice, residual, conv(g, y, 3)]))


def at_the_end(g, x):
    return g.concat([conv(g, x, 3), conv(g, x, 4, "tanh")])


def vectors(g, x):
    return g.softmax(
        g.dense(
            g.concat([g.dense(flat(g, x), units=7), g.activation(g.dense(flat(g, x), units=6), "relu")]),
            units=5,
        )
    )


NETWORKS = {
    "inception": (inception, 0),
    "reduction": (reduction, 0),
    "normalized": (normalized, 0),
    "nested": (nested, 0),
    "dense block": (dense_block, 3),
    "copied": (copied, 1),
    "at the end": (at_the_end, 0),
    "vectors": (vectors, 1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_against_float64(isa, name):
    check(NETWORKS[name][0], (8, 6, 2), batch=2)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("batch", [1, 2, 9])
def test_copies_only_what_it_must(name, batch):
    build, copies = NETWORKS[name]
    _, _, network = network_of(build, (8, 6, 2))
    assert network.summary_of_plan(False, batch).count("\n  concatenate") == copies


@pytest.mark.parametrize("name", NETWORKS)
def test_batches_and_threads(isa, restore_threads, name):
    check_predictions(NETWORKS[name][0], (8, 6, 2), (1, 2, 3, 17), (1, 2, 3, 8))


def test_the_first_operations_of_a_batch_of_one_share_no_map(rng, restore_threads):
    """Every thread does the first ones in memory of its own: no place for what others write to."""

    def build(g, x):
        small = conv(g, x, 2)
        large = conv(g, conv(g, x, 64), 64)
        return head(g, conv(g, g.concat([small, large]), 32))

    model, output, network = network_of(build, (24, 24, 1))
    x = rng.standard_normal((1, 24, 24, 1), np.float32)
    expected = model.run(parameters_of(network), x.astype(np.float64), training=False)[output]
    _core.set_num_threads(4)
    out = np.empty((1, *network.output_shape), np.float32)
    for _ in range(50):
        network.predict(x, out)
        np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance(9 * 66, model.gain))
