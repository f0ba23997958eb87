"""Saving and loading models and weights, in the format that the ending of the file's name says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pycnn.core.custom_objects import custom_object_scope
from pycnn.saving import hdf5, in_keras, in_legacy_hdf5, in_safetensors
from pycnn.saving.description import checked_model
from pycnn.saving.files import path_string

if TYPE_CHECKING:
    from pycnn.saving.files import Path

SAFETENSORS, KERAS, WEIGHTS, HDF5 = (".safetensors",), (".keras",), (".weights.h5",), (".h5", ".hdf5")
MODEL_ENDINGS = (*KERAS, *HDF5, *SAFETENSORS)
WEIGHT_ENDINGS = (*WEIGHTS, *HDF5, *SAFETENSORS)


def checked_path(filepath: Path, endings: tuple[str, ...], what: str = "models are") -> str:
    """The path as a string; ValueError unless it ends in one of these."""
    path = path_string(filepath)
    if not path.endswith(endings):
        ending = os.path.splitext(path)[1] or "no ending"
        known = ", ".join(repr(known) for known in endings)
        raise ValueError(f"{path!r} has {ending}, but {what} kept in files ending in {known}")
    return path


def check_can_write(path: str, folder: str) -> None:
    """Makes a folder where there is none; OSError where no file can be made in it.

    Args:
        path: of a file to come; ImportError where its format needs what is not installed.
        folder: '' for the present one.
    """
    if not path.endswith(SAFETENSORS):
        hdf5.h5py()
    if folder:
        os.makedirs(folder, exist_ok=True)
    if not os.access(folder or ".", os.W_OK | os.X_OK):
        raise PermissionError(f"{folder or os.curdir!r} may not be written: {path!r} cannot be saved there")


def save_model(
    model: Any, filepath: Path, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Writes a model; see `Model.save`.

    Args:
        model: that is built.
        filepath: ending in '.keras', '.h5', '.hdf5' or '.safetensors'.
        overwrite: whether a file of that name may be replaced.
        zipped: only None or True.
        kwargs: `include_optimizer` and `save_format`, as in `Model.save`.
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    save_format = kwargs.pop("save_format", None)
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {list(kwargs)}")
    if save_format:
        _check_save_format(path_string(filepath), save_format)
    path = checked_path(filepath, MODEL_ENDINGS)
    if zipped not in (None, True):
        raise ValueError(f"`zipped` is not supported; expected None or True, not {zipped!r}")
    model = checked_model(model)
    if path.endswith(KERAS):
        in_keras.save_model(model, path, overwrite, include_optimizer)
    elif path.endswith(HDF5):
        _log(
            "You are saving your model as an HDF5 file via `model.save()` or "
            "`keras.saving.save_model(model)`. This file format is considered legacy. We recommend using "
            "instead the native Keras format, e.g. `model.save('my_model.keras')` or "
            "`keras.saving.save_model(model, 'my_model.keras')`. "
        )
        in_legacy_hdf5.save_model(model, path, overwrite, include_optimizer)
    else:
        in_safetensors.save_model(model, path, overwrite, include_optimizer)


def _check_save_format(path: str, save_format: Any) -> None:
    message = f"The `save_format` argument is deprecated in Keras 3. {{}} Received: save_format={save_format}"
    if not path.endswith((*KERAS, *HDF5)):
        raise ValueError(
            message.format(
                "Please remove this argument and pass a file path with either `.keras` or `.h5` extension."
            )
        )
    _log(message.format("We recommend removing this argument as it can be inferred from the file path."))


def _log(message: str) -> None:
    import logging

    logging.getLogger("pycnn").warning(message)


def load_model(
    filepath: Path,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    lazy: bool = False,
) -> Any:
    """Reads a model that `model.save` of pycnn or Keras wrote. Nothing in a file is ever executed.

    Args:
        filepath: ending in '.keras', '.h5', '.hdf5' or '.safetensors'.
        custom_objects: dict from names to classes and functions of your own that the file names; None for
            those that are registered (`keras.saving.register_keras_serializable`) alone.
        compile: whether the model is compiled as it was, with the optimizer's state.
        safe_mode: only True; there is no other.
        lazy: whether weights stay in a '.safetensors' file until something needs them in memory: training,
            `get_weights`, saving. A network that predicts packs most of them into the form that its kernels
            read, and then has them only once. The file stays open as long as the model lives; it may be
            replaced or deleted meanwhile, but not be written in place: what is still in it is then lost, and
            asking for it an OSError. Give `compile=False` too, as an optimizer's state is read at once. Files
            of other formats are read as without it.

    Returns:
        The model.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, is damaged, is larger than 4 GiB, or names classes that pycnn
            lacks.
        ImportError: if the format needs h5py, which is not installed.

    Example:
        >>> import tempfile, os
        >>> import pycnn as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(os.path.join(folder, "m.safetensors"))
        ...     keras.saving.load_model(os.path.join(folder, "m.safetensors")).output_shape
        (None, 1)
    """
    if not safe_mode:
        raise ValueError("`safe_mode` can only be True: nothing in a file is executed")
    path = checked_path(filepath, MODEL_ENDINGS)
    with custom_object_scope(custom_objects):
        if path.endswith(KERAS):
            return in_keras.load_model(path, compile)
        if path.endswith(HDF5):
            return in_legacy_hdf5.load_model(path, compile)
        return in_safetensors.load_model(path, compile, lazy)


def save_weights(model: Any, filepath: Path, overwrite: bool = True, max_shard_size: None = None) -> None:
    """Writes a model's weights; see `Model.save_weights`.

    Args:
        model: that is built.
        filepath: ending in '.weights.h5', '.h5', '.hdf5' or '.safetensors'.
        overwrite: whether a file of that name may be replaced.
        max_shard_size: only None.
    """
    if max_shard_size is not None:
        raise ValueError(f"`max_shard_size` is not supported; expected None, not {max_shard_size!r}")
    path = checked_path(filepath, WEIGHT_ENDINGS, "weights are")
    model = checked_model(model)
    if path.endswith(WEIGHTS):
        in_keras.save_weights(model, path, overwrite)
    elif path.endswith(HDF5):
        in_legacy_hdf5.save_weights(model, path, overwrite)
    else:
        in_safetensors.save_weights(model, path, overwrite)


def load_weights(model: Any, filepath: Path, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Reads weights into a model; see `Model.load_weights`.

    Args:
        model: that is built.
        filepath: ending in '.keras', '.weights.h5', '.h5', '.hdf5' or '.safetensors'.
        skip_mismatch: whether layers whose weights are not there or have another shape stay as they are.
        by_name: whether layers are found by their names.
    """
    path = checked_path(filepath, (*KERAS, *WEIGHT_ENDINGS), "weights are")
    model = checked_model(model)
    if path.endswith(HDF5):
        in_legacy_hdf5.load_weights(model, path, skip_mismatch, by_name)
        return
    if by_name:
        raise ValueError(f"`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: {path}")
    if path.endswith(KERAS):
        in_keras.load_weights(model, path, skip_mismatch)
    else:
        in_safetensors.load_weights(model, path, skip_mismatch)
