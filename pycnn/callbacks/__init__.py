"""Callbacks: what runs between the batches and epochs of `fit`, with Keras' names and arguments."""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from

if TYPE_CHECKING:
    from pycnn.callbacks.averages import SwapEMAWeights
    from pycnn.callbacks.backup import BackupAndRestore
    from pycnn.callbacks.base import Callback, CallbackList, History
    from pycnn.callbacks.files import CSVLogger
    from pycnn.callbacks.functions import LambdaCallback, LearningRateScheduler, TerminateOnNaN
    from pycnn.callbacks.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
    from pycnn.callbacks.progbar import ProgbarLogger
    from pycnn.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]

_MODULES = ("averages", "backup", "base", "files", "functions", "monitors", "progbar", "tensorboard")

__getattr__, __dir__ = names_from(__name__, __all__, _MODULES)
