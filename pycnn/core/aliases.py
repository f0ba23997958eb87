"""Modules under further names: those of older versions of Keras, and whole packages inside of others."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

# Where Keras had classes before version 3.
OLD_NAMES = {
    "pycnn.engine": "pycnn",
    "pycnn.layers.advanced_activations": "pycnn.layers",
    "pycnn.layers.convolutional": "pycnn.layers",
    "pycnn.layers.core": "pycnn.layers",
    "pycnn.layers.experimental": "pycnn.layers",
    "pycnn.layers.experimental.preprocessing": "pycnn.layers",
    "pycnn.layers.merge": "pycnn.layers",
    "pycnn.layers.noise": "pycnn.layers",
    "pycnn.layers.preprocessing": "pycnn.layers",
    "pycnn.optimizers.experimental": "pycnn.optimizers",
    "pycnn.utils.data_utils": "pycnn.utils",
    "pycnn.utils.generic_utils": "pycnn.utils",
    "pycnn.utils.io_utils": "pycnn.utils",
    "pycnn.utils.layer_utils": "pycnn.utils",
    "pycnn.utils.np_utils": "pycnn.utils",
    "pycnn.utils.vis_utils": "pycnn.utils",
}


# Modules of older versions of Keras that have no like here, and what to use instead.
_ABSENT = {
    "pycnn.wrappers.scikit_learn": "keras.wrappers has SKLearnClassifier and SKLearnRegressor",
    "pycnn.contrib": "pycnn has nothing of it",
    "pycnn.src": "leave `src` out; ImageDataGenerator is in keras.preprocessing.image",
}


class Aliases:
    """Finds the modules that a function names, and gives those that these names stand for.

    Args:
        real_name: of a module, from the name that is imported; None where it is no alias.
    """

    def __init__(self, real_name: Callable[[str], str | None]) -> None:
        self._real_name = real_name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What `import` asks."""
        real = self._real_name(fullname)
        if real is None:
            return None
        if real in _ABSENT:
            raise ModuleNotFoundError(f"There is no module {fullname!r}: {_ABSENT[real]}", name=fullname)
        from importlib.util import find_spec

        if find_spec(real) is None:
            return None
        return ModuleSpec(fullname, self, origin=real)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """None: `import` makes one, which `exec_module` replaces."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Puts the module that the name stands for in the place of the new one."""
        assert module.__spec__ is not None
        sys.modules[module.__name__] = importlib.import_module(str(module.__spec__.origin))


def add_package(alias: str, real: str, itself: str | None = None) -> None:
    """Makes `alias.x` the module `real.x`, before a finder could load a file a second time.

    Args:
        alias: name of the package that is not there.
        real: name of the package that is.
        itself: what `alias` is; None where there is such a module.

    Example:
        >>> from pycnn.core import aliases
        >>> import pycnn.keras
        >>> import pycnn.keras.layers.core, pycnn.layers
        >>> pycnn.keras.layers.core is pycnn.layers
        True
    """
    prefix = f"{alias}."

    def real_name(name: str) -> str | None:
        return (
            f"{real}.{name[len(prefix) :]}" if name.startswith(prefix) else itself if name == alias else None
        )

    sys.meta_path.insert(0, Aliases(real_name))


sys.meta_path.append(Aliases(OLD_NAMES.get))
