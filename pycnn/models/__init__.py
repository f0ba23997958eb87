"""Models: layers in a row, what trains them, and what keeps them."""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_layers

if TYPE_CHECKING:
    from pycnn.models.functions import clone_model, load_model, model_from_json, save_model
    from pycnn.models.model import Model
    from pycnn.models.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

_MODULES = ("model", "sequential", "functions")

__getattr__, __dir__ = names_from(__name__, __all__, _MODULES)

add_layers(__name__, {"Functional": "Model", "Model": "Model", "Sequential": "Sequential"})
