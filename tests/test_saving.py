"""Model files: what was saved comes back, a failed save leaves the old file, and no file can do harm."""

import json
import os
import struct

import numpy as np
import pytest
from helpers import normal
from hypothesis import given
from hypothesis import strategies as st

import pycnn as keras
from pycnn import layers, saving

NAME = r"model\.safetensors"


def model_of_everything():
    inner = keras.Sequential(
        [layers.Dense(6, activation=layers.LeakyReLU(0.1)), layers.Reshape((2, -1))], name="in"
    )
    return keras.Sequential(
        [
            keras.Input((8, 8, 2), name="image"),
            layers.ZeroPadding2D(1),
            layers.Conv2D(4, 3, padding=((1, 0), (2, 0)), padding_value=0.5, activation="relu", name="c"),
            layers.DepthwiseConv2D(2, depth_multiplier=2, use_bias=False),
            layers.BatchNormalization(momentum=0.5),
            layers.ELU(),
            layers.MaxPooling2D(2),
            layers.AveragePooling2D(2, padding="same"),
            layers.Flatten(),
            layers.Maxout(4),
            layers.Rescaling(0.5),
            inner,
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_initializer=keras.initializers.HeNormal(seed=2)),
        ],
        name="everything",
    )


@pytest.fixture
def data(rng):
    return normal(rng, 30, 8, 8, 2), rng.integers(0, 3, 30)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def assert_same(a, b, x):
    assert a.get_config() == b.get_config()
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(a.predict(x), b.predict(x))


def test_round_trip(data, path):
    model = model_of_everything()
    x = data[0]
    model.save(path)
    assert_same(keras.models.load_model(path), model, x)
    assert not keras.models.load_model(path).compiled
    assert os.listdir(path.parent) == [path.name]
    keras.models.save_model(model, str(path))
    assert_same(saving.load_model(str(path)), model, x)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(0.01),
        keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        keras.optimizers.RMSprop(0.001, momentum=0.5, centered=True),
        keras.optimizers.Adam(0.001, amsgrad=True),
    ],
)
def test_training_goes_on_where_it_was(data, path, optimizer):
    model = model_of_everything()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["acc"])
    model.fit(*data, epochs=2, shuffle=False, verbose=0)
    model.save(path)
    copy = keras.models.load_model(path)
    assert_same(copy, model, data[0])
    assert copy.get_compile_config() == model.get_compile_config()
    assert copy.optimizer.iterations == 2
    histories = [m.fit(*data, epochs=3, shuffle=False, verbose=0).history for m in (model, copy)]
    assert histories[0] == histories[1]
    assert_same(copy, model, data[0])
    assert not keras.models.load_model(path, compile=False).compiled


def test_compiled_but_not_trained(data, path):
    model = model_of_everything()
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile("adam", loss, metrics=["accuracy", keras.metrics.CategoricalAccuracy(name="mine")])
    model.save(path)
    copy = keras.models.load_model(path)
    assert copy.optimizer.iterations == 0
    assert copy.metrics_names == ["loss", "accuracy", "mine"]
    x, y = data[0], np.eye(3)[data[1]]
    assert copy.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_frozen_layers_stay_frozen(path):
    model = model_of_everything()
    model.layers[1].trainable = False
    model.save(path)
    copy = keras.models.load_model(path)
    assert [layer.trainable for layer in copy.layers] == [layer.trainable for layer in model.layers]


def test_weights(data, path):
    model, copy = model_of_everything(), model_of_everything()
    model.save_weights(path)
    copy.load_weights(path)
    np.testing.assert_array_equal(copy.predict(data[0]), model.predict(data[0]))
    model.set_weights([2 * weight for weight in model.get_weights()])
    model.save(path)
    copy.load_weights(path)
    np.testing.assert_array_equal(copy.predict(data[0]), model.predict(data[0]))


def test_weights_that_do_not_fit(path):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a"), layers.Dense(2, name="b")])
    other = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a"), layers.Dense(4, name="b")])
    third = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.BatchNormalization(scale=False)])
    model.save_weights(path)
    for wrong, message in ((other, "dense_1/kernel"), (third, "lacks weights: batch_normalization/beta")):
        before = wrong.get_weights()
        with pytest.raises(ValueError, match=message):
            wrong.load_weights(path)
        for a, b in zip(before, wrong.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        wrong.load_weights(path, skip_mismatch=True)
        np.testing.assert_array_equal(wrong.get_weights()[0], model.get_weights()[0])
        np.testing.assert_array_equal(wrong.get_weights()[2], before[2])
    with pytest.raises(ValueError, match="has no weights yet"):
        keras.Sequential([layers.Dense(2)]).load_weights(path)
    with pytest.raises(ValueError, match="not a model that pycnn saved"):
        keras.models.load_model(path)


# --- writing ------------------------------------------------------------------------------------------------
def test_a_failed_save_leaves_the_old_file(path, monkeypatch):
    model = model_of_everything()
    model.save(path)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError("no space left")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="no space left"):
                model_of_everything().save(path)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]


