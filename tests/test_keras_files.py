"""Keras' files: models and weights come back, configurations of Keras 2 are read, damage is refused."""

import io
import json
import logging
import os
import stat
import sys
import zipfile

import numpy as np
import pytest
from functional import data as functional_data
from functional import residual, same_weights
from helpers import normal
from hypothesis import given, settings
from hypothesis import strategies as st
from test_saving import assert_same, model_of_everything

import pycnn as keras
from pycnn import layers

h5py = pytest.importorskip("h5py")

FILES = ["m.keras", "m.h5", "m.hdf5"]
WEIGHTS = ["w.weights.h5", "w.h5", "m.keras", "m.h5", "w.safetensors"]
ALL = [*FILES, "m.safetensors"]


@pytest.fixture
def data(rng):
    return normal(rng, 20, 8, 8, 2), rng.integers(0, 3, 20)


def small(**options):
    keras.utils.set_random_seed(1)
    entries = [layers.Dense(3, name="d"), layers.BatchNormalization(name="b"), layers.Dense(2, name="e")]
    model = keras.Sequential([keras.Input((4,), name="i"), *entries], name="small")
    model.compile(keras.optimizers.Adam(name="adam"), "mse", **options)
    return model


def trained(model, epochs=1):
    rng = np.random.default_rng(5)
    model.fit(normal(rng, 8, 4), normal(rng, 8, 2), epochs=epochs, shuffle=False, verbose=0)
    return model


# --- what comes back ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("file", FILES)
def test_training_goes_on_where_it_was(data, tmp_path, file):
    path = tmp_path / file
    model = model_of_everything()
    model.layers[2].trainable = False
    model.class_names = ["a", "b", "c"]
    optimizer = keras.optimizers.Adam(0.001, amsgrad=True, use_ema=True, gradient_accumulation_steps=2)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["acc"])
    model.fit(*data, batch_size=7, epochs=1, shuffle=False, verbose=0)
    model.save(path)
    copy = keras.models.load_model(path)
    assert_same(copy, model, data[0])
    assert copy.class_names == ["a", "b", "c"]
    assert [layer.trainable for layer in copy.layers] == [layer.trainable for layer in model.layers]
    assert copy.get_compile_config() == model.get_compile_config()
    assert (copy.optimizer.iterations, copy.optimizer.accumulated) == (1, 1)
    histories = [
        m.fit(*data, batch_size=7, epochs=2, shuffle=False, verbose=0).history for m in (model, copy)
    ]
    assert histories[0] == histories[1]
    assert_same(copy, model, data[0])
    assert not keras.models.load_model(path, compile=False).compiled
    model.save(path, include_optimizer=False)
    assert not keras.models.load_model(path).compiled
    assert os.listdir(tmp_path) == [file]


@pytest.mark.parametrize("file", FILES)
def test_functional_models(rng, tmp_path, file):
    model = residual("inner")
    x, y = functional_data(rng)
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    model.save(tmp_path / file)
    copy = keras.models.load_model(tmp_path / file)
    assert copy.get_config() == model.get_config()
    assert copy.optimizer.iterations == 0
    for each in (model, copy):
        each.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    same_weights(copy, model)


