"""TensorFlow's names, as far as programs with Keras models use them: `import pycnn.tf as tf`.

`tf.keras` is pycnn itself. Functions take symbols of models, where they go into the model, and arrays, for
which they return Tensors (`x.numpy()`). What is not here is an AttributeError that names what is.
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pycnn
from pycnn.core import aliases

# Names, and the modules that they are in; imported when they are asked for.
_MODULES = ("config", "image", "io", "linalg", "math", "nn", "random", "strings")
_ELSEWHERE = {"data": "pycnn.data", "keras": "pycnn.keras"}
_CLASSES = {"GradientTape": "pycnn.core.tape", "Tensor": "pycnn.core.tensor", "TensorSpec": "pycnn.data"}

# Under older names, by Keras' ones; instances where TensorFlow 2 has instances.
_INITIALIZERS = {
    "constant_initializer": "Constant",
    "ones_initializer": "Ones",
    "random_normal_initializer": "RandomNormal",
    "random_uniform_initializer": "RandomUniform",
    "zeros_initializer": "Zeros",
}
# What TensorFlow has and pycnn lacks, and what to use instead.
_ABSENT = {
    "compat": "programs for TensorFlow 1 have to be written anew with keras.Model",
    "distribute": "there is one machine with CPUs: leave out the strategy and its `scope()`",
    "lite": "model.compile_inference() makes calls without overhead; C++ programs read .safetensors",
    "numpy_function": "write it with keras.ops, as a keras.metrics.Metric, or as a keras.layers.PythonStep",
    "py_function": "write it with keras.ops; Dataset.map calls functions of Python as they are",
    "saved_model": "model.save('name.keras') keeps models",
    "summary": "keras.callbacks.TensorBoard writes event files",
    "train": "model.save, model.save_weights and keras.callbacks.BackupAndRestore keep what has been learned",
    "while_loop": "write a loop of Python",
}

# A version of TensorFlow 2 whose names these are, and that it is pycnn.
__version__ = f"2.16.0+pycnn.{pycnn.__version__}"
newaxis = None
print = print

aliases.add_package(f"{__name__}.keras", "pycnn", "pycnn.keras")
aliases.add_package(f"{__name__}.data", "pycnn.data", "pycnn.data")


def _found(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ELSEWHERE:
        return importlib.import_module(_ELSEWHERE[name])
    if name in _INITIALIZERS:
        return getattr(importlib.import_module("pycnn.initializers"), _INITIALIZERS[name])
    if name == "version":
        return SimpleNamespace(VERSION=__version__)
    if name in _CLASSES:
        return getattr(importlib.import_module(_CLASSES[name]), name)
    from pycnn.tf.dtypes import DTYPES, DType

    if name in DTYPES or name == "DType":
        return DTYPES.get(name, DType)
    functions = importlib.import_module(f"{__name__}.functions")
    return getattr(functions, name) if name in functions.__all__ else None


def __getattr__(name: str) -> Any:
    found = None if name.startswith("__") else _found(name)
    if name in _ABSENT:
        raise AttributeError(f"pycnn has no tf.{name}: {_ABSENT[name]}")
    if found is None:
        raise AttributeError(
            f"module 'pycnn.tf' has no attribute {name!r}. It is no TensorFlow: it has "
            f"{', '.join(__dir__())}; keras.ops has more functions"
        )
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    from pycnn.tf.dtypes import DTYPES
    from pycnn.tf.functions import __all__ as functions

    found = {*_MODULES, *_ELSEWHERE, *_CLASSES, *_INITIALIZERS, *DTYPES, *functions}
    return sorted({*found, "__version__", "newaxis", "print", "version"})
