"""Weights that stay in their file until something needs them in memory."""

import copy
import gc
import json
import os
import struct
import sys
import threading

import numpy as np
import pytest
from helpers import normal

import pycnn as keras
from pycnn import _core, layers


def network():
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(24, 3, activation="relu"),
            layers.DepthwiseConv2D(3),
            layers.BatchNormalization(),
            layers.Conv2D(20, 1),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )


@pytest.fixture
def saved(rng):
    model = network()
    for weight in model.weights:
        weight.assign(normal(rng, *weight.shape) / 4 + ("variance" in weight.name))
    return model


@pytest.fixture
def path(saved, tmp_path):
    path = tmp_path / "model.safetensors"
    saved.save(path)
    return path


@pytest.fixture
def lazy(path):
    return keras.models.load_model(path, lazy=True)


def in_file(model):
    return {weight.path for weight in model.weights if weight.core.in_file}


def pictures(rng, n=5):
    return normal(rng, n, 12, 12, 3)


def assert_same_weights(model, other):
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


# --- what networks read -------------------------------------------------------------------------------------
@pytest.mark.parametrize("batch", [1, 2, 40])
def test_predictions_are_the_same_bits(saved, lazy, rng, batch):
    assert len(in_file(lazy)) == len(lazy.weights)
    x = pictures(rng, batch)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))
    assert in_file(lazy) == {weight.path for weight in lazy.weights if "kernel" in weight.name}
    assert_same_weights(lazy, saved)
    assert not in_file(lazy)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))


def test_kernels_that_are_read_as_they_lie(tmp_path, rng):
    model = keras.Sequential([keras.Input((1024,)), layers.Dense(1024)])
    model.save(tmp_path / "dense.safetensors")
    lazy = keras.models.load_model(tmp_path / "dense.safetensors", lazy=True)
    for n in (2, 1):
        assert in_file(lazy)
        x = normal(rng, n, 1024)
        np.testing.assert_array_equal(lazy.predict_on_batch(x), model.predict_on_batch(x))
    assert not in_file(lazy)


def test_other_plans_pack_anew(saved, lazy, rng):
    call = lazy.compile_inference(1)
    for n in (1, 3, 130):
        x = pictures(rng, n)
        np.testing.assert_array_equal(lazy.predict(x, verbose=0), saved.predict(x, verbose=0))
        np.testing.assert_array_equal(call(x[:1]), saved.predict_on_batch(x[:1]))
    assert in_file(lazy)


@pytest.mark.parametrize("threads", [1, 5])
@pytest.mark.usefixtures("restore_threads")
def test_any_number_of_threads(lazy, saved, rng, threads):
    _core.set_num_threads(threads)
    x = pictures(rng, 2)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))


