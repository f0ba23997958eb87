"""pycnn under Keras' name: `from pycnn import keras`, `from pycnn.keras.layers import Dense`.

Its submodules are pycnn's own: `pycnn.keras.layers is pycnn.layers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pycnn
from pycnn.core import aliases

if TYPE_CHECKING:
    from pycnn import *  # noqa: F403

__path__: list[str] = []  # makes this a package whose modules are found as aliases only
__all__ = pycnn.__all__
__version__ = pycnn.__version__


aliases.add_package(__name__, "pycnn")


def __getattr__(name: str) -> Any:
    return getattr(pycnn, name)


def __dir__() -> list[str]:
    return dir(pycnn)
