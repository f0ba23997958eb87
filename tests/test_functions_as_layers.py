"""Lambda, Identity and PythonStep."""

import numpy as np
import pytest
from helpers import normal

import pycnn as keras
from pycnn import layers, ops


def forward(x):
    return np.tanh(x) * 2


def backward(x, y, dy):
    return dy * (2 - y * y / 2)


def pair(step, rng):
    """A network with a step of Python, and the same with layers of the core."""
    models = []
    for middle in (step, layers.Lambda(lambda x: ops.tanh(x) * 2)):
        model = keras.Sequential(
            [
                keras.Input((6, 6, 2)),
                layers.Conv2D(3, 3, activation="relu"),
                middle,
                layers.BatchNormalization(),
                layers.Flatten(),
                layers.Dense(4, activation="softmax"),
            ]
        )
        models.append(model)
    weights = [np.abs(0.4 * normal(rng, *w.shape)) for w in models[0].get_weights()]
    for model in models:
        model.set_weights(weights)
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return models


@pytest.mark.parametrize("samples", [1, 5, 128, 300])
def test_python_step_is_like_a_layer_of_the_core(samples, rng):
    ours, theirs = pair(layers.PythonStep(forward, backward), rng)
    x, y = normal(rng, samples, 6, 6, 2), rng.integers(0, 4, samples)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), atol=1e-6)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), rtol=1e-5)
    for _ in range(2):
        a, b = (
            model.fit(x, y, batch_size=samples, shuffle=False, verbose=0).history for model in (ours, theirs)
        )
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)
    call = ours.compile_inference(min(samples, 8))
    np.testing.assert_allclose(call(x[:8].copy()), ours.predict(x[: len(call.input)]), atol=1e-6)


def test_python_step_sees_whole_batches_and_the_mode(rng):
    seen = []

    def look(x, training):
        seen.append((x.shape, x.dtype.name, training))
        return x

    model = keras.Sequential([keras.Input((4,)), layers.PythonStep(look), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = normal(rng, 300, 4), np.zeros((300, 1))
    seen.clear()
    model.fit(x, y, batch_size=300, verbose=0)
    model.evaluate(x, y, batch_size=300, verbose=0)
    model.predict(x)
    assert seen == [((300, 4), "float32", True), ((300, 4), "float32", False), ((300, 4), "float32", False)]


def test_several_inputs(rng):
    def product(x):
        return x[0] * x[1][:, :2]

    def back(x, y, dy):
        second = np.zeros_like(x[1])
        second[:, :2] = dy * x[0]
        return [dy * x[1][:, :2], second]

    losses = []
    weights = [normal(rng, 4, 2), normal(rng, 2), normal(rng, 4, 3), normal(rng, 3)]
    for step in (
        layers.PythonStep(product, back, output_shape=(2,)),
        layers.Lambda(lambda x: x[0] * x[1][:, :2]),
    ):
        x = keras.Input((4,))
        model = keras.Model(x, step([layers.Dense(2)(x), layers.Dense(3)(x)]))
        model.set_weights(weights)
        model.compile("sgd", "mse")
        data = np.random.default_rng(0).normal(size=(40, 4)).astype("f")
        losses.append(model.fit(data, np.ones((40, 2)), epochs=3, shuffle=False, verbose=0).history["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    found = layers.PythonStep(product, output_shape=(2,))([np.ones((1, 2)), np.full((1, 3), 3.0)])
    np.testing.assert_array_equal(found, [[3.0, 3.0]])


def test_without_backward_gradients_stop(rng):
    first, last = layers.Dense(3), layers.Dense(1)
    model = keras.Sequential([keras.Input((4,)), first, layers.PythonStep(np.floor), last])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = first.get_weights(), last.get_weights()
    model.fit(normal(rng, 32, 4), np.ones((32, 1)), verbose=0)
    np.testing.assert_array_equal(first.kernel, before[0][0])
    assert (last.kernel.numpy() != before[1][0]).any()


@pytest.mark.parametrize("where", ["forward", "backward"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, ZeroDivisionError])
def test_errors_come_out_and_the_model_stays_usable(where, error, rng):
    failing = False

    def fail():
        if failing:
            raise error("of the step")

    def step(x):
        if where == "forward":
            fail()
        return forward(x)

    def back(x, y, dy):
        if where == "backward":
            fail()
        return backward(x, y, dy)

    ours, theirs = pair(layers.PythonStep(step, back), rng)
    x, y = normal(rng, 64, 6, 6, 2), rng.integers(0, 4, 64)
    for model in (ours, theirs):
        model.fit(x, y, shuffle=False, verbose=0)
    before, count = ours.get_weights(), ours.optimizer.iterations
    failing = True
    with pytest.raises(error, match="of the step") as caught:
        ours.fit(x, y, verbose=0)
    assert "fail" in [entry.name for entry in caught.traceback]
    assert ours.optimizer.iterations == count
    for weight, old, variable in zip(ours.get_weights(), before, ours.weights, strict=True):
        if "moving" not in variable.path:
            np.testing.assert_array_equal(weight, old, err_msg=variable.path)
    failing = False
    ours.set_weights(before)
    for model in (ours, theirs):
        model.fit(x, y, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=5e-4)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda x: x[:, :2], r"has shape \(8, 2\); expected \(8, 3\)"),
        (lambda x: "a", "no array of numbers"),
        (lambda x: None, "output of a Python step"),
    ],
)
def test_wrong_outputs_are_refused(step, message):
    model = keras.Sequential([keras.Input((3,)), layers.PythonStep(step)])
    with pytest.raises((TypeError, ValueError), match=message):
        model.predict(np.ones((8, 3)))


def test_another_model_inside(rng):
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(3)])
    model = keras.Sequential(
        [keras.Input((3,)), layers.PythonStep(lambda x: inner.predict(x.copy(), verbose=0))]
    )
    x = normal(rng, 200, 3)
    np.testing.assert_allclose(model.predict(x), inner.predict(x), atol=1e-6)


