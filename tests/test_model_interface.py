"""Attributes and methods of Keras' layers and models that few programs use; what is refused, by name."""

import importlib

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops

X = np.random.default_rng(0).random((16, 4), np.float32)
Y = X.sum(1, keepdims=True) * 2


def model_of(cls=keras.Model, units=1):
    inputs = keras.Input((4,))
    return cls(inputs, layers.Dense(units)(inputs))


# --- refusals -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("quantize", "mixed_bfloat16"),
        ("rematerialized_call", "core"),
        ("add_metric", "compile"),
        ("jax_state_sync", "get_weights"),
        ("get_state_tree", "save"),
        ("predict_classes", "argmax"),
    ],
)
def test_refused_methods(name, hint):
    with pytest.raises(NotImplementedError, match=rf"Model\.{name} is not supported: .*{hint}"):
        getattr(model_of(), name)("path", format="onnx")


@pytest.mark.parametrize("name", ["make_train_function", "make_test_function", "make_predict_function"])
def test_what_is_never_called_cannot_be_overridden(name):
    cls = type("Mine", (keras.Model,), {name: lambda self, force=False: None})
    with pytest.raises(NotImplementedError, match=rf"Mine overrides `{name}`.*train_step"):
        model_of(cls)


@pytest.mark.parametrize(
    "call",
    [
        lambda: layers.serialize(5),
        lambda: keras.activations.serialize(5),
        lambda: keras.losses.serialize(5),
        lambda: keras.metrics.serialize(5),
        lambda: keras.optimizers.serialize("adam"),
        lambda: keras.models.clone_model(np.zeros(3)),
        lambda: keras.models.clone_model(layers.Dense(1)),
        lambda: keras.models.clone_model(model_of(), clone_function=3),
    ],
)
def test_wrong_types(call):
    with pytest.raises(TypeError, match=r"5|adam|array|Dense|clone_function is 3"):
        call()


# --- masks ------------------------------------------------------------------------------------------------
class Masks(layers.Layer):
    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0.0)

    def call(self, x):
        return x


class PassesOn(Masks):
    def compute_mask(self, inputs, mask=None):
        return mask


def test_masks_are_refused_by_name():
    for use in (lambda: Masks()(X), lambda: keras.Sequential([keras.Input((4,)), Masks()])):
        with pytest.raises(NotImplementedError, match=r"Masks\.compute_mask is not supported: .*`call`"):
            use()
    np.testing.assert_array_equal(PassesOn()(X), X)


# --- methods of subclasses ----------------------------------------------------------------------------------
class Absolute(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(y - y_pred))


class Scores(keras.Model):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred, sample_weight) | {"largest": float(np.max(y_pred))}


def test_compute_loss_is_called():
    model = model_of(Absolute)
    weights = model.get_weights()
    model.compile("sgd")
    expected = np.abs(Y - model.predict(X, verbose=0)).mean()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(expected)
    assert model.test_on_batch(X, Y) == pytest.approx(expected)
    found = model.fit(X, Y, batch_size=16, verbose=0, validation_data=(X, Y)).history
    assert found["loss"] == [pytest.approx(expected)]
    assert set(found) == {"loss", "val_loss"}
    reference = model_of()
    reference.set_weights(weights)
    reference.compile("sgd", lambda t, p: ops.mean(ops.abs(t - p), axis=-1))
    reference.fit(X, Y, batch_size=16, verbose=0)
    for a, b in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    model.on_gradients = print
    with pytest.raises(ValueError, match="on_gradients"):
        model.train_on_batch(X, Y)


def test_compute_metrics_is_called():
    model = model_of(Scores)
    model.compile("sgd", "mse")
    found = model.fit(X, Y, verbose=0, validation_data=(X, Y)).history
    assert set(found) == {"loss", "largest", "val_loss", "val_largest"}
    assert model.train_on_batch(X, Y, return_dict=True).keys() == {"loss", "largest"}


@pytest.mark.parametrize("name", ["train", "test", "predict"])
def test_functions_of_steps(name):
    model = model_of()
    model.compile("sgd", "mse")
    function = getattr(model, f"make_{name}_function")()
    result = function(iter([(X, Y)] if name != "predict" else [X]))
    assert result.shape == (16, 1) if name == "predict" else result.keys() == {"loss"}


