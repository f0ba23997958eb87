"""Training and evaluation of a model."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.callbacks import CallbackList, History
from pycnn.callbacks.progbar import announce_epoch
from pycnn.core.arguments import as_int, as_number
from pycnn.core.program import Program
from pycnn.core.progress import Progress
from pycnn.core.tensor import before_change
from pycnn.models import own_steps, whole_batches
from pycnn.models.compiled import Compiled
from pycnn.models.data import Batch, is_stream, unpack
from pycnn.models.feeding import split
from pycnn.models.fused_steps import FusedStep
from pycnn.models.generators import GeneratorMethods
from pycnn.models.gradients import LossAndGradients, gradients_of
from pycnn.models.objective import Objective
from pycnn.models.predictor import checked_steps, checked_verbose, default_step, optional_batch_size
from pycnn.models.sources import Source
from pycnn.models.stepping import CoreSteps, OwnSteps, Steps, as_logs, packed, raw_source
from pycnn.optimizers.gradients import GradientStep

if TYPE_CHECKING:
    from pycnn.profiling import Profile

    CoreStep: TypeAlias = Callable[[Batch], tuple[float, list[float], list[float]]]

# Where no callback is for batches the core trains for so many seconds without a look at anything else.
_TOGETHER = 0.02


class Trainer(GeneratorMethods, Compiled):
    """What a model does with data and labels."""

    _source: Source | None = None  # of the batches that `fit` trains with
    _epoch_steps: Steps | None = None  # of the epoch in which it is
    _begin_at: tuple[int, int, Any] | None = None  # epoch, batch and state of its steps, where it was told

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

        Ctrl-C stops within a batch, or 20 ms of batches; the model keeps what it has learned, and
        `model.history` the finished epochs.

        Args:
            x: samples (n, ...) of any real dtype, as an array, tensor or data frame; or what yields batches
                (x, y) or (x, y, sample_weight): a `keras.utils.PyDataset`, a generator, a torch DataLoader, a
                `tf.data.Dataset`. A thread fetches batches ahead of the step that needs them.
            y: class numbers for the sparse loss, else targets of the output's shape; None if x yields them.
            batch_size: samples for one step; None for 32 or, with `steps_per_epoch`, for as many as make one
                pass of these steps.
            epochs: number of the last epoch.
            verbose: 0 prints nothing, 1 and 'auto' a progress bar, 2 a line for each epoch.
            callbacks: list of `keras.callbacks.Callback`.
            validation_split: fraction of the samples, the last ones, that is kept for validation.
            validation_data: (x, y), (x, y, sample_weight), or what yields such batches.
            shuffle: whether the samples are put in a new random order for each epoch.
            class_weight: dict from class numbers to weights in the loss.
            sample_weight: (n,) weights in the loss.
            initial_epoch: number of epochs done before.
            steps_per_epoch: batches in an epoch; None for one pass through the data. Epochs go on where the
                one before ended; one in which the data end is shorter, and there is a warning.
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
        size = optional_batch_size("batch_size", batch_size)
        validation_size = optional_batch_size("validation_batch_size", validation_batch_size) or size
        level = checked_verbose(verbose)
        epochs, initial_epoch = as_int("epochs", epochs, 1), as_int("initial_epoch", initial_epoch, 0)
        steps = checked_steps("steps_per_epoch", steps_per_epoch)
        validates = _validation_epochs(validation_freq)
        fraction = as_number("validation_split", validation_split)
        if fraction and validation_data is None:
            (x, y, sample_weight), validation_data = split(x, y, sample_weight, fraction)
        source: Source
        known: Any = None
        if self.runs_own("train_step"):
            self._get_ready(x)
            make_steps = self._own_steps("train_step")
            source = raw_source(x, y, size, steps, bool(shuffle), sample_weight, class_weight)
        else:
            x, program, feeder = known = self._start(x, y)
            make_steps = self._core_steps(self._train_step(program))
            source = feeder.source(x, y, size, steps, bool(shuffle), sample_weight, class_weight)
        validation, test_steps = self._validation(validation_data, validation_size, validation_steps, known)

        called = CallbackList(callbacks, True, model=self, verbose=level, epochs=epochs, steps=source.steps)
        level = 0 if called.has_progbar else level
        history = self.history = called.history
        assert history is not None
        self.stop_training = False
        self._source, self._begin_at = source, None
        test = partial(self._validate, validation, test_steps, validates, called)
        try:
            logs = self._train_epochs(source, make_steps, test, called, range(initial_epoch, epochs), level)
        finally:
            self._source = self._epoch_steps = None
        self._goal.optimizer.finalize_variable_values(self.trainable_weights)
        self._last_loss = None
        called.on_train_end(logs)
        return history

    def _train_epochs(
        self,
        source: Source,
        make_steps: Callable[[], Steps],
        test: Callable[[int], dict[str, float]],
        called: CallbackList,
        epochs: range,
        level: int,
    ) -> dict[str, float]:
        """All epochs; returns the logs of the last one."""
        called.on_train_begin()
        begin, first, state = self._begin_at or (epochs.start, 0, None)
        logs: dict[str, float] = {}
        for epoch in range(begin, epochs.stop):
            called.on_epoch_begin(epoch)
            announce_epoch(epoch, epochs.stop, level)
            progress = Progress(source.steps, level)
            self._epoch_steps = make_steps()
            if state is not None:
                self._epoch_steps.restore(state)
            step, result = self._train(source, self._epoch_steps, called, progress, first)
            first, state = 0, None
            if step == 0:
                _report_no_batches(epoch == epochs.start)
                break
            logs = result | test(epoch)
            progress.finish(step, logs)
            called.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
            if source.exhausted:
                _report_no_batches(False)
                break
        return logs

    def _train(
        self, source: Source, steps: Steps, called: CallbackList, progress: Progress, first: int
    ) -> tuple[int, dict[str, float]]:
        """One epoch from a batch on: the number of its batches, and the mean loss and metrics."""
        begin, end = called.hooks("on_train_batch_begin"), called.hooks("on_train_batch_end")
        several = steps.take_several and not begin and not end
        if not several:
            source.together = 1
        due = progress.due
        step = first
        with closing(source.epoch(first)) as batches:
            for batch in batches:
                if begin:
                    logs: dict[str, float] = {}
                    for hook in begin:
                        hook(step, logs)
                start = time.perf_counter()
                steps.step(batch)
                count = len(batch.sizes) if several and batch.each else 1
                if end:
                    logs = steps.logs()
                    for hook in end:
                        hook(step, logs)
                if several:
                    source.together = _steps_within(_TOGETHER, count, time.perf_counter() - start)
                step += count
                if due():
                    progress.draw(step, steps.logs())
                if self.stop_training:
                    break
        return step, steps.finished()

    def training_position(self) -> dict[str, Any]:
        """Where `fit` is in its data, as plain data for `resume`; for callbacks.

        Raises:
            RuntimeError: if the model is not being trained.
        """
        if self._source is None:
            raise RuntimeError("`training_position` is for callbacks of `fit`")
        return {
            "data": self._source.position(),
            "logs": None if self._epoch_steps is None else self._epoch_steps.state(),
        }

    def resume(self, epoch: int, step: int = 0, position: dict[str, Any] | None = None) -> None:
        """Lets `fit` begin later; for callbacks in `on_train_begin`.

        Args:
            epoch: number of the epoch that comes first.
            step: number of the batch of that epoch that comes first.
            position: what `training_position` returned then; None for the beginning of the data.

        Raises:
            RuntimeError: if the model is not being trained.
        """
        if self._source is None:
            raise RuntimeError("`resume` is for callbacks of `fit`")
        if position is not None:
            self._source.go_to(position["data"])
        self._begin_at = epoch, step, position["logs"] if position is not None and step else None

    def _core_steps(self, step: CoreStep) -> Callable[[], Steps]:
        """Makes the steps of an epoch that the core does."""
        return lambda: CoreSteps(self._goal, step)

    def _own_steps(self, method: str) -> Callable[[], Steps]:
        """Makes the steps of an epoch that a method of one's own does."""

        def steps() -> Steps:
            self.reset_metrics()
            return OwnSteps(getattr(self, method))

        return steps

    def _get_ready(self, x: Any) -> None:
        """Shapes, before a step of one's own, where the data are arrays and there is a `call`."""
        self._compiled()
        before_change()
        if not self._is_ready() and self.can_be_called and not is_stream(x) and x is not None:
            self._make_ready(x)
        if self._is_ready():
            self._goal.resolve(list(self._ends().outputs.values()))

    def _validation(
        self, data: Any, batch_size: int | None, steps: int | None, known: Any
    ) -> tuple[Source | None, Callable[[], Steps]]:
        """The batches of `validation_data`, and what makes the steps on them."""
        if self.runs_own("test_step"):
            test = self._own_steps("test_step")
            if data is None:
                return None, test
            count = checked_steps("validation_steps", steps)
            if is_stream(data):
                return raw_source(data, None, batch_size, count, prefix="validation "), test
            x, y, weight = unpack(data, "`validation_data`")
            return raw_source(x, y, batch_size, count, sample_weight=weight, prefix="validation "), test
        if data is None:
            return None, self._own_steps("test_step")
        if known is None:
            first, targets = (data, None) if is_stream(data) else unpack(data, "`validation_data`")[:2]
            known = self._start(first, targets)
            data = known[0] if is_stream(data) else data
        _, program, feeder = known
        return feeder.validation(data, batch_size, steps), self._core_steps(self._test_step(program))

    @property
    def _goal(self) -> Objective:
        assert self._objective is not None
        return self._objective

    def _train_step(self, program: Program | None) -> CoreStep:
        """A step on one batch: gradients, what looks at them, and what the optimizer makes of them."""
        if program is None:
            return whole_batches.train_step(self, self._goal)
        network, updates = program.network, program.updates
        goal, optimizer = self._goal, self._goal.optimizer
        step = GradientStep.of_network(optimizer, network, program.variables, self.on_gradients)

        def parted(batch: Batch) -> tuple[float, list[float], list[float]]:
            outputs, values = goal.outputs(network, batch.size), updates.arrays()
            arrays = updates.after(outputs, values)
            result = network.compute_gradients(batch.x, batch.y, batch.rows, batch.weight, arrays)
            goal.observe(batch, outputs)
            updates.write(values)  # the step is made from these
            step.run()
            return result

        return parted if step.is_needed or updates else FusedStep(network, goal)

    def _test_step(self, program: Program | None) -> CoreStep:
        if program is None:
            return whole_batches.test_step(self, self._goal)
        network, updates, goal = program.test_network, program.test_updates, self._goal

        def test(batch: Batch) -> tuple[float, list[float], list[float]]:
            outputs, values = goal.outputs(network, batch.size), updates.arrays()
            arrays = updates.after(outputs, values)
            result = network.test_step(batch.x, batch.y, batch.rows, batch.weight, arrays)
            goal.observe(batch, outputs)
            updates.write(values)
            return result

        return test

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
        if self.runs_own("train_step"):
            self._get_ready(x)
            batch = packed(x, y, sample_weight, class_weight)
            return self._result(as_logs(self.train_step(batch.taken()), "train_step"), return_dict)
        return self._result(self._core_train_step(x, y, sample_weight, class_weight), return_dict)

    def _core_train_step(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None
    ) -> dict[str, float]:
        x, program, feeder = self._start(x, y)
        batch = feeder.batch(x, y, sample_weight, class_weight)
        mean = self._goal.mean()
        mean.add(self._train_step(program)(batch), batch.size)
        return mean.finished()

    def _core_test_step(self, x: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        x, program, feeder = self._start(x, y)
        batch = feeder.batch(x, y, sample_weight)
        mean = self._goal.mean()
        mean.add(self._test_step(program)(batch), batch.size)
        return mean.finished()

    @default_step
    def train_step(self, data: Any) -> dict[str, Any]:
        """One step on one batch: what `fit` does with each. Subclasses override it.

        Args:
            data: x, or a tuple (x, y) or (x, y, sample_weight).

        Returns:
            A dict of values by name, which `fit` shows and puts into the history.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> class Mine(keras.Model):
            ...     def train_step(self, data):
            ...         x, y = data
            ...         with keras.GradientTape() as tape:
            ...             loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            ...         gradients = tape.gradient(loss, self.trainable_variables)
            ...         self.optimizer.apply(gradients, self.trainable_variables)
            ...         return {"loss": loss}
            >>> x = keras.Input((2,))
            >>> model = Mine(x, keras.layers.Dense(1, kernel_initializer="zeros")(x))
            >>> model.compile("sgd", "mse")
            >>> model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0).history
            {'loss': [1.0]}
        """
        if self.has_own_loss:
            return own_steps.train_step(self, *_unpacked(data))
        return self._core_train_step(*_unpacked(data))

    @default_step
    def test_step(self, data: Any) -> dict[str, Any]:
        """The same without a step of the optimizer: what `evaluate` does with each batch."""
        if self.has_own_loss:
            return own_steps.test_step(self, *_unpacked(data))
        return self._core_test_step(*_unpacked(data))

    def _validate(
        self,
        source: Source | None,
        make_steps: Callable[[], Steps],
        validates: Callable[[int], bool],
        called: CallbackList,
        epoch: int,
    ) -> dict[str, float]:
        """The same samples after every epoch; a generator that has run out gives nothing but a warning."""
        if source is None or not validates(epoch + 1):
            return {}
        source.restart()
        found = self._test(source, make_steps(), called, None)
        if found is None:
            warnings.warn(
                "`validation_data` has no batches left, so there is no validation; a generator must yield "
                "validation_steps batches for each epoch.",
                stacklevel=4,
            )
        return {f"val_{name}": value for name, value in (found or {}).items()}

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
            batch_size: samples at a time; the result does not depend on it, unless a `call` assigns to
                variables, which it does for each batch.
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
        size = optional_batch_size("batch_size", batch_size)
        steps = checked_steps("steps", steps)
        source: Source
        if self.runs_own("test_step"):
            self._get_ready(x)
            make_steps = self._own_steps("test_step")
            source = raw_source(x, y, size, steps, sample_weight=sample_weight)
        else:
            x, program, feeder = self._start(x, y)
            make_steps = self._core_steps(self._test_step(program))
            source = feeder.source(x, y, size, steps, sample_weight=sample_weight)
        called = CallbackList(callbacks, model=self, verbose=level, epochs=1, steps=source.steps)
        level = 0 if called.has_progbar else level
        logs = self._test(source, make_steps(), called, Progress(source.steps, level))
        if logs is None:
            raise ValueError("The data to evaluate has no batches left; expected at least one")
        return self._result(logs, return_dict)

    def _test(
        self,
        source: Source,
        steps: Steps,
        called: CallbackList,
        progress: Progress | None,
    ) -> dict[str, float] | None:
        """Mean loss and metrics of all batches of a source; None where it has none."""
        begin, end = called.hooks("on_test_batch_begin"), called.hooks("on_test_batch_end")
        called.on_test_begin()
        step = 0
        with closing(source.epoch()) as batches:
            for batch in batches:
                for hook in begin:
                    hook(step, {})
                steps.step(batch)
                for hook in end:
                    hook(step, steps.logs())
                step += 1
                if progress is not None and progress.due():
                    progress.draw(step, steps.logs())
        if step == 0:
            return None
        logs = steps.finished()
        if progress is not None:
            progress.finish(step, logs)
        called.on_test_end(logs)
        return logs

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch, as `evaluate` gives them; arguments as in `train_on_batch`."""
        if self.runs_own("test_step"):
            self._get_ready(x)
            batch = packed(x, y, sample_weight)
            return self._result(as_logs(self.test_step(batch.taken()), "test_step"), return_dict)
        return self._result(self._core_test_step(x, y, sample_weight), return_dict)

    def gradients(self, x: Any, y: Any = None, sample_weight: Any = None) -> LossAndGradients:
        """Loss of one batch, and its gradients by the weights, as a training step computes them.

        Nothing changes in the model: neither weights and moving statistics nor the optimizer's state. Dropout
        draws anew in each call.

        Args:
            x: samples (n, ...).
            y: labels or targets.
            sample_weight: (n,) weights in the loss.

        Returns:
            A named tuple (loss, gradients): a number, and arrays in the order of `trainable_weights`.

        Raises:
            TypeError, ValueError: if data do not fit, or the model is not compiled.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(1, kernel_initializer="zeros")
            >>> model = keras.Sequential([keras.Input((2,)), dense])
            >>> model.compile("sgd", "mse")
            >>> loss, (kernel, bias) = model.gradients(np.ones((4, 2)), np.ones(4))
            >>> loss, kernel.tolist(), bias.tolist()
            (1.0, [[-2.0], [-2.0]], [-2.0])
        """
        x, program, feeder = self._start(x, y)
        if program is None:
            raise whole_batches.refused(self._goal, "gradients")
        return gradients_of(program, feeder.batch(x, y, sample_weight), self.trainable_weights)

    def profile(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        seconds: float = 0.5,
        threads: int | None = None,
    ) -> Profile:
        """Measures where time and memory go: of a prediction or, where `y` is given, of a training step.

        The model stays as it is: after training steps its weights and the optimizer's state are put back.
        Other work on the machine shows as waiting, or as slower layers.

        Args:
            x: samples (n, ...): one batch.
            y: labels or targets, as for `fit`; the model must be compiled then.
            sample_weight: (n,) weights in the loss.
            seconds: for how long it is measured, at least three runs in any case.
            threads: how many threads the work is cut for, whatever number of them does it; default: as many
                as there are. Large teams get smaller pieces, of which `Profile.forecast` then tells.

        Returns:
            A `pycnn.profiling.Profile`: time, share, GFLOP/s, share of the measured peak, bytes and algorithm
            of each layer and phase; and the memory of the run by kind. `print` shows it as a table,
            `plot(path)` draws it, `as_dict()` is for JSON.

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
        threads = 0 if threads is None else as_int("threads", threads, 1)
        if is_stream(x):
            raise TypeError(f"`x` is a {type(x).__name__}; expected an array: the samples of one batch")
        if y is None:
            if sample_weight is not None:
                raise ValueError("`sample_weight` is for a training step, which needs `y` too")
            samples = self._samples(x)
            if not len(samples[0]):
                raise ValueError("`x` is empty; expected at least one sample")
            return measure.prediction(self.name, self._ready(None).network, samples, seconds, threads)
        x, program, feeder = self._start(x, y)
        if program is None:
            raise whole_batches.refused(self._goal, "profile")
        batch = feeder.batch(x, y, sample_weight)
        rate = self._goal.optimizer.current_rate()
        data = (batch.x, batch.y, batch.weight)
        return measure.training_step(self.name, program.network, data, rate, seconds, threads)

    def _result(self, logs: dict[str, float], return_dict: bool) -> Any:
        """The dict; or the loss alone, or a list in the order of metrics_names."""
        if return_dict:
            return logs
        names = self.metrics_names
        values = [logs[name] for name in (names if set(names) == set(logs) else logs)]
        return values[0] if len(values) == 1 else values


def _unpacked(data: Any) -> tuple[Any, Any, Any]:
    """x, y and weights of a batch as `train_step` gets it."""
    return unpack(data, "`data`") if isinstance(data, tuple) else (data, None, None)


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


def _steps_within(seconds: float, count: int, took: float) -> int:
    """How many steps fit into a time, where so many took another."""
    return max(1, min(int(count * seconds / max(took, 1e-9)), 256))
