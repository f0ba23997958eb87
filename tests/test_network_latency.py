"""Small batches, sums that inference fuses: against float64, and the same bits on any number of threads."""

import pytest
from network_check import check, check_predictions, network_of
from test_network import flat, head

SAME = {"kernel_size": (3, 3), "padding": (1, 1, 1, 1)}


def residual_block(filters, activation="relu", shortcut="identity", norm=True, **options):
    """A convolution, and a sum of another one's value and what went in."""
    options = {**SAME, "use_bias": not norm, **options}

    def conv(g, x, **others):
        x = g.conv2d(x, filters=filters, **{**options, **others})
        return g.batch_norm(x) if norm else x

    def build(g, x):
        x = g.activation(conv(g, x), "relu")
        y = conv(g, g.activation(conv(g, x), "relu"))
        if shortcut == "projection":
            x = conv(g, x, kernel_size=(1, 1), padding=(0, 0, 0, 0))
        parts = [x, y] if shortcut == "swapped" else [y, x]
        y = g.add(parts)
        if activation is not None:
            y = g.activation(y, activation)
        return head(g, g.average_pool2d(y, pool_size=(2, 2), strides=(2, 2)))

    return build


def sum_of_two_convolutions(g, x):
    """The first one's normalization comes after the second one, so that it is the one whose sum is there."""
    one = g.conv2d(x, filters=17, **SAME)
    two = g.conv2d(x, filters=17, **SAME)
    return head(g, g.activation(g.add([g.batch_norm(one), g.batch_norm(two)]), "relu"))


def not_fused(g, x):
    """A sum of a value with itself, one of three, and one whose convolution another node reads too."""
    x = g.conv2d(x, filters=5, **SAME)
    y = g.conv2d(x, filters=5, **SAME)
    z = g.add([g.conv2d(y, filters=5, **SAME), y, x])
    w = g.conv2d(z, filters=5, **SAME)
    return head(g, g.multiply([g.add([w, z]), w, g.add([y, y])]))


BLOCKS = {
    "direct": residual_block(7),
    "direct tanh": residual_block(7, "tanh", norm=False),
    "no activation": residual_block(7, None),
    "projection": residual_block(9, shortcut="projection"),
    "swapped": residual_block(6, shortcut="swapped"),
    "winograd": residual_block(18),
    "winograd tanh": residual_block(18, "tanh", shortcut="projection"),
    "winograd panels": residual_block(70, shortcut="swapped"),
    "two convolutions": sum_of_two_convolutions,
    "not fused": not_fused,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_sums_against_float64(isa, name):
    check(BLOCKS[name], (8, 7, 3), batch=2)


@pytest.mark.parametrize(
    ("name", "sums"),
    [
        ("direct", 1),
        ("winograd", 1),
        ("projection", 1),
        ("swapped", 1),
        ("two convolutions", 1),
        ("not fused", 0),
    ],
)
def test_convolutions_take_over_sums(name, sums):
    _, _, network = network_of(BLOCKS[name], (8, 8, 3))
    plan = network.summary_of_plan(False, 1)
    assert plan.count(" + residual") == sums
    assert plan.count("\n  add") == (0 if sums else 1)  # the other two are parts of the product


def wide_map(g, x):
    """So many tiles that pieces are rows of them, all panels at once."""
    x = g.activation(g.conv2d(x, filters=40, **SAME), "relu")
    x = g.activation(g.conv2d(x, filters=70, **SAME), "tanh")
    x = g.max_pool2d(g.activation(g.conv2d(x, filters=33, **SAME), "relu"), pool_size=(2, 2), strides=(2, 2))
    return head(g, x)


def many_units(g, x):
    """Several panels of a large dense layer are one product."""
    x = g.activation(g.dense(flat(g, x), units=300), "relu")
    return g.softmax(g.dense(g.activation(g.dense(x, units=250), "tanh"), units=10))


@pytest.mark.parametrize(
    "build", [*BLOCKS.values(), wide_map, many_units], ids=[*BLOCKS, "wide map", "many units"]
)
def test_small_batches(isa, restore_threads, build):
    check_predictions(build, (25, 29, 3) if build is wide_map else (9, 10, 3), (1, 2, 3, 4), (1, 2, 3, 5, 8))


def test_who_does_what_in_a_batch_of_one():
    """The first operations belong to every thread, the last ones to the caller; what is large is shared."""

    def build(g, x):
        x = g.activation(g.conv2d(x, filters=32, kernel_size=(3, 3)), "relu")
        x = g.activation(g.conv2d(x, filters=64, kernel_size=(3, 3)), "relu")
        return head(g, x)

    _, _, network = network_of(build, (20, 20, 1))
    plan = network.summary_of_plan(False, 1)
    every, caller = plan.index("every thread\n"), plan.index("the caller\n")
    assert every < plan.index("  conv2d") < caller < plan.index("  softmax") < plan.index("  output")
