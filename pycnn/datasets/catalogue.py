"""What is known of each data set: its files, their checksums, and who has them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["FASHION_MNIST", "FILES", "MNIST", "Dataset"]

# The order of load_data's arrays: training images and labels, then test images and labels.
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class Dataset(NamedTuple):
    """A data set of grey pictures and labels in four idx files."""

    title: str
    folders: tuple[str, ...]  # names of its folder under a data folder; the first one is used in the cache
    image_shape: tuple[int, int]
    classes: int
    counts: tuple[int, int]  # of training and of test images, as published
    sha256: dict[str, str]  # of each file as published, packed with gzip
    hosts: tuple[str, ...]  # addresses to which a file's name and '.gz' are added
    system_folder: Path | None = None
    sample: Path | None = None


FASHION_MNIST = Dataset(
    title="Fashion-MNIST",
    folders=("fashion-mnist", "fashion_mnist", "FashionMNIST/raw"),
    image_shape=(28, 28),
    classes=10,
    counts=(60_000, 10_000),
    sha256={
        "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    hosts=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    system_folder=Path("/usr/share/datasets/fashion-mnist"),
    sample=Path(__file__).with_name("sample") / "fashion_mnist.npz",
)

MNIST = Dataset(
    title="MNIST",
    folders=("mnist", "MNIST/raw"),
    image_shape=(28, 28),
    classes=10,
    counts=(60_000, 10_000),
    sha256={
        "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    hosts=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
)
