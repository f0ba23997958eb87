"""What `compile` was told, and what that means for a model's outputs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import losses, metrics, optimizers
from pycnn.core.added_losses import added_losses, one_number
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_labels, as_samples, as_targets
from pycnn.core.function import Function, tracing
from pycnn.core.operations.batching import MixesSamplesError
from pycnn.core.rows import Rows, whole_of
from pycnn.core.symbolic import KerasTensor, as_symbol
from pycnn.losses.base import smoothed
from pycnn.models.structure import by_output

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.blueprint import Blueprint
    from pycnn.core.layer import Layer
    from pycnn.metrics import Metric
    from pycnn.models.data import Batch

_SPARSE = "sparse_categorical_crossentropy"


class OutputGoal:
    """Loss, its weight, and metrics of one output.

    Args:
        name: of the output.
        loss: name, function, object or None.
        weight: of the loss in the sum that is minimized.
        entries: names, functions or objects of metrics.
        weighted: likewise of those that sample weights count for.
    """

    def __init__(
        self, name: str, loss: Any, weight: float, entries: Sequence[Any], weighted: Sequence[Any] = ()
    ) -> None:
        self.name = name
        self.loss = _checked_loss(loss)
        self.weight = as_number("compile: loss_weights", weight)
        self.entries, self.weighted_entries = list(entries), list(weighted)
        # Names of the automatic kind wait for the output's shape; all others are checked now.
        self._fixed = [_fixed(entry) for entry in (*entries, *weighted)]
        self.metrics: list[metrics.Metric] = []
        self.target_shape: tuple[int, ...] | None = None  # of a sample, once data have come
        self.takes_weights = True  # unless the loss turns out to be one number for all samples
        self.mixes_samples = False  # whether the loss needs all samples of a batch in one array
        self._mixing: list[metrics.Metric] = []  # those that do
        given = zip((*entries, *weighted), self._fixed, strict=True)
        self.names = _distinct([_key(entry, metric) for entry, metric in given], len(self.entries))

    @property
    def is_traced(self) -> bool:
        """Whether the losses are a function that is traced, for which the network reads the targets."""
        return self.loss is not None and (self.loss.kind is None or self.reads_weights)

    @property
    def reads_weights(self) -> bool:
        """Whether the network computes the loss up to one number, and reads the samples' weights for it."""
        return self.loss is not None and not self.loss.is_mean_of_samples

    @property
    def reads_targets(self) -> bool:
        """Whether the network needs the targets as an input: for functions that are traced."""
        return self.is_traced or any(self.place(metric) == "graph" for metric in self.metrics)

    def is_weighted(self, metric: metrics.Metric) -> bool:
        """Whether sample weights count for a metric."""
        return any(metric is other for other in self.metrics[len(self.entries) :])

    def place(self, metric: metrics.Metric) -> str:
        """What computes a metric: the 'core', the network's 'graph', or the 'host' from outputs."""
        if self.is_weighted(metric) or self.mixes_samples or any(metric is other for other in self._mixing):
            return "host"
        smooth = self.loss is not None and self.loss.label_smoothing and metric.kind == "binary_accuracy"
        if metric.is_counted and not self.is_traced and not smooth:
            return "core"
        return "graph" if metric.is_traced else "host"

    def resolve(self, shape: tuple[int, ...]) -> None:
        """Fixes the metrics for an output of this shape; ValueError if the loss or a metric does not fit."""
        kind = None if self.loss is None else self.loss.kind
        if shape[-1:] == (1,) and kind in (_SPARSE, "categorical_crossentropy"):
            raise ValueError(
                f"The loss {kind} needs at least two classes, but the output has shape {(None, *shape)}; use "
                f"'binary_crossentropy', or Dense(classes)"
            )
        given = zip((*self.entries, *self.weighted_entries), self._fixed, strict=True)
        kept: list[metrics.Metric | None] = [*self.metrics] or [None] * len(self._fixed)
        self.metrics = [
            fixed or self._automatic(entry, shape, old)
            for (entry, fixed), old in zip(given, kept, strict=True)
        ]
        for metric in self.metrics:
            self._check(metric)

    def _automatic(self, name: str, shape: tuple[int, ...], old: metrics.Metric | None) -> metrics.Metric:
        """The accuracy that 'accuracy' or 'acc' means; the one that is there, if it is of that kind."""
        cls: type[metrics.Metric] = metrics.CategoricalAccuracy
        if shape[-1:] == (1,):
            cls = metrics.BinaryAccuracy
        elif self._takes_labels(shape):
            cls = metrics.SparseCategoricalAccuracy
        return old if type(old) is cls else cls(name=name)

    def _takes_labels(self, shape: tuple[int, ...]) -> bool:
        """Whether targets are class numbers, by the loss or, for functions of one's own, by their shape."""
        if self.loss is not None and (self.loss.takes_labels or self.loss.kind is not None):
            return self.loss.takes_labels
        y = self.target_shape
        return y is not None and (len(y) < len(shape) or (y[-1:] == (1,) and shape[-1] > 1))

    def _check(self, metric: metrics.Metric) -> None:
        """ValueError where a metric is none of targets and predictions, or does not fit the loss."""
        if type(metric) in (metrics.Mean, metrics.Sum):
            raise ValueError(
                f"Metric {metric.name!r} is one of values, not of targets and predictions; expected an "
                f"accuracy, a function of y_true and y_pred, or another metric of these"
            )
        kind = None if self.loss is None else self.loss.kind
        if kind is None or metric.kind is None:
            return
        if (metric.kind == "sparse_categorical_accuracy") != (kind == _SPARSE):
            raise ValueError(f"Metric {metric.name!r} ({metric.kind}) does not fit the loss {kind}")

    def look_for_mixing(self, target: tuple[int, ...], output: tuple[int, ...]) -> None:
        """Finds out whether loss and metrics mix the samples of a batch, for shapes of one sample."""
        shapes = [(None, *target), (None, *output), (None,)]

        def mixes(function: Callable[..., Any], operands: int) -> bool:
            symbols = [KerasTensor(shape) for shape in shapes[:operands]]
            try:
                with tracing():
                    function(*symbols)
            except MixesSamplesError:
                return True
            except TypeError as error:  # the number of samples is None while a function is traced
                if "NoneType" not in str(error):
                    raise
                return True
            return False

        self.mixes_samples = False
        for metric in self.metrics:
            if self.place(metric) == "graph" and mixes(metric.function, 2):  # type: ignore[attr-defined]
                self._mixing.append(metric)
        if self.loss is not None and self.is_traced:
            whole = self.reads_weights
            self.mixes_samples = mixes(self.loss if whole else self.loss.call, 3 if whole else 2)
            self.takes_weights = self.takes_weights or self.mixes_samples

    def targets(self, name: str, y: Any, shape: tuple[int, ...]) -> NDArray[Any] | None:
        """y as metrics and traced losses take it: int32 class numbers, or float32 targets."""
        if self.loss is None and not self.metrics:
            return None
        if y is None:
            raise ValueError(f"`{name}` is missing; expected the targets of the samples")
        kind = None if self.loss is None else self.loss.kind
        counted = self.loss is None and any(
            m.kind == "sparse_categorical_accuracy" and self.place(m) == "core" for m in self.metrics
        )
        if kind == _SPARSE or counted:
            return as_labels(name, y, shape, shape[-1])
        if kind is None:
            y = as_samples(name, np.asarray(y)[..., None])[..., 0] if np.ndim(y) == 1 else as_samples(name, y)
            if self.loss is not None:
                self.loss.check_targets(name, y, shape)
            return y  # type: ignore[no-any-return]
        targets = as_targets(name, y, shape)
        if kind != "mean_squared_error" and targets.size and (targets.min() < 0 or targets.max() > 1):
            raise ValueError(
                f"`{name}` has values from {targets.min():g} to {targets.max():g}, "
                f"but {kind} expects targets from 0 to 1"
            )
        return targets

    def smoothed(self, targets: NDArray[Any] | None) -> NDArray[Any] | None:
        """The same with label smoothing, as the core's losses take them."""
        if targets is None or self.loss is None or self.loss.kind is None:
            return targets
        return smoothed(self.loss.kind, targets, self.loss.label_smoothing)


