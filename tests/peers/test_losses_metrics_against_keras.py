"""Losses and metrics against Keras: values, reductions, weights, training, and what History has."""

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

# Class, arguments, what y_true is.
LOSSES = [
    ("MeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("CosineSimilarity", {}, "numbers"),
    ("Huber", {"delta": 0.7}, "numbers"),
    ("LogCosh", {}, "numbers"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "zeros and ones"),
    ("SquaredHinge", {}, "signs"),
    ("CategoricalHinge", {}, "one-hot"),
    ("KLDivergence", {}, "probabilities"),
    ("Poisson", {}, "positive"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "zeros and ones"),
    ("BinaryCrossentropy", {"from_logits": True}, "zeros and ones"),
    ("BinaryFocalCrossentropy", {}, "zeros and ones"),
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "gamma": 1.5, "from_logits": True},
        "zeros and ones",
    ),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, "one-hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one-hot"),
    ("CategoricalFocalCrossentropy", {"label_smoothing": 0.1}, "one-hot"),
    ("CategoricalFocalCrossentropy", {"alpha": 0.5, "gamma": 3.0, "from_logits": True}, "one-hot"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels"),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, "from_logits": True}, "labels with -1"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, "labels"),
    ("Dice", {}, "zeros and ones"),
    ("Dice", {"axis": -1}, "zeros and ones"),
    ("Tversky", {"alpha": 0.3, "beta": 0.8}, "zeros and ones"),
    ("Circle", {"gamma": 4.0}, "labels"),
]
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None]