def test_models_inside_models_as_outputs(tmp_path):
    """Calls of a functional model are counted from 1 only where they are outputs; a Sequential's from 0."""
    inputs = keras.Input((3,), name="x")
    inner = keras.Model(inputs, layers.Dense(3, name="d")(inputs), name="inner")
    chain = keras.Sequential([layers.Dense(3, name="c")], name="chain")
    first, second = keras.Input((3,), name="first"), keras.Input((3,), name="second")
    a, b = inner(first), inner(second)
    model = keras.Model([first, second], [b, chain(a), chain(b), inner(b)], name="outer")
    config = model.get_config()
    assert config["output_layers"] == [["inner", 1, 0], ["chain", 0, 0], ["chain", 1, 0], ["inner", 3, 0]]
    copy = keras.Model.from_config(config)
    assert copy.get_config() == config
    copy.set_weights(model.get_weights())
    x = [np.ones((2, 3)), np.full((2, 3), 2.0)]
    for one, other in zip(copy.predict(x), model.predict(x), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("file", WEIGHTS)
def test_weights(tmp_path, file):
    path = tmp_path / file
    model, copy = trained(small()), small()
    (model.save_weights if file.startswith("w") else model.save)(path)
    copy.load_weights(path)
    same_weights(copy, model)
    if file in ("w.weights.h5", "m.keras"):  # with the optimizer's state
        same_weights(trained(copy), trained(model))
    wrong = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(5)]
    )
    before = wrong.get_weights()
    with pytest.raises(ValueError, match=file.replace(".", r"\.")):
        wrong.load_weights(path)
    for one, other in zip(wrong.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="no weights yet"):
        keras.Sequential([layers.Dense(2)]).load_weights(path)


@pytest.mark.filterwarnings("ignore:.*(could not be loaded|Skipping).*:UserWarning")
@pytest.mark.parametrize("file", ["w.weights.h5", "w.h5"])
def test_mismatches_are_skipped(tmp_path, file):
    model = small()
    model.save_weights(tmp_path / file)
    other = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(5)]
    )
    last = other.get_weights()[-2]
    with pytest.warns(
        UserWarning, match=r"(?s)could not be loaded.*dense|Skipping loading weights for layer #2"
    ):
        other.load_weights(tmp_path / file, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    np.testing.assert_array_equal(other.get_weights()[-2], last)


def test_weights_by_name(tmp_path):
    model = small()
    model.save(tmp_path / "m.h5")
    other = keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, name="new"), layers.Dense(3, name="x"), layers.Dense(2, name="e")]
    )
    other.load_weights(tmp_path / "m.h5", by_name=True)
    same_weights(other.get_layer("e"), model.get_layer("e"))
    other = keras.Sequential(
        [keras.Input((4,)), layers.Dense(2, name="d"), layers.Dense(2, use_bias=False, name="e")]
    )
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"Shape mismatch in layer #0 \(named d\)"):
        other.load_weights(tmp_path / "m.h5", by_name=True)
    with pytest.warns(UserWarning, match="Skipping") as caught:
        other.load_weights(tmp_path / "m.h5", by_name=True, skip_mismatch=True)
    assert len(caught) == 3
    np.testing.assert_array_equal(other.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="by_name"):
        other.load_weights(tmp_path / "m.keras", by_name=True)


@keras.saving.register_keras_serializable("test_keras_files")
class Blocks(layers.Layer):
    """Layers in lists and dicts, and weights of its own, the one that does not train first."""

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count
        self.rows = [[layers.Dense(3) for _ in range(count)], layers.Dense(3)]
        self.named = {"first": layers.BatchNormalization()}
        self._last = layers.Dense(2)

    def build(self, shape):
        self.shift = self.add_weight(shape=(3,), initializer="ones", trainable=False, name="shift")
        self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

    def call(self, x):
        for dense in [*self.rows[0], self.rows[1]]:
            x = dense(x)
        return self._last(self.named["first"](x * self.scale + self.shift))

    def get_config(self):
        return super().get_config() | {"count": self.count}


@pytest.mark.parametrize("file", [*FILES, "w.weights.h5"])
def test_layers_of_ones_own(tmp_path, file):
    model = keras.Sequential([keras.Input((3,)), Blocks(2)])
    model.layers[0].scale.assign([2, 3, 4])
    if file.startswith("w"):
        model.save_weights(tmp_path / file)
        copy = keras.Sequential([keras.Input((3,)), Blocks(2)])
        copy.load_weights(tmp_path / file)
        with h5py.File(tmp_path / file) as saved:
            inside = saved["layers/blocks"]
            assert set(inside) == {"vars", "_last", "named", "rows"}
            assert set(inside["rows"]) == {"container", "dense"}
            assert set(inside["rows/container"]) == {"dense", "dense_1"}
            np.testing.assert_array_equal(inside["vars/0"], [2, 3, 4])
    else:
        model.save(tmp_path / file)
        copy = keras.models.load_model(tmp_path / file)
    same_weights(copy, model)
    np.testing.assert_array_equal(copy.predict(np.ones((2, 3))), model.predict(np.ones((2, 3))))


