"""From a network's table to a model: what the functions of `keras.applications` have in common."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pycnn import activations, layers
from pycnn.applications.published import File, fetched
from pycnn.core.arguments import as_int
from pycnn.core.data_format import image_data_format
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

if TYPE_CHECKING:
    Size: TypeAlias = int | None
    ImageShape: TypeAlias = tuple[Size, Size, Size]


class Arguments(SimpleNamespace):
    """What a network's function was called with; a family's further arguments are attributes, too."""

    include_top: bool
    weights: str | os.PathLike[str] | None
    input_tensor: KerasTensor | None
    input_shape: Sequence[Size] | None
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str | None
    shape: ImageShape  # of a picture; None for sizes that no argument says
    size: Size  # its height
    torchvision: bool  # whether the network is to be as torchvision has it, and not as Keras has it


class Counterpart(NamedTuple):
    """The same network in torchvision."""

    name: str  # of the function in torchvision.models
    # From a model to the names of its layers, each with the name of the module that has its weights there.
    modules: Callable[[Any], Iterable[tuple[str, str]]]
    left_out: tuple[str, ...] = ()  # how the names of modules begin that are only there
    linear: tuple[str, ...] = ()  # convolutions here that are dense layers there
    options: Mapping[str, Any] = {}  # arguments of torchvision's form alone, with their defaults
    renamed: Callable[[str], str] = str  # from the names of weights in old files to today's


class Application(NamedTuple):
    """What a network's function is made of."""

    name: str
    signature: inspect.Signature
    build: Callable[[Arguments], Model]
    counterpart: Counterpart | None


Body: TypeAlias = Callable[[KerasTensor, Any], KerasTensor]

ORDER = (
    "include_top", "weights", "input_tensor", "input_shape", "pooling", "classes", "classifier_activation",
    "name",
)  # fmt: skip
SHAPE_FIRST = (
    "input_shape", "include_top", "weights", "input_tensor", "pooling", "classes", "classifier_activation",
    "name",
)  # fmt: skip
_DEFAULTS = {
    "include_top": True,
    "weights": "imagenet",
    "input_tensor": None,
    "input_shape": None,
    "pooling": None,
    "classes": 1000,
    "classifier_activation": "softmax",
}
_EXPLAINED = {
    "include_top": "whether the network ends with its classifier.",
    "weights": "'imagenet' for the published ones, which are downloaded once; None for random ones; or the\n"
    "            path of a file.",
    "input_tensor": "a symbol to start from, instead of a new Input.",
    "input_shape": "(height, width, channels); None for {size} x {size} pixels of 3 channels.",
    "pooling": "what ends a network without its classifier: None for the last feature maps, or 'avg' or\n"
    "            'max' of each of them.",
    "classes": "number of outputs of the classifier.",
    "classifier_activation": "of the classifier; None for logits.",
    "name": "of the model.",
    "alpha": "factor of the number of filters.",
    "depth_multiplier": "outputs of the depthwise convolutions for each channel.",
    "dropout": "fraction of the features that the classifier's Dropout takes away.",
    "dropout_rate": "fraction of the features that the classifier's Dropout takes away.",
    "minimalistic": "whether squeeze-and-excitation, hard-swish and 5 x 5 windows are left out.",
    "include_preprocessing": "whether the network scales pixels by itself.",
}
_DOCUMENTATION = """{summary}

    Args:
{arguments}

    Returns:
        A model. Its sizes are fixed: other pictures need another `input_shape`.

    Raises:
        TypeError, ValueError: if an argument is wrong, or does not fit the weights.
        FileNotFoundError: if the weights are not on this machine and could not be downloaded; the message
            says which file to put where.

    Example:
        >>> import pycnn as keras
        >>> base = keras.applications.{name}(weights=None, include_top=False, pooling="avg")
        >>> base.output_shape
        (None, {features})
    """