# --- shapes, configurations, weights ------------------------------------------------------------------------
class Two(layers.Layer):
    def build(self, left_shape, right_shape):
        self.shapes = left_shape, right_shape

    def call(self, left, right):
        return ops.concatenate([left, right], axis=-1)


class WrongBuild(Two):
    def build(self, left_shape, other_shape):
        pass


def test_build_with_several_shapes():
    a, b = keras.Input((4,)), keras.Input((3,))
    layer = Two()
    assert layer(a, right=b).shape == (None, 7)
    assert layer.shapes == ((None, 4), (None, 3))
    with pytest.raises(ValueError, match="argument 'other_shape'"):
        WrongBuild()(a, b)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        ({"ndim": 3}, (4,)),
        ({"min_ndim": 3}, (4,)),
        ({"max_ndim": 2}, (4, 4)),
        ({"axes": {-1: 3}}, (4,)),
        ({"shape": (None, 5)}, (4,)),
        ({"dtype": "uint8"}, (4,)),
    ],
)
def test_input_spec(spec, shape):
    layer = layers.Activation("relu")
    layer.input_spec = keras.InputSpec(**spec)
    with pytest.raises(ValueError, match=r"input 0 has shape .*expected InputSpec"):
        layer(keras.Input(shape))
    again = layers.InputSpec.from_config(layer.input_spec.get_config())
    assert repr(again) == repr(layer.input_spec)


def test_input_spec_that_fits():
    layer = layers.Activation("relu")
    layer.input_spec = layers.InputSpec(ndim=3, allow_last_axis_squeeze=True, shape=(None, 4, 1))
    assert layer(keras.Input((4,))).shape == (None, 4)
    with pytest.raises(ValueError, match="axis 3"):
        layers.InputSpec(ndim=3, axes={3: 1})
    with pytest.raises(TypeError, match="axes is 'x'"):
        layers.InputSpec(axes="x")


def test_attributes_of_layers():
    layer = layers.Dense(3)
    assert layer.get_build_config() is None
    layer.build((None, 4))
    assert layer.get_build_config() == {"input_shape": (None, 4)}
    other = layers.Dense(3)
    other.build_from_config(layer.get_build_config())
    assert other.kernel.shape == (4, 3)
    assert (layer.path, layer.quantization_mode, layer.metrics_variables) == (layer.name, None, [])
    assert (layer.input_dtype, layer.metrics, layer.losses) == ("float32", [], [])
    assert layer.compute_mask(None, "mask") == "mask"
    assert not layer.supports_masking
    for spec in (layer.compute_output_spec(np.zeros((2, 4))), layer.symbolic_call(keras.Input((4,)))):
        assert (spec.shape, spec.node) == ((None, 3), None)
    regularized = layers.Dense(1, kernel_regularizer="l2", kernel_initializer="ones")
    regularized.build((None, 4))
    assert [float(value) for value in regularized.losses] == [pytest.approx(0.04)]


def test_stateless_call():
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(1)])
    trained = [np.full(v.shape, 2.0) for v in model.trainable_variables]
    fixed = [v.numpy() for v in model.non_trainable_variables]
    before = model.get_weights()
    outputs, after = model.stateless_call(trained, fixed, X, training=True)
    assert outputs.shape == (16, 1)
    np.testing.assert_allclose(after[0], 0.01 * X.mean(0), rtol=1e-5)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="trainable_variables has shapes"):
        model.stateless_call(trained[1:], fixed, X)
    with pytest.raises(ValueError, match="no weights yet"):
        layers.Dense(1).stateless_call([], [], X)


def test_what_compile_was_given():
    model = model_of()
    assert (model.run_eagerly, model.jit_compile, model.steps_per_execution) == (False, "auto", 1)
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False, steps_per_execution=4)
    assert (model.run_eagerly, model.jit_compile, model.steps_per_execution) == (True, False, 4)
    with pytest.raises(ValueError, match="steps_per_execution"):
        model.compile("sgd", "mse", steps_per_execution=0)


