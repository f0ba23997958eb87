"""Training and evaluation of a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.callbacks import CallbackList, History
from pycnn.core.arguments import as_int, as_number
from pycnn.core.program import Program
from pycnn.models.compiled import Compiled
from pycnn.models.data import ArraySource, Batch, StreamSource, is_stream
from pycnn.models.feeding import split
from pycnn.models.objective import Objective
from pycnn.models.predictor import checked_batch_size, checked_steps, checked_verbose
from pycnn.models.progress import Progress
from pycnn.optimizers.gradients import GradientStep

if TYPE_CHECKING:
    from pycnn.profiling import Profile

    Source: TypeAlias = ArraySource | StreamSource


class Trainer(Compiled):
    """What a model does with data and labels."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Trains the model.

        Ctrl-C stops within a batch; the model keeps what it has learned, and `model.history` the finished
        epochs.

        Args:
            x: samples (n, ...) of any real dtype, or a generator, or an object with length and items, that
                yields batches (x, y) or (x, y, sample_weight).
            y: class numbers for the sparse loss, else targets of the output's shape; None if x yields them.
            batch_size: samples for one step; None for 32.
            epochs: number of the last epoch.
            verbose: 0 prints nothing, 1 and 'auto' a progress bar, 2 a line for each epoch.
            callbacks: list of `keras.callbacks.Callback`.
            validation_split: fraction of the samples, the last ones, that is kept for validation.
            validation_data: (x, y), (x, y, sample_weight), or what yields such batches.
            shuffle: whether the samples are put in a new random order for each epoch.
            class_weight: dict from class numbers to weights in the loss.
            sample_weight: (n,) weights in the loss.
            initial_epoch: number of epochs done before.
            steps_per_epoch: batches in an epoch; None for one pass through the data.
            validation_steps: batches of validation; None for one pass.
            validation_batch_size: None for `batch_size`.
            validation_freq: epochs from one validation to the next, or the numbers (from 1) of those that
                have one.

        Returns:
            The History: loss, metrics and `val_...` of each epoch.

        Raises:
            TypeError, ValueError: if data or arguments do not fit; nothing has been trained then.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> model.fit(np.eye(4), np.ones(4), epochs=2, verbose=0).epoch
            [0, 1]
        """
        size = checked_batch_size("batch_size", batch_size)
        validation_size = checked_batch_size("validation_batch_size", validation_batch_size or size)
        level = checked_verbose(verbose)
        epochs, initial_epoch = as_int("epochs", epochs, 1), as_int("initial_epoch", initial_epoch, 0)
        steps = checked_steps("steps_per_epoch", steps_per_epoch)
        validates = _validation_epochs(validation_freq)
        fraction = as_number("validation_split", validation_split)
        if fraction and validation_data is None:
            (x, y, sample_weight), validation_data = split(x, y, sample_weight, fraction)
        x, program, feeder = self._start(x, y)
        source = feeder.source(x, y, size, steps, bool(shuffle), sample_weight, class_weight)
        validation = feeder.validation(validation_data, validation_size, validation_steps)

        called = CallbackList(callbacks, self, {"verbose": level, "epochs": epochs, "steps": source.steps})
        self.history = called.add_history()
        self.stop_training = False
        called.call("on_train_begin")
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            called.call("on_epoch_begin", epoch)
            if level:
                print(f"Epoch {epoch + 1}/{epochs}")
            progress = Progress(source.steps, level)
            step, result = self._train(source, program, called, progress)
            if step == 0:
                _report_no_batches(epoch == initial_epoch)
                break
            logs = result
            if validation is not None and validates(epoch + 1):
                values = self._validate(validation, program, called)
                logs = logs | {f"val_{name}": value for name, value in values.items()}
            progress.finish(step, logs)
            called.call("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
            if source.exhausted:
                _report_no_batches(False)
                break
        self._goal.optimizer.finalize_variable_values(self.trainable_weights)
        called.call("on_train_end", logs)
        return self.history

    def _train(
        self, source: Source, program: Program, called: CallbackList, progress: Progress
    ) -> tuple[int, dict[str, float]]:
        """One epoch: the number of its batches, and the mean loss and metrics."""
        begin, end = called.hooks("on_train_batch_begin"), called.hooks("on_train_batch_end")
        train_step, due = self._train_step(program), progress.due
        mean = self._goal.mean()
        step = 0
        for batch in source.epoch():
            for hook in begin:
                hook(step)
            mean.add(train_step(batch), batch.size)
            if end:
                logs = mean.logs()
                for hook in end:
                    hook(step, logs)
            step += 1
            if due():
                progress.draw(step, mean.logs())
            if self.stop_training:
                break
        return step, mean.finished()

    @property
    def _goal(self) -> Objective:
        assert self._objective is not None
        return self._objective

    def _train_step(self, program: Program) -> Callable[[Batch], tuple[float, list[float], list[float]]]:
        """A step on one batch: gradients, what looks at them, and what the optimizer makes of them."""
        network, optimizer = program.network, self._goal.optimizer

        def fused(batch: Batch) -> tuple[float, list[float], list[float]]:
            return network.train_step(batch.x, batch.y, batch.rows, batch.weight, optimizer.current_rate())

        step = GradientStep(optimizer, network, program.variables, self.on_gradients)

        def parted(batch: Batch) -> tuple[float, list[float], list[float]]:
            result = network.compute_gradients(batch.x, batch.y, batch.rows, batch.weight)
            step.apply()
            return result

        return parted if step.is_needed else fused

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One optimizer step.

        Args:
            x: samples (n, ...).
            y: labels or targets.
            sample_weight: (n,) weights in the loss.
            class_weight: dict from class numbers to weights in the loss.
            return_dict: whether the result is a dict.

        Returns:
            Loss and metrics before the step, as `evaluate` does.

        Raises:
            TypeError, ValueError: if data or arguments do not fit.
        """
        x, program, feeder = self._start(x, y)
        batch = feeder.batch(x, y, sample_weight, class_weight)
        mean = self._goal.mean()
        mean.add(self._train_step(program)(batch), batch.size)
        return self._result(mean.finished(), return_dict)

    def _validate(self, source: Source, program: Program, called: CallbackList) -> dict[str, float]:
        """The same samples after every epoch; a generator that has run out gives nothing but a warning."""
        source.restart()
        found = self._test(source, program, called, None)
        if found is None:
            warnings.warn(
                "`validation_data` has no batches left, so there is no validation; a generator must yield "
                "validation_steps batches for each epoch.",
                stacklevel=4,
            )
        return found or {}

    # --- evaluate -------------------------------------------------------------------------------------------
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data, in inference mode.

        Args:
            x: samples, or what yields batches, as in `fit`.
            y: labels or targets.
            batch_size: samples at a time; the result does not depend on it.
            verbose: 0 prints nothing, 1 and 'auto' a progress bar, 2 a line.
            sample_weight: (n,) weights in the loss.
            steps: number of batches; None for all.
            callbacks: list of callbacks.
            return_dict: whether the result is a dict.

        Returns:
            The loss; or a list of the loss and the metrics in the order of `metrics_names`; or a dict.

        Raises:
            TypeError, ValueError: if data or arguments do not fit.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(1, kernel_initializer="zeros")
            >>> model = keras.Sequential([keras.Input((4,)), dense])
            >>> model.compile(loss="mse")
            >>> model.evaluate(np.eye(4), np.ones(4), verbose=0)
            1.0
        """
        level = checked_verbose(verbose)
        size = checked_batch_size("batch_size", batch_size)
        steps = checked_steps("steps", steps)
        x, program, feeder = self._start(x, y)
        source = feeder.source(x, y, size, steps, sample_weight=sample_weight)
        called = CallbackList(callbacks, self, {"verbose": level, "epochs": 1, "steps": source.steps})
        logs = self._test(source, program, called, Progress(source.steps, level))
        if logs is None:
            raise ValueError("The data to evaluate has no batches left; expected at least one")
        return self._result(logs, return_dict)

    def _test(
        self,
        source: Source,
        program: Program,
        called: CallbackList,
        progress: Progress | None,
    ) -> dict[str, float] | None:
        """Mean loss and metrics of all batches of a source; None where it has none."""
        begin, end = called.hooks("on_test_batch_begin"), called.hooks("on_test_batch_end")
        called.call("on_test_begin")
        mean = self._goal.mean()
        test_step = program.test_network.test_step
        step = 0
        for batch in source.epoch():
            for hook in begin:
                hook(step)
            mean.add(test_step(batch.x, batch.y, batch.rows, batch.weight), batch.size)
            for hook in end:
                hook(step, mean.logs())
            step += 1
            if progress is not None and progress.due():
                progress.draw(step, mean.logs())
        if step == 0:
            return None
        logs = mean.finished()
        if progress is not None:
            progress.finish(step, logs)
        called.call("on_test_end", logs)
        return logs

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch, as `evaluate` gives them; arguments as in `train_on_batch`."""
        x, program, feeder = self._start(x, y)
        batch = feeder.batch(x, y, sample_weight)
        mean = self._goal.mean()
        mean.add(program.test_network.test_step(batch.x, batch.y, None, batch.weight), batch.size)
        return self._result(mean.finished(), return_dict)

    def profile(self, x: Any, y: Any = None, sample_weight: Any = None, *, seconds: float = 0.5) -> Profile:
        """Measures where the time goes: of a prediction or, where `y` is given, of a training step.

        The model stays as it is: after training steps its weights and the optimizer's state are put back.
        Other work on the machine shows as waiting, or as slower layers.

        Args:
            x: samples (n, ...): one batch.
            y: labels or targets, as for `fit`; the model must be compiled then.
            sample_weight: (n,) weights in the loss.
            seconds: for how long it is measured, at least three runs in any case.

        Returns:
            A `pycnn.profiling.Profile`: time, share, GFLOP/s, share of the measured peak, bytes and algorithm
            of each layer and phase. `print` shows it as a table, `plot(path)` draws it, `as_dict()` is for
            JSON.

        Raises:
            TypeError, ValueError: if data or arguments do not fit, or the model is not compiled for `y`.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(3, activation="softmax", name="scores")
            >>> model = keras.Sequential([keras.Input((4,), name="x"), dense])
            >>> found = model.profile(np.ones((32, 4)), seconds=0.01)
            >>> [(row.layer, row.phase) for row in found.rows]
            [('x', 'forward'), ('scores', 'forward'), ('output', 'forward'), ('', 'waiting')]
            >>> round(sum(row.share for row in found.rows), 6)
            1.0
        """
        from pycnn.profiling import measure

        seconds = as_number("seconds", seconds)
        if seconds <= 0:
            raise ValueError(f"seconds is {seconds}; expected a number above 0")
        if is_stream(x):
            raise TypeError(f"`x` is a {type(x).__name__}; expected an array: the samples of one batch")
        if y is None:
            if sample_weight is not None:
                raise ValueError("`sample_weight` is for a training step, which needs `y` too")
            samples = self._samples(x)
            if not len(samples[0]):
                raise ValueError("`x` is empty; expected at least one sample")
            return measure.prediction(self.name, self._ready(None).network, samples, seconds)
        x, program, feeder = self._start(x, y)
        batch = feeder.batch(x, y, sample_weight)
        rate = self._goal.optimizer.current_rate()
        data = (batch.x, batch.y, batch.weight)
        return measure.training_step(self.name, program.network, data, rate, seconds)

    def _result(self, logs: dict[str, float], return_dict: bool) -> Any:
        """The dict; or the loss alone, or a list in the order of metrics_names."""
        if return_dict:
            return logs
        values = [logs[name] for name in self.metrics_names]
        return values[0] if len(values) == 1 else values


def _validation_epochs(freq: Any) -> Callable[[int], bool]:
    """Whether an epoch, counted from 1, has a validation."""
    if isinstance(freq, Collection) and not isinstance(freq, str):
        epochs = {as_int("validation_freq", epoch, 1) for epoch in freq}
        return lambda epoch: epoch in epochs
    period = as_int("validation_freq", freq, 1)
    return lambda epoch: epoch % period == 0


def _report_no_batches(at_once: bool) -> None:
    if at_once:
        raise ValueError("`x` yielded no batch; expected at least one")
    warnings.warn(
        "`x` ran out of batches, so the training ends here; "
        "a generator must yield steps_per_epoch * epochs batches.",
        stacklevel=3,
    )
