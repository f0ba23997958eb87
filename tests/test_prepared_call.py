"""model.compile_inference: the same bits as predict, no copies, and clear errors."""

import gc
import itertools
import sys
import weakref

import numpy as np
import pytest
from helpers import normal
from test_threads import together

import pycnn as keras
from pycnn import _core

SHAPE, CLASSES = (12, 13, 2), 5


def small_model(**options):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(18, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax", **options),
        ]
    )


@pytest.fixture
def model():
    keras.utils.set_random_seed(3)
    return small_model()


@pytest.mark.parametrize("batch", [1, 2, 33, 200])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_same_bits_as_predict(rng, model, batch, threads, restore_threads):
    _core.set_num_threads(threads)
    call = model.compile_inference(batch)
    x = normal(rng, batch, *SHAPE)
    expected = model.predict(x, verbose=0)
    call.input[...] = x
    assert call() is call.output
    np.testing.assert_array_equal(call.output, expected)
    other = normal(rng, batch, *SHAPE)
    assert call(other) is call.output
    np.testing.assert_array_equal(call.output, model.predict(other, verbose=0))
    out = np.full((batch, CLASSES), np.nan, np.float32)
    call.output[...] = -1
    assert call(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert (call.output == -1).all()
    np.testing.assert_array_equal(call.input, x)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "float64", np.uint8, np.dtype("f4")])
def test_dtypes(rng, model, dtype):
    call = model.compile_inference(3, dtype=dtype)
    assert call.input.dtype == np.dtype(dtype)
    x = rng.integers(0, 9, (3, *SHAPE)).astype(dtype)
    expected = model.predict(x, verbose=0)
    call.input[...] = x
    np.testing.assert_array_equal(call(), expected)
    np.testing.assert_array_equal(call(x), expected)


def test_the_arrays(model):
    call = model.compile_inference(7)
    for array, shape in ((call.input, (7, *SHAPE)), (call.output, (7, CLASSES))):
        assert array.shape == shape
        assert array.dtype == np.float32
        assert array.ctypes.data % 64 == 0
        assert array.flags.writeable
        assert not array.any()
    assert call.input is call.input
    assert repr(call) == "<PreparedCall (7, 12, 13, 2) float32 -> (7, 5) float32>"


def test_arrays_outlive_the_call_and_the_call_the_model(rng):
    model = small_model()
    x = normal(rng, 2, *SHAPE)
    expected = model.predict(x, verbose=0)
    gone = weakref.ref(model)
    call = model.compile_inference(2)
    del model
    gc.collect()
    assert gone() is None
    np.testing.assert_array_equal(call(x), expected)
    call.input[...] = x
    result, given = call(), call.input
    del call
    gc.collect()
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(given, x)


def test_nothing_is_left_behind(model):
    """A call that is dropped takes all it holds with it."""
    program = model._ready(None)
    before = sys.getrefcount(program), sys.getrefcount(program.network)
    for _ in range(20):
        model.compile_inference(1)()
    assert (sys.getrefcount(program), sys.getrefcount(program.network)) == before


# --- weights that change ------------------------------------------------------------------------------------
def test_weights_that_change_are_seen(rng, model):
    x = normal(rng, 2, *SHAPE)
    call = model.compile_inference(2)
    before = call(x).copy()
    model.set_weights([0.5 * w for w in model.get_weights()])
    np.testing.assert_array_equal(call(x), model.predict(x, verbose=0))
    assert (call.output != before).any()
    model.layers[0].bias.assign(np.ones(18))
    np.testing.assert_array_equal(call(x), model.predict(x, verbose=0))


def test_training_is_seen(rng, model):
    """Also where it happens in another network, made for the optimizer, to which the weights have moved."""
    x, y = normal(rng, 20, *SHAPE), rng.integers(0, CLASSES, 20)
    call = model.compile_inference(20)
    for _ in range(2):
        before = call(x).copy()
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=1, verbose=0)
        found = call(x)
        assert (found != before).any()
        np.testing.assert_array_equal(found, model.predict(x, verbose=0))
    twin = small_model()
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(call(x), twin.predict(x, verbose=0))


def test_calls_during_training(rng, model):
    """They neither stop nor change what is learned."""
    x, y = normal(rng, 40, *SHAPE), rng.integers(0, CLASSES, 40)
    twin = small_model()
    twin.set_weights(model.get_weights())
    early = model.compile_inference(40)
    seen = []

    def look(*_):
        seen.append(early(x).copy())

    for each, callbacks in ((model, [keras.callbacks.LambdaCallback(on_train_batch_end=look)]), (twin, None)):
        each.compile("sgd", "sparse_categorical_crossentropy")
        each.fit(x, y, batch_size=20, epochs=3, shuffle=False, verbose=0, callbacks=callbacks)
    assert len(seen) == 6
    assert all((a != b).any() for a, b in itertools.pairwise(seen))
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_shared_by_two_models(rng, model):
    x = normal(rng, 2, *SHAPE)
    part = keras.Sequential([keras.Input(SHAPE), *model.layers[:2]])
    whole, first = model.compile_inference(2), part.compile_inference(2)
    for factor in (0.5, 2.0):
        kernel = model.layers[0].kernel
        kernel.assign(factor * kernel.numpy())
        for _ in range(2):
            np.testing.assert_array_equal(first(x), part.predict(x, verbose=0))
            np.testing.assert_array_equal(whole(x), model.predict(x, verbose=0))


