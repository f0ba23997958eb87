"""Prediction with a model."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from pycnn._core import PreparedCall
from pycnn.callbacks import CallbackList
from pycnn.core import tree
from pycnn.core.arguments import as_int
from pycnn.core.arrays import as_samples
from pycnn.core.program import Program
from pycnn.core.progress import Progress, is_live
from pycnn.models.data import check_stream, is_stream
from pycnn.models.feeding import Ends
from pycnn.models.interface import ModelInterface
from pycnn.models.sources import size_for, stream_source
from pycnn.models.stepping import raw_source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

_MOST_SAMPLES = 2**31
_QUIET_SECONDS = 1.0  # `predict` shows nothing before


_Method = TypeVar("_Method", bound=Callable[..., Any])


def default_step(method: _Method) -> _Method:
    """Marks a step that is the core's: subclasses that have another one are asked for it."""
    method.is_default = True  # type: ignore[attr-defined]
    return method


class Predictor(ModelInterface):
    """What a model does with data alone. A subclass has the layers, and makes them into a function."""

    _program: Program | None

    def _is_ready(self) -> bool:
        """Whether the function is known without data."""
        raise NotImplementedError

    def _ready(self, x: Any) -> Program:
        """The program, made for the shapes of the samples if they are not known yet."""
        raise NotImplementedError

    def _ends(self) -> Ends:
        """Names and shapes of inputs and outputs, once they are known."""
        raise NotImplementedError

    def _as_given(self, outputs: list[F32]) -> Any:
        """The outputs in the structure that the model was made with."""
        raise NotImplementedError

    @property
    def can_be_called(self) -> bool:
        """Whether the model is a function of its inputs, and not only parts that a `train_step` uses."""
        return True

    @default_step
    def predict_step(self, data: Any) -> Any:
        """The predictions for one batch: what `predict` does with each. Subclasses override it.

        Args:
            data: x.
        """
        return self.predict_on_batch(data)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The network's output, in inference mode.

        Args:
            x: samples (n, ...), or what yields batches of them (alone, or as the first of a tuple).
            batch_size: samples in one of the `steps`; the result does not depend on it otherwise, it only
                sets how much is done between two looks for Ctrl-C. Where a `call` assigns to variables, it
                does so for each batch; None for 32.
            verbose: 0 prints nothing, 1 and 2 progress; 'auto' progress on a terminal where it takes long.
            steps: number of batches; None for all.
            callbacks: list of callbacks.

        Returns:
            A float32 array (n, ...).

        Raises:
            TypeError, ValueError: if data or arguments do not fit.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(1, kernel_initializer="ones")
            >>> model = keras.Sequential([keras.Input((2,)), dense])
            >>> model.predict(np.array([[1.0, 2.0]]))
            array([[3.]], dtype=float32)
        """
        if self.overrides("predict_step"):
            return self._predict_by_steps(x, batch_size, steps)
        program = self._program
        if (
            program is not None
            and type(x) is np.ndarray
            and program.is_single
            and x.shape[1:] == program.input_shapes[0]
            and 0 < len(x) <= program.samples_per_call
            and batch_size is steps is callbacks is None
            and (verbose == "auto" or verbose == 0)
        ):
            # One call: nothing to cut and nothing to show.
            return self._as_given(program.run([as_samples("x", x)]))
        return self._predict(x, batch_size, verbose, steps, callbacks)

    def _predict_by_steps(self, x: Any, batch_size: int | None, steps: int | None) -> Any:
        """What `predict_step` of one's own returns, of all batches."""
        size, count = optional_batch_size("batch_size", batch_size), checked_steps("steps", steps)
        results = [
            tree.transformed(np.asarray, self.predict_step(batch.taken()))
            for batch in raw_source(x, None, size, count).epoch()
        ]
        if not results:
            raise ValueError("`x` has no batches to predict; expected at least one")
        leaves = zip(*map(tree.flatten, results), strict=True)
        return tree.packed(results[0], [np.concatenate(parts) for parts in leaves])

    def _predict(
        self, x: Any, batch_size: int | None, verbose: str | int, steps: int | None, callbacks: Any
    ) -> Any:
        level = checked_verbose(verbose)
        size = optional_batch_size("batch_size", batch_size)
        steps = checked_steps("steps", steps)
        patience = _QUIET_SECONDS if verbose == "auto" else 0.0
        if patience and not is_live():
            level = 0
        if is_stream(x):
            batches, total = self._stream(x, steps)
        else:
            batches, total = self._slices(x, size, steps, exact=callbacks is not None)
        called = CallbackList(callbacks, model=self, verbose=level, epochs=1, steps=total)
        level = 0 if called.has_progbar else level
        begin, end = called.hooks("on_predict_batch_begin"), called.hooks("on_predict_batch_end")
        progress = Progress(total, level, patience)
        called.on_predict_begin()
        outputs: list[list[F32]] = []
        with closing(batches):
            for step, samples in enumerate(batches):
                for hook in begin:
                    hook(step, {})
                outputs.append(self._ready(None).run(samples))
                for hook in end:
                    hook(step, {"outputs": self._as_given(outputs[-1])})
                if progress.due():
                    progress.draw(step + 1, {})
        if not outputs:
            raise ValueError("`x` has no batches to predict; expected at least one")
        progress.finish(len(outputs), {})
        called.on_predict_end()
        if len(outputs) == 1:
            return self._as_given(outputs[0])
        return self._as_given([np.concatenate(parts) for parts in zip(*outputs, strict=True)])

    def _slices(
        self, x: Any, size: int | None, steps: int | None, exact: bool
    ) -> tuple[Generator[list[NDArray[Any]]], int]:
        """Slices of arrays, larger ones than asked for where nobody watches them."""
        samples = self._samples(x)
        size = size_for(len(samples[0]), size, steps)
        if not exact and steps is None:
            size = max(size, self._ready(None).samples_per_call)
        starts = range(0, max(len(samples[0]), 1), size)[:steps]
        return ([part[start : start + size] for part in samples] for start in starts), len(starts)

    def _stream(self, x: Any, steps: int | None) -> tuple[Generator[list[NDArray[Any]]], int | None]:
        """Samples of the batches of a stream."""
        check_stream("x", x, steps)
        source = stream_source(x, lambda item: self._samples(_samples_of(item)), False, steps)
        return source.epoch(), source.steps

    def _samples(self, x: Any) -> list[NDArray[Any]]:
        """x as the core takes it."""
        self._ready(x)
        samples = self._ends().samples("x", x)
        if len({len(part) for part in samples}) > 1:
            raise ValueError(f"`x` has inputs of {', '.join(str(len(part)) for part in samples)} samples")
        return samples

    def predict_on_batch(self, x: Any) -> Any:
        """The output for one batch, in one go.

        Args:
            x: samples (n, ...).

        Returns:
            A float32 array (n, ...).

        Raises:
            TypeError, ValueError: if the samples do not fit.
        """
        samples = self._samples(x)
        return self._as_given(self._ready(None).run(samples))

    def compile_inference(self, batch_size: int = 1, dtype: str = "float32") -> PreparedCall:
        """Makes the model ready to predict batches of one size with the least overhead: for real-time loops.

        The object that comes back holds an input and an output array (`call.input`, `call.output`, on
        cache lines). `call()` computes what lies in `call.input`, `call(x)` what lies in `x`, a
        C-contiguous array of exactly that shape and dtype: nothing is converted or copied on the way. The
        result is in `call.output`, which the next call overwrites, or in the array given as `out=`; that
        array is returned. Weights that change later (`fit`, `set_weights`, `load_weights`) are seen;
        layers added later are not. Python threads may share the object where each brings an `x` and an
        `out` of its own.

        Args:
            batch_size: samples in a batch.
            dtype: of the samples: 'float32', 'uint8' or 'float64', or a NumPy dtype.

        Returns:
            The object to call.

        Raises:
            TypeError, ValueError: if an argument is wrong, or the model's input shape is not known yet. The
                object's calls raise them if an array does not fit, naming what came and what was expected.
            NotImplementedError: if predictions give variables new values (`assign` in a `call`, not only in
                training): the object's calls would not.
            MemoryError: if there is no room for the arrays.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(1, kernel_initializer="ones")
            >>> model = keras.Sequential([keras.Input((2,)), dense])
            >>> call = model.compile_inference(batch_size=1)
            >>> call.input[0] = [1.0, 2.0]
            >>> call()
            array([[3.]], dtype=float32)
            >>> call(np.array([[3.0, 4.0]], np.float32), out=np.empty((1, 1), np.float32))
            array([[7.]], dtype=float32)
        """
        size = as_int("`batch_size`", batch_size, 1)
        if size > _MOST_SAMPLES:
            raise ValueError(f"`batch_size` is {size}; expected at most {_MOST_SAMPLES}")
        if not isinstance(dtype, str):
            dtype = np.dtype(dtype).name
        program = self._ready(None)
        if program.updates:
            raise NotImplementedError(
                f"compile_inference: predictions of model {self.name!r} assign to {program.updates.names}, "
                f"which a prepared call does not; assign where `training` is true only, or use "
                f"predict_on_batch"
            )
        return PreparedCall(program.network, size, dtype)


def _samples_of(item: Any) -> Any:
    """The samples of what a stream yields: alone, or as the first of a tuple."""
    return item[0] if isinstance(item, (tuple, list)) else item


def optional_batch_size(name: str, value: Any) -> int | None:
    """A number of samples, or None."""
    return None if value is None else as_int(f"`{name}`", value, 1)


def checked_steps(name: str, value: Any) -> int | None:
    """A number of batches, or None."""
    return None if value is None else as_int(f"`{name}`", value, 1)


def checked_verbose(verbose: Any) -> int:
    """0, 1 or 2."""
    if verbose == "auto":
        return 1
    if verbose in (0, 1, 2):
        return int(verbose)
    raise ValueError(f"`verbose` is {verbose!r}; expected 'auto', 0, 1 or 2")