def test_a_model_that_cannot_be_described_leaves_the_old_file(path):
    model_of_everything().save(path)
    before = path.read_bytes()
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2, kernel_initializer=lambda shape: np.zeros(shape))]
    )
    with pytest.raises(ValueError, match="cannot be described"):
        model.save(path)
    assert path.read_bytes() == before


def test_overwriting(path):
    model = model_of_everything()
    model.save(path)
    with pytest.raises(FileExistsError, match="overwrite=False"):
        model.save(path, overwrite=False)
    link = path.with_name("link.safetensors")
    link.symlink_to(path)
    path.write_bytes(b"old")
    model.save(link)
    assert link.is_symlink()
    assert keras.models.load_model(path).name == "everything"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("model.txt", ValueError, "has .txt, but .* kept in files ending in .*'.safetensors'"),
        ("model", ValueError, "no ending"),
        ("missing/model.safetensors", FileNotFoundError, "missing"),
        ("folder.safetensors", IsADirectoryError, "folder"),
    ],
)
def test_refused_names(tmp_path, name, error, message):
    (tmp_path / "folder.safetensors").mkdir()
    model = model_of_everything()
    for call in (model.save, model.save_weights, keras.models.load_model, model.load_weights):
        with pytest.raises(error, match=message):
            call(tmp_path / name)
    assert os.listdir(tmp_path) == ["folder.safetensors"]


@pytest.mark.parametrize("options", [{"safe_mode": False}])
def test_refused_options(path, options):
    model_of_everything().save(path)
    with pytest.raises(ValueError, match=next(iter(options))):
        keras.models.load_model(path, **options)


def test_models_without_weights_yet(path):
    for call in (keras.Sequential([layers.Dense(2)]).save, keras.Sequential([layers.Dense(2)]).save_weights):
        with pytest.raises(ValueError, match="no weights yet"):
            call(path)


# --- hostile files ------------------------------------------------------------------------------------------
def small_file(tmp_path_factory):
    """The bytes of a trained model's file."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((4,), name="i"), layers.Dense(3, name="d"), layers.BatchNormalization(name="b")]
    )
    model.compile("adam", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    path = tmp_path_factory.mktemp("small") / "model.safetensors"
    model.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return small_file(tmp_path_factory)


def load(path, content):
    path.write_bytes(content)
    return keras.models.load_model(path)


def is_refused_or_works(path, content):
    """A file is either refused with a ValueError, or the model it gives can be used."""
    try:
        model = load(path, content)
    except ValueError:
        return
    assert model.predict(np.zeros((1, *model.input_shape[1:]))).shape == (1, *model.output_shape[1:])


def parts(content):
    """Header and arrays of a file."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header, arrays):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + arrays


def with_metadata(content, **metadata):
    header, arrays = parts(content)
    header["__metadata__"] |= metadata
    return joined(header, arrays)


def with_model(content, change):
    header, arrays = parts(content)
    described = json.loads(header["__metadata__"]["model"])
    described = change(described) or described
    header["__metadata__"]["model"] = json.dumps(described)
    return joined(header, arrays)


@given(cut=st.integers(0, 2000))
def test_truncated(good, path, cut):
    with pytest.raises(ValueError, match=NAME):
        load(path, good[: min(cut, len(good) - 1)])


@given(st.data())
def test_flipped_bits(good, path, data):
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    is_refused_or_works(path, bytes(content))


@given(st.binary(max_size=300))
def test_random_bytes(path, content):
    with pytest.raises(ValueError, match=NAME):
        load(path, content)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["model", "compile", "iterations", "header", "layer", "config"]),
)
def test_random_json(good, path, value, place):
    if place == "header":
        content = joined(json.dumps(value).encode(), parts(good)[1])
    elif place == "layer":
        content = with_model(good, lambda model: model["config"]["layers"].__setitem__(1, value))
    elif place == "config":
        content = with_model(good, lambda model: model["config"]["layers"][1].__setitem__("config", value))
    else:
        content = with_metadata(good, **{place: json.dumps(value)})
    is_refused_or_works(path, content)


ARGUMENTS = ["units", "use_bias", "activation", "kernel_initializer", "name", "dtype", "lora_rank"]