def truth(rng, what, shape):
    classes = shape[-1]
    labels = rng.integers(0, classes, shape[:-1])
    if what.startswith("labels"):
        if what.endswith("-1"):
            labels.flat[:: max(labels.size // 3, 1)] = -1
        return labels
    return {
        "numbers": lambda: normal(rng, *shape),
        "positive": lambda: np.abs(normal(rng, *shape)) + 0.1,
        "signs": lambda: rng.choice([-1.0, 1.0], shape),
        "zeros and ones": lambda: rng.integers(0, 2, shape).astype(float),
        "one-hot": lambda: np.eye(classes)[labels],
        "probabilities": lambda: rng.dirichlet(np.ones(classes), shape[:-1]),
    }[what]()


def predictions(rng, options, what, shape):
    if options.get("from_logits") or what in ("numbers", "signs"):
        return normal(rng, *shape)
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32)


def close(ours, theirs, rtol=2e-5, atol=1e-6):
    np.testing.assert_allclose(np.asarray(ours), keras.ops.convert_to_numpy(theirs), rtol=rtol, atol=atol)


@pytest.mark.parametrize(("name", "options", "what"), LOSSES)
def test_losses(rng, name, options, what):
    shape = (6, 4) if name == "Circle" else (3, 2, 4)
    y, p = truth(rng, what, shape), predictions(rng, options, what, shape)
    weight = None
    for reduction in REDUCTIONS:
        ours, theirs = (
            getattr(module.losses, name)(reduction=reduction, **options) for module in (pycnn, keras)
        )
        close(ours(y, p, sample_weight=weight), theirs(y, p, sample_weight=weight))
        if "axis" not in ours.get_config() or ours.axis is not None:
            weight = rng.random(shape[:-1]).astype(np.float32)
    ours, theirs = (getattr(module.losses, name)(**options) for module in (pycnn, keras))
    a, b = ours.get_config(), theirs.get_config()
    assert a == b
    assert pycnn.losses.deserialize(pycnn.losses.serialize(ours)).get_config() == a


@pytest.mark.parametrize(
    "name", ["CategoricalCrossentropy", "BinaryCrossentropy", "CosineSimilarity", "BinaryFocalCrossentropy"]
)
def test_another_axis(rng, name):
    p = rng.dirichlet(np.ones(3), (2, 4)).astype(np.float32).transpose(0, 2, 1)
    y = rng.integers(0, 2, p.shape).astype(float)
    close(getattr(pycnn.losses, name)(axis=1)(y, p), getattr(keras.losses, name)(axis=1)(y, p))


STRINGS = [
    "mse", "MSE", "mae", "mape", "msle", "kld", "bce", "huber", "log_cosh", "cosine_similarity", "hinge",
    "squared_hinge", "categorical_hinge", "poisson", "dice", "tversky", "binary_focal_crossentropy",
    "categorical_focal_crossentropy", "kl_divergence",
]  # fmt: skip


@pytest.mark.parametrize("name", STRINGS)
def test_names(rng, name):
    y, p = truth(rng, "one-hot", (5, 3)), predictions(rng, {}, "one-hot", (5, 3))
    close(pycnn.losses.get(name).call(y, p), keras.losses.get(name)(y, p))
    if hasattr(keras.losses, name):
        close(getattr(pycnn.losses, name)(y, p), getattr(keras.losses, name)(y, p))


def models(loss, activation, metrics=(), weighted=(), units=3):
    made = []
    for module in (pycnn, keras):
        dense = module.layers.Dense(units, activation)
        model = module.Sequential([module.Input((4,)), dense])
        first, second = ([m(module) if callable(m) else m for m in group] for group in (metrics, weighted))
        loss_of = loss(module) if callable(loss) else loss
        model.compile(module.optimizers.SGD(0.1), loss_of, metrics=first, weighted_metrics=second or None)
        made.append(model)
    kernel = normal(np.random.default_rng(3), 4, units) * 0.3
    for model in made:
        model.set_weights([kernel, np.zeros(units)])
    return made


def agree(models, x, y, weight=None, epochs=2, rtol=5e-5):
    options = {"batch_size": 5, "sample_weight": weight, "verbose": 0}
    for model in models:
        model.evaluated = model.evaluate(x, y, return_dict=True, **options)
        model.fitted = model.fit(x, y, epochs=epochs, shuffle=False, **options).history
    ours, theirs = models
    assert list(ours.evaluated) == list(theirs.evaluated)
    assert list(ours.fitted) == list(theirs.fitted)
    for name, value in theirs.evaluated.items():
        close(ours.evaluated[name], value, rtol, 1e-5)
        close(ours.fitted[name], theirs.fitted[name], rtol, 1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


TRAINED = [1, 6, 4, 8, 10, 11, 12, 16, 19, 24, 25, 28]


@pytest.mark.parametrize("at", TRAINED)
def test_training(rng, at):
    """Batches of 5, 5 and 2 with weights: gradients of formulas, and every reduction in turn."""
    name, options, what = LOSSES[at]
    reduction = REDUCTIONS[at % 4]
    weight = None if name == "Tversky" else rng.random(12).astype(np.float32) + 0.5
    y = truth(rng, what, (12, 3))
    activation = None if options.get("from_logits") or what in ("numbers", "signs") else "softmax"

    def loss(module):
        return getattr(module.losses, name)(reduction=reduction, **options)

    agree(models(loss, activation), normal(rng, 12, 4), y, weight)


def test_losses_of_ones_own(rng):
    def distance(module):
        class Distance(module.losses.Loss):
            def call(self, y_true, y_pred):
                return module.ops.sum(module.ops.abs(y_true - y_pred), axis=-1)

        return Distance(reduction="sum")

    def changed(module):
        class Changed(module.losses.MeanSquaredError):
            def call(self, y_true, y_pred):
                return 2.0 * super().call(y_true, y_pred)

        return Changed()

    def column(module):
        return lambda y_true, y_pred: module.ops.square(y_true - y_pred)

    x = normal(rng, 12, 4)
    for loss in (distance, changed):
        agree(models(loss, None), x, normal(rng, 12, 3), rng.random(12).astype(np.float32))
    agree(models(column, None, units=1), x, normal(rng, 12), rng.random(12).astype(np.float32))


# Class, arguments, what y_true is; shape.
METRICS = [
    ("Accuracy", {}, "zeros and ones"),
    ("BinaryAccuracy", {"threshold": 0.3}, "zeros and ones"),
    ("CategoricalAccuracy", {}, "one-hot"),
    ("SparseCategoricalAccuracy", {}, "labels"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one-hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "labels"),
    ("MeanSquaredError", {}, "numbers"),
    ("RootMeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("CosineSimilarity", {}, "numbers"),
    ("LogCoshError", {}, "numbers"),
    ("R2Score", {}, "numbers"),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, "numbers"),
    ("R2Score", {"class_aggregation": None}, "numbers"),
    ("PearsonCorrelation", {}, "numbers"),
    ("ConcordanceCorrelation", {}, "numbers"),
    ("Hinge", {}, "signs"),
    ("SquaredHinge", {}, "zeros and ones"),
    ("CategoricalHinge", {}, "one-hot"),
    ("KLDivergence", {}, "probabilities"),
    ("Poisson", {}, "positive"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "zeros and ones"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one-hot"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels"),
    ("TruePositives", {}, "zeros and ones"),
    ("FalsePositives", {"thresholds": [0.2, 0.5, 0.6]}, "zeros and ones"),
    ("TrueNegatives", {"thresholds": 0.3}, "zeros and ones"),
    ("FalseNegatives", {"thresholds": [0.0, 0.5, 1.0]}, "zeros and ones"),
    ("Precision", {}, "zeros and ones"),
    ("Precision", {"thresholds": [0.2, 0.4]}, "zeros and ones"),
    ("Precision", {"top_k": 2}, "one-hot"),
    ("Recall", {"class_id": 1}, "zeros and ones"),
    ("Recall", {"top_k": 1, "class_id": 2}, "one-hot"),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, "zeros and ones"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "num_thresholds": 7}, "zeros and ones"),
    ("PrecisionAtRecall", {"recall": 0.6}, "zeros and ones"),
    ("RecallAtPrecision", {"precision": 0.4, "class_id": 0}, "zeros and ones"),
    ("AUC", {}, "zeros and ones"),
    ("AUC", {"curve": "PR"}, "zeros and ones"),
    ("AUC", {"curve": "PR", "summation_method": "minoring", "num_thresholds": 11}, "zeros and ones"),
    ("AUC", {"curve": "PRGAIN", "summation_method": "majoring"}, "zeros and ones"),
    ("AUC", {"thresholds": [0.1, 0.35, 0.7]}, "zeros and ones"),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 1.0]}, "zeros and ones"),
    ("AUC", {"multi_label": True, "num_labels": 4, "curve": "PR"}, "zeros and ones"),
    ("AUC", {"from_logits": True, "label_weights": [1.0, 2.0, 0.5, 1.0]}, "zeros and ones"),
    ("F1Score", {}, "one-hot"),
    ("F1Score", {"average": "macro", "threshold": 0.3}, "zeros and ones"),
    ("FBetaScore", {"average": "micro", "beta": 2.0}, "one-hot"),
    ("FBetaScore", {"average": "weighted", "beta": 0.5, "threshold": 0.2}, "zeros and ones"),
    ("BinaryIoU", {"threshold": 0.3, "dtype": "float32"}, "zeros and ones"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [0, 2], "dtype": "float32"}, "one-hot"),
    ("OneHotMeanIoU", {"num_classes": 4, "dtype": "float32"}, "one-hot"),
    ("MeanIoU", {"num_classes": 4, "sparse_y_pred": False, "ignore_class": 1, "dtype": "float32"}, "labels"),
    ("IoU", {"num_classes": 4, "target_class_ids": [1], "sparse_y_pred": False}, "labels"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "what"), METRICS)
