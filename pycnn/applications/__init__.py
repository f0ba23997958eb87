"""Networks for ImageNet as functions that make them: `keras.applications`.

Each network is in the module of its family, with the family's `preprocess_input` and `decode_predictions`.
Beyond Keras, `load_torchvision` makes them as torchvision has them, with the weights of its files.
"""

from __future__ import annotations

from pycnn.core.lazy import names_from

_FAMILIES = {
    "convnext": ("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge"),
    "densenet": ("DenseNet121", "DenseNet169", "DenseNet201"),
    "efficientnet": tuple(f"EfficientNetB{i}" for i in range(8)),
    "efficientnet_v2": tuple(f"EfficientNetV2{kind}" for kind in ("B0", "B1", "B2", "B3", "L", "M", "S")),
    "imagenet_utils": (),
    "inception_resnet_v2": ("InceptionResNetV2",),
    "inception_v3": ("InceptionV3",),
    "mobilenet": ("MobileNet",),
    "mobilenet_v2": ("MobileNetV2",),
    "mobilenet_v3": ("MobileNetV3Large", "MobileNetV3Small"),
    "nasnet": ("NASNetLarge", "NASNetMobile"),
    "resnet": ("ResNet50", "ResNet101", "ResNet152"),
    "resnet50": (),
    "resnet_v2": ("ResNet50V2", "ResNet101V2", "ResNet152V2"),
    "vgg16": ("VGG16",),
    "vgg19": ("VGG19",),
    "xception": ("Xception",),
}
# The module of each network.
FAMILY_OF = {name: family for family, names in _FAMILIES.items() for name in names}

__all__ = [*_FAMILIES, *FAMILY_OF, "load_torchvision"]

__getattr__, __dir__ = names_from(
    __name__,
    __all__,
    {**FAMILY_OF, "load_torchvision": "torchvision"},
    submodules=tuple(_FAMILIES),
)