@pytest.mark.parametrize(
    "name", ["Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion", "Lamb", "Adafactor", "Muon"]
)
def test_states_of_all_optimizers(tmp_path, name):
    model = small()
    model.compile(getattr(keras.optimizers, name)(0.01, use_ema=True), "mse")
    trained(model)
    copies = []
    for file in ALL:
        model.save(tmp_path / file)
        copies.append(keras.models.load_model(tmp_path / file))
    before = [np.array(v) for v in model.optimizer.variables]
    trained(model)
    for copy in copies:
        for a, b in zip(copy.optimizer.saved_state(copy.trainable_weights), before[2:], strict=True):
            np.testing.assert_array_equal(a[1], b)
        trained(copy)
        same_weights(copy, model)


def test_functions_between_layers(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Dense(1)(keras.ops.exp(inputs)))
    for file in ALL:
        model.save(tmp_path / file)
        copy = keras.models.load_model(tmp_path / file)
        np.testing.assert_array_equal(copy.predict(np.ones((2, 2))), model.predict(np.ones((2, 2))))


def test_descriptions_of_objects():
    objects = [
        keras.optimizers.Adam(0.1), keras.losses.MeanSquaredError(),
        keras.metrics.CategoricalAccuracy(name="mine"),
        keras.regularizers.L2(0.1), keras.initializers.HeNormal(seed=2), keras.layers.Dense(3, name="d"),
        Blocks(1, name="b"), small(), keras.activations.relu,
    ]  # fmt: skip
    described = json.loads(json.dumps(keras.saving.serialize_keras_object({"all": objects, "n": 1})))
    found = keras.saving.deserialize_keras_object(described)
    assert keras.saving.serialize_keras_object(found) == described
    assert [type(a) for a in found["all"][:-1]] == [type(b) for b in objects[:-1]]
    with pytest.raises(ValueError, match="safe_mode"):
        keras.saving.deserialize_keras_object(described, safe_mode=False)
    with pytest.raises(TypeError, match="cannot be described"):
        keras.saving.serialize_keras_object(object())


# --- what Keras 2 wrote -------------------------------------------------------------------------------------
def of_keras_2():
    """A functional model as TensorFlow 2 described it, with a Sequential that is called twice."""
    zeros = {"class_name": "Zeros", "config": {"dtype": "float32"}}
    uniform = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
    kernel = {"kernel_initializer": uniform, "bias_initializer": zeros, "kernel_regularizer": None}

    def layer(kind, name, nodes, /, **config):
        config = {"name": name, "trainable": True, "dtype": "float32"} | config
        return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}

    def node(*inputs, **kwargs):
        return [[name, number, 0, kwargs] for name, number in inputs]

    chain = {"name": "chain", "layers": [
        {"class_name": "Dense", "config": {"name": "in_chain", "units": 4, "batch_input_shape": [None, 4],
                                           "dtype": "float32", **kernel}},
    ]}  # fmt: skip
    return {
        "class_name": "Functional",
        "keras_version": "2.8.0",
        "config": {
            "name": "old",
            "layers": [
                layer("InputLayer", "in", [], batch_input_shape=[None, 6, 6, 3], sparse=False, ragged=False),
                layer("Conv2D", "conv", [node(("in", 0))], filters=4, kernel_size=[3, 3], strides=[1, 1],
                      padding="same", data_format="channels_last", dilation_rate=[1, 1], groups=1,
                      activation="linear", use_bias=True, **kernel),
                layer("BatchNormalization", "norm", [node(("conv", 0), training=False)], axis=[3],
                      momentum=0.9, epsilon=0.001, center=True, scale=True),
                layer("LeakyReLU", "leaky", [node(("norm", 0))], alpha=0.25),
                layer("DepthwiseConv2D", "deep", [node(("leaky", 0))], kernel_size=[3, 3], strides=[1, 1],
                      padding="same", depth_multiplier=1, groups=1, use_bias=False,
                      depthwise_initializer=uniform),
                layer("Add", "add", [node(("deep", 0), ("leaky", 0))]),
                layer("GlobalAveragePooling2D", "pool", [node(("add", 0))], data_format="channels_last"),
                layer("Sequential", "chain", [node(("pool", 0)), node(("chain", 1))], **chain),
                layer("Dense", "out", [node(("chain", 2))], units=2, activation="softmax", use_bias=True,
                      **kernel),
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["out", 0, 0]],
        },
    }  # fmt: skip