def test_lambda_has_arguments_and_the_mode(rng):
    def function(x, factor, training):
        return x * factor if training else x + factor

    layer = layers.Lambda(function, arguments={"factor": 3})
    x = normal(rng, 2, 3)
    np.testing.assert_allclose(layer(x), x + 3)
    np.testing.assert_allclose(layer(x, training=True), x * 3)
    assert layers.Lambda(lambda x: ops.sum(x, axis=-1)).compute_output_shape((None, 3, 5)) == (None, 3)
    pair = layers.Lambda(lambda x: x["a"] - x["b"])
    np.testing.assert_allclose(pair({"a": x, "b": x}), 0 * x)


def square_and_shift(x, shift):
    return ops.square(x) + shift


def test_a_lambda_of_a_known_function_is_read(tmp_path):
    layer = layers.Lambda(square_and_shift, lambda shape: shape, arguments={"shift": 2.0}, name="l")
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"'l' holds functions"):
        keras.models.load_model(tmp_path / "m.safetensors")
    layer = layers.Lambda(square_and_shift, (3,), arguments={"shift": 2.0}, name="l")
    config = layer.get_config()
    assert config["function"]["config"] == "square_and_shift"
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save(tmp_path / "m.safetensors")
    objects = {"square_and_shift": square_and_shift}
    read = keras.models.load_model(tmp_path / "m.safetensors", custom_objects=objects)
    np.testing.assert_array_equal(read.predict([[1.0, 2.0, 3.0]], verbose=0), [[3.0, 6.0, 11.0]])
    with pytest.raises(ValueError, match="output_shape"):
        layers.Lambda(ops.square, lambda shape: (*shape, 1))(np.ones((1, 3)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Lambda(3), "function is 3"),
        (lambda: layers.Lambda(abs, mask=abs), "`mask` is not supported"),
        (lambda: layers.Lambda(ops.square, output_shape=(2,))(np.ones((1, 3))), "`output_shape` says"),
        (lambda: layers.Lambda(lambda x: 3)(np.ones((1, 3))), "returned 3"),
        (lambda: layers.Lambda(np.sin)(np.ones((1, 3))), "has no values"),
        (lambda: layers.PythonStep(3), "forward is 3"),
        (lambda: layers.PythonStep(abs, backward=3), "backward is 3"),
        (lambda: layers.PythonStep(abs, output_shape=(0,)), "shape of a sample"),
    ],
)
def test_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize(
    "layer",
    [lambda: layers.Lambda(lambda x: x * 2, name="twice"), lambda: layers.PythonStep(np.sin, name="twice")],
)
def test_a_file_with_a_function_is_refused_by_the_layer_s_name(layer, tmp_path):
    model = keras.Sequential([keras.Input((3,)), layer(), layers.Dense(2)])
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"'twice' holds functions.*load_weights"):
        keras.models.load_model(tmp_path / "m.safetensors")
    copy = keras.models.clone_model(model)
    copy.load_weights(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(copy.predict(np.ones((2, 3))), model.predict(np.ones((2, 3))))


def test_identity():
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(layers.Identity()(x), x)
    model = keras.Sequential([keras.Input((3,)), layers.Identity(), layers.Dense(1)])
    assert keras.models.clone_model(model).get_config() == model.get_config()
