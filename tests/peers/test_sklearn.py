"""The estimators of `pycnn.sklearn`, by scikit-learn's own checks and in its tools."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import pycnn as keras
from pycnn import layers
from pycnn.sklearn import CNNClassifier, CNNRegressor
from pycnn.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

pytestmark = pytest.mark.peers
RNG = np.random.default_rng(0)
LABELS = np.array(["left", "right"])[np.arange(60) % 2]
IMAGES = RNG.random((60, 6, 6)).astype(np.float32)
IMAGES[LABELS == "left", :, :3] += 1.0


def small(input_shape, outputs):
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Conv2D(2, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(outputs, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("estimator", [CNNClassifier(random_state=0), CNNRegressor(random_state=0)], ids=str)
@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.SkipTestWarning")
def test_checks_of_scikit_learn(estimator):
    results = check_estimator(estimator, on_skip=None)
    assert len(results) > 50
    assert {result["status"] for result in results} <= {"passed", "skipped"}


def test_images():
    classifier = CNNClassifier(epochs=10, learning_rate=0.01, random_state=0).fit(IMAGES, LABELS)
    assert classifier.classes_.tolist() == ["left", "right"]
    assert classifier.score(IMAGES, LABELS) > 0.9
    assert len(classifier.history_["loss"]) == 10
    twin = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(twin.predict_proba(IMAGES), classifier.predict_proba(IMAGES))
    np.testing.assert_allclose(twin.predict_proba(IMAGES).sum(1), 1)


def test_pipelines_and_searches():
    rows = IMAGES.reshape(60, -1)
    classifier = CNNClassifier(small, image_shape=(6, 6, 1), learning_rate=0.02, epochs=15, random_state=0)
    pipeline = make_pipeline(StandardScaler(), classifier)
    scores = cross_val_score(pipeline, rows, LABELS, cv=2)
    assert scores.min() > 0.8
    grid = {"cnnclassifier__learning_rate": [1e-5, 0.02]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(rows, LABELS)
    assert search.best_params_ == {"cnnclassifier__learning_rate": 0.02}


def test_models_that_are_given():
    model = small((6, 6, 1), 2)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    before = model.get_weights()
    plain = CNNClassifier(model, epochs=30, learning_rate=0.02, random_state=1)
    assert clone(plain).fit(IMAGES, LABELS).score(IMAGES, LABELS) > 0.9
    assert plain.fit(IMAGES, LABELS).model_ is not model
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)

    def logits(shape, outputs):
        made = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(outputs)])
        made.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return made

    found = CNNClassifier(logits, epochs=1, random_state=0).fit(IMAGES, LABELS).predict_proba(IMAGES)
    np.testing.assert_allclose(found.sum(1), 1)

    def sigmoid(shape, outputs):
        made = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
        made.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
        return made

    binary = CNNClassifier(sigmoid, random_state=0).fit(IMAGES, LABELS)
    assert binary.predict_proba(IMAGES).shape == (60, 2)
    assert binary.score(IMAGES, LABELS) > 0.9


def test_arguments():
    stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=10.0)
    classifier = CNNClassifier(callbacks=[stop], random_state=0)
    assert len(classifier.fit(IMAGES, LABELS).history_["loss"]) < 50
    assert not hasattr(stop, "model")
    weighted = classifier.fit(IMAGES, LABELS, sample_weight=LABELS == "left", epochs=2, callbacks=None)
    assert len(weighted.history_["loss"]) == 2
    again = [
        CNNRegressor(epochs=2, random_state=3).fit(IMAGES, IMAGES[:, 0]).predict(IMAGES) for _ in range(2)
    ]
    assert again[0].shape == (60, 6)
    np.testing.assert_array_equal(*again)
    for wrong, error, message in (
        ({"model": 3}, TypeError, "model is 3"),
        ({"model": lambda shape, outputs: 3}, TypeError, "returned 3"),
        ({"image_shape": (5, 5, 1)}, ValueError, "needs 25"),
        ({"epochs": 0}, ValueError, "epochs"),
    ):
        with pytest.raises(error, match=message):
            CNNClassifier(**wrong).fit(IMAGES, LABELS)


def test_without_scikit_learn():
    program = """
        import sys
        sys.modules["sklearn"] = None
        import pycnn.sklearn
        assert dir(pycnn.sklearn) == ["CNNClassifier", "CNNRegressor"]
        try:
            pycnn.sklearn.CNNClassifier
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert "pip install 'pycnn[sklearn]'" in done.stdout, done.stderr


# --- Keras' wrappers ----------------------------------------------------------------------------------------
def of_data(X, y, units=4, loss="categorical_crossentropy"):
    x = keras.Input(X.shape[1:])
    hidden = layers.Dense(units, activation="relu")(layers.Flatten()(x))
    activation = "softmax" if loss == "categorical_crossentropy" else None
    model = keras.Model(x, layers.Dense(y.shape[1], activation=activation)(hidden))
    model.compile(keras.optimizers.Adam(0.05), loss)
    return model


QUIET = {"epochs": 20, "verbose": 0}


def test_wrapped_classifier():
    keras.utils.set_random_seed(0)
    estimator = SKLearnClassifier(of_data, model_kwargs={"units": 8}, fit_kwargs=QUIET)
    assert estimator.fit(IMAGES, LABELS).score(IMAGES, LABELS) > 0.9
    assert estimator.classes_.tolist() == ["left", "right"]
    assert estimator.decision_function(IMAGES[:3]).shape == (3, 2)
    assert len(estimator.history_.history["loss"]) == 20
    assert len(estimator.fit(IMAGES, LABELS, epochs=1).history_.epoch) == 1
    found = GridSearchCV(estimator, {"model_kwargs": [{"units": 1}, {"units": 2}]}, cv=2)
    found.fit(IMAGES.reshape(60, -1), LABELS)
    assert found.best_params_["model_kwargs"]["units"] in (1, 2)
    with pytest.raises(ValueError, match="only one class"):
        estimator.fit(IMAGES, ["a"] * 60)
    with pytest.raises(ValueError, match=r"Only binary and multiclass.*continuous"):
        estimator.fit(IMAGES, IMAGES[:, 0, 0])


def test_wrapped_regressor_and_transformer():
    keras.utils.set_random_seed(0)
    X = RNG.normal(size=(64, 3))
    model = of_data(X, X[:, :1], loss="mse")
    before = model.get_weights()
    regressor = SKLearnRegressor(model, fit_kwargs=QUIET).fit(X, X[:, 0])
    assert regressor.score(X, X[:, 0]) > 0.9
    assert regressor.model_ is not model
    for mine, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, old)
    again = clone(regressor).set_params(warm_start=True)
    assert again.fit(X, X[:, 0]).model_ is again.model
    assert SKLearnRegressor(of_data, False, {"loss": "mse"}, QUIET).fit(X, X[:, :2]).predict(X).shape == (
        64,
        2,
    )
    steps = make_pipeline(SKLearnTransformer(model, fit_kwargs=QUIET), StandardScaler())
    assert steps.fit_transform(X, X[:, :1]).shape == (64, 1)
    uncompiled = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    with pytest.raises(RuntimeError, match="needs to be compiled"):
        SKLearnRegressor(uncompiled).fit(X, X[:, 0])
    with pytest.raises(TypeError, match="expected a model or a function"):
        SKLearnRegressor("mlp").fit(X, X[:, 0])
