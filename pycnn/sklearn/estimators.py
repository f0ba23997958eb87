"""The estimators."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pycnn import activations, optimizers
from pycnn.core import seeds
from pycnn.models import Model, clone_model
from pycnn.sklearn.default_network import network

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both have in common."""

    def __init__(
        self,
        model: Any = None,
        *,
        image_shape: Sequence[int] | None = None,
        epochs: int = 50,
        batch_size: int = 32,
        optimizer: Any = "adam",
        learning_rate: float | None = None,
        loss: Any = None,
        validation_split: float = 0.0,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.validation_split = validation_split
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        tags.input_tags.three_d_array = True
        return tags

    # --- data -----------------------------------------------------------------------------------------------
    def _samples(self, X: NDArray[Any]) -> NDArray[Any]:
        """Features (n, k), or images (n, h, w, c)."""
        if self.image_shape is not None:
            shape = tuple(int(size) for size in self.image_shape)
            if X.size != len(X) * math.prod(shape):
                raise ValueError(
                    f"X has {X.size // max(len(X), 1)} values for each sample; image_shape {shape} needs "
                    f"{math.prod(shape)}"
                )
            X = X.reshape(len(X), *shape)
        return X[..., None] if X.ndim == 3 else X

    def _checked(self, X: Any) -> NDArray[Any]:
        """X of `predict`."""
        check_is_fitted(self, "model_")
        return self._samples(validate_data(self, X, reset=False, allow_nd=True, dtype="numeric"))

    # --- training -------------------------------------------------------------------------------------------
    def _new_model(self, shape: tuple[int, ...], outputs: int, activation: str | None, loss: str) -> Any:
        """A model with new weights, compiled."""
        if self.model is None:
            model = network(shape, outputs, activation)
        elif isinstance(self.model, Model):
            model = clone_model(self.model)
        elif callable(self.model):
            model = self.model(shape, outputs)
        else:
            raise TypeError(
                f"model is {self.model!r:.200}; expected None, a model, or a function f(input_shape, outputs)"
            )
        if not isinstance(model, Model):
            raise TypeError(f"`model` returned {model!r:.200}; expected a model")
        if not model.compiled:
            optimizer = optimizers.get(copy.deepcopy(self.optimizer))
            if self.learning_rate is not None:
                optimizer.learning_rate = self.learning_rate
            model.compile(optimizer, self.loss if self.loss is not None else loss)
        if not model.built:
            model.build((None, *shape))
        return model

    def _trained(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        given: dict[str, Any],
        outputs: int,
        activation: str | None,
        loss: str,
    ) -> Any:
        """Itself with a new model, trained with the arguments of `Model.fit` that `fit` was given."""
        if given.get("sample_weight") is not None:
            given = given | {"sample_weight": _check_sample_weight(given["sample_weight"], X)}
        arguments = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "validation_split": self.validation_split,
            "callbacks": copy.deepcopy(self.callbacks),
            "verbose": self.verbose,
        }
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with seeds.seeded(seed):
            self.model_ = self._new_model(X.shape[1:], outputs, activation, loss)
            history = self.model_.fit(X, y, **(arguments | given))
        self.history_ = history.history
        return self

    def _outputs(self, X: Any) -> NDArray[Any]:
        samples = self._checked(X)
        return np.asarray(self.model_.predict(samples, verbose=0))


_ARGUMENTS = """Args:
        model: a function f(input_shape, outputs) that makes a model; or a model, whose layers are used with
            new weights; None for two convolutions with pooling for images, and one hidden layer for features.
            A model that is not compiled gets the optimizer and the loss.
        image_shape: (h, w, c) to which the rows of X are brought; None where X are features or images.
        epochs: passes through the data.
        batch_size: samples for one step.
        optimizer: name or object, as of `Model.compile`.
        learning_rate: None for the optimizer's.
        loss: None for {loss}.
        validation_split: fraction of the samples, the last ones, for `val_...` in `history_`.
        callbacks: of `Model.fit`; each `fit` gets copies.
        random_state: an integer, NumPy's RandomState or None: what weights and the order of samples follow
            from. Fits in several threads at once share these random numbers; in processes they do not.
        verbose: of `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: dict of loss and metrics of each epoch.
        n_features_in_: size of the second axis of X.{more}

    Raises:
        TypeError, ValueError: by `fit`, if data or arguments do not fit."""


class CNNClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    __doc__ = f"""A network that tells classes apart, as scikit-learn's estimators do.

    {
        _ARGUMENTS.format(
            loss="the cross-entropy",
            more='''
        classes_: the labels, in the order of the columns of `predict_proba`.''',
        )
    }

    Example:
        >>> import numpy as np
        >>> from pycnn.sklearn import CNNClassifier
        >>> X = np.array([[0.0], [1.0]] * 20)
        >>> y = np.array(["no", "yes"] * 20)
        >>> CNNClassifier(epochs=100, learning_rate=0.01, random_state=0).fit(X, y).predict([[0.0], [1.0]])
        array(['no', 'yes'], dtype='<U3')
    """

    def fit(self, X: Any, y: Any, **fit_arguments: Any) -> CNNClassifier:
        """Trains a new model.

        Args:
            X: (n, features), or images (n, h, w) or (n, h, w, c).
            y: (n,) labels: numbers or strings.
            fit_arguments: of `Model.fit`, such as `sample_weight`, `class_weight` (by the numbers of
                `classes_`) or `epochs`, instead of the estimator's.

        Returns:
            The estimator.
        """
        X, y = validate_data(self, X, y, allow_nd=True, dtype="numeric")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; a classifier needs at least two")
        arguments = len(self.classes_), "softmax", "sparse_categorical_crossentropy"
        trained: CNNClassifier = self._trained(self._samples(X), labels, fit_arguments, *arguments)
        return trained

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, (n, classes); the columns are in the order of `classes_`."""
        outputs = self._outputs(X).astype(np.float64)
        loss = self.model_.loss
        if getattr(loss, "from_logits", False):
            kind = "sigmoid" if outputs.shape[-1] == 1 else "softmax"
            outputs = np.asarray(getattr(activations, kind)(outputs), np.float64)
        if outputs.shape[1:] == (1,) and len(self.classes_) == 2:
            outputs = np.concatenate([1 - outputs, outputs], axis=1)
        if outputs.shape[1:] != (len(self.classes_),):
            raise ValueError(
                f"The model's output has shape {outputs.shape}; expected a value for each of the "
                f"{len(self.classes_)} classes"
            )
        return outputs / outputs.sum(1, keepdims=True)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each sample."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(1)]  # type: ignore[no-any-return]


class CNNRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    __doc__ = f"""A network whose outputs are numbers, as scikit-learn's estimators.

    {_ARGUMENTS.format(loss="the mean of squares", more="")}

    Example:
        >>> import numpy as np
        >>> from pycnn.sklearn import CNNRegressor
        >>> X = np.linspace(-1, 1, 64)[:, None]
        >>> regressor = CNNRegressor(learning_rate=0.01, random_state=0).fit(X, np.abs(X[:, 0]))
        >>> regressor.score(X, np.abs(X[:, 0])) > 0.95
        True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, **fit_arguments: Any) -> CNNRegressor:
        """Trains a new model.

        Args:
            X: (n, features), or images (n, h, w) or (n, h, w, c).
            y: (n,) or (n, k) numbers.
            fit_arguments: of `Model.fit`, such as `sample_weight` or `epochs`, instead of the estimator's.

        Returns:
            The estimator.
        """
        X, y = validate_data(self, X, y, allow_nd=True, dtype="numeric", multi_output=True, y_numeric=True)
        self._is_flat = y.ndim == 1
        targets = np.asarray(y, np.float64).reshape(len(y), -1)
        arguments = targets.shape[1], None, "mean_squared_error"
        trained: CNNRegressor = self._trained(self._samples(X), targets, fit_arguments, *arguments)
        return trained

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The numbers of each sample, in the shape that y had."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs.reshape(len(outputs)) if self._is_flat else outputs.reshape(len(outputs), -1)
