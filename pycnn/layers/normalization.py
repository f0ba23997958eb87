"""Batch normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import initializers
from pycnn.core.arguments import as_int, as_number
from pycnn.core.layer import WeightSpec
from pycnn.layers.affine import Affine
from pycnn.layers.checks import is_last_axis, sample_axis
from pycnn.layers.composed import on_last_axis

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.variable import Variable


class BatchNormalization(Affine):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta for each channel. Ioffe & Szegedy 2015.

    In training, mean and (biased) variance are the batch's, and moving = momentum * moving + (1 - momentum) *
    batch. In inference, and where `trainable` is False, they are the moving ones. Weights of shape
    (channels,) in the order gamma, beta, moving_mean, moving_variance.

    Args:
        axis: that of the channels, the batch axis, 0, counted; another one than the last is moved there and
            back.
        momentum: of the moving statistics, in [0, 1].
        epsilon: positive, keeps the square root away from zero.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer: name or object, as the other three.
        beta_regularizer: name, object or function, or None, as all regularizers and constraints.
        renorm: only False.
        renorm_clipping: only None.
        renorm_momentum: has no effect without renorm.
        synchronized: only False.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> layer = keras.layers.BatchNormalization(epsilon=1e-12)
        >>> layer([[1, 2, 3]]), [weight.name for weight in layer.weights]
        (array([[1., 2., 3.]], dtype=float32), ['gamma', 'beta', 'moving_mean', 'moving_variance'])
    """

    moving_mean: Variable
    moving_variance: Variable

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = as_int("BatchNormalization: axis", axis, -(2**31))
        self.momentum = as_number("BatchNormalization: momentum", momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        if not self.epsilon > 0:
            raise ValueError(f"BatchNormalization: epsilon is {epsilon!r}; expected a positive number")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"BatchNormalization: momentum is {momentum!r}; expected a number from 0 to 1")
        self._reject(
            renorm=renorm or None,
            renorm_clipping=renorm_clipping,
            synchronized=synchronized or None,
        )
        self.renorm_momentum = renorm_momentum

    @property
    def takes_further_axes(self) -> bool:
        return is_last_axis(self.axis)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        shape = (input_shape[sample_axis(self, self.axis, input_shape)],)
        return [
            *self.affine_specs(shape),
            WeightSpec("moving_mean", shape, self.moving_mean_initializer, trainable=False),
            WeightSpec("moving_variance", shape, self.moving_variance_initializer, trainable=False),
        ]

    def lower(self, graph: Blueprint, node: int) -> int:
        return on_last_axis(self, graph, node, self.axis, lambda last: self._over_last(graph, last))

    def _over_last(self, graph: Blueprint, node: int) -> int:
        graph.moves([self.moving_mean, self.moving_variance])
        return graph.batch_norm(
            node,
            graph.variable(self.gamma, self) if self.gamma is not None else None,
            graph.variable(self.beta, self) if self.beta is not None else None,
            graph.variable(self.moving_mean, self),
            graph.variable(self.moving_variance, self),
            momentum=self.momentum,
            epsilon=self.epsilon,
            frozen=graph.is_frozen(self) or graph.mode is False,
            always=graph.mode is True,
            name=self.name,
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "axis": self.axis,
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "synchronized": False,
            "renorm": False,
            "renorm_clipping": None,
            "renorm_momentum": self.renorm_momentum,
        }
