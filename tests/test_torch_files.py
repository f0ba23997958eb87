"""Weights from files of PyTorch: what is read, what is refused, and that nothing is ever executed."""

import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_files import Tensor, content, description, tensors

import pycnn as keras
from pycnn import applications, layers
from pycnn.applications import torchvision
from pycnn.saving import in_torch, torch_pickle


def read(path, data):
    """All tensors of a file with that content."""
    path.write_bytes(data)
    found = {}
    with in_torch.opened_state_dict(str(path)) as stored:
        for name, tensor in stored.items():
            found[name] = np.full(tensor.shape, np.nan, np.float32)
            tensor.read_into(found[name])
    return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


# --- what is read -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors(path, rng, protocol):
    arrays = {
        "a.weight": rng.normal(size=(2, 3, 4)).astype("f4"), "half": rng.normal(size=5).astype("f2"),
        "double": rng.normal(size=(3, 1)), "a.num_batches_tracked": np.array(7),
        "none": np.zeros((0, 3), "f4"),
    }  # fmt: skip
    found = read(path, content(collections.OrderedDict(tensors(arrays)), protocol=protocol))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array.astype("f4"))


def test_views_share_a_storage(path, rng):
    row = rng.normal(size=24).astype("f4")
    found = read(
        path,
        content({
            "turned": Tensor(row, shape=(4, 6), strides=(1, 4)),
            "part": Tensor(row, offset=5, shape=(2, 3), strides=(7, 2)),
            "one": Tensor(row, offset=3, shape=(2, 2), strides=(0, 0)),
        }),
    )  # fmt: skip
    np.testing.assert_array_equal(found["turned"], row.reshape(6, 4).T)
    np.testing.assert_array_equal(found["part"], [row[5:10:2], row[12:17:2]])
    np.testing.assert_array_equal(found["one"], np.full((2, 2), row[3]))


def test_bfloat16(path):
    bits = np.array([0x3F80, 0xC000, 0x0001, 0x7F80], "<u2")
    found = read(path, content({"x": Tensor(bits, kind="BFloat16Storage")}))
    np.testing.assert_array_equal(found["x"], (bits.astype("u4") << 16).view("f4"))


# --- what is refused ----------------------------------------------------------------------------------------
def ones(**view):
    """A view of a storage of four ones."""
    return {"x": Tensor(np.ones(4, "f4"), **view)}


class Malicious:
    def __reduce__(self):
        return os.system, ("touch executed",)


def refused(path, data, message):
    with pytest.raises(ValueError, match=message) as error:
        read(path, data)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ({"x": Malicious()}, "a call of (posix|nt).system, which is not run"),
        ({"x": collections.Counter()}, "a call of collections.Counter, which is not run"),
        ({"x": b"bytes"}, "a call of _codecs.encode"),
        ({"x": {1, 2}}, "a call of __builtin__.set"),
        ({"x": object()}, "instruction b'.*' of pickle"),
        ({"x": 1, "y": Tensor(np.ones(2, "f4"))}, "dict with 'x', 'y', of which not every entry is a tensor"),
        ({"state_dict": {"x": Tensor(np.ones(2, "f4"))}}, "'state_dict', of which not every"),
        ({3: Tensor(np.ones(2, "f4"))}, "not every entry"),
        ([1.5], "holds a list; expected a dict"),
        ({(1, 2): None}, "a dict's key is a tuple"),
        (ones(kind="ComplexFloatStorage"), "type torch.ComplexFloatStorage; expected"),
        (ones(shape=(3,), offset=2), "ends at number 5 of storage '0', which has 4"),
        (ones(shape=(2, 2), strides=(3, 1)), "ends at number 5"),
        (ones(shape=(2,), strides=(-1,), offset=1), "are no sizes"),
        (ones(shape=(2, 2), strides=(1,)), "2 axes and 1 strides"),
        (ones(shape=(1,) * 33, strides=(1,) * 33), "33 axes"),
        (ones(shape=(2**60,), strides=(0,)), "no sizes"),
        (ones(kind="DoubleStorage"), "storage '0' has 16 bytes instead of 32"),
    ],
)
def test_refused_things(path, thing, message):
    refused(path, content(thing), message)
    assert not os.path.exists("executed")


