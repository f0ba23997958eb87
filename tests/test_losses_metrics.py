"""Losses and metrics as objects and functions on arrays."""

import numpy as np
import pytest
import reference
from helpers import normal

import pycnn as keras
from pycnn import losses, metrics

KINDS = {
    "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy,
    "categorical_crossentropy": losses.CategoricalCrossentropy,
    "binary_crossentropy": losses.BinaryCrossentropy,
    "mean_squared_error": losses.MeanSquaredError,
}


def case(rng, kind, from_logits=False, shape=(7, 4)):
    x = (
        normal(rng, *shape)
        if from_logits or kind == "mean_squared_error"
        else reference.softmax(normal(rng, *shape))
    )
    if kind.startswith("sparse"):
        return rng.integers(0, shape[-1], shape[:-1]), x
    if kind == "mean_squared_error":
        return normal(rng, *shape), x
    return rng.integers(0, 2, shape).astype(float), x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("from_logits", [False, True])
def test_values(rng, kind, from_logits):
    options = {} if kind == "mean_squared_error" else {"from_logits": from_logits}
    y, x = case(rng, kind, from_logits)
    expected = reference.loss(kind, x.astype(float), y, **options)[0]
    function = getattr(losses, kind)
    each = function(y, x, **options)
    assert each.shape == (7,)
    assert each.dtype == np.float32
    np.testing.assert_allclose(each, expected, rtol=2e-5, atol=1e-6)
    loss = KINDS[kind](**options)
    assert loss(y, x) == pytest.approx(expected.mean(), rel=2e-5)
    weight = rng.random(7)
    assert loss(y, x, weight) == pytest.approx((expected * weight).mean(), rel=2e-5)
    assert KINDS[kind](reduction="sum", **options)(y, x) == pytest.approx(expected.sum(), rel=2e-5)
    np.testing.assert_array_equal(KINDS[kind](reduction="none", **options)(y, x), each)
    assert function(y.tolist(), x.tolist(), **options) == pytest.approx(each, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_more_axes(rng, kind):
    y, x = case(rng, kind, shape=(2, 3, 5, 4))
    each = getattr(losses, kind)(y, x)
    assert each.shape == (2, 3, 5)
    flat = getattr(losses, kind)(y.reshape(30, *y.shape[3:]), x.reshape(30, 4))
    np.testing.assert_array_equal(each.reshape(30), flat)


def test_label_smoothing(rng):
    y, x = np.eye(4)[[0, 2, 3]], reference.softmax(normal(rng, 3, 4))
    expected = losses.categorical_crossentropy(0.9 * y + 0.025, x)
    np.testing.assert_allclose(
        losses.categorical_crossentropy(y, x, label_smoothing=0.1), expected, rtol=1e-5
    )
    expected = losses.binary_crossentropy(0.9 * y + 0.05, x)
    np.testing.assert_allclose(losses.binary_crossentropy(y, x, label_smoothing=0.1), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_configuration(kind):
    cls = KINDS[kind]
    for identifier in (kind, cls.__name__, cls, cls(), getattr(losses, kind), losses.serialize(cls())):
        assert type(losses.get(identifier)) is cls
    options = {} if kind == "mean_squared_error" else {"from_logits": True}
    loss = cls(name="mine", reduction="sum", **options)
    copy = losses.get(losses.serialize(loss))
    assert copy.get_config() == loss.get_config()
    assert losses.get("mse").kind == "mean_squared_error"
    assert losses.get(None) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.get("crossentropy"), "Unknown loss"),
        (lambda: losses.get(3), "Unknown loss: 3"),
        (lambda: losses.get(int), "Unknown loss"),
        (lambda: losses.MeanSquaredError(reduction="average"), "Unknown reduction"),
        (lambda: losses.MeanSquaredError(dtype="float16"), "float16"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), "label_smoothing is 2"),
        (lambda: losses.CategoricalCrossentropy(axis=1.5), "axis is 1.5"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=0.5), "ignore_class is 0.5"),
        (lambda: losses.get("ctc"), "CTC is not supported"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(1.0), "q must be"),
        (lambda: losses.mean_absolute_error([[1, 2]], [[1, 2, 3]]), "y_true has shape"),
        (lambda: losses.sparse_categorical_crossentropy([2], [[0.5, 0.5]]), "labels from 2 to 2"),
        (lambda: losses.sparse_categorical_crossentropy([0, 1], [[0.5, 0.5]]), "expected \\(1,\\)"),
        (lambda: losses.mean_squared_error([[1, 2]], [[1, 2, 3]]), "output has shape"),
        (lambda: losses.mean_squared_error([[1, 2]], [[1, 2], [3, 4]]), "shape of y_pred"),
        (lambda: losses.mean_squared_error(1, 2), "single number"),
        (lambda: losses.mean_squared_error([["a"]], [[1]]), "real numbers"),
    ],
)
def test_refused_losses(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


# --- metrics ------------------------------------------------------------------------------------------------
def test_accuracies():
    p = np.array([[0.1, 0.9], [0.6, 0.4], [0.5, 0.5]])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([1, 1, 0], p), [1, 0, 1])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([[1], [1], [0]], p), [1, 0, 1])
    np.testing.assert_array_equal(metrics.categorical_accuracy([[0, 1], [0, 1], [1, 0]], p), [1, 0, 1])
    np.testing.assert_array_equal(
        metrics.binary_accuracy([[0, 1], [0, 1], [1, 1]], p), [[1, 1], [0, 0], [0, 0]]
    )
    np.testing.assert_array_equal(
        metrics.binary_accuracy([[0, 1], [1, 1], [1, 1]], p, threshold=0.3), np.ones((3, 2))
    )
    np.testing.assert_array_equal(metrics.binary_accuracy([0, 1], [[0.2], [0.7]]), [[1], [1]])