def test_metrics(rng, name, options, what):
    """Two batches without weights, one with, and one after a reset."""
    ours, theirs = (getattr(module.metrics, name)(name="m", **options) for module in (pycnn, keras))
    per_value = name.endswith("IoU")  # whose weights are those of class numbers
    for step in range(4):
        y, p = truth(rng, what, (9, 4)), predictions(rng, options, what, (9, 4))
        if name == "Accuracy":
            p = np.round(p)
        weight = rng.random(9 * (4 if name == "BinaryIoU" else 1)).astype(np.float32)
        if per_value and options.get("dtype") is None:
            weight = np.round(weight * 3)
        if step == 3:
            ours.reset_state()
            theirs.reset_state()
        for metric in (ours, theirs):
            metric.update_state(y, p, sample_weight=weight if step == 2 else None)
        close(ours.result(), theirs.result(), 5e-5)
    a, b = ours.get_config(), theirs.get_config()
    assert {key for key in b if key != "fn"} == set(a)
    for key, value in a.items():
        assert (np.asarray(b[key]).tolist() if key == "label_weights" else b[key]) == value, key
    copy = pycnn.metrics.deserialize(pycnn.metrics.serialize(ours))
    assert copy.get_config() == a


SEVERAL = {
    "one-hot": [
        "accuracy", "categorical_crossentropy", "mse", "TopKCategoricalAccuracy",
        lambda k: k.metrics.Precision(name="precision"), lambda k: k.metrics.AUC(name="auc"),
        lambda k: k.metrics.F1Score(name="f1"), lambda k: k.metrics.OneHotMeanIoU(3, name="iou"),
        lambda k: k.metrics.kl_divergence,
    ],
    "labels": ["acc", "sparse_top_k_categorical_accuracy", lambda k: k.metrics.MeanIoU(
        3, sparse_y_pred=False, name="iou")],
    "zeros and ones": [
        "accuracy", "binary_accuracy", lambda k: k.metrics.Recall(name="recall"),
        lambda k: k.metrics.TruePositives(name="tp"), "hinge",
    ],
    "numbers": ["mae", "cosine_similarity", lambda k: k.metrics.R2Score(name="r2"),
        lambda k: k.metrics.RootMeanSquaredError(name="rmse"), "accuracy"],
}  # fmt: skip
LOSS_FOR = {
    "one-hot": lambda k: k.losses.CategoricalCrossentropy(label_smoothing=0.1),
    "labels": "sparse_categorical_crossentropy",
    "zeros and ones": lambda k: k.losses.BinaryCrossentropy(label_smoothing=0.2),
    "numbers": "huber",
}


