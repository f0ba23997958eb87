"""The callback that evaluates with the moving averages of the weights: SwapEMAWeights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.callbacks.base import Callback, Logs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SwapEMAWeights(Callback):
    """Gives the model the moving averages of its weights for evaluation and prediction, and takes them back.

    The optimizer must have `use_ema=True`; before its first step there are no averages, and the weights stay.

    Args:
        swap_on_epoch: whether the averages stay in the model from the end of an epoch to the start of the
            next one, so that callbacks that come later in the list, ModelCheckpoint for one, see them.

    Raises:
        ValueError: when the training, evaluation or prediction begins, if the optimizer keeps no averages.

    Example:
        >>> import pycnn as keras
        >>> optimizer = keras.optimizers.SGD(use_ema=True)
        >>> swap = keras.callbacks.SwapEMAWeights()
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._weights: list[tuple[Any, NDArray[np.float32]]] | None = None  # while the averages are in

    def _put_averages_in(self) -> None:
        optimizer = self.model.optimizer
        if not optimizer.use_ema:
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. "
                "Received: use_ema=False"
            )
        if self._weights is None:
            variables = self.model.trainable_weights
            self._weights = [(variable, variable.numpy().copy()) for variable in variables]
            optimizer.finalize_variable_values(variables)

    def _put_weights_back(self) -> None:
        if self._weights is not None:
            for variable, weights in self._weights:
                variable.assign(weights)
            self._weights = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._weights = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._put_weights_back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._put_averages_in()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._weights = None  # `fit` leaves the averages in the model

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._put_averages_in()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._put_weights_back()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._put_averages_in()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._put_weights_back()
