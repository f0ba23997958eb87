"""CIFAR-100: 60,000 colour pictures, 32 x 32 pixels, in 100 classes of 20 kinds (Krizhevsky, 2009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn.datasets.finder import finder

if TYPE_CHECKING:
    import os

    from pycnn.datasets.sources import Data

__all__ = ["class_names", "coarse_class_names", "find", "load_data"]

class_names = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
    "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
    "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
    "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
    "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
)  # fmt: skip

coarse_class_names = (
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates", "people",
    "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
)  # fmt: skip


def load_data(label_mode: str = "fine", *, data_dir: str | os.PathLike[str] | None = None) -> Data:
    """Returns `((x_train, y_train), (x_test, y_test))`, as Keras does.

    Args:
        label_mode: 'fine' for the 100 classes; 'coarse' for their 20 kinds, indices of `coarse_class_names`.
        data_dir: a folder that has `cifar-100-binary.tar.gz` (the binary version, which nothing has to be
            unpickled from) or its unpacked files, itself or in a folder `cifar-100`, `cifar100` or
            `cifar-100-binary` inside it. Without it, see `pycnn.datasets` for where the data is looked for.

    Returns:
        x_train uint8 (50000, 32, 32, 3), y_train uint8 (50000, 1) with indices of `class_names`,
        x_test (10000, 32, 32, 3), y_test (10000, 1).

    Raises:
        FileNotFoundError: the data is nowhere on this machine and could not be downloaded, or `data_dir` or
            `PYCNN_DATA` lacks it.
        ValueError: a file is truncated, corrupt or of another kind, or there is no such `label_mode`.

    Example:
        >>> import pycnn
        >>> (x_train, y_train), _ = pycnn.datasets.cifar100.load_data()  # doctest: +SKIP
        >>> pycnn.datasets.cifar100.class_names[y_train[0, 0]]  # doctest: +SKIP
        'cattle'
    """
    from pycnn.datasets import catalogue, sources

    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"`label_mode` must be 'fine' or 'coarse'. Received: label_mode={label_mode!r}")
    return sources.load(catalogue.CIFAR100 if label_mode == "fine" else catalogue.CIFAR100_COARSE, data_dir)


find = finder("CIFAR100")
