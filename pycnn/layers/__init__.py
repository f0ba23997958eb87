"""Layers, with Keras' names, arguments and defaults.

Images are (batch, height, width, channels). A layer can be called on an array; a model chains them.
"""

from typing import Any

from pycnn.core import registry
from pycnn.core.layer import Layer
from pycnn.layers.activation import ELU, Activation, LeakyReLU, Maxout, PReLU, ReLU, Softmax
from pycnn.layers.convolution import Conv2D, DepthwiseConv2D, SeparableConv2D
from pycnn.layers.data_normalization import Normalization
from pycnn.layers.dense import Dense
from pycnn.layers.einsum_dense import EinsumDense
from pycnn.layers.embedding import Embedding
from pycnn.layers.functions import Identity, Lambda, PythonStep
from pycnn.layers.input import Input, InputLayer
from pycnn.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from pycnn.layers.missing import missing
from pycnn.layers.normalization import BatchNormalization
from pycnn.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from pycnn.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from pycnn.layers.reshaping import Flatten, Rescaling, Reshape, ZeroPadding2D
from pycnn.layers.residual import CustomScaleLayer, LayerScale
from pycnn.layers.sample_normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from pycnn.layers.wrappers import TimeDistributed, Wrapper

AvgPool2D = AveragePooling2D
Convolution2D = Conv2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
MaxPool2D = MaxPooling2D
SeparableConvolution2D = SeparableConv2D

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Convolution2D",
    "Dense",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPool2D",
    "MaxPooling2D",
    "Maximum",
    "Maxout",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "PythonStep",
    "RMSNormalization",
    "ReLU",
    "Rescaling",
    "Reshape",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "Wrapper",
    "ZeroPadding2D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

_CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        Activation,
        ActivityRegularization,
        Add,
        AlphaDropout,
        Average,
        AveragePooling2D,
        BatchNormalization,
        Concatenate,
        Conv2D,
        CustomScaleLayer,
        Dense,
        DepthwiseConv2D,
        Dot,
        Dropout,
        ELU,
        EinsumDense,
        Embedding,
        Flatten,
        GaussianDropout,
        GaussianNoise,
        GlobalAveragePooling2D,
        GlobalMaxPooling2D,
        GroupNormalization,
        Identity,
        InputLayer,
        Lambda,
        LayerScale,
        LayerNormalization,
        LeakyReLU,
        MaxPooling2D,
        Maximum,
        Maxout,
        Minimum,
        Multiply,
        Normalization,
        PReLU,
        PythonStep,
        RMSNormalization,
        ReLU,
        Rescaling,
        Reshape,
        SeparableConv2D,
        Softmax,
        SpatialDropout1D,
        SpatialDropout2D,
        SpatialDropout3D,
        Subtract,
        TimeDistributed,
        UnitNormalization,
        ZeroPadding2D,
    )
}
registry.add_layers(_CLASSES)


def __getattr__(name: str) -> Any:
    raise missing(name)


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
