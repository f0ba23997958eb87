"""A small data set in idx files, and a machine without any data, for the tests of pycnn.datasets."""

import hashlib

import numpy as np

from pycnn.datasets import catalogue, sources
from pycnn.datasets.catalogue import FILES
from pycnn.datasets.idx import write_idx


def write_data(folder, train=30, test=10, suffix=".gz"):
    """A small data set that is learnt in a few epochs: class c has a bright bar at height 2 c."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name, count in (("train", train), ("t10k", test)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 + 2 * label : 7 + 2 * label, 4:24] = 220
        write_idx(folder / f"{name}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte{suffix}", labels)
    return folder


def isolate(monkeypatch, home):
    """An empty home, no PYCNN_DATA, no system package, no host: each test adds what it is about."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOCALAPPDATA", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("PYCNN_DATA", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    for name in ("CIFAR10", "CIFAR100", "CIFAR100_COARSE", "FASHION_MNIST", "MNIST"):
        replaced = getattr(catalogue, name)._replace(system_folder=None, hosts=("http://127.0.0.1:9/",))
        monkeypatch.setattr(catalogue, name, replaced)


def publish(monkeypatch, folder, **changes):
    """Declares the files of `folder` to be Fashion-MNIST as published."""
    (x, _), (x_test, _) = sources.load(catalogue.FASHION_MNIST, folder)
    sums = {name: hashlib.sha256((folder / f"{name}.gz").read_bytes()).hexdigest() for name in FILES}
    replaced = catalogue.FASHION_MNIST._replace(sha256=sums, counts=(len(x), len(x_test)), **changes)
    monkeypatch.setattr(catalogue, "FASHION_MNIST", replaced)
