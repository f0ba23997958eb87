"""A wrapper that keeps the largest singular value of a kernel at 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycnn import initializers
from pycnn.core.input_spec import InputSpec
from pycnn.core.layer import Layer
from pycnn.core.variable import Variable
from pycnn.layers.wrappers import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value, before each training step uses it.

    The kernel W counts as a matrix whose columns are its last axis. The singular value is estimated by power
    iterations from a vector u (1, columns), which is a weight and carries on from step to step:
    v = u W^T / |u W^T|, u = v W / |v W|, sigma = v W u^T. The kernel's values become W / sigma; then the
    layer computes with them, and the optimizer goes on from them. Gradients are those by the divided kernel.
    A kernel that is all 0 stays. In inference the layer takes the kernel as it is.

    Args:
        layer: with a weight `kernel` (Dense, Conv2D, ...) or `embeddings`.
        power_iterations: in a step, at least 1.
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if `layer` is no layer or has no such weight, or `power_iterations` is not positive.

    Source: Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> dense = keras.layers.Dense(2, kernel_initializer=keras.initializers.Constant(3.0))
        >>> layer = keras.layers.SpectralNormalization(dense)
        >>> y = layer(np.ones((1, 2)), training=True)
        >>> np.linalg.svd(dense.kernel.numpy(), compute_uv=False).round(4).tolist()
        [1.0, 0.0]
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                f"SpectralNormalization: power_iterations is {power_iterations!r}; expected a number greater "
                f"than zero"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Sequence[int | None]) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        found = [getattr(self.layer, name, None) for name in ("kernel", "embeddings")]
        weights = [weight for weight in found if isinstance(weight, Variable)]
        if not weights:
            raise ValueError(
                f"SpectralNormalization: a {type(self.layer).__name__} object has no attribute 'kernel' nor "
                f"'embeddings'"
            )
        self.kernel = weights[0]
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        initial = initializers.TruncatedNormal(stddev=0.02)
        self.vector_u = self.add_weight((1, self.kernel.shape[-1]), initial, trainable=False, name="vector_u")
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        if training:
            self._normalize()
        return self.layer(inputs)

    def _normalize(self) -> None:
        """Assigns the divided kernel, and the vector that the power iterations come to."""
        from pycnn import ops

        old_kernel, old_u = self.kernel.value, self.vector_u.value
        matrix = ops.reshape(old_kernel, (-1, self.kernel.shape[-1]))
        u = v = old_u
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(matrix)), axis=None)
            u = ops.normalize(ops.matmul(v, matrix), axis=None)
        sigma = ops.sum(ops.matmul(v, matrix) * u)
        is_zero = ops.all(ops.equal(old_kernel, 0.0))
        self.vector_u.assign(ops.where(is_zero, old_u, u))
        self.kernel.assign(ops.where(is_zero, old_kernel, old_kernel / sigma))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"power_iterations": self.power_iterations}
