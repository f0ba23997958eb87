"""Layers, with Keras' names, arguments and defaults.

Images are (batch, height, width, channels). A layer can be called on an array; a model chains them.
"""

from typing import Any

from pycnn.core import registry
from pycnn.core.aliases import old_name
from pycnn.core.input_spec import InputSpec
from pycnn.core.layer import Layer
from pycnn.layers.activation import ELU, Activation, LeakyReLU, Maxout, PReLU, ReLU, Softmax
from pycnn.layers.borders import Cropping1D, Cropping2D, ZeroPadding1D, ZeroPadding2D
from pycnn.layers.convolution import Conv1D, Conv2D
from pycnn.layers.data_normalization import Normalization
from pycnn.layers.dense import Dense
from pycnn.layers.depthwise_convolution import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from pycnn.layers.dropout import (
    AlphaDropout,
    Dropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from pycnn.layers.einsum_dense import EinsumDense
from pycnn.layers.embedding import Embedding
from pycnn.layers.functions import Identity, Lambda, PythonStep
from pycnn.layers.image_colors import (
    RandomBrightness,
    RandomContrast,
    RandomErasing,
    RandomGrayscale,
    RandomInvert,
)
from pycnn.layers.image_geometry import RandomFlip, RandomRotation, RandomShear, RandomTranslation, RandomZoom
from pycnn.layers.image_hues import (
    RandomColorJitter,
    RandomHue,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
)
from pycnn.layers.image_levels import AutoContrast, Equalization, RandomColorDegeneration, Solarization
from pycnn.layers.image_mixing import CutMix, MixUp
from pycnn.layers.image_policies import AugMix, RandAugment
from pycnn.layers.image_sizes import CenterCrop, RandomCrop, Resizing
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
from pycnn.layers.random_noise import GaussianDropout, GaussianNoise
from pycnn.layers.regularization import ActivityRegularization
from pycnn.layers.reshaping import Flatten, Permute, RepeatVector, Rescaling, Reshape
from pycnn.layers.residual import CustomScaleLayer, LayerScale
from pycnn.layers.sample_normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from pycnn.layers.transposed_convolution import Conv1DTranspose, Conv2DTranspose
from pycnn.layers.upsampling import UpSampling1D, UpSampling2D
from pycnn.layers.wrappers import TimeDistributed, Wrapper

_old_module = old_name(__name__)

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
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNormalization",
    "CenterCrop",
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
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Maxout",
    "Minimum",
    "MixUp",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "PythonStep",
    "RMSNormalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "Wrapper",
    "ZeroPadding1D",
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
        AveragePooling1D,
        AveragePooling2D,
        BatchNormalization,
        Concatenate,
        Conv1D,
        Conv1DTranspose,
        Conv2D,
        CustomScaleLayer,
        Conv2DTranspose,
        Cropping1D,
        Cropping2D,
        Dense,
        DepthwiseConv1D,
        DepthwiseConv2D,
        Dot,
        Dropout,
        ELU,
        EinsumDense,
        Embedding,
        Flatten,
        GaussianDropout,
        GaussianNoise,
        GlobalAveragePooling1D,
        GlobalAveragePooling2D,
        GlobalMaxPooling1D,
        GlobalMaxPooling2D,
        GroupNormalization,
        Identity,
        InputLayer,
        Lambda,
        LayerScale,
        LayerNormalization,
        LeakyReLU,
        MaxPooling1D,
        MaxPooling2D,
        Maximum,
        Maxout,
        Minimum,
        Multiply,
        Normalization,
        PReLU,
        Permute,
        PythonStep,
        RMSNormalization,
        ReLU,
        RepeatVector,
        Rescaling,
        CenterCrop,
        CutMix,
        MixUp,
        RandomBrightness,
        AugMix,
        AutoContrast,
        Equalization,
        RandAugment,
        RandomColorDegeneration,
        RandomColorJitter,
        Solarization,
        RandomHue,
        RandomPosterization,
        RandomSaturation,
        RandomSharpness,
        RandomErasing,
        RandomContrast,
        RandomCrop,
        RandomFlip,
        RandomGrayscale,
        RandomInvert,
        RandomRotation,
        RandomShear,
        RandomTranslation,
        RandomZoom,
        Resizing,
        Reshape,
        SeparableConv1D,
        SeparableConv2D,
        Softmax,
        SpatialDropout1D,
        SpatialDropout2D,
        SpatialDropout3D,
        Subtract,
        TimeDistributed,
        UnitNormalization,
        UpSampling1D,
        UpSampling2D,
        ZeroPadding1D,
        ZeroPadding2D,
    )
}
registry.add_layers(_CLASSES)


def __getattr__(name: str) -> Any:
    try:
        return _old_module(name)
    except AttributeError:
        raise missing(name) from None


def serialize(layer: Layer) -> dict[str, Any]:
    """A description of a layer, without its weights, as plain data; TypeError where it is no layer."""
    if not isinstance(layer, Layer):
        raise TypeError(f"layers.serialize: {layer!r:.200} is no layer")
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