# --- clones -------------------------------------------------------------------------------------------------
def test_clones_on_given_symbols():
    inputs = keras.Input((4,), name="mine")
    for model in (model_of(), keras.Sequential([keras.Input((4,)), layers.Dense(1)])):
        clone = keras.models.clone_model(model, inputs)
        assert clone.input is inputs
        assert clone.predict(X, verbose=0).shape == (16, 1)
        longer = keras.models.clone_model(model, layers.Dense(4)(inputs))
        assert keras.Model(inputs, longer.output).count_params() == 4 * 5 + 5
    with pytest.raises(ValueError, match="expected symbols of shapes"):
        keras.models.clone_model(model_of(), keras.Input((5,)))


def test_clones_with_functions():
    called = []

    def call(layer, *args, **kwargs):
        called.append(layer.name)
        return layer(*args, **kwargs)

    def wider(layer):
        config = layer.get_config()
        if "units" in config:
            config["units"] = 7
        return type(layer).from_config(config)

    inner = model_of(units=2)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, inner(inputs))
    clone = keras.models.clone_model(model, clone_function=wider, call_function=call, recursive=True)
    assert clone.output_shape == (None, 7)
    assert called == [inner.layers[1].name, inner.name]
    with pytest.raises(ValueError, match="call_function"):
        keras.models.clone_model(keras.Sequential([layers.Dense(1)]), call_function=call)


def test_activation_functions_as_steps_of_models():
    """As `tf.nn.relu(x)` in old programs."""
    inputs = keras.Input((4,))
    x = inputs
    for name in ("relu", "leaky_relu", "elu", "gelu", "softmax", "tanh", "silu", "hard_sigmoid"):
        x = getattr(keras.activations, name)(x)
    x = keras.activations.gelu(keras.activations.relu(x, max_value=0.5, negative_slope=0.1), approximate=True)
    model = keras.Model(inputs, keras.activations.log_softmax(x))
    assert len(model.operations) == 12
    y = X
    for name in ("relu", "leaky_relu", "elu", "gelu", "softmax", "tanh", "silu", "hard_sigmoid"):
        y = getattr(keras.activations, name)(y)
    y = keras.activations.gelu(keras.activations.relu(y, max_value=0.5, negative_slope=0.1), approximate=True)
    np.testing.assert_allclose(
        model.predict(X, verbose=0), keras.activations.log_softmax(y), rtol=1e-5, atol=1e-6
    )
    assert keras.models.clone_model(model).output_shape == (None, 4)


# --- old names ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("layers.core", "Dense"),
        ("layers.convolutional", "Conv2D"),
        ("layers.advanced_activations", "LeakyReLU"),
        ("layers.merge", "concatenate"),
        ("layers.noise", "Dropout"),
        ("layers.experimental.preprocessing", "RandomFlip"),
        ("utils.np_utils", "to_categorical"),
        ("utils.generic_utils", "CustomObjectScope"),
        ("optimizers.legacy", "Adam"),
        ("engine", "Model"),
    ],
)
def test_old_modules(module, name):
    package = module.partition(".")[0]
    for root in ("pycnn", "pycnn.keras", "pycnn.tf.keras"):
        found = importlib.import_module(f"{root}.{module}")
        assert getattr(found, name) is getattr(getattr(keras, package, keras), name)
    if "." in module:
        assert hasattr(getattr(keras, package), module.rpartition(".")[2])
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"pycnn.{module}s")
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = keras.utils.nonsense


def test_old_packages():
    """Of several levels; nothing is loaded a second time."""
    import pycnn.keras.layers.experimental.preprocessing as old_layers
    import pycnn.tf.keras.layers.experimental.preprocessing
    from pycnn.keras.preprocessing import image

    assert image is keras.preprocessing.image
    assert old_layers is keras.layers
    assert keras.layers.experimental.preprocessing.RandomFlip is keras.layers.RandomFlip
    with pytest.raises(ModuleNotFoundError, match=r"ImageDataGenerator is in keras\.preprocessing\.image"):
        import pycnn.keras.src.legacy.preprocessing.image  # noqa: F401