class Objective:
    """Optimizer, losses and metrics of a model; what a `Program` is trained for.

    Args:
        optimizer: name or object.
        loss, loss_weights, metrics_, weighted: one for all outputs, lists or dicts by the outputs' names.
        outputs: names of the outputs.
        layers: of the model, whose `trainable` counts as it is now.
    """

    def __init__(
        self,
        optimizer: Any,
        loss: Any,
        loss_weights: Any,
        metrics_: Any,
        weighted: Any,
        outputs: Sequence[str],
        layers: Sequence[Layer],
    ) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.frozen = frozenset(id(layer) for layer in layers if not layer.trainable)
        several = len(outputs) > 1
        if not several and isinstance(loss, (list, tuple)) and len(loss) == 1:
            loss = loss[0]
        weights = [1.0 if w is None else w for w in by_output("loss_weights", loss_weights, outputs, 1.0)]
        self.goals = [
            OutputGoal(name, *settings)
            for name, *settings in zip(
                outputs,
                by_output("loss", loss, outputs),
                weights,
                _metrics_by_output("metrics", metrics_, outputs),
                _metrics_by_output("weighted_metrics", weighted, outputs),
                strict=True,
            )
        ]
        self.names = ["loss"]
        if several:
            self.names += [f"{goal.name}_loss" for goal in self.goals if goal.loss is not None]
        for goal in self.goals:
            self.names += [f"{goal.name}_{name}" if several else name for name in goal.names]
        self._per_batch: list[bool] = []
        self._on_host: list[list[Metric]] = []  # of each output, the metrics that the host computes
        self._target_shapes: dict[int, tuple[int, ...]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, for copies of a model, which says anew what is frozen."""
        return self.__dict__ | {"frozen": frozenset()}

    @property
    def loss(self) -> Any:
        """The loss, or a list of them."""
        found = [goal.loss for goal in self.goals]
        return found[0] if len(found) == 1 else found

    @property
    def has_loss(self) -> bool:
        """Whether there is something to make small."""
        return any(goal.loss is not None for goal in self.goals)

    @property
    def metrics(self) -> list[metrics.Metric]:
        """All metrics, once the outputs' shapes are known."""
        return [metric for goal in self.goals for metric in goal.metrics]

    def resolve(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Fixes the metrics for outputs of these shapes.

        Raises:
            ValueError: if a loss or a metric does not fit.
        """
        for goal, shape in zip(self.goals, shapes, strict=True):
            goal.resolve(shape)

    # --- the core's side ------------------------------------------------------------------------------------
    def expect(self, targets: Sequence[NDArray[Any] | None], outputs: Sequence[tuple[int, ...]]) -> bool:
        """Tells the shapes of targets that functions of one's own will get; whether they are new."""
        if self._read_shapes(targets) == self._target_shapes:
            return False
        for goal, y, shape in zip(self.goals, targets, outputs, strict=True):
            if y is not None and goal.reads_targets:
                goal.look_for_mixing(y.shape[1:], shape)
        self._target_shapes = self._read_shapes(targets)
        return True

    def _read_shapes(self, targets: Sequence[NDArray[Any] | None]) -> dict[int, tuple[int, ...]]:
        """The shapes of the targets that the network reads, by the numbers of the outputs."""
        return {
            i: y.shape[1:]
            for i, (goal, y) in enumerate(zip(self.goals, targets, strict=True))
            if y is not None and goal.reads_targets
        }

    @property
    def mixes_samples(self) -> bool:
        """Whether a loss needs all samples of a batch in one array, which the core's steps do not have."""
        return any(goal.mixes_samples for goal in self.goals)

    def look_at(self, targets: Sequence[Any], outputs: Sequence[tuple[int, ...]]) -> None:
        """Lets 'accuracy' depend on the shapes of targets, where the loss does not tell."""
        for goal, y, shape in zip(self.goals, targets, outputs, strict=True):
            goal.target_shape = None if y is None else y.shape[1:]
            goal.resolve(shape)

    def read_targets(self) -> list[int]:
        """Numbers of the outputs whose targets are inputs of the network."""
        return sorted(self._target_shapes)

    def read_weights(self) -> list[int]:
        """Numbers of the outputs whose samples' weights are inputs of the network, after those targets."""
        return [i for i, goal in enumerate(self.goals) if goal.reads_weights]

    def begin_whole(self) -> None:
        """Lets steps on whole batches take the place of the core's: no network computes a metric then."""
        self._per_batch = []

    def bind(self, graph: Blueprint, outputs: Sequence[int]) -> dict[str, Any]:
        """Adds losses and metrics of one's own to a graph; returns the arguments of `Network.compile`."""
        if all(goal.loss is None for goal in self.goals) and not graph.losses:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        self.resolve([graph.shape(node) for node in outputs])
        given = {
            i: graph.input(self._target_shapes[i], name=f"y_{self.goals[i].name}")
            for i in self.read_targets()
        }
        weights = {i: graph.input((), name=f"weight_{self.goals[i].name}") for i in self.read_weights()}
        loss_terms, metric_terms, self._per_batch = [], [], []
        for i, (goal, node) in enumerate(zip(self.goals, outputs, strict=True)):
            loss = goal.loss
            if loss is not None and loss.kind is not None and not goal.is_traced:
                loss_terms.append((node, loss.kind, loss.from_logits, goal.weight, i))
            elif loss is not None:
                whole, what = goal.reads_weights, f"The loss {loss.name!r}"
                nodes = [given[i], node] + ([weights[i]] if whole else [])
                value, is_number, is_of_rows = _traced(loss if whole else loss.call, graph, nodes, what)
                goal.takes_weights = whole or not (is_number or is_of_rows)
                if whole and not is_number:
                    raise ValueError(f"{what} is no single number; expected one")
                loss_terms.append((value, "value", False, goal.weight, -1 if whole else i))
            for metric in goal.metrics:
                place = goal.place(metric)
                if place == "graph":
                    what = f"The metric {metric.name!r}"
                    value, is_number, _ = _traced(metric.function, graph, [given[i], node], what)  # type: ignore[attr-defined]
                    metric_terms.append((value, "value", 0.5, i))
                    self._per_batch.append(is_number)
                elif place == "core":
                    assert metric.kind is not None
                    metric_terms.append((node, metric.kind, getattr(metric, "threshold", 0.5), i))
                    self._per_batch.append(False)
        self.optimizer.follow(v for node, v in graph.variables_of.items() if graph.trainable[node])
        return {
            "losses": loss_terms + _penalties(graph),
            "metrics": metric_terms,
            "optimizer": self.optimizer.core(),
        }

    def logs(self, losses_: Sequence[float], total: float, counted: Sequence[float]) -> dict[str, Any]:
        """Values by name, sorted as Keras does, from those of the core's terms and of the host's metrics."""
        values: list[Any] = [total]
        if len(self.goals) > 1:
            values += losses_[: sum(goal.loss is not None for goal in self.goals)]
        terms = iter(counted)
        for metric, on_host in self._placed():
            values.append(_number(metric.result()) if on_host else next(terms))
        return dict(sorted(zip(self.names, values, strict=True)))

    def _placed(self) -> list[tuple[Metric, bool]]:
        """All metrics, and whether the host computes them."""
        return [(metric, self._is_on_host(goal, metric)) for goal in self.goals for metric in goal.metrics]

    def _is_on_host(self, goal: OutputGoal, metric: Metric) -> bool:
        return self.mixes_samples or goal.place(metric) == "host"

    @property
    def counted(self) -> list[Metric]:
        """The metrics that the core computes, in the order of its terms."""
        return [metric for metric, on_host in self._placed() if not on_host]

    def sizes(self, samples: int) -> list[int]:
        """What a batch counts for in the core's metrics: 1 where one has a single value for it."""
        return [1 if once else samples for once in self._per_batch]

    # --- metrics of the host --------------------------------------------------------------------------------
    def begin(self) -> None:
        """Lets the host's metrics begin anew."""
        self._on_host = [[m for m in goal.metrics if self._is_on_host(goal, m)] for goal in self.goals]
        for metric in chain.from_iterable(self._on_host):
            metric.reset_state()

    @property
    def reads_outputs(self) -> bool:
        """Whether metrics of the host read a step's outputs."""
        return any(self._on_host)

    def outputs(self, network: Any, samples: int) -> list[Any] | None:
        """Arrays for the outputs that the host's metrics read; None where there are none."""
        if not self.reads_outputs:
            return None
        return [
            np.empty((samples, *network.output_shape(i)), np.float32) if on_host else None
            for i, on_host in enumerate(self._on_host)
        ]

    def observe(self, batch: Batch, outputs: Sequence[Any] | None) -> None:
        """Adds a batch to the host's metrics."""
        if outputs is None:
            return

        def rows(array: Any) -> Any:
            return array if array is None or batch.rows is None else array[batch.rows]

        for i, (goal, predicted) in enumerate(zip(self.goals, outputs, strict=True)):
            on_host = self._on_host[i]
            true = rows(batch.truth[i]) if on_host else None
            for metric in on_host:
                if goal.is_weighted(metric) and batch.weight:
                    metric.update_state(true, predicted, sample_weight=rows(batch.weight[i]))
                else:
                    metric.update_state(true, predicted)

    def mean(self) -> RunningMean:
        """Starts the mean over the batches of an epoch."""
        return RunningMean(self)

    def copied(self) -> dict[str, Any]:
        """Arguments of `compile` for another model: the same losses, copies of metrics, a new optimizer."""
        arguments: dict[str, list[Any]] = {
            "loss": [goal.loss for goal in self.goals],
            "metrics": [copy.deepcopy(goal.entries) for goal in self.goals],
            "weighted_metrics": [copy.deepcopy(goal.weighted_entries) for goal in self.goals],
            "loss_weights": [goal.weight for goal in self.goals],
        }
        for metric in chain(*arguments["metrics"], *arguments["weighted_metrics"]):
            if isinstance(metric, metrics.Metric):
                metric.reset_state()
        optimizer = type(self.optimizer).from_config(self.optimizer.get_config())
        if len(self.goals) > 1:
            return {"optimizer": optimizer, **arguments}
        single: dict[str, Any] = {name: found[0] for name, found in arguments.items()}
        return single | {"optimizer": optimizer, "loss_weights": arguments["loss_weights"]}

    def get_config(self) -> dict[str, Any]:
        """The arguments of `compile` as plain data."""
        several = len(self.goals) > 1
        loss = [None if goal.loss is None else losses.serialize(goal.loss) for goal in self.goals]
        entries = [_described(goal.entries) for goal in self.goals]
        weighted = [_described(goal.weighted_entries) for goal in self.goals]
        config = {
            "optimizer": optimizers.serialize(self.optimizer),
            "loss": loss if several else loss[0],
            "metrics": entries if several else entries[0],
        }
        if any(weighted):
            config["weighted_metrics"] = weighted if several else weighted[0]
        return config | ({"loss_weights": [goal.weight for goal in self.goals]} if several else {})


def _traced(
    function: Callable[..., Any], graph: Blueprint, nodes: Sequence[int], what: str
) -> tuple[int, bool, bool]:
    """The node of a function of y_true, y_pred, called as Keras does.

    And whether it is one number, and whether it has a value for each of several rows of a sample.
    """
    names = ("y_true", "y_pred", "sample_weight")
    symbols = [
        KerasTensor((None, *graph.shape(node)), name=name)
        for node, name in zip(nodes, names[: len(nodes)], strict=True)
    ]
    with tracing():
        value = function(*symbols)
    if not isinstance(value, KerasTensor):
        raise TypeError(
            f"{what} returned {value!r:.200}; expected a symbol, as keras.ops give them: what NumPy computes "
            f"cannot be traced"
        )
    (found,) = Function(symbols, [whole_of(value)]).lower(graph, list(nodes))
    return found, value.shape == (), isinstance(value, Rows)


def _described(entries: Sequence[Any]) -> list[Any] | None:
    """Metrics as plain data; None for none."""
    found = [e if isinstance(e, str) else metrics.serialize(metrics.get(e)) for e in entries]
    return found or None


def _number(value: Any) -> Any:
    """A metric's result as a Python number, or as an array where it has several values."""
    return float(np.asarray(value)) if np.ndim(value) == 0 else np.asarray(value)


def _penalties(graph: Blueprint) -> list[tuple[int, str, bool, float, int]]:
    """Loss terms of regularized weights that train, of regularized outputs, and those that layers added."""
    terms = []
    for node, layer in added_losses(graph):
        symbol = KerasTensor((None,) * graph.is_batched(node) + graph.shape(node), name=layer.name)
        terms.append((Function([symbol], [_sum(symbol)]).lower(graph, [node])[0], "value", False, 1.0, -1))
    for node, variable in list(graph.variables_of.items()):
        if variable.regularizer is None or not graph.trainable[node]:
            continue
        symbol = as_symbol(variable)
        with tracing():
            value = one_number(f"The regularizer of {variable.path}", variable.regularizer(symbol))
        terms.append((Function([], [value]).lower(graph, [])[0], "value", False, 1.0, -1))
    return terms


def _sum(x: KerasTensor) -> Any:
    """The sum of all values."""
    from pycnn.core.operations import reductions

    return reductions.sum(x)


def _metrics_by_output(argument: str, given: Any, outputs: Sequence[str]) -> list[list[Any]]:
    """The metrics of each output: for one output a list of them, for several one list or entry each."""
    if given is None:
        return [[] for _ in outputs]
    if len(outputs) == 1 and not (isinstance(given, dict) and "class_name" not in given):
        entries = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(entries) == 1 and isinstance(entries[0], (list, tuple)):
            entries = list(entries[0])
        return [entries]
    if (
        isinstance(given, (list, tuple))
        and len(given) != len(outputs)
        and not any(isinstance(entry, (list, tuple, dict)) for entry in given)
    ):
        return [list(given) for _ in outputs]
    found = by_output(argument, given, outputs)
    return [[] if e is None else list(e) if isinstance(e, (list, tuple)) else [e] for e in found]


def _checked_loss(loss: Any) -> losses.Loss | None:
    checked = losses.get(loss)
    if checked is not None and checked.reduction is None:
        raise ValueError(
            f"The loss {checked.name!r} has reduction None, so that it is no single number; expected "
            f"'sum_over_batch_size', 'sum' or another one"
        )
    if checked is not None and checked.is_of_batch and checked.reduction == "sum":
        raise ValueError(
            f"The loss {checked.name!r} with axis=None is one number for a batch, for which models lack the "
            f"reduction 'sum'; use 'sum_over_batch_size', or an axis"
        )
    return checked


def _fixed(entry: Any) -> metrics.Metric | None:
    """The metric of an entry; None for an automatic one. A name is the metric's name too, as in Keras."""
    if isinstance(entry, str) and entry.lower() in ("accuracy", "acc"):
        return None
    metric = metrics.get(entry)
    if isinstance(entry, str):
        metric.name = entry
    return metric


def _key(entry: Any, metric: metrics.Metric | None) -> str:
    return metric.name if metric is not None else str(entry)


def _distinct(names: Sequence[str], unweighted: int) -> list[str]:
    """Names that come again with a number, or weighted ones with 'weighted_', as in Keras."""
    found: list[str] = []
    for i, name in enumerate(names):
        wanted = name if name not in found or i < unweighted else f"weighted_{name}"
        free = (f"{wanted}_{n}" if n else wanted for n in range(len(names)))
        found.append(next(candidate for candidate in free if candidate not in found))
    return found


class RunningMean:
    """Losses and metrics of the batches so far, weighted by their sizes."""

    __slots__ = ("_counted", "_losses", "_objective", "_samples", "_sizes", "_total")

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._samples = 0
        self._total = 0.0
        self._losses: list[float] = []
        self._counted: list[float] = []
        self._sizes: list[int] = []
        objective.begin()

    def add(self, result: tuple[float, list[float], list[float]], size: int) -> None:
        """Adds what the core returned for a batch."""
        total, losses_, counted = result
        sizes = self._objective.sizes(size)
        if not self._samples:
            self._losses, self._counted = [0.0] * len(losses_), [0.0] * len(counted)
            self._sizes = [0] * len(counted)
        self._samples += size
        self._total += total * size
        for i, value in enumerate(losses_):
            self._losses[i] += value * size
        for i, value in enumerate(counted):
            self._counted[i] += value * sizes[i]
            self._sizes[i] += sizes[i]

    def state(self) -> list[Any]:
        """The sums, as plain data."""
        return [self._samples, self._total, self._losses, self._counted, self._sizes]

    def restore(self, state: list[Any]) -> None:
        """Goes on from where `state` was called."""
        self._samples, self._total, self._losses, self._counted, self._sizes = state

    def logs(self) -> dict[str, Any]:
        """Means by name, sorted as Keras does."""
        n = self._samples or 1
        counted = self._counted if self._samples else [0.0] * len(self._objective.counted)
        sizes = self._sizes if self._samples else [1] * len(counted)
        losses_ = self._losses if self._samples else [0.0] * len(self._objective.goals)
        means = [x / (size or 1) for x, size in zip(counted, sizes, strict=True)]
        return self._objective.logs([x / n for x in losses_], self._total / n, means)

    def finished(self) -> dict[str, Any]:
        """The same, and the objective's metrics are set to it."""
        if self._samples:
            triples = zip(self._objective.counted, self._counted, self._sizes, strict=True)
            for metric, value, size in triples:
                metric.reset_state()
                assert isinstance(metric, metrics.Mean)
                metric.add(value, size)
        return self.logs()