def application(
    name: str,
    default_name: str | None,
    features: Body,
    *,
    summary: str,
    outputs: int,
    imagenet: Callable[[Any], File],
    size: int = 224,
    smallest: int = 32,
    published_sizes: Sequence[int] = (),
    sized_by_tensor: bool = False,
    top: Body | None = None,
    after_pooling: Callable[[KerasTensor], KerasTensor] | None = None,
    named_pooling: bool = False,
    options: Mapping[str, Any] | None = None,
    order: Sequence[str] = ORDER,
    check: Callable[[Any], None] | None = None,
    naming: Callable[[Any], str] | None = None,
    any_size: bool = False,
    torchvision: Counterpart | None = None,
) -> Callable[..., Model]:
    """The public function of a network.

    Args:
        name: of the function.
        default_name: of its models.
        features: from the input and the arguments to the last feature maps.
        summary: first lines of its documentation.
        outputs: number of the last feature maps.
        imagenet: the file of the published weights, from the arguments.
        size: height and width of pictures in pixels where no `input_shape` is given.
        smallest: the least height and width.
        published_sizes: heights and widths for which there are weights, besides `size`.
        sized_by_tensor: whether such a size may be that of `input_tensor`.
        top: from feature maps and arguments to probabilities; None for `classifier`.
        after_pooling: what ends the network without a classifier, after pooling.
        named_pooling: whether that pooling layer is called avg_pool or max_pool.
        options: the family's further arguments, with their defaults.
        order: of all arguments.
        check: raises where the family's own arguments are wrong.
        naming: the model's name from the arguments, where none is given.
        any_size: whether the published weights are for pictures of all sizes, with the classifier too.
        torchvision: the network in torchvision, if it has it.
    """
    defaults = {**_DEFAULTS, "name": default_name, **(options or {})}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(key, kind, default=defaults[key]) for key in order])

    def make(*args: Any, **kwargs: Any) -> Model:
        return build(Arguments(**bound_arguments(name, signature, *args, **kwargs), torchvision=False))

    def build(given: Arguments) -> Model:
        _check(name, given)
        asked = given.input_shape
        if asked is None and sized_by_tensor and isinstance(given.input_tensor, KerasTensor):
            asked = given.input_tensor.sample_shape
        default = _default_size(asked, size, published_sizes)
        given.shape = shape = _input_shape(given, default, smallest, any_size)
        given.size = shape[0]
        if check is not None:
            check(given)
        model_name = given.name
        if model_name is None and naming is not None:
            model_name = naming(given)
        x = _input(name, given, shape, default)
        path = fetched(imagenet(given), name) if given.weights == "imagenet" else given.weights
        sources: Any = _sources(x)
        y = features(x, given)
        if given.include_top:
            y = (top or classifier)(y, given)
        else:
            y = _pooled(y, given.pooling, named_pooling)
            y = after_pooling(y) if after_pooling is not None else y
        model = Model(sources[0] if len(sources) == 1 else sources, y, name=model_name)
        if path is not None:
            model.load_weights(path)
        return model

    make.__name__ = make.__qualname__ = name
    make.__module__ = features.__module__
    make.__signature__ = signature  # type: ignore[attr-defined]
    make.application = Application(name, signature, build, torchvision)  # type: ignore[attr-defined]
    make.__doc__ = _DOCUMENTATION.format(
        summary=summary,
        arguments="\n".join(f"        {key}: {_EXPLAINED[key].format(size=size)}" for key in order),
        name=name,
        features=outputs,
    )
    return make