def test_networks_share_variables(saved, lazy, rng):
    x = pictures(rng)
    inner = keras.Model(lazy.inputs, lazy.layers[3].output)
    features = keras.Model(saved.inputs, saved.layers[3].output).predict_on_batch(x)
    found, expected = {}, saved.predict_on_batch(x)

    def use(i):
        found[i] = [lazy.predict_on_batch(x), inner.predict_on_batch(x), lazy.layers[3].kernel.numpy()]

    workers = [threading.Thread(target=use, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for values in found.values():
        np.testing.assert_array_equal(values[0], expected)
        np.testing.assert_array_equal(values[1], features)
        np.testing.assert_array_equal(values[2], saved.layers[3].kernel.numpy())
    assert len(found) == 4


def test_memory_counts_what_is_there(saved, lazy, rng):
    x = pictures(rng, 2)
    everything = saved.profile(x, seconds=0.01).memory
    found = lazy.profile(x, seconds=0.01).memory
    left = sum(4 * weight.size for weight in lazy.weights if weight.core.in_file)
    assert left > 0
    assert found.weights == everything.weights - left
    assert found.packed_weights == everything.packed_weights


# --- what changes them --------------------------------------------------------------------------------------
@pytest.mark.parametrize("predicted", [False, True])
def test_training(path, lazy, rng, predicted):
    x, y = pictures(rng, 20), rng.integers(0, 5, 20)
    if predicted:
        lazy.predict_on_batch(x)
    models = [lazy, keras.models.load_model(path)]
    for model in models:
        model.layers[3].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
    losses = [model.evaluate(x, y, verbose=0) for model in models]
    assert losses[0] == losses[1]
    found = [model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history for model in models]
    assert found[0] == found[1]
    assert_same_weights(*models)
    np.testing.assert_array_equal(*(model.predict_on_batch(x) for model in models))


def test_gradients(path, lazy, rng):
    x, found = pictures(rng), []
    for model in (lazy, keras.models.load_model(path)):
        with keras.GradientTape() as tape:
            y = keras.ops.sum(keras.ops.square(model(x)))
        found.append([each.numpy() for each in tape.gradient(y, model.trainable_weights)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_optimizer_applies_gradients(path, lazy):
    models = [lazy, keras.models.load_model(path)]
    for model in models:
        weights = model.trainable_weights
        keras.optimizers.SGD(0.1).apply([np.ones(weight.shape, np.float32) for weight in weights], weights)
    assert_same_weights(*models)


def test_optimizer_state_comes_back(path, rng):
    model = keras.models.load_model(path)
    model.compile("adam", "mse")
    x, y = pictures(rng), normal(rng, 5, 5)
    model.fit(x, y, verbose=0)
    model.save(path)
    lazy = keras.models.load_model(path, lazy=True)
    for each in (model, lazy):
        each.fit(x, y, shuffle=False, verbose=0)
    assert_same_weights(model, lazy)


def test_assignment(saved, lazy, rng):
    x = pictures(rng)
    before = lazy.predict_on_batch(x)
    for model in (lazy, saved):
        model.layers[3].kernel.assign(model.layers[3].kernel * 2)
    found = lazy.predict_on_batch(x)
    assert (found != before).any()
    np.testing.assert_array_equal(found, saved.predict_on_batch(x))
    lazy.set_weights([0.5 * weight for weight in saved.get_weights()])
    saved.set_weights([0.5 * weight for weight in saved.get_weights()])
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))


def test_copies(saved, lazy, rng):
    twin = copy.deepcopy(lazy)
    assert_same_weights(twin, saved)


# --- what happens to the file -------------------------------------------------------------------------------
def test_saving_over_the_file_itself(saved, lazy, path, rng):
    x = pictures(rng)
    lazy.predict_on_batch(x)
    assert in_file(lazy)
    lazy.save(path)
    assert_same_weights(keras.models.load_model(path), saved)
    lazy.save_weights(path)
    saved.save(path)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))


def test_another_model_takes_the_files_name(saved, lazy, path, rng):
    network().save(path)
    x = pictures(rng)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))
    assert_same_weights(lazy, saved)


def test_the_file_may_be_deleted(saved, lazy, path, rng):
    path.unlink()
    x = pictures(rng)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))
    assert_same_weights(lazy, saved)


def truncate(path):
    os.truncate(path, 100)


def empty(path):
    path.write_bytes(b"")


def overwrite(path):
    content = bytearray(path.read_bytes())
    content[-4:] = b"abcd"
    os.utime(path, ns=(0, 0))
    with open(path, "r+b") as file:
        file.write(content)


def append(path):
    with open(path, "ab") as file:
        file.write(b"abcd")


@pytest.mark.parametrize("change", [truncate, empty, overwrite, append])
def test_a_file_that_is_written_in_place(saved, lazy, path, rng, change):
    x = pictures(rng)
    call = lazy.compile_inference(1)
    expected = saved.predict_on_batch(x[:1])
    change(path)
    message = r"model\.safetensors' has changed since it was opened"
    kernel = lazy.layers[3].kernel
    for use in (
        lambda: lazy.predict_on_batch(x),
        lambda: lazy.predict_on_batch(x),
        kernel.numpy,
        lazy.get_weights,
        lambda: lazy.save(path),
        lambda: copy.deepcopy(lazy),
    ):
        with pytest.raises(OSError, match=message):
            use()
    lazy.compile("sgd", "mse")
    with pytest.raises(OSError, match=message):
        lazy.fit(x, normal(rng, 5, 5), verbose=0)
    np.testing.assert_array_equal(call(x[:1]), expected)  # what is packed stays
    weights = [2 * weight for weight in saved.get_weights()]
    lazy.set_weights(weights)  # which asks for nothing that is lost
    saved.set_weights(weights)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))


