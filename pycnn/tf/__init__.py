"""TensorFlow's names, as far as programs with Keras models use them: `import pycnn.tf as tf`.

`tf.keras` is pycnn itself. Functions take symbols of models, where they go into the model, and arrays, for
which they return Tensors (`x.numpy()`). What is not here is an AttributeError that names what is.
"""

from __future__ import annotations

import importlib
from typing import Any

import pycnn
from pycnn.core import aliases

# Names, and the modules that they are in; imported when they are asked for.
_MODULES = ("config", "image", "io", "math", "nn", "random")
_ELSEWHERE = {"data": "pycnn.data", "keras": "pycnn.keras"}
_CLASSES = {"GradientTape": "pycnn.core.tape", "Tensor": "pycnn.core.tensor", "TensorSpec": "pycnn.data"}

# A version of TensorFlow 2 whose names these are, and that it is pycnn.
__version__ = f"2.16.0+pycnn.{pycnn.__version__}"
newaxis = None
print = print

aliases.add_package(f"{__name__}.keras", "pycnn", "pycnn.keras")


def _found(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ELSEWHERE:
        return importlib.import_module(_ELSEWHERE[name])
    if name in _CLASSES:
        return getattr(importlib.import_module(_CLASSES[name]), name)
    from pycnn.tf.dtypes import DTYPES, DType

    if name in DTYPES or name == "DType":
        return DTYPES.get(name, DType)
    functions = importlib.import_module(f"{__name__}.functions")
    return getattr(functions, name) if name in functions.__all__ else None


def __getattr__(name: str) -> Any:
    found = None if name.startswith("__") else _found(name)
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

    return sorted({*_MODULES, *_ELSEWHERE, *_CLASSES, *DTYPES, *functions, "__version__", "newaxis", "print"})
