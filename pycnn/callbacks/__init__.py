"""Callbacks: what runs between the batches and epochs of `fit`, with Keras' names and arguments."""

from pycnn.callbacks.base import Callback, CallbackList, History
from pycnn.callbacks.functions import LambdaCallback, LearningRateScheduler, TerminateOnNaN
from pycnn.callbacks.monitors import EarlyStopping, ModelCheckpoint

__all__ = [
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "TerminateOnNaN",
]
