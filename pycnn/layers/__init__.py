"""Layers, with Keras' names, arguments and defaults.

Images are (batch, height, width, channels). A layer can be called on an array; a model chains them.
"""

from typing import Any

from pycnn.core import registry
from pycnn.core.layer import Layer
from pycnn.layers.activation import ELU, Activation, LeakyReLU, Maxout, ReLU, Softmax
from pycnn.layers.borders import Cropping1D, Cropping2D, ZeroPadding1D, ZeroPadding2D
from pycnn.layers.convolution import Conv1D, Conv2D
from pycnn.layers.dense import Dense
from pycnn.layers.depthwise_convolution import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from pycnn.layers.functions import Identity, Lambda, PythonStep
from pycnn.layers.input import Input, InputLayer
from pycnn.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from pycnn.layers.normalization import BatchNormalization
from pycnn.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from pycnn.layers.regularization import Dropout
from pycnn.layers.reshaping import Flatten, Permute, RepeatVector, Rescaling, Reshape
from pycnn.layers.transposed_convolution import Conv1DTranspose, Conv2DTranspose
from pycnn.layers.upsampling import UpSampling1D, UpSampling2D

AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

__all__ = [
    "ELU",
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Identity",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "LeakyReLU",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Maxout",
    "Minimum",
    "Multiply",
    "Permute",
    "PythonStep",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "Softmax",
    "Subtract",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

_CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        ELU,
        Activation,
        Add,
        Average,
        AveragePooling1D,
        AveragePooling2D,
        BatchNormalization,
        Concatenate,
        Conv1D,
        Conv1DTranspose,
        Conv2D,
        Conv2DTranspose,
        Cropping1D,
        Cropping2D,
        Dense,
        DepthwiseConv1D,
        DepthwiseConv2D,
        Dropout,
        Flatten,
        GlobalAveragePooling1D,
        GlobalAveragePooling2D,
        GlobalMaxPooling1D,
        GlobalMaxPooling2D,
        Identity,
        InputLayer,
        Lambda,
        LeakyReLU,
        MaxPooling1D,
        MaxPooling2D,
        Maximum,
        Maxout,
        Minimum,
        Multiply,
        Permute,
        PythonStep,
        ReLU,
        RepeatVector,
        Rescaling,
        Reshape,
        SeparableConv1D,
        SeparableConv2D,
        Softmax,
        Subtract,
        UpSampling1D,
        UpSampling2D,
        ZeroPadding1D,
        ZeroPadding2D,
    )
}
registry.add_layers(_CLASSES)


def serialize(layer: Layer) -> dict[str, Any]:
    """A description of a layer, without its weights, as plain data."""
    return layer.serialize()


def deserialize(config: Any) -> Layer:
    """The layer that `serialize` described, with new weights; only pycnn's own classes can come out.

    Args:
        config: a dict with `class_name` and `config`.

    Returns:
        A new layer.

    Raises:
        TypeError, ValueError: if the description is none, or names a class that pycnn does not have.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.deserialize({"class_name": "Dense", "config": {"units": 2, "name": "d"}})
        <Dense name=d, built=False>
    """
    return registry.deserialize_layer(config)
