"""The networks of `keras.applications` against Keras: layers, their calls and weights, and probabilities.

Keras needs seconds, with JAX often minutes, to build or run one of them: a few are compared here, all of them
where PYCNN_ALL_NETWORKS is set.
"""

import json
import os

import keras_peer
import numpy as np
import pytest

import pycnn
from pycnn import applications

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

NAMES = [name for name in applications.__all__ if name[0].isupper()]
# With pictures as small as they may be.
USUAL_STRUCTURES = ("InceptionV3", "MobileNetV3Small")
USUAL_NUMBERS = ("MobileNet",)
SIZES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}


def some(usual):
    everything = "PYCNN_ALL_NETWORKS" in os.environ
    skipped = pytest.mark.skip("compared where PYCNN_ALL_NETWORKS is set")
    return [pytest.param(name, marks=[] if everything or name in usual else skipped) for name in NAMES]


def both(name, **arguments):
    """The network in pycnn and in Keras, with automatic names from the first ones on."""
    size = SIZES.get(name, 32)
    arguments = {"weights": None, "input_shape": (size, size, 3)} | arguments
    found = []
    for module in (pycnn, keras):
        module.backend.clear_session()
        found.append(getattr(module.applications, name)(**arguments))
    return found


def calls(model):
    """Name, class, configuration and origins of every layer, models inside included."""
    found = []
    for entry in json.loads(model.to_json())["config"]["layers"]:
        config = {key: value for key, value in entry["config"].items() if key not in ("dtype", "layers")}
        histories = []

        def visit(part, histories=histories):
            if isinstance(part, dict) and "keras_history" in part:
                histories.append(part["keras_history"])
            for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
                visit(item)

        visit(entry["inbound_nodes"])
        inside = [
            (each["class_name"], {k: v for k, v in each["config"].items() if k != "dtype"})
            for each in entry["config"].get("layers", ())
        ]
        is_layer = "trainable" in config or entry["class_name"] == "InputLayer"
        found.append((entry["name"], entry["class_name"], config if is_layer else None, histories, inside))
    return found


@pytest.mark.parametrize("name", some(USUAL_STRUCTURES))
def test_structure(name):
    with keras.src.backend.common.stateless_scope.StatelessScope():  # weights without values
        ours, theirs = both(name)
    assert [(layer.name, type(layer).__name__, layer.output.shape) for layer in ours.layers] == [
        (layer.name, type(layer).__name__, tuple(layer.output.shape)) for layer in theirs.layers
    ]
    for one, other in zip(calls(ours), calls(theirs), strict=True):
        assert one == other
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.shape for w in ours.trainable_weights] == [tuple(w.shape) for w in theirs.trainable_weights]
    assert ours.name == theirs.name


@pytest.mark.parametrize("name", some(USUAL_NUMBERS))
def test_probabilities(rng, name, tmp_path):
    """With weights from a file as Keras publishes them."""
    ours, theirs = both(name)
    weights = [
        rng.normal(0, np.sqrt(1 / max(np.prod(w.shape[:-1]), 1)), w.shape).astype(np.float32)
        if len(w.shape) > 1
        else rng.uniform(0.5, 1.0, w.shape).astype(np.float32)
        for w in ours.weights
    ]
    theirs.set_weights(weights)
    theirs.save(tmp_path / "network.h5")
    ours = getattr(applications, name)(weights=tmp_path / "network.h5", input_shape=ours.input_shape[1:])
    taken = theirs.get_weights()  # counts are integers there
    for one, other in zip(ours.get_weights(), taken, strict=True):
        np.testing.assert_array_equal(one, other)
    x = rng.uniform(0, 255, (2, *ours.input_shape[1:])).astype(np.float32)
    if name.startswith(("Inception", "Mobile", "NAS", "Xception", "VGG", "ResNet", "DenseNet")):
        x = x / 127.5 - 1
    expected = keras.ops.convert_to_numpy(theirs(x))
    assert np.abs(ours.predict(x) - expected).max() <= 1e-5


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_preprocessing(rng, mode, data_format, dtype):
    x = rng.uniform(0, 255, (2, 3, 3, 3)).astype(dtype)
    arrays = [x.copy(), x.copy()]
    results = [
        module.applications.imagenet_utils.preprocess_input(array, data_format, mode)
        for module, array in zip((pycnn, keras), arrays, strict=True)
    ]
    np.testing.assert_array_equal(*results)
    np.testing.assert_array_equal(*arrays)  # what floats are overwritten with
    assert results[0].dtype == results[1].dtype
    symbol = pycnn.Input((3, 3, 3))
    output = pycnn.applications.imagenet_utils.preprocess_input(symbol, data_format, mode)
    model = pycnn.Model(symbol, output)
    np.testing.assert_allclose(model.predict(x), results[1], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("family", applications._FAMILIES)
def test_every_name_of_a_family_is_there(family):
    names = [name for name in dir(getattr(keras.applications, family)) if not name.startswith("_")]
    assert [name for name in names if not hasattr(getattr(applications, family), name)] == []
    if family != "imagenet_utils":
        x = np.random.default_rng(1).uniform(0, 255, (1, 2, 2, 3)).astype(np.float32)
        ours, theirs = (getattr(m.applications, family).preprocess_input(x.copy()) for m in (pycnn, keras))
        np.testing.assert_array_equal(ours, theirs)


def test_every_network_is_there():
    theirs = [name for name in dir(keras.applications) if not name.startswith("_")]
    assert [name for name in theirs if name not in applications.__all__] == []


def test_signatures():
    import inspect

    for name in NAMES:
        ours, theirs = (inspect.signature(getattr(m.applications, name)).parameters for m in (pycnn, keras))
        assert {k: p.default for k, p in ours.items()} == {k: p.default for k, p in theirs.items()}, name
        assert list(ours) == list(theirs), name


def test_refusals():
    """What both refuse, and what pycnn refuses with the same kind of error."""
    cases = [
        {"weights": "/no/such/file"},
        {"weights": "imagenet", "classes": 7},
        {"weights": "imagenet", "input_shape": (128, 160, 3)},
        {"weights": None, "input_shape": (74, 99, 3)},
        {"weights": None, "input_shape": (99, 99)},
        {"weights": "imagenet", "include_top": False, "input_shape": (99, 99, 1)},
    ]
    for arguments in cases:
        for module in (pycnn, keras):
            with pytest.raises(ValueError, match=r"."):
                module.applications.InceptionV3(**arguments)
