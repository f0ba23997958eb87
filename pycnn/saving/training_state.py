"""Where a training is, in one file: weights, the optimizer's state, and plain data of the caller's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pycnn.saving.files import opened, write
from pycnn.saving.models import _optimizer_state, _restore_optimizer
from pycnn.saving.weights import check_weights, checked_variables

if TYPE_CHECKING:
    from pycnn.saving.files import Path
    from pycnn.saving.models import SavableModel

_FORMAT = "pycnn-training"


def save_training_state(model: SavableModel, filepath: Path, progress: dict[str, Any]) -> None:
    """Writes the file, which takes its name only when it is whole.

    Args:
        model: that is being trained.
        filepath: ending in '.safetensors'.
        progress: plain data, which `load_training_state` gives back.
    """
    variables = checked_variables(model)
    arrays = {f"weights/{name}": variable.numpy() for name, variable in variables.items()}
    metadata = {"format": _FORMAT, "progress": json.dumps(progress)}
    optimizer = model.optimizer_in_use()
    if optimizer is not None:
        metadata["iterations"] = str(optimizer.iterations)
        metadata["accumulated"] = str(optimizer.accumulated)
        for name, view in _optimizer_state(optimizer, variables).items():
            arrays[name] = view.reshape(-1).copy()
    write(str(filepath), arrays, metadata, overwrite=True)


def load_training_state(model: SavableModel, filepath: Path) -> dict[str, Any]:
    """Sets the model and its optimizer to what a file has.

    Returns:
        What `save_training_state` was given as `progress`.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is damaged, or of another model.
    """
    variables = checked_variables(model)
    with opened(filepath) as reader:
        if reader.metadata.get("format") != _FORMAT:
            raise ValueError(f"{reader.path!r} is a safetensors file, but not the state of a training")
        check_weights(reader, variables)
        progress: dict[str, Any] = json.loads(reader.metadata["progress"])
        for name, variable in variables.items():
            variable.assign(reader.array(f"weights/{name}"))
        _restore_optimizer(reader, model)
    return progress
