"""The policy mixed_bfloat16: its names, what it computes on every ISA, training, files."""

import json
import math

import numpy as np
import pytest
import reference
from helpers import double, normal, tolerance

import pycnn as keras
from pycnn import _core

# An operand's rounding error lies evenly within 2**-9 of it: a product of two has one with this deviation.
ROUNDING = 2.0**-9 * math.sqrt(2 / 3)
# Winograd's F(4x4, 3x3) rounds after its transforms, whose points and matrices make of errors in the products
# 31.3 / 3 times as much in the outputs.
TRANSFORMED = 31.3 / 3
DEVIATIONS = 6  # the largest of very many errors


@pytest.fixture(autouse=True)
def float32_before_and_after():
    keras.mixed_precision.set_global_policy("float32")
    yield
    keras.mixed_precision.set_global_policy("float32")


def multiplies_bfloat16():
    """Whether the kernels in use do; all others compute in float32 whatever the policy."""
    return _core.config()["isa_active"] == "avx512_bf16"


def rounded(x):
    """The nearest bfloat16, ties to even, as float32; x itself where the kernels do not round."""
    if not multiplies_bfloat16():
        return x
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) & np.uint64(0xFFFF0000)
    return bits.astype(np.uint32).view(np.float32)


def network(policy, **options):
    """A small network with every kind of product in it."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((14, 14, 3)),
            layers.Conv2D(18, 3, padding="same", activation="relu", dtype=policy),
            layers.Conv2D(33, 3, activation="relu", dtype=policy),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, strides=2, activation="tanh", dtype=policy),
            layers.DepthwiseConv2D(2, dtype=policy),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(37, activation="relu", dtype=policy),
            layers.Dense(4, activation="softmax", dtype=policy),
        ],
        **options,
    )


def samples(n=48):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, n)
    x = rng.random((n, 14, 14, 3), np.float32)
    for i, label in enumerate(y):  # a brighter quarter
        x[i, label // 2 * 7 :, label % 2 * 7 :][:7, :7] += 0.7
    return x, y


# --- policies -----------------------------------------------------------------------------------------------


def test_names_of_keras():
    from pycnn.keras import mixed_precision

    assert mixed_precision.global_policy() == mixed_precision.Policy("float32")
    mixed_precision.set_global_policy("mixed_bfloat16")
    policy = mixed_precision.global_policy()
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (
        "mixed_bfloat16",
        "bfloat16",
        "float32",
    )
    assert repr(policy) == '<DTypePolicy "mixed_bfloat16">'
    assert keras.config.dtype_policy() is mixed_precision.dtype_policy() is policy
    keras.config.set_dtype_policy(keras.DTypePolicy("float32"))
    assert keras.config.dtype_policy().name == "float32"
    mixed_precision.set_dtype_policy("mixed_bfloat16")
    keras.backend.clear_session()
    assert keras.config.dtype_policy().name == "float32"
    assert len({keras.DTypePolicy("float32"), keras.DTypePolicy("float32")}) == 1
    assert keras.DTypePolicy.from_config(policy.get_config()) == policy


@pytest.mark.parametrize("name", ["mixed_float16", "bfloat16", "float64", "", None, 3, ["float32"]])
def test_policies_that_do_not_exist(name):
    with pytest.raises(ValueError, match=r"'float32' and 'mixed_bfloat16'"):
        keras.mixed_precision.set_global_policy(name)
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("name", ["bfloat16", "mixed_float16", np.float64, {"class_name": "DTypePolicy"}, 7])
def test_layers_refuse_policies_that_do_not_exist(name):
    with pytest.raises(ValueError, match=r"Dense: `dtype` is .*'float32' and 'mixed_bfloat16'"):
        keras.layers.Dense(1, dtype=name)


def test_layers_take_the_global_policy_or_their_own():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    assert keras.layers.Conv2D(1, 1).compute_dtype == "bfloat16"
    for dtype in ("float32", np.float32, np.dtype("float32"), keras.DTypePolicy("float32")):
        layer = keras.layers.Dense(1, dtype=dtype)
        assert (layer.compute_dtype, layer.variable_dtype, layer.dtype) == ("float32",) * 3
    keras.mixed_precision.set_global_policy("float32")
    layer = keras.layers.Dense(1, dtype="mixed_bfloat16")
    assert (layer.compute_dtype, layer.variable_dtype, layer.dtype) == ("bfloat16", "float32", "float32")
    again = keras.layers.Dense.from_config(layer.get_config())
    assert again.dtype_policy == layer.dtype_policy


def test_the_plan_names_it(isa):
    def plan(model):
        return model._ready(None).network.summary_of_plan(False, 8)

    assert plan(network("mixed_bfloat16")).count("bfloat16") == (5 if multiplies_bfloat16() else 0)
    assert "bfloat16" not in plan(network("float32"))


def test_the_core_refuses_other_precisions():
    graph = _core.Graph()
    x = graph.input((4, 4, 1))
    with pytest.raises(ValueError, match="float32, bfloat16"):
        graph.conv2d(x, graph.parameter(_core.Variable("kernel", (1, 1, 1, 1))), precision="float16")
    with pytest.raises(ValueError, match="float32, bfloat16"):
        graph.dense(x, graph.parameter(_core.Variable("kernel", (1, 1))), precision="")


# --- what is computed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "filters", "groups"), [(1, 7, 1), (3, 64, 1), (5, 33, 1), (2, 7, 2), (5, 3, 3), (16, 16, 2)]
)
@pytest.mark.parametrize(("kernel", "strides"), [((1, 1), (1, 1)), ((3, 3), (2, 1)), ((5, 2), (2, 3))])
def test_convolutions_of_rounded_operands(isa, rng, kernel, strides, channels, filters, groups):
    """Direct sums are those of the reference on rounded operands, as exact as in float32."""
    x, b = normal(rng, 2, 9, 11, channels * groups), normal(rng, filters * groups)
    w = normal(rng, *kernel, channels, filters * groups)
    padding = (1, 0, 2, 1)
    y = _core.conv2d_forward(x, w, b, strides, padding, 0.0, (1, 1), groups, precision="bfloat16")
    operands = (x, w) if channels == 1 else (rounded(x), rounded(w))  # the only channel has none to pair with
    x64, w64, b64 = double(*operands, b)
    expected = reference.conv2d(x64, w64, b64, strides, padding, 0.0, (1, 1), groups)
    terms = math.prod(kernel) * channels + 1
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=tolerance(terms, math.sqrt(terms)))

    dy = normal(rng, *y.shape)
    dx = _core.conv2d_backward_input(dy, w, x.shape, strides, padding, (1, 1), groups, precision="bfloat16")
    expected = reference.conv2d_backward(
        x64, *double(rounded(w), rounded(dy)), strides, padding, 0.0, (1, 1), groups
    )[0]
    terms = math.prod(kernel) * filters
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=tolerance(terms, math.sqrt(terms)))


@pytest.mark.parametrize(
    ("size", "channels", "filters"), [((13, 13), 64, 64), ((9, 14), 35, 70), ((6, 5), 130, 32)]
)
def test_winograd_s_rounding(isa, rng, size, channels, filters):
    """Behind transforms: not further from float64 than what rounding their results adds up to."""
    x, w = normal(rng, 3, *size, channels), normal(rng, 3, 3, channels, filters)
    y = _core.conv2d_forward(x, w, None, (1, 1), (1, 1, 1, 1), 0.0, (1, 1), 1, precision="bfloat16")
    expected = reference.conv2d(*double(x, w), None, (1, 1), (1, 1, 1, 1), 0.0, (1, 1), 1)
    deviation = TRANSFORMED * ROUNDING * math.sqrt(9 * channels)
    error = y - expected
    assert np.sqrt(np.mean(error**2)) < deviation
    # The operands are normally distributed, and so have longer tails than their errors.
    assert np.abs(error).max() < 1.5 * DEVIATIONS * deviation


@pytest.mark.parametrize(("rows", "depth", "units"), [(1, 1, 1), (7, 33, 65), (33, 1601, 75), (130, 512, 31)])
def test_dense_layers_of_rounded_operands(isa, rng, rows, depth, units):
    x, w, b = normal(rng, rows, depth), normal(rng, depth, units), normal(rng, units)
    y = _core.dense_forward(x, w, b, "bfloat16")
    expected = double(rounded(x))[0] @ double(rounded(w))[0] + b
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=tolerance(depth + 1, math.sqrt(depth + 1)))
    dy = normal(rng, rows, units)
    dx = _core.dense_backward_input(dy, w, "bfloat16")
    expected = double(rounded(dy))[0] @ double(rounded(w))[0].T
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=tolerance(units, math.sqrt(units)))


def test_predictions_are_float32_s_but_for_rounding(isa):
    x, _ = samples()
    exact, mixed = network("float32"), network("mixed_bfloat16")
    expected, y = exact.predict(x, verbose=0), mixed.predict(x, verbose=0)
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    assert np.abs(y - expected).max() < 0.02
    assert np.array_equal(y, expected) != multiplies_bfloat16()
    np.testing.assert_array_equal(y[:1], mixed.predict_on_batch(x[:1]))


def test_gradients_are_float32_s_but_for_rounding(isa):
    """Without ReLU and maximum, which open or close by the smallest difference."""
    x, y = samples()
    changes = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(5)
        keras.mixed_precision.set_global_policy(policy)
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((14, 14, 3)),
                layers.Conv2D(16, 3, activation="tanh"),
                layers.Conv2D(35, 3, padding="same", activation="tanh"),
                layers.Conv2D(17, 3, activation="tanh"),
                layers.Conv2D(9, 3, strides=2, activation="tanh"),
                layers.Flatten(),
                layers.Dense(37, activation="tanh"),
                layers.Dense(4, activation="softmax"),
            ]
        )
        model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
        before = model.get_weights()
        model.train_on_batch(x, y)
        changes.append([b - a for a, b in zip(before, model.get_weights(), strict=True)])
    for exact, mixed in zip(*changes, strict=True):
        assert mixed.dtype == np.float32
        # Six products forward and six backward, each off by no more than Winograd's rounding.
        bound = 2 * math.sqrt(12) * TRANSFORMED * ROUNDING
        assert np.linalg.norm(mixed - exact) < bound * np.linalg.norm(exact)
        assert np.array_equal(mixed, exact) != multiplies_bfloat16()


def test_large_dense_layers_where_nothing_is_rounded(isa):
    """All as in float32, in training and for a single sample."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(32, 1024)).astype(np.float32), rng.integers(0, 4, 32)
    results = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.mixed_precision.set_global_policy(policy)
        keras.utils.set_random_seed(1)
        head = keras.layers.Dense(4, activation="softmax")
        model = keras.Sequential([keras.Input((1024,)), keras.layers.Dense(1088, activation="relu"), head])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.train_on_batch(x, y)
        results.append([*model.get_weights(), model.predict(x[:1], verbose=0)])
    same = all(np.array_equal(exact, mixed) for exact, mixed in zip(*results, strict=True))
    assert same != multiplies_bfloat16()