def model_of_keras_2():
    x = inputs = keras.Input((6, 6, 3), name="in")
    x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name="norm")(x, training=False)
    y = layers.LeakyReLU(0.25, name="leaky")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="deep")(y)
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Add(name="add")([x, y]))
    chain = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="in_chain")], name="chain")
    return keras.Model(inputs, layers.Dense(2, activation="softmax", name="out")(chain(chain(x))), name="old")


def test_files_of_keras_2(rng, tmp_path):
    model = model_of_keras_2()
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    path = tmp_path / "m.h5"
    model.save(path)
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps(of_keras_2()).encode()
        file.attrs["training_config"] = json.dumps(
            {
                "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"],
                "weighted_metrics": None,
                "loss_weights": None,
                "optimizer_config": {"class_name": "SGD", "config": {"name": "SGD", "learning_rate": 0.5}},
            }
        )
        for group in file["model_weights"].values():
            names = [name.decode() for name in group.attrs["weight_names"]]
            for name in names:
                group.move(name, f"{name}:0")
            group.attrs["weight_names"] = np.array([f"{name}:0".encode() for name in names])
    read = keras.models.load_model(path)
    x = normal(rng, 3, 6, 6, 3)
    np.testing.assert_array_equal(read.predict(x), model.predict(x))
    assert read.optimizer.learning_rate == 0.5
    assert read.loss.name == "sparse_categorical_crossentropy"


def test_names_in_several_parts(tmp_path):
    """Attributes of more than 64,512 bytes are cut, as Keras does."""
    entries = [layers.Dense(1, use_bias=False, name=f"{'n' * 700}_{i}") for i in range(100)]
    model = keras.Sequential([keras.Input((1,)), *entries])
    path = tmp_path / "w.h5"
    model.save_weights(path)
    with h5py.File(path) as file:
        assert "layer_names0" in file.attrs
        assert "layer_names1" in file.attrs
    copy = keras.models.clone_model(model)
    copy.load_weights(path)
    same_weights(copy, model)


