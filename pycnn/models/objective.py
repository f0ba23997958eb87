"""What `compile` was told, and what that means for an output shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn import losses, metrics, optimizers
from pycnn.core.arrays import as_labels, as_targets
from pycnn.losses.base import smoothed
from pycnn.metrics.accuracy import Accuracy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn._core import Network

_SPARSE = "sparse_categorical_crossentropy"


class Objective:
    """Optimizer, loss and metrics of a model.

    Args:
        optimizer: name or object.
        loss: name, function, object or None.
        metrics: list of names or objects, one of them, or None.
    """

    def __init__(self, optimizer: Any, loss: Any, metrics_: Any) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.loss = _checked_loss(loss)
        if metrics_ is None:
            entries: list[Any] = []
        elif isinstance(metrics_, (list, tuple)):
            entries = list(metrics_)
        else:
            entries = [metrics_]
        self._entries = entries
        # Names of the automatic kind wait for the output shape; all others are checked now.
        self._fixed = [None if _is_automatic(entry) else metrics.get(entry) for entry in entries]
        self.metrics: list[metrics.Metric] = []
        self._counted = "none"
        self.names = [
            "loss",
            *(_key(entry, metric) for entry, metric in zip(entries, self._fixed, strict=True)),
        ]

    def resolve(self, shape: tuple[int, ...]) -> None:
        """Fixes the metrics for an output of this shape.

        Raises:
            ValueError: if the loss or a metric does not fit.
        """
        if self.loss is None:
            return
        if shape[-1] == 1 and self.loss.kind in (_SPARSE, "categorical_crossentropy"):
            raise ValueError(
                f"The loss {self.loss.kind} needs at least two classes, but the output has shape "
                f"{(None, *shape)}; use 'binary_crossentropy', or Dense(classes)"
            )
        self.metrics = [
            self._automatic(entry, shape) if metric is None else metric
            for entry, metric in zip(self._entries, self._fixed, strict=True)
        ]
        self._counted = self._kind()

    def bind(self, network: Network) -> None:
        """Compiles a network for this objective.

        Raises:
            ValueError: if there is no loss, or the loss or a metric does not fit the output's shape.
        """
        if self.loss is None:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        self.resolve(tuple(network.output_shape))
        network.compile(
            loss=self.loss.kind,
            from_logits=self.loss.from_logits,
            metric=self._counted,
            optimizer=self.optimizer.kind,
            options=self.optimizer.options(),
        )
        self.optimizer.bind(network)

    def _automatic(self, name: str, shape: tuple[int, ...]) -> metrics.Metric:
        """The accuracy that 'accuracy' or 'acc' means."""
        if shape[-1] == 1:
            return metrics.BinaryAccuracy(name)
        if self.loss is not None and self.loss.kind == _SPARSE:
            return metrics.SparseCategoricalAccuracy(name)
        return metrics.CategoricalAccuracy(name)

    def _kind(self) -> str:
        """The core's name for the one kind of accuracy that it counts."""
        kinds = set()
        for metric in self.metrics:
            if not isinstance(metric, Accuracy):
                raise ValueError(
                    f"Metric {metric.name!r} cannot be computed in training; expected an accuracy"
                )
            if isinstance(metric, metrics.BinaryAccuracy) and metric.threshold != 0.5:
                raise ValueError(
                    f"Metric {metric.name!r}: models count with threshold 0.5 only, not {metric.threshold}; "
                    "use the metric on `predict`'s output"
                )
            if metric.kind == "binary_accuracy" and self.loss is not None and self.loss.label_smoothing:
                raise ValueError(
                    f"Metric {metric.name!r} counts equal labels, of which label_smoothing leaves none; "
                    "use the metric on `predict`'s output"
                )
            sparse = metric.kind == "sparse_categorical_accuracy"
            if self.loss is not None and sparse != (self.loss.kind == _SPARSE):
                raise ValueError(
                    f"Metric {metric.name!r} ({metric.kind}) does not fit the loss {self.loss.kind}"
                )
            kinds.add(metric.kind)
        if len(kinds) > 1:
            raise ValueError(f"A model counts one kind of accuracy, not {' and '.join(sorted(kinds))}")
        return kinds.pop() if kinds else "none"

    def targets(self, name: str, y: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """y as the core's steps take it: int32 class numbers, or float32 targets."""
        loss = self.loss
        assert loss is not None
        if y is None:
            raise ValueError(f"`{name}` is missing; expected the targets of the samples")
        if loss.kind == _SPARSE:
            return as_labels(name, y, shape, shape[-1])
        targets = as_targets(name, y, shape)
        if loss.kind != "mean_squared_error" and targets.size and (targets.min() < 0 or targets.max() > 1):
            raise ValueError(
                f"`{name}` has values from {targets.min():g} to {targets.max():g}, "
                f"but {loss.kind} expects targets from 0 to 1"
            )
        return smoothed(loss.kind, targets, loss.label_smoothing)

    def mean(self) -> RunningMean:
        """Starts the mean over the batches of an epoch."""
        return RunningMean(self)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `compile` as plain data."""
        entries = [
            entry if isinstance(entry, str) else metrics.serialize(metrics.get(entry))
            for entry in self._entries
        ]
        return {
            "optimizer": optimizers.serialize(self.optimizer),
            "loss": None if self.loss is None else losses.serialize(self.loss),
            "metrics": entries or None,
        }


def _checked_loss(loss: Any) -> losses.Loss | None:
    if isinstance(loss, Sequence) and not isinstance(loss, str) and len(loss) == 1:
        loss = loss[0]
    checked = losses.get(loss)
    if checked is not None and checked.reduction != "sum_over_batch_size":
        raise ValueError(
            f"The loss {checked.name!r} has reduction {checked.reduction!r}; expected 'sum_over_batch_size'"
        )
    return checked


def _is_automatic(entry: Any) -> bool:
    return isinstance(entry, str) and entry.lower() in ("accuracy", "acc")


def _key(entry: Any, metric: metrics.Metric | None) -> str:
    return entry if isinstance(entry, str) else metric.name if metric is not None else str(entry)


class RunningMean:
    """Loss and accuracy of the batches so far, weighted by their sizes."""

    __slots__ = ("_loss", "_objective", "_right", "_samples")

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._samples = 0
        self._loss = self._right = 0.0

    def add(self, result: tuple[float, float], size: int) -> None:
        """Adds what the core returned for a batch."""
        self._samples += size
        self._loss += result[0] * size
        self._right += result[1] * size

    def logs(self) -> dict[str, float]:
        """Means by name, sorted as Keras does."""
        names, n = self._objective.names, self._samples or 1
        return dict(sorted(zip(names, [self._loss / n, *[self._right / n] * (len(names) - 1)], strict=True)))

    def finished(self) -> dict[str, float]:
        """The same, and the objective's metrics are set to it."""
        for metric in self._objective.metrics:
            metric.reset_state()
            metric.add(self._right, self._samples)
        return self.logs()