def test_same_bits_on_one_and_two_threads(isa, restore_threads):
    x, y = samples()
    weights = []
    for threads in (1, 2):
        _core.set_num_threads(threads)
        model = network("mixed_bfloat16")
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=20, epochs=2, verbose=0)
        weights.append([*model.get_weights(), model.predict(x, verbose=0), model.predict_on_batch(x[:1])])
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_float32_is_the_same_bits_with_and_without_avx512_bf16():
    if "avx512_bf16" not in _core.config()["isas_available"]:
        pytest.skip("this CPU has no AVX512-BF16")
    x, y = samples()
    before, weights = _core.config()["isa_active"], []
    try:
        for isa in ("avx512", "avx512_bf16"):
            _core.set_isa(isa)
            model = network("float32")
            model.compile("adam", "sparse_categorical_crossentropy")
            model.fit(x, y, epochs=2, verbose=0)
            weights.append([*model.get_weights(), model.predict(x, verbose=0)])
    finally:
        _core.set_isa(before)
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_it_learns(isa):
    x, y = samples(400)
    model = network("mixed_bfloat16")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=12, verbose=0).history
    assert history["accuracy"][-1] > 0.95


# --- files and the command ----------------------------------------------------------------------------------


def test_the_policy_is_saved(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = network(None)
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = samples()
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.safetensors")
    expected = model.predict(x, verbose=0)
    keras.mixed_precision.set_global_policy("float32")
    loaded = keras.models.load_model(tmp_path / "m.safetensors")
    assert loaded.dtype_policy.name == "mixed_bfloat16"
    assert {layer.dtype_policy.name for layer in loaded.layers} == {"mixed_bfloat16"}
    assert all(variable.numpy().dtype == np.float32 for variable in loaded.weights)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)
    assert loaded.get_config() == model.get_config()

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    config = network("float32").get_config()
    assert {entry["config"]["dtype"]["config"]["name"] for entry in config["layers"][1:3]} == {"float32"}


def test_a_damaged_policy_in_a_file():
    text = network("mixed_bfloat16").to_json()
    assert keras.models.model_from_json(text).layers[0].compute_dtype == "bfloat16"
    description = json.loads(text.replace("mixed_bfloat16", "mixed_float8"))
    with pytest.raises(ValueError, match=r"mixed_float8.*pycnn has 'float32' and 'mixed_bfloat16'"):
        keras.models.model_from_json(json.dumps(description))