def test_weights_that_a_plan_reads_itself_are_missing(lazy, path, rng):
    truncate(path)
    for _ in range(2):
        with pytest.raises(OSError, match="has changed"):
            lazy.predict_on_batch(pictures(rng, 1))
        with pytest.raises(OSError, match="has changed"):
            lazy.compile_inference(3)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are counted in /proc")
def test_the_file_is_closed_with_the_model(path, rng):
    def count():
        gc.collect()
        opened = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
        return opened.count(str(path.resolve()))

    model = keras.models.load_model(path, lazy=True)
    model.predict_on_batch(pictures(rng))
    assert count() == 1
    del model
    assert count() == 0
    keras.models.load_model(path)
    assert count() == 0


# --- which files --------------------------------------------------------------------------------------------
def with_header(path, spaces):
    """The file with a longer header, so that the arrays begin elsewhere."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = content[8 : 8 + length] + b" " * spaces
    path.write_bytes(struct.pack("<Q", len(header)) + header + content[8 + length :])


@pytest.mark.parametrize("spaces", [1, 2, 3, 4])
def test_arrays_may_begin_anywhere(saved, path, rng, spaces):
    with_header(path, spaces)
    lazy = keras.models.load_model(path, lazy=True)
    x = pictures(rng)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), saved.predict_on_batch(x))
    assert_same_weights(lazy, saved)


def test_other_formats_are_read_at_once(saved, path, rng):
    pytest.importorskip("h5py")
    other = path.with_suffix(".keras")
    saved.save(other)
    model = keras.models.load_model(other, lazy=True)
    assert not in_file(model)
    assert_same_weights(model, saved)


def without_a_weight(header):
    del header[max(header)]


def of_half_precision(header):
    next(entry for name, entry in header.items() if name.startswith("weights/"))["dtype"] = "F16"


def of_another_shape(header):
    entry = next(entry for name, entry in header.items() if name.endswith("/bias"))
    entry["shape"] = [1, *entry["shape"]]


@pytest.mark.parametrize("damage", [without_a_weight, of_half_precision, of_another_shape])
def test_what_does_not_fit_is_refused_at_once(path, damage):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    damage(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    for lazy in (False, True):
        with pytest.raises(ValueError, match=r"model\.safetensors"):
            keras.models.load_model(path, lazy=lazy)


def test_a_file_that_is_cut_off_is_refused_at_once(path):
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="no intact safetensors file"):
        keras.models.load_model(path, lazy=True)


def test_layers_that_have_values_already(tmp_path, rng):
    model = keras.Sequential([keras.Input((3,)), layers.Normalization(mean=[1, 2, 3], variance=[1, 4, 9])])
    model.add(layers.Dense(2))
    model.save(tmp_path / "n.safetensors")
    lazy = keras.models.load_model(tmp_path / "n.safetensors", lazy=True)
    x = normal(rng, 4, 3)
    np.testing.assert_array_equal(lazy.predict_on_batch(x), model.predict_on_batch(x))


# --- the core's part ----------------------------------------------------------------------------------------
def test_a_file_of_the_core(tmp_path):
    (tmp_path / "values").write_bytes(np.arange(10, dtype=np.float32).tobytes())
    with open(tmp_path / "values", "rb") as opened:
        file = _core.File(opened.fileno(), "values")
    variable = _core.Variable("w", [2, 3])
    for offset in (-1, 17, 1 << 62):
        with pytest.raises(ValueError, match="not all in 'values'"):
            variable.leave_in(file, offset)
    variable.leave_in(file, 16)
    assert variable.in_file
    with pytest.raises(ValueError, match="has values already"):
        variable.leave_in(file, 0)
    assert variable.value.tolist() == [[4, 5, 6], [7, 8, 9]]
    assert not variable.in_file
    other = _core.Variable("w", [2])
    assert other.value.tolist() == [0, 0]
    with pytest.raises(ValueError, match="has values already"):
        other.leave_in(file, 0)
    with pytest.raises(OSError, match="'none' cannot be kept open"):
        _core.File(-1, "none")
