"""ResNet with 50 layers, under the module's name that older programs use."""

from pycnn.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
