"""What networks for ImageNet see in pictures: `pycnn predict inception_v3 PICTURE…`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pycnn import applications
from pycnn.applications.imagenet_utils import class_index
from pycnn.cli.pictures import read_colours

__all__ = ["network_named", "predictions"]


def network_named(name: str) -> str | None:
    """The function in `keras.applications` that is meant: InceptionV3 for 'inception_v3'; None for none."""
    wanted = name.lower().replace("_", "").replace("-", "")
    return next((known for known in applications.FAMILY_OF if known.lower() == wanted), None)


def predictions(network: str, images: list[str], top: int, weights: Path | None) -> list[dict[str, Any]]:
    """The most probable classes of each picture, as `pycnn predict --json` prints them.

    Args:
        network: name of the function in `keras.applications`.
        images: picture files.
        top: how many classes.
        weights: a file of the network's weights; None for the published ones.

    Raises:
        FileNotFoundError: a picture, the weights or the classes' names are not there.
        ValueError: a picture or the file of weights is not what it should be.
    """
    names = class_index()
    family = getattr(applications, applications.FAMILY_OF[network])
    model = getattr(applications, network)(weights="imagenet" if weights is None else weights)
    size = model.input_shape[1:3]
    pixels = np.stack([read_colours(image, size) for image in images]).astype(np.float32)
    probabilities = model.predict(family.preprocess_input(pixels), verbose=0)
    results = []
    for image, row in zip(images, probabilities, strict=True):
        best = (-row).argsort(kind="stable")[:top]
        found = [
            {"class": names[i][1], "index": int(i), "probability": round(float(row[i]), 6)} for i in best
        ]
        results.append({"image": image, "inverted": False, "label": None, "predictions": found})
    return results