def test_state():
    metric = metrics.SparseCategoricalAccuracy(name="m")
    assert metric.result() == 0
    metric.update_state([0, 1], [[0.9, 0.1], [0.9, 0.1]])
    assert metric.result() == 0.5
    metric.update_state([0], [[0.9, 0.1]], sample_weight=[2])
    assert metric.result() == 0.75
    assert metric([1], [[0.9, 0.1]]) == pytest.approx(0.6)
    metric.reset_state()
    assert metric.result() == 0
    mean = metrics.Mean()
    assert mean([1, 2, 6]) == 3
    assert mean([10], sample_weight=[3]) == 6.5


@pytest.mark.parametrize("name", ["BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"])
def test_names_of_metrics(name):
    cls = getattr(metrics, name)
    for identifier in (name, cls.kind, cls, cls(), getattr(metrics, cls.kind), metrics.serialize(cls())):
        assert type(metrics.get(identifier)) is cls
    assert metrics.get(metrics.serialize(cls(name="mine"))).name == "mine"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.get("acuracy"), "Did you mean 'accuracy'"),
        (lambda: metrics.get(3), "Unknown metric: 3"),
        (lambda: metrics.get(int), "Unknown metric"),
        (lambda: metrics.BinaryAccuracy(threshold=2), "threshold"),
        (lambda: metrics.Mean(dtype="float64"), "float64"),
        (lambda: metrics.categorical_accuracy([[0, 1]], [[0, 1], [1, 0]]), "y_true has shape"),
        (lambda: metrics.Mean()([1, 2], [1, 2, 3]), "sample_weight"),
    ],
)
def test_refused_metrics(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


# --- all of them --------------------------------------------------------------------------------------------
LOSS_CLASSES = [name for name in losses.__all__ if name[0].isupper() and name != "Loss"]
METRIC_CLASSES = [
    name for name in metrics.__all__ if name[0].isupper() and name not in ("Metric", "MeanMetricWrapper")
]
ARGUMENTS = {
    "IoU": {"num_classes": 4, "target_class_ids": [0, 2], "sparse_y_pred": False, "sparse_y_true": False},
    "MeanIoU": {"num_classes": 4, "sparse_y_pred": False, "sparse_y_true": False},
    "OneHotIoU": {"num_classes": 4, "target_class_ids": [1]},
    "OneHotMeanIoU": {"num_classes": 4},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
}


@pytest.mark.parametrize("name", LOSS_CLASSES)
def test_every_loss(rng, name):
    """On arrays, in a tape and in a network: one value; its names, function and description."""
    cls = getattr(losses, name)
    loss = cls()
    y = np.eye(4, dtype=np.float32)[rng.integers(0, 4, 6)]
    y = y.argmax(1) if cls.takes_labels or name == "Circle" else y + (name == "MeanAbsolutePercentageError")
    p = reference.softmax(normal(rng, 6, 4)).astype(np.float32)
    value, each = float(loss(y, p)), np.asarray(loss.call(y, p))
    assert np.isfinite(value)
    function = cls.function
    assert getattr(losses, function.__name__) is function
    for identifier in (name, function.__name__, *cls.aliases, function, cls, losses.serialize(loss)):
        assert type(losses.get(identifier)) is cls
    assert losses.deserialize(losses.serialize(loss)).get_config() == loss.get_config()
    assert float(cls(reduction="sum")(y, p)) == pytest.approx(each.sum(), rel=1e-5)
    if name == "Circle":
        return
    v = keras.Variable(p, name="v")
    with keras.GradientTape() as tape:
        recorded = loss(y, v * 1.0)
    slope = np.asarray(tape.gradient(recorded, v))
    assert float(recorded) == pytest.approx(value, rel=1e-5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Activation("linear")])
    model.compile("sgd", cls(reduction="mean_with_sample_weight"))
    assert model.evaluate(p, y, verbose=0) == pytest.approx(value, rel=1e-5)
    step, at = 1e-2, (2, 1)
    up, down = p.astype(np.float64), p.astype(np.float64)
    up[at] += step
    down[at] -= step
    difference = (float(loss(y, up)) - float(loss(y, down))) / (2 * step)
    assert slope[at] == pytest.approx(difference, rel=0.05, abs=2e-3)


