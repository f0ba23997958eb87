"""The estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from pycnn.models import Model, clone_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.callbacks import History


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What all have in common."""

    model_: Model
    history_: History

    def __init__(
        self,
        model: Any,
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        tags.input_tags.three_d_array = True
        return tags

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Trains the model.

        Args:
            X: (n, features) samples, or images (n, h, w, c).
            y: their targets.
            kwargs: of `Model.fit`, before those of `fit_kwargs`.

        Returns:
            The estimator.

        Raises:
            RuntimeError: if the model is not compiled, or has no loss.
            TypeError: if there is no model.
            ValueError: if data do not fit.
        """
        X, y = validate_data(self, X, y, allow_nd=True, multi_output=True)
        y = self._targets(y)
        model = self._new_model(X, y)
        if not model.compiled or not model.loss:
            raise RuntimeError("Given model needs to be compiled, and have a loss and an optimizer.")
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _new_model(self, X: NDArray[Any], y: NDArray[Any]) -> Model:
        if not isinstance(self.model, Model):
            if not callable(self.model):
                raise TypeError(f"model is {self.model!r:.200}; expected a model or a function of X and y")
            model = self.model(X=X, y=y, **(self.model_kwargs or {}))
            if not isinstance(model, Model):
                raise TypeError(f"`model` returned {model!r:.200}; expected a model")
            return model
        if self.warm_start or not self.model.compiled:
            return self.model
        model = clone_model(self.model)
        model.compile_from_config(self.model.get_compile_config() or {})
        return model

    def _targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """What the model is trained with; keeps what `predict` needs of it."""
        self._is_flat = y.ndim == 1
        return y.reshape(len(y), -1)

    def _outputs(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, allow_nd=True)
        return np.asarray(self.model_.predict(X, verbose=(self.fit_kwargs or {}).get("verbose", "auto")))

    def predict(self, X: Any) -> NDArray[Any]:
        """The model's outputs, in the shape that y had."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._is_flat and outputs.shape[1:] == (1,) else outputs


_ARGUMENTS = """Args:
        model: a model that is compiled, whose layers are used with new weights in each `fit`; or a function
            that makes one, called with the keyword arguments X and y, the data of `fit` with y of two axes.
        warm_start: whether a model goes on from its present weights, and learns itself.
        model_kwargs: further keyword arguments of the function; None for none.
        fit_kwargs: of `Model.fit`; None for none.

    Attributes:
        model_: the trained model.
        history_: the History that `Model.fit` returned.{more}"""


class SKLearnClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    __doc__ = f"""A model that tells classes apart, as an estimator: targets are one-hot.

    {
        _ARGUMENTS.format(
            more='''
        classes_: the labels, in the order of the model's outputs.'''
        )
    }

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> from pycnn.wrappers import SKLearnClassifier
        >>> def make(X, y, units):
        ...     x = keras.Input(X.shape[1:])
        ...     hidden = keras.layers.Dense(units, activation="relu")(x)
        ...     model = keras.Model(x, keras.layers.Dense(y.shape[1], activation="softmax")(hidden))
        ...     model.compile(keras.optimizers.Adam(0.05), "categorical_crossentropy")
        ...     return model
        >>> X, y = np.array([[0.0], [1.0]] * 20), np.array(["no", "yes"] * 20)
        >>> estimator = SKLearnClassifier(make, model_kwargs={{"units": 8}}, fit_kwargs={{"verbose": 0}})
        >>> estimator.fit(X, y, epochs=30).predict([[0.0], [1.0]])
        array(['no', 'yes'], dtype='<U3')
    """

    def _targets(self, y: NDArray[Any]) -> NDArray[Any]:
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"Only binary and multiclass target types are supported. Target type: {kind}"
                if kind != "unknown"
                else f"Unknown label type for data: {y!r:.200}"
            )
        self.classes_ = np.unique(y)
        if len(self.classes_) == 1:
            raise ValueError("Classifier can't train when only one class is present.")
        self._is_flat = y.ndim == 1
        self._encoder = OneHotEncoder(sparse_output=False)
        return np.asarray(self._encoder.fit_transform(y.reshape(-1, 1)))

    def decision_function(self, X: Any) -> NDArray[Any]:
        """The model's outputs, (n, classes)."""
        return self._outputs(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of the largest output of each sample."""
        labels = np.asarray(self._encoder.inverse_transform(self._outputs(X)))
        return labels[:, 0] if self._is_flat else labels


class SKLearnRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    __doc__ = f"""A model whose outputs are numbers, as an estimator.

    {_ARGUMENTS.format(more="")}

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> from pycnn.wrappers import SKLearnRegressor
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.Adam(0.1), "mse")
        >>> X = np.linspace(-1, 1, 32)[:, None]
        >>> estimator = SKLearnRegressor(model, fit_kwargs={{"verbose": 0, "epochs": 60}})
        >>> estimator.fit(X, 2 * X[:, 0]).score(X, 2 * X[:, 0]) > 0.9
        True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):  # type: ignore[misc]
    __doc__ = f"""A model whose outputs are features for the next step of a pipeline.

    {_ARGUMENTS.format(more="")}

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> from pycnn.wrappers import SKLearnTransformer
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> step = SKLearnTransformer(model, fit_kwargs={{"verbose": 0}})
        >>> step.fit(np.ones((8, 3)), np.ones((8, 2))).transform(np.ones((4, 3))).shape
        (4, 2)
    """

    def transform(self, X: Any) -> NDArray[Any]:
        """The model's outputs."""
        return self._outputs(X)
