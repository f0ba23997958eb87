"""A graph of the core whose layers make their weights, and a network of one input and one output."""

import numpy as np

from pycnn import _core


class Graph(_core.Graph):
    """Layers take sizes instead of weights, or with `like` the weights of a layer that is there already.

    After a layer is added, `weights[node]` has the nodes of its weights by name.
    """

    def __init__(self):
        super().__init__()
        self.weights = {}

    def _made(self, like, shapes, trainable=lambda name: True):
        """The nodes of a layer's weights by name: new ones, or those of `like`."""
        if like is not None:
            return self.weights[like]
        return {
            name: self.parameter(_core.Variable(name, shape, trainable(name)))
            for name, shape in shapes.items()
        }

    def conv2d(self, x, *, filters, kernel_size, groups=1, use_bias=True, like=None, **options):
        channels = max(self.shape(x)[-1] // groups, 1)
        shapes = {"kernel": (*kernel_size, channels, filters)} | ({"bias": (filters,)} if use_bias else {})
        weights = self._made(like, shapes)
        node = super().conv2d(x, *weights.values(), groups=groups, **options)
        self.weights[node] = weights
        return node

    def dense(self, x, *, units, use_bias=True, like=None, **options):
        shapes = {"kernel": (self.shape(x)[-1], units)} | ({"bias": (units,)} if use_bias else {})
        weights = self._made(like, shapes)
        node = super().dense(x, *weights.values(), **options)
        self.weights[node] = weights
        return node

    def batch_norm(self, x, *, center=True, scale=True, frozen=False, like=None, **options):
        names = ["gamma"] * scale + ["beta"] * center + ["moving_mean", "moving_variance"]
        weights = self._made(
            like,
            {name: self.shape(x)[-1:] for name in names},
            lambda name: not frozen and not name.startswith("moving"),
        )
        gamma, beta = weights.get("gamma"), weights.get("beta")
        statistics = weights["moving_mean"], weights["moving_variance"]
        node = super().batch_norm(x, gamma, beta, *statistics, frozen=frozen, **options)
        self.weights[node] = weights
        return node

    def scale_shift(self, x, *, scale, shift, **options):
        code = [("constant", scale), ("multiply", 0, 1), ("constant", shift), ("add", 2, 3)]
        return self.map([x], code, **options)

    def multiply(self, x, **options):
        code = [("multiply", 0, 1), *(("multiply", len(x) + i, i + 2) for i in range(len(x) - 2))]
        return self.map(x, code, **options)


class Network:
    """A network of one input and one output; what is not here goes to the core's, `core`.

    Weights are numbered in the order in which their layers were added, as the core does.
    """

    def __init__(self, graph, output):
        self.core = _core.Network(graph, [output])
        self.variables = self.core.graph.variables
        self._layers = {}  # the first layer of each weight, by the weight's node
        for node, weights in graph.weights.items():
            for weight in weights.values():
                self._layers.setdefault(weight, node)
        self._nodes = sorted(self._layers)
        self._optimizer = None

    def __getattr__(self, name):
        return getattr(self.core, name)

    # --- weights ---
    @property
    def parameter_count(self):
        return len(self.variables)

    def parameter(self, index):
        """A view to write through; `touch` afterwards."""
        return self.variables[index].value

    def parameter_name(self, index):
        return self.variables[index].name

    def parameter_node(self, index):
        """The layer that a weight belongs to, the first one if they are several."""
        return self._layers[self._nodes[index]]

    def touch(self):
        for variable in self.variables:
            variable.touch()

    # --- the optimizer ---
    def compile(self, *, loss, from_logits=False, metric="none", optimizer="none", options=None):
        """The optimizer goes on where it was, unless it or its options are others."""
        asked = optimizer, options or {}
        made = self.core.optimizer if self._optimizer == asked else _core.Optimizer(*asked)
        (output,) = self.core.outputs
        metrics = [] if metric == "none" else [(output, metric, 0.5, 0)]
        self.core.compile(losses=[(output, loss, from_logits, 1.0, 0)], metrics=metrics, optimizer=made)
        self._optimizer = asked

    @property
    def iterations(self):
        return self.core.optimizer.iterations

    @iterations.setter
    def iterations(self, value):
        self.core.optimizer.iterations = value

    @property
    def optimizer_slots(self):
        return self.core.optimizer.slot_names

    def optimizer_slot(self, name, index):
        return self.core.optimizer.state(self.variables[index], name)

    # --- calls ---
    @property
    def input_shape(self):
        return self.core.input_shape()

    @property
    def output_shape(self):
        return self.core.output_shape()

    def predict(self, x, out):
        self.core.predict([x], [out])

    def train_step(self, x, y, index, weight, learning_rate):
        """Loss and metric, 0 where there is none."""
        return _figures(self.core.train_step([x], [y], index, [weight], learning_rate))

    def compute_gradients(self, x, y, index, weight):
        """The same of a step that ends before the optimizer's."""
        return _figures(self.core.compute_gradients([x], [y], index, [weight]))

    def test_step(self, x, y, index, weight):
        return _figures(self.core.test_step([x], [y], index, [weight]))


def _figures(result):
    loss, (only,), metrics = result
    assert loss == only or np.isnan(loss) == np.isnan(only)
    return loss, sum(metrics)


def started(network, values_of):
    """The network with values_of(name, shape) in its weights."""
    for variable in network.variables:
        variable.value[...] = values_of(variable.name, variable.shape)
    network.touch()
    return network


def predicted(network, x):
    """The network's output for samples."""
    out = np.empty((len(x), *network.output_shape), np.float32)
    network.predict(x, out)
    return out