def test_refused_files(path):
    good = {"x": Tensor(np.ones(3, "f4"))}
    storage = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    refused(path, storage, r"PyTorch before 1\.6.*weights_only=True")
    refused(path, b"", "no intact file that torch.save wrote")
    refused(path, content(good)[:-30], "no intact file")
    refused(path, content(good, compression=zipfile.ZIP_DEFLATED), "'byteorder' is compressed")
    refused(path, content(good, byteorder="big"), "big-endian")
    refused(path, content({}, pickled=description(good)), "lacks 'data/0'")
    refused(path, content(good, pickled=b"\x80\x01}."), "protocol 1")
    refused(path, content(good, pickled=description(good)[:-9]), "damaged at byte")
    for damage in (b"h\7.", b"t.", b"\x85.", b"R.", b"u.", b"a.", b"Q.", b"\x8cab", b"X\xff\0\0\0a", b"cab"):
        refused(path, content(good, pickled=b"\x80\x02" + damage), "not read|holds a")
    broken = bytearray(content(good))
    broken[broken.index(np.float32(1).tobytes() * 3)] ^= 1
    refused(path, bytes(broken), "Bad CRC-32.*data/0")
    several = io.BytesIO()
    with zipfile.ZipFile(several, "w") as archive:
        for folder in "ab":
            archive.writestr(f"{folder}/data.pkl", b"")
    refused(path, several.getvalue(), "2 descriptions")
    with pytest.raises(ValueError, match=r"expected a file ending in \.pth, \.pt, \.safetensors"):
        read(path.with_name("weights.bin"), b"")


def test_lists_that_hold_themselves(path):
    """Neither they nor tuples of tuples, whose text would have 2^60 parts, are looked through."""
    refused(path, content({}, pickled=b"\x80\x02]q\x00h\x00a."), "holds a list")
    nested = b")q\x00" + b"h\x00\x86q\x00" * 60
    for before, after, message in (
        (b"", b".", "holds a tuple"),
        (b"", b")R.", "a call of a tuple"),
        (b"}", b"Ns.", "key is a tuple"),
        (b"ccollections\nOrderedDict\n", b"R.", "made of something else than nothing"),
    ):
        refused(path, content({}, pickled=b"\x80\x02" + before + nested + after), message)
    refused(path, content({}, pickled=b"\x80\x02" + b"(" * 200_000 + b"t" * 200_000 + b"."), "holds a tuple")


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_descriptions(data):
    """Any bytes in place of some of them: an object of the kinds that there are, or UnreadableError."""
    whole = description({f"{i}.weight": Tensor(np.ones((i, 2), "f4"), str(i)) for i in range(3)}, protocol=2)
    codes = st.sampled_from(sorted(torch_pickle._INSTRUCTIONS))
    change = st.tuples(st.integers(0, len(whole)), st.integers(0, 3), codes | st.binary(max_size=4))
    for begin, removed, inserted in data.draw(st.lists(change, min_size=1, max_size=4)):
        whole = whole[:begin] + inserted + whole[begin + removed :]
    try:
        found = torch_pickle.read(whole)
    except torch_pickle.UnreadableError:
        return
    kinds = (dict, list, tuple, str, int, float, type(None), torch_pickle._Name)
    assert isinstance(found, kinds)  # of which named tuples are some


@settings(max_examples=100)
@given(data=st.data())
def test_damaged_files(tmp_path_factory, data):
    """They are read as they say, or refused by name."""
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    whole = bytearray(content(tensors({"a": np.ones((2, 3), "f4"), "b": np.arange(2)})))
    change = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    for place, byte in data.draw(st.lists(change, max_size=5)):
        whole[place] = byte
    cut = data.draw(st.none() | st.integers(0, len(whole)))
    try:
        read(path, bytes(whole[:cut]))
    except ValueError as error:
        if path.name not in str(error):
            raise


def test_pickle_is_not_used(path, monkeypatch):
    data = content(tensors({"x": np.ones(3, "f4")}))

    def fail(*arguments, **options):
        raise AssertionError("executed")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, fail)
    assert read(path, data)["x"].tolist() == [1, 1, 1]


# --- networks -----------------------------------------------------------------------------------------------
SMALL = {"alpha": 0.1, "input_shape": (32, 32, 3)}


@pytest.fixture(scope="module")
def weights():
    """Arrays that torchvision's network of that size would have, with those that are left out."""
    application, counterpart = torchvision._found("MobileNetV2")
    given = torchvision._arguments(application, counterpart, SMALL | {"classes": 3})
    model, rng = application.build(given), np.random.default_rng(4)
    modules, arrays = dict(counterpart.modules(model)), {}
    for layer in torchvision._with_weights(model):
        for end, each in torchvision._parts(layer, False):
            arrays[f"{modules[layer.name]}{end}"] = rng.uniform(0.1, 1, each.shape).astype("f4")
    arrays["features.0.1.num_batches_tracked"] = np.array(3)
    return arrays


