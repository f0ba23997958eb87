"""Graphs made at random: whatever the planner fuses, cuts or reorders, the sums stay the same."""

import math

import numpy as np
import pytest
from network_check import SPARSE, check

from pycnn import _core

SMOOTH = ("tanh", "sigmoid", "silu", "gelu", "softplus", "softsign", "mish")


class Draft:
    """Adds one layer after another to a graph of images, each behind a random earlier one."""

    def __init__(self, rng, g, x):
        self.rng, self.g, self.nodes = rng, g, [x]

    def whole(self, low, high):
        return int(self.rng.integers(low, high, endpoint=True))

    def pair(self, low, high):
        return self.whole(low, high), self.whole(low, high)

    def any_node(self):
        """Mostly the latest, so that graphs get deep."""
        return self.nodes[-1] if self.rng.random() < 0.7 else self.nodes[self.whole(0, len(self.nodes) - 1)]

    def others_like(self, x, axes):
        shape = self.g.shape(x)
        return [node for node in self.nodes if self.g.shape(node)[:axes] == shape[:axes]]

    def convolution(self, x):
        h, w, c = self.g.shape(x)
        kernel = self.whole(1, min(3, h)), self.whole(1, min(3, w))
        groups = self.rng.choice([d for d in (1, 1, 1, 2, 3, c) if c % d == 0])
        return self.g.conv2d(
            x,
            filters=int(groups) * self.whole(1, 40 if groups == 1 else 3),
            kernel_size=kernel,
            strides=(1, 1) if self.rng.random() < 0.7 else self.pair(1, 2),
            padding=(0, 0, 0, 0) if self.rng.random() < 0.5 else (*self.pair(0, 2), *self.pair(0, 2)),
            pad_value=0.0 if self.rng.random() < 0.8 else 0.5,
            groups=int(groups),
            use_bias=bool(self.rng.random() < 0.7),
        )

    def activation(self, x):
        kind = "relu" if self.rng.random() < 0.6 else str(self.rng.choice(SMOOTH))
        return self.g.activation(x, kind)

    def pool(self, x):
        h, w, _ = self.g.shape(x)
        size = self.whole(1, min(3, h)), self.whole(1, min(3, w))
        strides = size if self.rng.random() < 0.7 else self.pair(1, 2)
        padding = (
            (0, 0, 0, 0)
            if self.rng.random() < 0.7
            else tuple(self.whole(0, k - 1) for k in size for _ in "ab")
        )
        pool = self.g.max_pool2d if self.rng.random() < 0.6 else self.g.average_pool2d
        return pool(x, pool_size=size, strides=strides, padding=padding)

    def batch_norm(self, x):
        center, scale, frozen = (bool(self.rng.random() < 0.7) for _ in range(3))
        return self.g.batch_norm(x, center=center, scale=scale, frozen=not frozen, epsilon=0.1)

    def normalized_pool(self, x):
        """Batch normalization, often a ReLU, and a max-pool, odd maps and all."""
        x = self.g.batch_norm(x, center=bool(self.rng.random() < 0.7), epsilon=0.1)
        if self.rng.random() < 0.7:
            x = self.activation(x)
        h, w, _ = self.g.shape(x)
        size = (2, 2) if min(h, w) > 1 and self.rng.random() < 0.7 else self.pair(1, min(3, h, w))
        return self.g.max_pool2d(x, pool_size=size, strides=size)

    def residual(self, x):
        """Batch normalization added to another value, before or behind it, and often a ReLU."""
        other = int(self.rng.choice(self.others_like(x, 3)))
        if self.rng.random() < 0.3:
            other = self.batch_norm(other)
        y = self.g.batch_norm(x, scale=bool(self.rng.random() < 0.7), epsilon=0.1)
        y = self.g.add([y, other] if self.rng.random() < 0.5 else [other, y])
        return self.activation(y) if self.rng.random() < 0.7 else y

    def pointwise(self, x):
        if self.rng.random() < 0.5:
            return self.g.scale_shift(x, scale=0.7, shift=0.2)
        return self.g.dense(x, units=self.whole(1, 9))

    def pad(self, x):
        mode = str(self.rng.choice(["constant", "reflect", "edge"]))
        h, w, _ = self.g.shape(x)
        limit = min(h, w) - 1 if mode == "reflect" else 2
        return self.g.pad2d(x, padding=tuple(self.whole(0, min(2, limit)) for _ in range(4)), mode=mode)

    def maxout(self, x):
        c = self.g.shape(x)[2]
        return self.g.maxout(x, pieces=int(self.rng.choice([d for d in (1, 2, 3) if c % d == 0])))

    def join(self, x):
        kind = self.rng.integers(3)
        others = self.others_like(x, 2 if kind == 2 else 3)
        chosen = [int(self.rng.choice(others)) for _ in range(self.whole(1, 2))]
        if kind == 1:  # gates keep products from growing
            return self.g.multiply([x, *(self.g.activation(node, "sigmoid") for node in chosen)])
        return (self.g.add if kind == 0 else self.g.concat)([x, *chosen])

    def again(self, x):
        """A layer that is there already, on another input."""
        h, w, c = self.g.shape(x)
        known = [
            number
            for number, node in self.g.nodes.items()
            if node.operation in ("conv2d", "dense", "batch_norm")
            and self.g.shape(node.inputs[0])[2] == c
            and all(k <= size for k, size in zip(node.options.get("kernel_size", ()), (h, w), strict=False))
        ]
        return self.g.like(int(self.rng.choice(known)), x) if known else self.convolution(x)

    def layer(self):
        kinds = (
            [self.convolution] * 4
            + [self.activation] * 4
            + [self.pool] * 3
            + [self.join, self.join, self.again]
        )
        kinds += [self.batch_norm, self.normalized_pool, self.residual, self.pointwise, self.pad, self.maxout]
        make = kinds[self.rng.integers(len(kinds))]
        self.nodes.append(make(self.any_node()))


@pytest.mark.parametrize("seed", range(250))
def test_random_graphs(isa, seed, restore_threads):
    rng = np.random.default_rng(seed)
    _core.set_num_threads(int(rng.integers(1, 4)))

    def build(g, x):
        draft = Draft(rng, g, x)
        for _ in range(draft.whole(2, 9)):
            draft.layer()
        ends = [draft.nodes[-1], *draft.others_like(draft.nodes[-1], 3)[:1]]
        x = g.add(ends)
        x = g.reshape(x, (math.prod(g.graph.shape(x)),))
        return g.dense(x, units=4)

    shape = (*rng.integers(3, 9, 2).tolist(), int(rng.choice([1, 2, 3, 8, 17])))
    check(build, shape, batch=int(rng.choice([1, 2, 7, 18])), loss=SPARSE, from_logits=True)
