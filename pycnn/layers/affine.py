"""The weights gamma and beta of layers that normalize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import constraints, initializers, regularizers
from pycnn.core.layer import Layer, WeightSpec
from pycnn.layers.checks import not_negative

if TYPE_CHECKING:
    from pycnn.core.variable import Variable


class Affine(Layer):
    """What ends with gamma * y + beta.

    Args:
        epsilon: at least 0, keeps the square root away from zero.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer: name or object, as that of gamma.
        beta_regularizer: name, object or function, or None, as all regularizers and constraints.
        kwargs: name, trainable, input_shape.
    """

    gamma: Variable | None
    beta: Variable | None

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.epsilon = not_negative(f"{type(self).__name__}: epsilon", epsilon)
        self.center = bool(center)
        self.scale = bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        if not self.has_beta:
            self.beta = None
        if not self.has_gamma:
            self.gamma = None

    @property
    def has_gamma(self) -> bool:
        """Whether there is a gamma."""
        return self.scale

    @property
    def has_beta(self) -> bool:
        """Whether there is a beta."""
        return self.center

    def affine_specs(self, shape: tuple[int, ...]) -> list[WeightSpec]:
        """gamma and beta, those that there are, of this shape."""
        gamma = WeightSpec(
            "gamma", shape, self.gamma_initializer, True, self.gamma_regularizer, self.gamma_constraint
        )
        beta = WeightSpec(
            "beta", shape, self.beta_initializer, True, self.beta_regularizer, self.beta_constraint
        )
        return [gamma] * self.has_gamma + [beta] * self.has_beta

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