def test_settings_made_later_hold(rng, model, restore_threads, restore_exact):
    call = model.compile_inference(2)
    x = normal(rng, 2, *SHAPE)
    for threads, exact in ((1, False), (3, True), (2, False)):
        _core.set_num_threads(threads)
        _core.set_exact(exact)
        np.testing.assert_array_equal(call(x), model.predict(x, verbose=0))


# --- threads ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("batch", [1, 40])
def test_two_threads(rng, model, batch):
    call = model.compile_inference(batch)

    def repeat(x, expected):
        out = np.empty((batch, CLASSES), np.float32)
        for _ in range(50):
            out[...] = np.nan
            call(x, out=out)
            np.testing.assert_array_equal(out, expected)

    inputs = [normal(rng, batch, *SHAPE) for _ in range(3)]
    expected = [model.predict(x, verbose=0) for x in inputs]
    together(*(lambda x=x, y=y: repeat(x, y) for x, y in zip(inputs, expected, strict=True)))


# --- errors -------------------------------------------------------------------------------------------------
def test_errors_of_calls(rng, model):
    call = model.compile_inference(2)
    x, out = normal(rng, 2, *SHAPE), np.empty((2, CLASSES), np.float32)
    expected = r"expected a C-contiguous NumPy array of shape \(2, 12, 13, 2\) and dtype float32"
    wrong_x = {
        TypeError: [
            (x.tolist(), "x is <class 'list'>"),
            (3.0, "x is <class 'float'>"),
            (x.astype(np.float64), "x has dtype float64"),
            (x.astype(np.uint8), "x has dtype uint8"),
            (x.astype(">f4"), "x has dtype >f4"),
            (x.astype(object), "x has dtype object"),
        ],
        ValueError: [
            (x[:1], r"x has shape \(1, 12, 13, 2\)"),
            (x[0], r"x has shape \(12, 13, 2\)"),
            (np.zeros((), np.float32), r"x has shape \(\)"),
            (x.reshape(2, 13, 12, 2), r"x has shape \(2, 13, 12, 2\)"),
            (normal(rng, 4, *SHAPE)[::2], "x is not C-contiguous"),
            (np.asfortranarray(x), "x is not C-contiguous"),
            (np.frombuffer(b"\0" * (x.nbytes + 1), np.float32, x.size, 1).reshape(x.shape), "aligned"),
        ],
    }
    for error, cases in wrong_x.items():
        for given, message in cases:
            with pytest.raises(error, match=f"{message}.*; {expected}"):
                call(given, out=out)
    fixed = out.copy()
    fixed.flags.writeable = False
    for error, given, message in [
        (TypeError, [1.0], "out is <class 'list'>"),
        (TypeError, out.astype(np.float64), "out has dtype float64"),
        (ValueError, out[:1], r"out has shape \(1, 5\)"),
        (ValueError, np.asfortranarray(out), "out is not C-contiguous"),
        (ValueError, fixed, "out is read-only"),
    ]:
        with pytest.raises(error, match=rf"{message}.*; expected .* of shape \(2, 5\) and dtype float32"):
            call(x, out=given)
    for one in (x.reshape(-1)[: out.size], x.reshape(-1)[-out.size :]):
        with pytest.raises(ValueError, match="x and out share memory"):
            call(x, out=one.reshape(out.shape))
    with pytest.raises(TypeError):
        call(x, out, 3)
    np.testing.assert_array_equal(call(x), model.predict(x, verbose=0))  # and it still works


def test_errors_of_compile_inference(model):
    for bad in (0, -1, 1.0, "1", None):
        with pytest.raises((TypeError, ValueError), match="`batch_size` is"):
            model.compile_inference(bad)
    with pytest.raises(ValueError, match="at most"):
        model.compile_inference(2**70)
    with pytest.raises(MemoryError):
        model.compile_inference(2**31)
    for bad in ("int32", "float16", "bf", ""):
        with pytest.raises(ValueError, match=f"dtype is '{bad}'; expected 'float32', 'uint8' or 'float64'"):
            model.compile_inference(1, bad)
    with pytest.raises(TypeError):
        model.compile_inference(1, 3)
    with pytest.raises(ValueError, match="input's shape"):
        keras.Sequential([keras.layers.Dense(2)]).compile_inference()
    with pytest.raises(ValueError, match="no layers"):
        keras.Sequential([keras.Input((2,))]).compile_inference()


def test_errors_of_the_core(model):
    network = model._ready(None).network
    for samples in (0, -5):
        with pytest.raises(ValueError, match="at least one sample"):
            _core.PreparedCall(network, samples)
    for arguments in ((None, 1), ("network", 1), (network, 1.5)):
        with pytest.raises(TypeError):
            _core.PreparedCall(*arguments)
    assert _core.PreparedCall(network, 1).input.shape == (1, *SHAPE)
