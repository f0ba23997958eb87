"""Every public name of Keras is there, or refused with what to use instead."""

import pytest

import pycnn
from pycnn.core.refused_names import REFUSED

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.peers

PACKAGES = [
    "", "activations", "applications", "callbacks", "config", "constraints", "datasets", "initializers",
    "layers", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "optimizers.schedules",
    "preprocessing", "preprocessing.image", "random", "regularizers", "saving", "utils",
]  # fmt: skip


def inside(module, package):
    for part in filter(None, package.split(".")):
        module = getattr(module, part)
    return module


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there_or_refused(package):
    theirs, ours = inside(keras, package), inside(pycnn, package)
    refused = REFUSED.get(f"keras.{package}".rstrip("."), {})
    names = {name for name in dir(theirs) if not name.startswith("_")}
    missing = [name for name in names if name not in refused and not hasattr(ours, name)]
    assert not missing
    of_another_kind = [
        name
        for name in names - set(refused)
        if callable(getattr(theirs, name)) != callable(getattr(ours, name))
    ]
    assert not of_another_kind
