"""What is known of each data set: its files, their checksums, and who has them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pycnn.datasets.forms import FILES, CifarForm, Form, IdxForm

__all__ = ["CIFAR10", "CIFAR100", "CIFAR100_COARSE", "FASHION_MNIST", "FILES", "MNIST", "Dataset"]


class Dataset(NamedTuple):
    """A data set of pictures and labels."""

    title: str
    folders: tuple[str, ...]  # names of its folder under a data folder; the first one is used in the cache
    image_shape: tuple[int, ...]
    classes: int
    counts: tuple[int, int]  # of training and of test images, as published
    sha256: dict[str, str]  # of each file as published, by the form's names
    hosts: tuple[str, ...]  # addresses to which a file's name is added
    form: Form = IdxForm()
    label_shape: tuple[int, ...] = ()
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

_TORONTO = ("https://www.cs.toronto.edu/~kriz/",)

CIFAR10 = Dataset(
    title="CIFAR-10",
    folders=("cifar-10", "cifar10"),
    image_shape=(32, 32, 3),
    classes=10,
    counts=(50_000, 10_000),
    sha256={"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
    hosts=_TORONTO,
    form=CifarForm(
        archive="cifar-10-binary.tar.gz",
        inside="cifar-10-batches-bin",
        train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
        test=("test_batch.bin",),
        labels=1,
        label=0,
    ),
    label_shape=(1,),
)

_CIFAR100 = CifarForm(
    archive="cifar-100-binary.tar.gz",
    inside="cifar-100-binary",
    train=("train.bin",),
    test=("test.bin",),
    labels=2,
    label=1,
)

CIFAR100 = CIFAR10._replace(
    title="CIFAR-100",
    folders=("cifar-100", "cifar100"),
    classes=100,
    sha256={"cifar-100-binary.tar.gz": "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"},
    form=_CIFAR100,
)

CIFAR100_COARSE = CIFAR100._replace(classes=20, form=_CIFAR100._replace(label=0))
