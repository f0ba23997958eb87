"""What peers get for networks for ImageNet: pictures, and the files that `pycnn.bench.applications` wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from common import F32, Unsupported  # type: ignore
from networks import APPLICATIONS  # type: ignore
from numpy.typing import NDArray

CLASSES = 1000
STEPS = 2  # of one timed pass of training


def onnx_file(job: dict[str, Any]) -> str:
    """The path of the network in ONNX."""
    if job["kind"] != "infer":
        raise Unsupported("inference only")
    path = os.path.join(job["files"], "network.onnx")
    if not os.path.exists(path):
        raise Unsupported("there is no ONNX file: pycnn's interpreter lacks the package onnx")
    return path


def saved_model(job: dict[str, Any]) -> str:
    """The path of the network as pycnn saved it."""
    return os.path.join(job["files"], "network.safetensors")


def keras_weights(job: dict[str, Any]) -> Iterator[F32]:
    """The weights in Keras' order, one after the other, so that memory does not hold all of them twice."""
    with np.load(os.path.join(job["files"], "weights.npz")) as file:
        for i in range(len(file.files)):
            yield file[str(i)]


def state_dict(job: dict[str, Any]) -> Iterator[tuple[str, F32]]:
    """The weights with torchvision's names, likewise."""
    with np.load(os.path.join(job["files"], "state_dict.npz")) as file:
        for name in file.files:
            yield name, file[name]


def is_torchvision(job: dict[str, Any]) -> bool:
    """Whether the network is in the form that torchvision has."""
    return bool(APPLICATIONS[job["network"]].torchvision)


def pictures(job: dict[str, Any]) -> tuple[F32, NDArray[np.int32]]:
    """Random pictures from 0 to 1 and labels, for one call or, in training, for one pass."""
    rng = np.random.default_rng(3)
    count = int(job["batch"]) * (STEPS if job["kind"] == "train" else 1)
    x = rng.random((count, *job["input"]), dtype=np.float32)
    return x, rng.integers(0, CLASSES, count, dtype=np.int32)
