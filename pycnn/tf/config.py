"""TensorFlow's `tf.config`: there are CPUs alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

from pycnn.config import set_num_threads


class PhysicalDevice(NamedTuple):
    """A device, as `list_physical_devices` tells it."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU; no device of another type.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.config.list_physical_devices("GPU")
        []
    """
    return [PhysicalDevice("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The same."""
    return [PhysicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Has no effect: there is nothing to hide."""


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """As `list_physical_devices`."""
    return list_physical_devices(device_type)


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Has no effect, as `tf.function` has none."""


def _set_memory_growth(device: Any, enable: bool) -> None:
    raise ValueError(f"There is no memory of {device!r} to set: pycnn computes on the CPU")


experimental = SimpleNamespace(
    list_physical_devices=list_physical_devices,
    set_memory_growth=_set_memory_growth,
    set_visible_devices=set_visible_devices,
)
threading = SimpleNamespace(
    set_intra_op_parallelism_threads=set_num_threads, set_inter_op_parallelism_threads=lambda threads: None
)

__all__ = [
    "experimental",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "run_functions_eagerly",
    "set_visible_devices",
    "threading",
]