def bound_arguments(name: str, signature: inspect.Signature, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call, with defaults; TypeError where they are not those of the signature."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


def classifier(x: KerasTensor, given: Any) -> Any:
    """The mean of each feature map, and a dense layer."""
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return layers.Dense(given.classes, activation=given.classifier_activation, name="predictions")(x)


def check_tensor_size(given: Any) -> None:
    """ValueError if `input_tensor` is of another width than `input_shape`."""
    tensor = given.input_tensor
    if tensor is not None and given.input_shape is not None and tensor.shape[2] != given.input_shape[1]:
        raise ValueError(
            f"`input_tensor.shape[2]` must equal `input_shape[1]`; received `input_tensor.shape="
            f"{tensor.shape}`, `input_shape={tuple(given.input_shape)}`"
        )


def downsampling_padding(
    x: KerasTensor, kernel_size: int, torchvision: bool = False
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The zeros before a convolution of stride 2 with padding 'valid'.

    In Keras as many as those of 'same', on other sides; in torchvision as many on each side.
    """
    half = kernel_size // 2
    if torchvision:
        return (half, half), (half, half)
    height, width = (half - 1 + length % 2 for length in x.sample_shape[:2])
    return (height, half), (width, half)


def divisible(filters: float, divisor: int = 8) -> int:
    """The number of filters rounded to a multiple of `divisor`, not more than a tenth below."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


# --- arguments ----------------------------------------------------------------------------------------------
def _check(network: str, given: Arguments) -> None:
    if image_data_format() != "channels_last":
        raise ValueError(
            f"{network} is made for 'channels_last' only: call "
            f"keras.backend.set_image_data_format('channels_last') first"
        )
    weights = given.weights
    if isinstance(weights, (str, os.PathLike)) and os.fspath(weights).endswith((".pth", ".pt")):
        raise ValueError(
            f"{network}: `weights` is {weights!r}, a file of PyTorch; call keras.applications."
            f"load_torchvision({network!r}, {os.fspath(weights)!r}), as torchvision's networks are others"
        )
    if weights is not None and weights != "imagenet" and not _is_file(weights):
        raise ValueError(
            f"{network}: `weights` is {weights!r}; expected None (random ones), 'imagenet', or the path of a "
            f"file that is there"
        )
    given.classes = as_int(f"{network}: classes", given.classes, 1)
    if weights == "imagenet" and given.include_top and given.classes != 1000:
        raise ValueError(
            f"{network}: `classes` is {given.classes}; with weights='imagenet' and include_top=True "
            f"it should be 1000. For classes of your own take include_top=False and add a layer"
        )
    if given.include_top and weights is not None:
        allowed = (activations.get("softmax"), activations.get(None))
        if activations.get(given.classifier_activation) not in allowed:
            raise ValueError(
                f"{network}: `classifier_activation` is {given.classifier_activation!r}; pretrained weights "
                f"with include_top=True need 'softmax' or None"
            )
    if given.pooling not in (None, "avg", "max"):
        raise ValueError(f"{network}: `pooling` is {given.pooling!r}; expected None, 'avg' or 'max'")


def _is_file(path: Any) -> bool:
    return isinstance(path, (str, os.PathLike)) and os.path.exists(path)


def _default_size(shape: Any, size: int, published: Sequence[int]) -> int:
    """Height and width of pictures: those asked for, where there are weights for them."""
    if published and isinstance(shape, Sequence) and len(shape) > 1 and shape[0] == shape[1]:
        return next((each for each in published if each == shape[0]), size)
    return size


def _input_shape(given: Arguments, size: int, smallest: int, any_size: bool) -> ImageShape:
    """The shape of a picture, checked as Keras does; None for sizes that nothing says."""
    shape, pretrained = given.input_shape, given.weights == "imagenet"
    if shape is None:
        return (size, size, 3) if given.include_top and not any_size else (None, None, 3)
    if isinstance(shape, str) or not isinstance(shape, Sequence) or len(shape) != 3:
        raise ValueError(f"`input_shape` must be a tuple of three integers: it is {shape!r}")
    if None in shape:
        raise ValueError(
            f"`input_shape` is {tuple(shape)}: sizes that vary (None) are not supported; expected the height "
            f"and width of the pictures, such as ({size}, {size}, 3)"
        )
    height, width, channels = (as_int("`input_shape`", length, 1) for length in shape)
    if not pretrained and channels not in (1, 3):
        warnings.warn(
            f"This model usually expects 1 or 3 input channels. However, it was passed an input_shape with "
            f"{channels} input channels.",
            stacklevel=3,
        )
    if pretrained and given.include_top and not any_size and (height, width, channels) != (size, size, 3):
        raise ValueError(
            f"When setting `include_top=True` and loading `imagenet` weights, `input_shape` should be "
            f"{(size, size, 3)}. Received: input_shape={tuple(shape)}"
        )
    if pretrained and channels != 3:
        raise ValueError(f"The input must have 3 channels; received `input_shape={tuple(shape)}`")
    if min(height, width) < smallest:
        raise ValueError(
            f"Input size must be at least {smallest}x{smallest}; received: input_shape={tuple(shape)}"
        )
    return height, width, channels


# --- ends ---------------------------------------------------------------------------------------------------
def _input(network: str, given: Arguments, shape: ImageShape, size: int) -> Any:
    tensor = given.input_tensor
    if tensor is None:
        return layers.Input(tuple(length or size for length in shape))
    if not isinstance(tensor, KerasTensor):
        raise TypeError(
            f"{network}: `input_tensor` is {tensor!r:.100}; expected a symbol, what Input or a layer returns"
        )
    if len(tensor.shape) != 4:
        raise ValueError(
            f"{network}: `input_tensor` has shape {tensor.shape}; expected (None, height, width, channels)"
        )
    return tensor


def _sources(x: KerasTensor) -> list[KerasTensor]:
    """The symbols of the Inputs that a symbol is computed from."""
    found: dict[KerasTensor, None] = {}
    seen = set()
    stack = [x]
    while stack:
        symbol = stack.pop()
        if symbol in seen or symbol.is_leaf:
            continue
        seen.add(symbol)
        if symbol.node is None or not symbol.node.inputs:
            found[symbol] = None
        else:
            stack.extend(reversed(symbol.node.inputs))
    return list(found)


def _pooled(x: KerasTensor, pooling: str | None, named: bool) -> Any:
    if pooling is None:
        return x
    kind = layers.GlobalAveragePooling2D if pooling == "avg" else layers.GlobalMaxPooling2D
    return kind(name=f"{pooling}_pool" if named else None)(x)
