"""What layers compute in: Keras' dtype policies, of which pycnn has two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core.serialization import dtype_name

__all__ = ["DTypePolicy", "HasDTypePolicy", "dtype_policy", "policy_of", "reset_policy", "set_dtype_policy"]

_COMPUTE_DTYPES = {"float32": "float32", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """What a layer computes in, and what its weights are kept in.

    With 'mixed_bfloat16' convolutions and dense layers multiply their inputs and kernels rounded to bfloat16
    (8 bits of precision) where the CPU gains from it: by AVX512-BF16 on AMD's processors (`pycnn info` then
    tells the ISA avx512_bf16). Sums, weights, biases, activations, normalizations, losses and the optimizer
    stay float32, and so do the outputs of layers, where Keras has bfloat16. Convolutions that have a faster
    form in float32, depthwise ones, and the backward passes of a convolution right before a max-pooling are
    float32 as well. On all other CPUs nothing is rounded, and all is as in float32.

    Args:
        name: 'float32' or 'mixed_bfloat16'.

    Raises:
        ValueError: if there is no such policy.

    Example:
        >>> import pycnn as keras
        >>> policy = keras.DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or name not in _COMPUTE_DTYPES:
            raise ValueError(
                f"Unknown dtype policy {name!r:.80}; pycnn has {' and '.join(map(repr, _COMPUTE_DTYPES))}"
            )
        self._name = name

    @property
    def name(self) -> str:
        """'float32' or 'mixed_bfloat16'."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """What operands of products are rounded to: 'float32' or 'bfloat16'."""
        return _COMPUTE_DTYPES[self._name]

    @property
    def variable_dtype(self) -> str:
        """'float32'."""
        return "float32"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> DTypePolicy:
        """A policy from the dict that `get_config` returned."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


class HasDTypePolicy:
    """What layers and models say about their policy."""

    dtype_policy: DTypePolicy

    @property
    def dtype(self) -> str:
        """'float32': what the weights are kept in."""
        return self.dtype_policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The same as `dtype`."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """'bfloat16' with the policy 'mixed_bfloat16', else 'float32'."""
        return self.dtype_policy.compute_dtype


_global = DTypePolicy("float32")


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given no `dtype`.

    Example:
        >>> import pycnn as keras
        >>> keras.config.dtype_policy()
        <DTypePolicy "float32">
    """
    return _global


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Sets the policy of layers that are made from now on and are given no `dtype`.

    Args:
        policy: 'float32' or 'mixed_bfloat16', or a policy.

    Raises:
        ValueError: if there is no such policy; the one before stays.

    Example:
        >>> import pycnn as keras
        >>> keras.mixed_precision.set_global_policy("mixed_bfloat16")
        >>> keras.layers.Dense(1).dtype_policy
        <DTypePolicy "mixed_bfloat16">
        >>> keras.mixed_precision.set_global_policy("float32")
    """
    global _global
    _global = policy if isinstance(policy, DTypePolicy) else DTypePolicy(policy)


def reset_policy() -> None:
    """Goes back to float32."""
    set_dtype_policy("float32")


def policy_of(dtype: Any, owner: str) -> DTypePolicy:
    """A layer's policy from its argument `dtype`: None, a name, NumPy type, policy or Keras' dict of one."""
    if dtype is None:
        return _global
    if isinstance(dtype, DTypePolicy):
        return dtype
    name = dtype_name(dtype)
    if not isinstance(name, (str, Mapping)):
        name = str(name)  # NumPy's dtype("float32")
    try:
        return DTypePolicy(name)
    except ValueError as error:
        raise ValueError(f"{owner}: `dtype` is {dtype!r:.200}. {error}") from None
