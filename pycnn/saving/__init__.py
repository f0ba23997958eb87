"""Keeping models in files.

One safetensors file holds a model: weights, the optimizer's state, and the configuration as JSON in the
header.
"""

from pycnn.saving.models import load_model, save_model

__all__ = ["load_model", "save_model"]
