"""Which precision layers compute in, by Keras' names.

    import pycnn as keras
    keras.mixed_precision.set_global_policy("mixed_bfloat16")

Layers made from then on round what they multiply to bfloat16 (see `DTypePolicy`). A single layer is asked
with its argument `dtype`. Models keep the policy when they are saved. AMD's processors with AVX512-BF16 gain
speed; all others compute in float32.
"""

from __future__ import annotations

from pycnn.core.lazy import names_from
from pycnn.core.policy import DTypePolicy, dtype_policy, set_dtype_policy

__all__ = [
    "DTypePolicy",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__getattr__, __dir__ = names_from(__name__, __all__)
