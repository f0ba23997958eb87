"""`fit_generator` and its like, as programs for Keras 2 call them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int
from pycnn.models.data import is_sequence, is_stream

if TYPE_CHECKING:
    from pycnn.callbacks import History


class GeneratorMethods:
    """The three methods, which call `fit`, `evaluate` and `predict`."""

    fit: Any
    evaluate: Any
    predict: Any

    def fit_generator(
        self,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: str | int = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        validation_freq: Any = 1,
        class_weight: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> History:
        """The older name of `fit` for a generator.

        Args:
            generator: yields batches, or is a PyDataset.
            max_queue_size: batches that are fetched ahead.
            workers: threads that fetch them; a generator has one at most.
            use_multiprocessing: has no effect: there are threads in any case.
            steps_per_epoch: as in `fit`, and so are the arguments that follow it.

        Returns:
            The History.
        """
        _warn("fit")
        return self.fit(  # type: ignore[no-any-return]
            _fetched(generator, workers, max_queue_size),
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=_fetched(validation_data, workers, max_queue_size),
            shuffle=shuffle,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
        )

    def evaluate_generator(
        self,
        generator: Any,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: str | int = 0,
    ) -> Any:
        """The older name of `evaluate` for a generator; arguments as in `fit_generator`."""
        _warn("evaluate")
        data = _fetched(generator, workers, max_queue_size)
        return self.evaluate(data, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_generator(
        self,
        generator: Any,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: str | int = 0,
    ) -> Any:
        """The older name of `predict` for a generator; arguments as in `fit_generator`."""
        _warn("predict")
        data = _fetched(generator, workers, max_queue_size)
        return self.predict(data, steps=steps, callbacks=callbacks, verbose=verbose)


def _warn(name: str) -> None:
    warnings.warn(
        f"`{name}_generator` is an old name; `{name}` takes generators as well",
        DeprecationWarning,
        stacklevel=3,
    )


class _Fetched:
    """Another object's batches, fetched by other threads than that object says.

    Args:
        data: what has the batches.
        workers: threads.
        max_queue_size: batches ahead of the step.
    """

    def __init__(self, data: Any, workers: int, max_queue_size: int) -> None:
        self._data = data
        self.workers = workers
        self.max_queue_size = max_queue_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def __iter__(self) -> Any:
        return iter(self._data)


class _FetchedIterator(_Fetched):
    """The same of a generator, which ends for good."""

    def __next__(self) -> Any:
        return next(self._data)

    def __iter__(self) -> Any:
        return self


class _FetchedSequence(_Fetched):
    """The same of one with items."""

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> Any:
        return self._data[index]


def _fetched(data: Any, workers: int, max_queue_size: int) -> Any:
    """What yields batches, with the number of threads that the caller wants; all else as it is."""
    workers = as_int("workers", workers, 0)
    max_queue_size = as_int("max_queue_size", max_queue_size, 1)
    if data is None or not is_stream(data):
        return data
    if is_sequence(data):  # iterators over images are both: their items are what threads fetch
        return _FetchedSequence(data, workers, max_queue_size)
    kind = _FetchedIterator if hasattr(data, "__next__") else _Fetched
    return kind(data, workers, max_queue_size)
