"""The networks that are timed, each described once: every peer builds them in its own idiom from this.

Images are (height, width, channels). Nothing here imports pycnn or any library: peers run where they are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Union

Shape = tuple[int, ...]


class Conv(NamedTuple):
    """Convolution with square kernels; padding as in Keras: 'valid' or 'same'."""

    filters: int
    size: int = 3
    strides: int = 1
    padding: str = "valid"
    bias: bool = True


class BatchNorm(NamedTuple):
    """Over the channels; Keras' defaults are every peer's: epsilon 1e-3, momentum 0.99."""


class Relu(NamedTuple):
    """max(x, 0)."""


class MaxPool(NamedTuple):
    """Windows of 2x2 that do not overlap, 'valid'."""


class GlobalAverage(NamedTuple):
    """The mean over height and width."""


class Flatten(NamedTuple):
    """One row per image, the channels innermost."""


class Dense(NamedTuple):
    """A layer of so many units, with bias."""

    units: int


class Residual(NamedTuple):
    """body(x) + shortcut(x); an empty shortcut is x itself."""

    body: Sequence[Layer]
    shortcut: Sequence[Layer] = ()


Layer = Union[Conv, BatchNorm, Relu, MaxPool, GlobalAverage, Flatten, Dense, Residual]  # noqa: UP007 (refers to itself)


class Network(NamedTuple):
    """What is built, and how much of it is timed.

    The last layer's outputs are logits: a softmax over the classes follows, or a sigmoid where there is one.
    """

    input: Shape
    layers: Sequence[Layer]
    images: int  # of one timed pass of training
    train: Sequence[int] = (32, 128)  # batch sizes
    infer: Sequence[int] = (1, 32)
    about: str = ""


def _conv_relu(*filters: int, padding: str = "same") -> list[Layer]:
    return [layer for count in filters for layer in (Conv(count, padding=padding), Relu())]


def _conv_bn(filters: int, strides: int = 1, size: int = 3) -> list[Layer]:
    return [Conv(filters, size, strides, "same", bias=False), BatchNorm()]


def _residual(filters: int, strides: int = 1) -> list[Layer]:
    body = [*_conv_bn(filters, strides), Relu(), *_conv_bn(filters)]
    return [Residual(body, _conv_bn(filters, strides, 1) if strides > 1 else ()), Relu()]


def _resnet(blocks: int) -> list[Layer]:
    layers: list[Layer] = [*_conv_bn(16), Relu()]
    for filters in (16, 32, 64):
        for block in range(blocks):
            layers += _residual(filters, 2 if block == 0 and filters > 16 else 1)
    return [*layers, GlobalAverage(), Dense(10)]


def _convbn6() -> list[Layer]:
    layers: list[Layer] = []
    for filters in (32, 64, 128):
        layers += [*_conv_bn(filters), Relu(), *_conv_bn(filters), Relu(), MaxPool()]
    return [*layers, Flatten(), Dense(10)]


def _pictures() -> list[Layer]:
    layers: list[Layer] = []
    for filters in (16, 32, 64, 64, 64):
        layers += [*_conv_relu(filters, padding="valid"), MaxPool()]
    return [*layers, Flatten(), Dense(512), Relu(), Dense(1)]


NETWORKS = {
    "deck": Network(
        (28, 28, 1),
        [
            *_conv_relu(64, padding="valid"), MaxPool(), *_conv_relu(64, padding="valid"), MaxPool(),
            Flatten(), Dense(128), Relu(), Dense(10),
        ],
        images=4096, train=(1, 32, 128, 512), infer=(1, 32, 128, 512),
        about="what `pycnn train` trains: two 3x3 convolutions of 64 filters, each with a max-pooling",
    ),
    "lenet5": Network(
        (28, 28, 1),
        [
            Conv(6, 5, padding="same"), Relu(), MaxPool(), Conv(16, 5), Relu(), MaxPool(),
            Flatten(), Dense(120), Relu(), Dense(84), Relu(), Dense(10),
        ],
        images=4096,
        about="LeNet-5 with ReLU and max-pooling: 5x5 convolutions of 6 and 16 filters",
    ),
    "convbn6": Network(
        (28, 28, 1), _convbn6(), images=1024,
        about="six 3x3 convolutions of 32, 32, 64, 64, 128, 128 filters with batch normalization",
    ),
    "vgg": Network(
        (32, 32, 3),
        [
            *_conv_relu(64, 64), MaxPool(), *_conv_relu(128, 128), MaxPool(),
            *_conv_relu(256, 256), MaxPool(),
            Flatten(), Dense(256), Relu(), Dense(10),
        ],
        images=256,
        about="VGG's form for pictures of 32x32: six 3x3 convolutions of 64, 64, 128, 128, 256, 256 filters",
    ),
    "pictures": Network(
        (300, 300, 3), _pictures(), images=64, train=(16, 32),
        about="five pairs of 3x3 convolution and max-pooling on 300x300 pictures, one sigmoid at the end",
    ),
    "resnet20": Network(
        (32, 32, 3), _resnet(3), images=512,
        about="ResNet-20 for pictures of 32x32: nine residual blocks with batch normalization",
    ),
}  # fmt: skip


class Application(NamedTuple):
    """A network for ImageNet that libraries have themselves, or read from a file of ONNX."""

    input: Shape
    train: Sequence[int] = ()  # batch sizes
    infer: Sequence[int] = (1, 8)
    torchvision: bool = False  # in the form that torchvision has, not in that of Keras


# By the names in keras.applications and torchvision.models.
APPLICATIONS = {
    "InceptionV3": Application((299, 299, 3), train=(8,)),
    "ResNet50": Application((224, 224, 3), train=(8,)),
    "MobileNetV2": Application((224, 224, 3)),
    "VGG16": Application((224, 224, 3)),
    "DenseNet121": Application((224, 224, 3)),
    "EfficientNetB0": Application((224, 224, 3)),
    "Xception": Application((299, 299, 3)),
    "inception_v3": Application((299, 299, 3), train=(8,), infer=(), torchvision=True),
    "resnet50": Application((224, 224, 3), train=(8,), infer=(), torchvision=True),
}


class Step(NamedTuple):
    """A layer at its place: the shapes of one image before and behind it."""

    layer: Layer
    before: Shape
    after: Shape


def output_shape(layer: Layer, shape: Shape) -> Shape:
    """The shape behind a layer."""
    if isinstance(layer, Residual):
        for inner in layer.body:
            shape = output_shape(inner, shape)
        return shape
    if isinstance(layer, Conv):
        sizes = [side if layer.padding == "same" else side - layer.size + 1 for side in shape[:2]]
        return (*(-(-side // layer.strides) for side in sizes), layer.filters)
    if isinstance(layer, MaxPool):
        return (shape[0] // 2, shape[1] // 2, shape[2])
    if isinstance(layer, Flatten):
        return (shape[0] * shape[1] * shape[2],)
    if isinstance(layer, Dense):
        return (layer.units,)
    return shape[-1:] if isinstance(layer, GlobalAverage) else shape


def top_steps(layers: Sequence[Layer], shape: Shape) -> Iterator[Step]:
    """The layers in order, a residual block as one."""
    for layer in layers:
        after = output_shape(layer, shape)
        yield Step(layer, shape, after)
        shape = after


def steps(layers: Sequence[Layer], shape: Shape) -> Iterator[Step]:
    """All layers in order; of a residual block those of its body, then those of its shortcut."""
    for step in top_steps(layers, shape):
        if isinstance(step.layer, Residual):
            yield from steps(step.layer.body, step.before)
            yield from steps(step.layer.shortcut, step.before)
        else:
            yield step


def weight_shapes(network: Network) -> list[tuple[str, Shape]]:
    """Kinds and shapes of all weights, in the order of `steps`.

    Kernels are (height, width, in, out) or (in, out); batch normalization has gamma, beta, mean and variance.
    """
    shapes: list[tuple[str, Shape]] = []
    for layer, before, _ in steps(network.layers, network.input):
        if isinstance(layer, Conv):
            shapes.append(("kernel", (layer.size, layer.size, before[-1], layer.filters)))
            shapes += [("bias", (layer.filters,))] if layer.bias else []
        elif isinstance(layer, Dense):
            shapes += [("kernel", (before[-1], layer.units)), ("bias", (layer.units,))]
        elif isinstance(layer, BatchNorm):
            shapes += [(kind, before[-1:]) for kind in ("gamma", "beta", "mean", "variance")]
    return shapes


def flops(network: Network) -> dict[str, int]:
    """Operations of one image, two for each multiplication and addition, in convolutions and dense layers.

    Training adds the gradients of all weights, and of the inputs of all layers but the first.
    """
    counts = []
    for layer, before, after in steps(network.layers, network.input):
        if isinstance(layer, Conv):
            counts.append(2 * after[0] * after[1] * layer.size**2 * before[-1] * layer.filters)
        elif isinstance(layer, Dense):
            counts.append(2 * before[-1] * layer.units)
    return {"infer": sum(counts), "train": 3 * sum(counts) - counts[0]}
