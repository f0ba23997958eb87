"""Layers, with Keras' names, arguments and defaults.

Images are (batch, height, width, channels). A layer can be called on an array; a model chains them.
"""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_layers

if TYPE_CHECKING:
    from pycnn.core.input_spec import InputSpec
    from pycnn.core.layer import Layer
    from pycnn.layers.activation import ELU, Activation, LeakyReLU, Maxout, PReLU, ReLU, Softmax
    from pycnn.layers.borders import Cropping1D, Cropping2D, ZeroPadding1D, ZeroPadding2D
    from pycnn.layers.convolution import (
        Conv1D,
        Conv2D,
        Convolution1D,
        Convolution2D,
    )
    from pycnn.layers.data_normalization import Normalization
    from pycnn.layers.dense import Dense
    from pycnn.layers.depthwise_convolution import (
        DepthwiseConv1D,
        DepthwiseConv2D,
        SeparableConv1D,
        SeparableConv2D,
        SeparableConvolution1D,
        SeparableConvolution2D,
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
    from pycnn.layers.image_geometry import (
        RandomFlip,
        RandomRotation,
        RandomShear,
        RandomTranslation,
        RandomZoom,
    )
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
    from pycnn.layers.normalization import BatchNormalization
    from pycnn.layers.pooling import (
        AveragePooling1D,
        AveragePooling2D,
        AvgPool1D,
        AvgPool2D,
        GlobalAveragePooling1D,
        GlobalAveragePooling2D,
        GlobalAvgPool1D,
        GlobalAvgPool2D,
        GlobalMaxPool1D,
        GlobalMaxPool2D,
        GlobalMaxPooling1D,
        GlobalMaxPooling2D,
        MaxPool1D,
        MaxPool2D,
        MaxPooling1D,
        MaxPooling2D,
    )
    from pycnn.layers.random_noise import GaussianDropout, GaussianNoise
    from pycnn.layers.regularization import ActivityRegularization
    from pycnn.layers.reshaping import Flatten, Permute, RepeatVector, Rescaling, Reshape
    from pycnn.layers.sample_normalization import (
        GroupNormalization,
        LayerNormalization,
        RMSNormalization,
        UnitNormalization,
    )
    from pycnn.layers.serializing import deserialize, serialize
    from pycnn.layers.spectral_normalization import SpectralNormalization
    from pycnn.layers.transposed_convolution import (
        Conv1DTranspose,
        Conv2DTranspose,
        Convolution1DTranspose,
        Convolution2DTranspose,
    )
    from pycnn.layers.upsampling import UpSampling1D, UpSampling2D
    from pycnn.layers.wrappers import TimeDistributed, Wrapper

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
    "SpectralNormalization",
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

# Those that are used most come first: a name is looked for in one after the other.
_MODULES = (
    "pycnn.core.layer",
    "pycnn.core.input_spec",
    "input",
    "dense",
    "convolution",
    "pooling",
    "reshaping",
    "activation",
    "dropout",
    "normalization",
    "merging",
    "borders",
    "data_normalization",
    "depthwise_convolution",
    "einsum_dense",
    "embedding",
    "functions",
    "image_colors",
    "image_geometry",
    "image_hues",
    "image_levels",
    "image_mixing",
    "image_policies",
    "image_sizes",
    "random_noise",
    "regularization",
    "residual",
    "sample_normalization",
    "spectral_normalization",
    "transposed_convolution",
    "upsampling",
    "serializing",
    "wrappers",
)
# Classes for `keras.applications` alone.
_FURTHER = ("CustomScaleLayer", "LayerScale")

__getattr__, __dir__ = names_from(__name__, [*__all__, *_FURTHER], _MODULES)

add_layers(
    __name__,
    {
        name: name
        for name in (*__all__, *_FURTHER)
        if name[0].isupper() and name not in ("Input", "InputSpec", "Layer", "Wrapper")
    },
)