@given(
    name=st.sampled_from(ARGUMENTS),
    value=st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.just([]), st.just({}),
        st.sampled_from([2**31, 2**63, 2**64, -1, 10**400, "a/b", {"class_name": "ReLU", "config": {}}]),
    ),
)  # fmt: skip
def test_wrong_arguments(good, path, name, value):
    def change(model):
        model["config"]["layers"][1]["config"][name] = value

    is_refused_or_works(path, with_model(good, change))


def nested(depth):
    text = '{"class_name": "Sequential", "config": {"name": "m", "layers": ['
    return text * depth + "]}}" * depth


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: with_metadata(c, format="other"), "not a model that pycnn saved"),
        (lambda c: with_metadata(c, model="{"), "does not describe"),
        (lambda c: with_metadata(c, model="NaN"), "NaN in JSON"),
        (lambda c: with_metadata(c, model=nested(5000)), "does not describe"),
        (lambda c: with_metadata(c, model="[" * 100000), "does not describe"),
        (lambda c: with_metadata(c, model=" " * (1 << 24) + "{}"), "too long"),
        (lambda c: with_metadata(c, model='{"class_name": "Dense", "config": {"units": 3}}'), "a model"),
        (
            lambda c: with_metadata(c, model='{"class_name": "Lambda", "config": {}}'),
            "Lambda None holds functions, which a file cannot bring",
        ),
        (lambda c: with_metadata(c, compile="{}"), "damaged optimizer or loss"),
        (lambda c: with_metadata(c, compile="null"), "damaged optimizer or loss"),
        (lambda c: with_metadata(c, iterations="-1"), "damaged optimizer or loss"),
        (lambda c: with_metadata(c, iterations="x"), "damaged optimizer or loss"),
        (lambda c: with_metadata(c, iterations="9" * 5000), "damaged optimizer or loss"),
        (lambda c: with_metadata(c, iterations=str(10**30)), "damaged optimizer or loss"),
        (lambda c: joined({"__metadata__": {"format": "pycnn"}}, b""), "does not describe"),
        (lambda c: joined({}, b""), "not a model that pycnn saved"),
        (lambda c: struct.pack("<Q", 2**63) + c[8:], "no intact safetensors"),
    ],
)
def test_hostile_headers(good, path, change, message):
    with pytest.raises(ValueError, match=message):
        load(path, change(good))


@pytest.mark.parametrize("units", [2**20, 2**31, 2**40, 2**64, 10**400])
def test_huge_layers_are_refused_before_they_are_made(good, path, units):
    """The weights' shapes are compared before anything is allocated."""

    def change(model):
        model["config"]["layers"][1]["config"]["units"] = units
        model["config"]["layers"][0]["config"]["batch_shape"] = [None, 2**20]

    with pytest.raises(ValueError, match=NAME):
        load(path, with_model(good, change))


def test_arrays_of_other_shapes_and_types(good, path):
    header, arrays = parts(good)
    name = "weights/dense/kernel"
    for key, value, message in (
        ("shape", [3, 4], "has shape"),
        ("shape", [12], "has shape"),
        ("dtype", "I32", "expected F32"),
    ):
        changed = json.loads(json.dumps(header))
        changed[name][key] = value
        with pytest.raises(ValueError, match=message):
            load(path, joined(changed, arrays))
    changed = json.loads(json.dumps(header))
    changed["weights/other"] = changed.pop(name)
    with pytest.raises(ValueError, match="lacks weights: dense/kernel"):
        load(path, joined(changed, arrays))
    changed = json.loads(json.dumps(header))
    changed["optimizer/other"] = changed.pop("optimizer/velocity/dense/kernel")
    with pytest.raises(ValueError, match="damaged optimizer"):
        load(path, joined(changed, arrays))
    assert keras.models.load_model(path, compile=False).output_shape == (None, 3)


def test_a_large_file_is_not_read(path):
    with open(path, "wb") as file:
        file.truncate((1 << 32) + 1)
    with pytest.raises(ValueError, match="are not read"):
        keras.models.load_model(path)


def test_nothing_is_unpickled_or_executed(good, path, monkeypatch):
    """The loader's code has neither, and a name in a file is only looked up among pycnn's classes."""
    import builtins
    import pickle

    def fail(*arguments, **options):
        raise AssertionError("executed")

    loaded = load(path, good)  # imports what loading imports
    assert loaded.built
    with monkeypatch.context() as patch:
        for module, name in ((pickle, "load"), (pickle, "loads"), (builtins, "eval")):
            patch.setattr(module, name, fail)
        for name in ("os.system", "builtins.eval", "__class__", "Sequential.__init__", "lambda"):
            described = json.dumps(
                {"class_name": name, "config": {}, "module": "os", "registered_name": name}
            )
            with pytest.raises(ValueError, match="Unknown layer"):
                load(path, with_metadata(good, model=described))
        load(path, good)
