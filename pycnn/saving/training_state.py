"""Where a training is, in one file: weights, the optimizer's state, and plain data of the caller's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pycnn.saving.description import reading
from pycnn.saving.in_safetensors import add_optimizer, restore_optimizer, weights_in, weights_of
from pycnn.saving.state import check_built, named_variables
from pycnn.saving.tensor_file import opened_tensors, write_tensors

if TYPE_CHECKING:
    from pycnn.saving.description import SavableModel

_FORMAT = "pycnn-training"


def save_training_state(model: SavableModel, filepath: str, progress: dict[str, Any]) -> None:
    """Writes the file, which takes its name only when it is whole.

    Args:
        model: that is being trained.
        filepath: ending in '.safetensors'.
        progress: plain data, which `load_training_state` gives back.
    """
    check_built(model)
    arrays = weights_of(model)
    metadata = {"format": _FORMAT, "progress": json.dumps(progress)}
    add_optimizer(model, arrays, metadata)
    write_tensors(filepath, arrays, metadata, overwrite=True)


def load_training_state(model: SavableModel, filepath: str) -> dict[str, Any]:
    """Sets the model and its optimizer to what a file has.

    Returns:
        What `save_training_state` was given as `progress`.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is damaged, or of another model.
    """
    check_built(model)
    with opened_tensors(filepath) as reader:
        if reader.metadata.get("format") != _FORMAT:
            raise ValueError(f"{filepath!r} is a safetensors file, but not the state of a training")
        with reading(filepath, "has a damaged state of a training"):
            progress: dict[str, Any] = json.loads(reader.metadata["progress"])
            restoring = weights_in(reader, named_variables(model))
            restore_optimizer(reader, model, restoring)
        restoring.into_model()
    return progress