@pytest.mark.parametrize("name", METRIC_CLASSES)
def test_every_metric(rng, name):
    """In `evaluate` over several batches it is what one update gives; weights and copies."""
    cls, options = getattr(metrics, name), ARGUMENTS.get(name, {})
    y = np.eye(4, dtype=np.float32)[rng.integers(0, 4, 11)]
    p = reference.softmax(normal(rng, 11, 4)).astype(np.float32)
    y = y.argmax(1) if name.startswith("Sparse") else y
    metric = cls(name="m", **options)
    copy = metrics.deserialize(metrics.serialize(metric))
    assert copy.get_config() == metric.get_config()
    if name in ("Mean", "Sum"):
        return
    metric.update_state(y, p)
    weighted = cls(name="w", **options)
    weighted.update_state(y, p, sample_weight=np.ones(11 * (4 if name == "BinaryIoU" else 1)))
    np.testing.assert_allclose(metric.result(), weighted.result(), rtol=1e-5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Activation("linear")])
    model.compile(loss=lambda y_true, y_pred: keras.ops.mean(y_pred, -1), metrics=[copy])
    found = model.evaluate(p, y, batch_size=4, verbose=0, return_dict=True)["m"]
    np.testing.assert_allclose(found, metric.result(), rtol=2e-5, atol=1e-6)
    before = np.asarray(copy.result())
    copy.reset_state()
    assert np.isfinite(before).all()
    if name != "R2Score":
        assert np.asarray(copy.result()).sum() == 0


def test_metrics_with_weights_and_without():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Activation("linear")])
    model.compile(loss="mse", metrics=["mae", keras.metrics.Recall(name="r")], weighted_metrics=["mae"])
    x, y = np.array([[0.0], [1.0], [1.0]]), np.array([1.0, 1.0, 0.0])
    found = model.evaluate(x, y, sample_weight=np.array([3.0, 1.0, 0.0]), verbose=0, return_dict=True)
    assert found == pytest.approx({"loss": 1.0, "mae": 2 / 3, "r": 0.5, "weighted_mae": 0.75})
    assert model.metrics_names == ["loss", "mae", "r", "weighted_mae"]


def test_results_of_several_values(capsys):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Activation("linear")])
    model.compile("sgd", "mse", metrics=[keras.metrics.F1Score(threshold=0.5, name="f")])
    history = model.fit(np.eye(2), np.eye(2), verbose=2).history
    assert history["f"][0].tolist() == pytest.approx([1.0, 1.0], abs=1e-5)
    assert "f: [1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "mse", "metrics": [metrics.Sum()]}, "one of values"),
        ({"loss": losses.Dice(reduction="sum")}, "axis=None is one number"),
        ({"loss": losses.MeanAbsoluteError(reduction=None)}, "reduction None"),
    ],
)
def test_refused_in_compile(options, message):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=message):
        model.compile(**options)


def test_refused_in_fit():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    x, y = np.ones((3, 2)), np.array([0, 1, 5])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(ignore_class=5, from_logits=True))
    assert np.isfinite(model.train_on_batch(x, y))
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        model.fit(x, [0, 1, 3], verbose=0)
    model.compile("sgd", "circle")
    with pytest.raises(ValueError, match="takes arrays only"):
        model.fit(x, y, verbose=0)
    model.compile("sgd", lambda y_true, y_pred: keras.ops.sum(y_pred))
    with pytest.raises(ValueError, match="one number for all samples"):
        model.fit(x, y, sample_weight=np.ones(3), verbose=0)
