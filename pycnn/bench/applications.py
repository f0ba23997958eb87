"""Networks for ImageNet in the benchmark: pycnn's own make them, and write them for the other libraries."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pycnn import applications
from pycnn.applications import torchvision
from pycnn.bench.cases import case_name
from pycnn.bench.peers.networks import APPLICATIONS
from pycnn.models import Model

__all__ = ["TOLERANCE", "ApplicationCase", "application_cases", "model_of", "write_files"]

TOLERANCE = 1e-5  # how far probabilities of two libraries may be apart
_QUICK = (96, 96, 3)
_LOGITS = 2.0  # their standard deviation, so that probabilities tell networks apart


class ApplicationCase(NamedTuple):
    """A network for ImageNet that is trained or used with batches of one size."""

    network: str  # of peers/networks.py
    kind: str  # train or infer
    batch: int
    input: tuple[int, ...]
    calls: int | None  # in a timed pass; None for as many as fill its time

    @property
    def name(self) -> str:
        """Such as 'infer ResNet50, batch 8'."""
        return case_name(self.kind, self.network, self.batch)

    def job(self) -> dict[str, Any]:
        """What peers are asked for, but for the folder with the network's files."""
        return {"kind": self.kind, "network": self.network, "batch": self.batch, "input": self.input}


def application_cases(
    names: Sequence[str], batches: Sequence[int] = (), *, quick: bool = False
) -> list[ApplicationCase]:
    """Training and inference of these networks, at their own batch sizes where none are given.

    Example:
        >>> [case.name for case in application_cases(["MobileNetV2"])]
        ['infer MobileNetV2, batch 1', 'infer MobileNetV2, batch 8']
    """
    cases = []
    for name in names:
        network = APPLICATIONS[name]
        shape = _QUICK if quick else network.input
        for kind, own in (("train", network.train), ("infer", network.infer)):
            for batch in (batches or own) if own else ():
                cases.append(ApplicationCase(name, kind, batch, shape, 2 if kind == "train" else None))
    return cases


def model_of(network: str, shape: Sequence[int]) -> Model:
    """The network with random weights."""
    if APPLICATIONS[network].torchvision:
        return torchvision.build(network, input_shape=tuple(shape))
    model: Model = getattr(applications, network)(weights=None, input_shape=tuple(shape))
    return model


def write_files(network: str, shape: Sequence[int], folder: Path, *, onnx: bool) -> None:
    """Writes one network for all peers: for pycnn, its weights, and with `onnx` as ONNX where that can be.

    Args:
        network: of peers/networks.py.
        shape: of a picture.
        folder: for network.safetensors, weights.npz, state_dict.npz (for torchvision) and network.onnx.
        onnx: whether somebody reads that.
    """
    model = model_of(network, shape)
    _spread_logits(model)
    model.save(folder / "network.safetensors")
    weights: dict[str, Any] = {str(i): array for i, array in enumerate(model.get_weights())}
    np.savez(folder / "weights.npz", **weights)
    if APPLICATIONS[network].torchvision:
        weights = dict(torchvision.state_dict(network, model))
        np.savez(folder / "state_dict.npz", **weights)
    if onnx:
        with contextlib.suppress(ImportError):  # its readers then say so
            model.export(folder / "network.onnx", format="onnx", verbose=False)


def _spread_logits(model: Model) -> None:
    """Scales the classifier: with initial weights all classes would be nearly as probable as each other."""
    classifier: Any = model.get_layer("predictions")
    features = Model(model.input, classifier.input)
    x = np.random.default_rng(4).random((1, *model.input_shape[1:]), dtype=np.float32)
    logits = np.asarray(features.predict_on_batch(x)) @ classifier.kernel.numpy()
    classifier.kernel.assign(classifier.kernel.numpy() * (_LOGITS / logits.std()))