def saved(path, arrays):
    path.write_bytes(content(tensors(arrays)))
    return path


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_network(path, weights, ending):
    if ending == ".pth":
        saved(path, weights)
    else:
        from safetensors.numpy import save_file

        path = path.with_suffix(ending)
        save_file(weights, path)
    model = applications.load_torchvision("mobilenet_v2", path, classes=3, **SMALL)
    conv, depthwise, dense = (model.get_layer(n) for n in ("Conv1", "expanded_conv_depthwise", "predictions"))
    np.testing.assert_array_equal(conv.kernel, weights["features.0.0.weight"].transpose(2, 3, 1, 0))
    depthwise_there = weights["features.1.conv.0.0.weight"]
    np.testing.assert_array_equal(depthwise.kernel, depthwise_there.transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(dense.kernel, weights["classifier.1.weight"].T)
    np.testing.assert_array_equal(dense.bias, weights["classifier.1.bias"])
    norm = model.get_layer("bn_Conv1")
    for ours, theirs in zip(norm.weights, ("weight", "bias", "running_mean", "running_var"), strict=True):
        np.testing.assert_array_equal(ours, weights[f"features.0.1.{theirs}"])
    assert norm.epsilon == 1e-5
    assert model.get_layer("Conv1_pad").output.shape == (None, 34, 34, 3)
    bare = applications.load_torchvision("MobileNetV2", path, include_top=False, **SMALL)
    assert bare.output_shape[1:3] == (1, 1)
    assert model.predict(np.zeros((1, 32, 32, 3))).shape == (1, 3)


@pytest.mark.parametrize(
    ("arguments", "change", "message"),
    [
        ({"classes": 10}, {}, r"'classifier.1.weight' has shape \(3, 1280\).*classes=10.*\(10, 1280\)"),
        ({}, {"features.0.0.weight": None}, "lacks 'features.0.0.weight'$"),
        ({}, {"features.9.9.weight": np.ones(3, "f4")}, "has in addition 'features.9.9.weight'$"),
        ({}, {"classifier.1.bias": np.ones(4, "f4")}, r"\(4,\).*\(3,\)"),
        ({}, {"classifier.1.bias": np.ones(3, "i8")}, "'classifier.1.bias' holds I64; expected F64 or F32"),
        ({"alpha": 1.0}, {}, "alpha|has shape"),
        ({"include_top": False, "pooling": "mean"}, {}, "pooling"),
    ],
)
def test_refused_weights(path, weights, arguments, change, message):
    arrays = {name: array for name, array in (weights | change).items() if array is not None}
    arguments = SMALL | {"classes": 3} | arguments
    with pytest.raises(ValueError, match=message):
        applications.load_torchvision("MobileNetV2", saved(path, arrays), **arguments)


def test_refused_networks(path, weights):
    saved(path, weights)
    load = applications.load_torchvision
    with pytest.raises(ValueError, match=r"lacks .* and \d+ more and has in addition .*'classifier.1.bias'"):
        load("resnet50", path)
    with pytest.raises(ValueError, match=r"'resnet18', which keras.applications does not have.*ResNet50"):
        load("resnet18", path)
    for name in ("Xception", "MobileNet", "EfficientNetV2B0", "ConvNeXtXLarge", "ResNet50V2", "NASNetMobile"):
        with pytest.raises(ValueError, match=f"'{name}', which torchvision does not have"):
            load(name, path)
    with pytest.raises(TypeError, match="expected a name"):
        load(applications.ResNet50, path)
    for arguments in ({"weights": None}, {"input_tensor": None}, {"transform_input": True}):
        with pytest.raises(TypeError, match=rf"load_torchvision: ResNet50\(\).*'{next(iter(arguments))}'"):
            load("ResNet50", path, **arguments)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load("ResNet50", "nowhere.pth")
    with pytest.raises(ValueError, match=r"load_torchvision\('ResNet50', "):
        applications.ResNet50(weights=path)


def test_modules_of_every_network():
    """Each layer with weights has a module, and every module is another one."""
    for name in applications.FAMILY_OF:
        application = torchvision._application(name)
        if (counterpart := application.counterpart) is None:
            continue
        model = application.build(torchvision._arguments(application, counterpart, {}))
        modules = dict(counterpart.modules(model))
        assert [layer.name for layer in torchvision._with_weights(model) if layer.name not in modules] == []
        assert len(set(modules.values())) == len(modules) == len(list(torchvision._with_weights(model)))


def test_first_dense_layer_after_flatten(rng):
    """There pictures are flattened with their channels first."""
    x = keras.Input((2, 3, 4))
    dense = layers.Dense(5)
    dense(layers.Flatten()(x))
    theirs = rng.normal(size=(5, 24)).astype("f4")
    expected = torchvision._kernel(dense, False)
    assert expected.shape == theirs.shape
    pictures = rng.normal(size=(2, 2, 3, 4))
    np.testing.assert_allclose(
        pictures.reshape(2, -1) @ expected.turn(theirs),
        pictures.transpose(0, 3, 1, 2).reshape(2, -1) @ theirs.T,
        rtol=1e-5,
    )
