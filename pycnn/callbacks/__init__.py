"""Callbacks: what runs between the batches and epochs of `fit`, with Keras' names and arguments."""

from pycnn.callbacks.averages import SwapEMAWeights
from pycnn.callbacks.backup import BackupAndRestore
from pycnn.callbacks.base import Callback, CallbackList, History
from pycnn.callbacks.files import CSVLogger
from pycnn.callbacks.functions import LambdaCallback, LearningRateScheduler, TerminateOnNaN
from pycnn.callbacks.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from pycnn.callbacks.progbar import ProgbarLogger
from pycnn.callbacks.tensorboard import TensorBoard
from pycnn.core.refusal import refusing

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

__getattr__ = refusing(
    "callbacks",
    {
        "RemoteMonitor": "send the logs from the on_epoch_end of a callbacks.LambdaCallback",
        "OrbaxCheckpoint": "use callbacks.ModelCheckpoint, or callbacks.BackupAndRestore to go on",
    },
)