# --- writing ------------------------------------------------------------------------------------------------
def test_options_of_save(tmp_path, caplog, monkeypatch):
    model = small()
    caplog.set_level(logging.WARNING)
    model.save(tmp_path / "m.h5", save_format="h5")
    assert "`save_format` argument is deprecated" in caplog.text
    assert "This file format is considered legacy" in caplog.text
    with pytest.raises(ValueError, match=r"either `\.keras` or `\.h5` extension"):
        model.save(tmp_path / "m", save_format="tf")
    with pytest.raises(ValueError, match=r"not supported: .'options'"):
        model.save(tmp_path / "m.keras", options=1)
    with pytest.raises(ValueError, match="zipped"):
        model.save(tmp_path / "m.keras", zipped=False)
    with pytest.raises(FileExistsError, match="overwrite=False"):
        model.save(tmp_path / "m.h5", overwrite=False)
    with pytest.raises(ValueError, match=r"has \.keras, but weights"):
        model.save_weights(tmp_path / "m.keras")
    with pytest.raises(TypeError, match="no model"):
        keras.saving.save_model(layers.Dense(1), tmp_path / "m.keras")
    keras.saving.save_weights(model, tmp_path / "m.weights.h5")
    keras.saving.load_weights(model, tmp_path / "m.weights.h5")
    before = os.listdir(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    for call in (model.save, keras.models.load_model):
        with pytest.raises(ImportError, match=r"pip install 'pycnn\[h5\]'"):
            call(tmp_path / "m.h5")
    with pytest.raises(ImportError, match=r"pip install 'pycnn\[h5\]'"):
        model.fit(np.ones((1, 4)), np.ones((1, 2)), callbacks=[keras.callbacks.ModelCheckpoint("m.keras")])
    assert os.listdir(tmp_path) == before


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("file", ALL)
def test_permissions_and_leftovers(tmp_path, file):
    """A new file has the usual permissions, a replaced one its own; what a killed save left is removed."""
    path = tmp_path / file
    model = small()
    model.save(path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o600)
    leftover, other = tmp_path / f"{file}.0123abcd.tmp", tmp_path / f"{file}.mine.tmp"
    for each in (leftover, other):
        each.write_bytes(b"half")
    model.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == sorted([file, other.name])


def test_a_file_that_another_save_writes_is_no_leftover(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    writing = tmp_path / "m.keras.0123abcd.tmp"
    with open(writing, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        small().save(tmp_path / "m.keras")
        assert writing.exists()


# --- hostile files ------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    model = trained(small())
    for file in ("m.keras", "m.h5", "m.safetensors"):
        model.save(folder / file)
    model.save_weights(folder / "w.weights.h5")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def damaged(content, data):
    content = bytearray(content)
    if data.draw(st.booleans()):
        return bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return bytes(content)


@pytest.fixture(scope="module")
def victim():
    return small()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("file", ["m.keras", "m.h5", "m.safetensors", "w.weights.h5"])
@settings(max_examples=30)
@given(data=st.data())
def test_damaged_files(good, victim, tmp_path_factory, file, data):
    """They are refused by name, or give a model that works; weights are read whole or not at all."""
    path = tmp_path_factory.getbasetemp() / file
    path.write_bytes(damaged(good[file], data))
    before = victim.get_weights()
    loads = [victim.load_weights] if file.startswith("w") else [victim.load_weights, keras.models.load_model]
    for load in loads:
        try:
            read = load(path) or victim
        except ValueError as error:
            if file not in str(error):
                raise
            for one, other in zip(victim.get_weights(), before, strict=True):
                np.testing.assert_array_equal(one, other)
        else:
            assert len(read.predict(np.zeros((1, *read.input_shape[1:])))) == 1
            victim.set_weights(before)


def archive(content, **members):
    """The archive with some members changed or, for None, taken out."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            change = members.get(name.replace(".", "_"), old.read(name))
            change = change(old.read(name)) if callable(change) else change
            if change is not None:
                new.writestr(name, change)
    return result.getvalue()


def with_config(content, edit):
    def change(text):
        config = json.loads(text)
        return json.dumps(edit(config) or config)

    return archive(content, config_json=change)


def with_layer(content, **entry):
    return with_config(content, lambda config: config["config"]["layers"][1].update(entry))


LAMBDA = {
    "name": "l",
    "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c[:100], "no intact '.keras' file"),
        (lambda c: archive(c, config_json=None), "it has no 'config.json'"),
        (lambda c: archive(c, model_weights_h5=None), "it has no 'model.weights.h5'"),
        (lambda c: archive(c, model_weights_h5=b"x" * 100), "no intact HDF5 file"),
        (lambda c: archive(c, model_weights_h5=bytes(10_000_000)), "decompression bomb"),
        (lambda c: archive(c, config_json=b" " * 10_000_000), "decompression bomb"),
        (lambda c: archive(c, config_json=b"{"), "does not describe a model"),
        (lambda c: archive(c, config_json=b"[]"), "does not describe a model"),
        (lambda c: archive(c, config_json=b"\xff"), "no intact '.keras' file"),
        (lambda c: with_layer(c, module="builtins", class_name="Lambda", config=LAMBDA), "holds functions"),
        (lambda c: with_layer(c, module="os", class_name="system", config={}), "Unknown layer: 'system'"),
        (lambda c: with_layer(c, module="mine", class_name="Dense"), "Unknown layer: 'Dense'"),
        (lambda c: with_layer(c, registered_name="mine>Dense"), "Unknown layer: 'Dense'"),
        (lambda c: with_layer(c, module="keras.src.ops.numpy", class_name="Add"), "a function of keras.ops"),
        (lambda c: with_layer(c, module="keras.layers", class_name="LSTM"), "LSTM is not supported"),
        (lambda c: with_layer(c, config={"name": "d", "units": 4}), "expected|shape"),
        (lambda c: with_layer(c, config={"name": "d", "units": 2**40}), "too large"),
        (lambda c: with_config(c, lambda m: m.update(compile_config={"loss": "x"})), "damaged optimizer"),
    ],
)  # fmt: skip
def test_hostile_archives(good, tmp_path, change, message):
    path = tmp_path / "m.keras"
    path.write_bytes(change(good["m.keras"]))
    with pytest.raises(ValueError, match=r"m\.keras") as error:
        keras.models.load_model(path)
    assert any(part in str(error.value) for part in message.split("|"))


def test_a_compressed_archive_is_read(good, tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes(archive(good["m.keras"]))
    assert keras.models.load_model(path).optimizer.iterations == 1


def linked(file):
    del file["model_weights/d/d/kernel"]
    file["model_weights/d/d/kernel"] = h5py.ExternalLink("/etc/hostname", "/x")


def softly_linked(file):
    del file["model_weights/d/d/kernel"]
    file["model_weights/d/d/kernel"] = h5py.SoftLink("/model_weights/e/e/kernel")


def outside(file):
    del file["model_weights/d/d/bias"]
    file.create_dataset("model_weights/d/d/bias", (3,), "f4", external=[("/etc/hostname", 0, 12)])


def virtual(file):
    del file["model_weights/d/d/bias"]
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (3,))
    file.create_virtual_dataset("model_weights/d/d/bias", layout)


def replaced(name, *args, **kwargs):
    def change(file):
        del file[name]
        if args:
            file.create_dataset(name, *args, **kwargs)

    return change


def attribute(group, name, value):
    def change(file):
        file[group].attrs[name] = value

    return change


KERNEL = "model_weights/d/d/kernel"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (linked, "is a link"),
        (softly_linked, "is a link"),
        (outside, "in other files"),
        (virtual, "in other files"),
        (replaced(KERNEL), "has no array"),
        (replaced(KERNEL, (4, 3), "S5"), "expected numbers"),
        (replaced(KERNEL, (3, 4), "f4"), "Shape mismatch in layer #0"),
        (replaced(KERNEL, (2**20, 2**20), "f4", chunks=(1024, 1024)), "Shape mismatch in layer #0"),
        (replaced("model_weights/d"), "has no group"),
        (attribute("/", "model_config", "[" * 100_000), "does not describe"),
        (attribute("/", "model_config", np.arange(4)), "expected text"),
        (attribute("model_weights", "layer_names", [b"d", b"b"]), "Layer count mismatch"),
        (attribute("model_weights/d", "weight_names", [b"d/kernel"]), "Weight count mismatch for layer #0"),
        (attribute("model_weights", "backend", "theano"), "'theano'"),
        (attribute("/", "training_config", "{}"), "damaged optimizer"),
        (lambda file: file["optimizer_weights"]["adam/iteration"].write_direct(np.array(-1)), "-1 steps"),
        (replaced("optimizer_weights/adam/learning_rate", (3,), "f4"), "expected a single number"),
    ],
)  # fmt: skip
def test_hostile_hdf5_files(good, tmp_path, change, message):
    path = tmp_path / "m.h5"
    path.write_bytes(good["m.h5"])
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(ValueError, match=r"m\.h5") as error:
        keras.models.load_model(path)
    assert message in str(error.value)


def test_a_state_of_another_optimizer_is_left_out(good, tmp_path):
    path = tmp_path / "w.weights.h5"
    path.write_bytes(good["w.weights.h5"])
    model = small()
    model.compile(keras.optimizers.RMSprop(name="mine"), "mse")
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer 'mine'"):
        model.load_weights(path)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("file", ALL)
def test_a_file_that_gets_shorter_while_it_is_read(good, tmp_path, monkeypatch, file):
    """It is no crash of the process, as it would be for a file that is mapped into memory."""
    if file not in good:
        pytest.skip("as the other ending")
    path = tmp_path / file
    path.write_bytes(good[file])
    into_new_model = keras.saving.models.in_keras.Restoring.into_new_model

    def cut(self):
        os.truncate(path, 200)
        into_new_model(self)

    monkeypatch.setattr(keras.saving.models.in_keras.Restoring, "into_new_model", cut)
    with pytest.raises(ValueError, match=file.replace(".", r"\.")):
        keras.models.load_model(path)


# --- checkpoints --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "weights"),
    [
        ("m.keras", 0),
        ("m.h5", 0),
        ("m.safetensors", 0),
        ("w.weights.h5", 1),
        ("w.h5", 1),
        ("w.safetensors", 1),
    ],
)
def test_checkpoints(tmp_path, file, weights):
    stem, _, ending = file.partition(".")
    path = tmp_path / "runs" / "a" / f"{stem}-{{epoch:02d}}-{{val_loss:.2f}}.{ending}"
    keep = keras.callbacks.ModelCheckpoint(path, save_weights_only=bool(weights))
    model = small()
    x, y = np.ones((4, 4)), np.ones((4, 2))
    model.fit(x, y, epochs=2, validation_data=(x, y), callbacks=[keep], verbose=0)
    names = sorted(os.listdir(path.parent))
    assert [name[:5] for name in names] == [f"{stem}-01-"[:5], f"{stem}-02-"[:5]]
    copy = small()
    copy.load_weights(path.parent / names[1])
    same_weights(copy, model)


def test_checkpoints_say_what_they_do(tmp_path, capsys):
    model, x, y = small(), np.ones((4, 4)), np.ones((4, 2))
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "m.keras", monitor="loss", save_best_only=True, verbose=1, initial_value_threshold=1e9
    )
    model.fit(x, y, epochs=1, callbacks=[best], verbose=0)
    best.best = -1.0
    model.fit(x, y, epochs=1, callbacks=[best], verbose=0)
    text = capsys.readouterr().out
    assert "Epoch 1: loss improved from 1000000000.00000 to" in text
    assert "finished saving model to" in text
    assert "Epoch 1: loss did not improve from -1.00000" in text
    best.monitor = "other"
    with pytest.warns(UserWarning, match="Can save best model only with other available"):
        model.fit(x, y, epochs=1, callbacks=[best], verbose=0)
    (tmp_path / "file").write_bytes(b"")
    never = keras.callbacks.ModelCheckpoint(tmp_path / "file" / "m.keras")
    iterations = model.optimizer.iterations
    with pytest.raises(OSError, match="file"):
        model.fit(x, y, callbacks=[never], verbose=0)
    assert model.optimizer.iterations == iterations
    batches = keras.callbacks.ModelCheckpoint(tmp_path / "b" / "{epoch}-{batch}.keras", save_freq=2)
    model.fit(x, y, batch_size=1, callbacks=[batches], verbose=0)
    assert sorted(os.listdir(tmp_path / "b")) == ["1-2.keras", "1-4.keras"]


def test_folders_of_old_models(tmp_path):
    """Keras makes the folder of a whole model in the old format, and of nothing else."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "new" / "model.h5")
    assert keras.models.load_model(tmp_path / "new" / "model.h5").count_params() == 3
    for save, name in ((model.save, "model.keras"), (model.save_weights, "model.weights.h5")):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            save(tmp_path / "other" / name)
    assert not (tmp_path / "other").exists()