@pytest.mark.parametrize("what", SEVERAL)
def test_several_metrics_at_once(rng, what):
    weighted = what in ("labels", "numbers")  # besides those without weights, under further names
    chosen = SEVERAL[what]
    activation = {"one-hot": "softmax", "labels": "softmax", "zeros and ones": "sigmoid"}.get(what)
    found = models(LOSS_FOR[what], activation, chosen, chosen if weighted else ())
    weight = rng.random(12).astype(np.float32) + 0.2
    if weighted:
        weight = np.ceil(weight * 3)  # IoU's are integers
    agree(found, normal(rng, 12, 4), truth(rng, what, (12, 3)), weight)


def test_a_metric_of_ones_own(rng):
    def largest(module):
        class Largest(module.metrics.Metric):
            def __init__(self, name="largest", **kwargs):
                super().__init__(name=name, **kwargs)
                self.largest = self.add_weight(name="value", initializer="zeros")
                self.batches = self.add_variable(shape=(), initializer="zeros", name="batches")

            def update_state(self, y_true, y_pred, sample_weight=None):
                gap = module.ops.max(module.ops.abs(y_true - y_pred))
                self.largest.assign(module.ops.maximum(self.largest, gap))
                self.batches.assign_add(1.0)

            def result(self):
                return self.largest + self.batches

        return Largest()

    def halved(module):
        class Halved(module.metrics.MeanSquaredError):
            def result(self):
                return super().result() / 2

        return Halved(name="halved")

    agree(models("mse", None, [largest, halved]), normal(rng, 12, 4), normal(rng, 12, 3))
