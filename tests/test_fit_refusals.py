"""What compile, fit, evaluate and single batches refuse, and that a refusal leaves the model as it was."""

import numpy as np
import pytest
from fitting import SPARSE, Batches, compiled, network

import pycnn as keras

X, Y = np.zeros((4, 6, 6, 1)), np.array([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (X, Y + 1, {}, r"`y` has labels from 1 to 3; expected 0 to 2, as the output has 3 classes"),
        (X, Y - 1, {}, "labels from -1 to 1"),
        (X, Y + 2**40, {}, "labels from"),
        (X, [0, 1, 0.5, 1], {}, "0.5"),
        (X, [0, 1, np.nan, 1], {}, "NaN"),
        (X, [0, 1, np.inf, 1], {}, "infinite"),
        (X, Y[:3], {}, "`x` has 4 samples, `y` has 3 samples"),
        (X, np.eye(3)[Y], {}, "categorical_crossentropy"),
        (X, Y.astype(str), {}, "real numbers"),
        (X, None, {}, "`y` is missing"),
        (X, 3, {}, "`y` has shape"),
        (None, Y, {}, "`x` is missing"),
        (X[:0], Y[:0], {}, "`x` is empty"),
        (X[:, :5], Y, {}, "the model expects"),
        (X, Y, {"batch_size": 0}, "batch_size"),
        (X, Y, {"batch_size": 2.5}, "batch_size"),
        (X, Y, {"epochs": 0}, "epochs"),
        (X, Y, {"epochs": "a"}, "epochs"),
        (X, Y, {"initial_epoch": -1}, "initial_epoch"),
        (X, Y, {"steps_per_epoch": 0}, "steps_per_epoch"),
        (X, Y, {"verbose": 7}, "verbose"),
        (X, Y, {"validation_freq": 0}, "validation_freq"),
        (X, Y, {"validation_split": 1.0}, "validation_split"),
        (X, Y, {"validation_split": -0.1}, "validation_split"),
        (X, Y, {"validation_split": 0.9}, "leaves none"),
        (X, Y, {"validation_split": np.nan}, "validation_split"),
        (X, Y, {"validation_data": (X,)}, "`validation y` is missing"),
        (X, Y, {"validation_data": (X, Y[:2])}, "`validation x` has 4"),
        (X, Y, {"validation_data": (X, Y, Y, Y)}, "validation_data"),
        (X, Y, {"validation_data": (X, Y), "validation_batch_size": -1}, "validation_batch_size"),
        (X, Y, {"validation_data": (X, Y), "validation_steps": 0}, "validation_steps"),
        (X, Y, {"sample_weight": [1, 2]}, "sample_weight"),
        (X, Y, {"sample_weight": [1, 2, np.nan, 1]}, "NaN"),
        (X, Y, {"sample_weight": np.ones((4, 2))}, "sample_weight"),
        (X, Y, {"class_weight": [1, 2, 3]}, "class_weight"),
        (X, Y, {"class_weight": {"a": 1}}, "class_weight"),
        (X, Y, {"class_weight": {0: np.inf}}, "class_weight"),
        (X, Y, {"class_weight": {0: 1}, "sample_weight": np.ones(4)}, "same time"),
        (X, Y, {"callbacks": [3]}, "no callback"),
        (X, Y, {"callbacks": 3}, "list of callbacks"),
        (iter([(X, Y)]), Y, {}, "must be None"),
        (iter([(X, Y)]), None, {"validation_split": 0.5}, "needs arrays"),
        (iter([]), None, {}, "no batch"),
        (Batches((X[:0], Y[:0]), 3), None, {}, "no batches"),
        (iter([X]), None, {}, "expected a tuple"),
        (iter([(X, Y + 5)]), None, {}, "labels from 5 to 7"),
    ],
)
def test_refused(x, y, options, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(x, y, **({"verbose": 0} | options))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.optimizer.iterations == 0
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("categorical_crossentropy", Y, "to_categorical"),
        ("categorical_crossentropy", np.eye(4), r"output has shape \(None, 3\)"),
        ("categorical_crossentropy", 2 * np.eye(3)[Y], "targets from 0 to 1"),
        ("binary_crossentropy", -np.eye(3)[Y], "targets from 0 to 1"),
        ("mean_squared_error", np.full((4, 3), np.nan), "NaN"),
        ("mean_squared_error", np.zeros((4, 3, 2)), "output has shape"),
    ],
)
def test_refused_targets(loss, y, message):
    model = compiled(loss, metrics=[])
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.evaluate(X, y, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.train_on_batch(X, y)


def test_before_compile():
    model = network()
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=r"compile\(\)"):
            call(X, Y)
    with pytest.raises(AttributeError, match="compile"):
        _ = model.optimizer
    assert model.loss is None
    assert model.metrics == model.metrics_names == []
    model.compile("adam")
    with pytest.raises(ValueError, match="No loss"):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adamm", "loss": "mse"}, "Did you mean 'adam'"),
        ({"loss": "sparse_crossentropy"}, "Unknown loss"),
        ({"loss": "mse", "metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
        ({"loss": "mse", "metrics": {"a": "b"}}, "has the key 'a'; expected names of the outputs"),
        ({"loss": ["mse", "mse"]}, "`loss` has 2 entries; expected 1"),
        ({"loss": {"nowhere": "mse"}}, "has the key 'nowhere'"),
        ({"loss": keras.losses.MeanSquaredError(reduction="none")}, "reduction"),
        ({"loss": "mse", "loss_weights": [1, 2]}, "`loss_weights` has 2 entries; expected 1"),
        ({"loss": "mse", "weighted_metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
        ({"loss": "mse", "metrics": ["sparse_categorical_accuracy"]}, "does not fit the loss"),
        ({"loss": SPARSE, "metrics": ["categorical_accuracy"]}, "does not fit the loss"),
        ({"loss": "mse", "metrics": [keras.metrics.Mean()]}, "expected an accuracy"),
    ],
)
def test_refused_compile(options, message):
    model = compiled()
    with pytest.raises((TypeError, ValueError), match=message):
        model.compile(**options)
    assert model.loss.kind == SPARSE  # as it was
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("loss", [SPARSE, "categorical_crossentropy"])
def test_one_class_is_too_few(loss):
    with pytest.raises(ValueError, match="binary_crossentropy"):
        compiled(loss, units=1)
