"""pycnn under Keras' name: `from pycnn import keras`, `from pycnn.keras.layers import Dense`.

Its submodules are pycnn's own: `pycnn.keras.layers is pycnn.layers`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pycnn

if TYPE_CHECKING:
    from pycnn import *  # noqa: F403

__path__: list[str] = []  # makes this a package whose submodules only the finder below finds
__all__ = pycnn.__all__
__version__ = pycnn.__version__


class _Alias(Loader):
    """Finds `pycnn.keras.x` and makes it the module `pycnn.x`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        prefix = f"{__name__}."
        if not fullname.startswith(prefix):
            return None
        real = f"pycnn.{fullname[len(prefix) :]}"
        if importlib.util.find_spec(real) is None:
            return None
        return ModuleSpec(fullname, _Alias(), origin=real)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        sys.modules[module.__name__] = importlib.import_module(str(module.__spec__.origin))


sys.meta_path.insert(0, _Alias())  # before the finder that would load pycnn/layers/dense.py a second time


def __getattr__(name: str) -> Any:
    return getattr(pycnn, name)


def __dir__() -> list[str]:
    return dir(pycnn)
