"""Networks with weights from torchvision, in the form that they have there."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pycnn import layers
from pycnn.applications.building import Application, Arguments, Counterpart, bound_arguments
from pycnn.core.layer import Layer
from pycnn.core.variable import Variable
from pycnn.layers.residual import LayerScale
from pycnn.models import Model
from pycnn.saving.files import path_string
from pycnn.saving.in_torch import Stored, opened_state_dict
from pycnn.saving.number_formats import FLOATS
from pycnn.saving.restoring import Restoring

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]
    Turn: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]

_MOST_NAMES = 5  # in a message
# Arguments that are not taken, and what they are. Layers before an input_tensor could have weights, too.
_FIXED = {"weights": None, "input_tensor": None, "include_preprocessing": False, "minimalistic": False}


def load_torchvision(network: str, filepath: str | os.PathLike[str], **arguments: Any) -> Model:
    """A network as torchvision has it, with the weights of a file that PyTorch saved.

    Layers have Keras' names, but where torchvision's network differs from Keras', it is torchvision's:
    convolutions with strides are padded alike on all sides, ResNets have their strides in the 3 x 3
    convolutions and no biases before normalizations, normalizations have torchvision's epsilon, and
    averages in Inception v3 count the zeros around a picture. So outputs are those of torchvision.

    Pixels are to be as torchvision's networks expect them, for every network here:
    `keras.applications.imagenet_utils.preprocess_input(x, mode="torch")`. No network scales them by itself.

    What acts in training alone (Dropout, stochastic depth, the momentum of batch normalization) is as in
    Keras.

    Args:
        network: name of a function here or in torchvision.models: "ResNet50" or "resnet50". Those that both
            have: VGG16 and 19, ResNet50, 101 and 152, InceptionV3, DenseNet121, 169 and 201, MobileNetV2,
            MobileNetV3Small and Large, EfficientNetB0 to B7, EfficientNetV2S, M and L, ConvNeXtTiny, Small,
            Base and Large.
        filepath: of `torch.save(model.state_dict(), "x.pth")`, or of
            `safetensors.torch.save_file(model.state_dict(), "x.safetensors")`. Nothing in a file is executed.
            The formats of floats are turned into float32.
        arguments: those of the network's function here, by name, but for `weights` and `input_tensor` (call
            the model on the symbol instead): `include_top=False`, `classes=10`, `input_shape`,
            `classifier_activation=None` for logits. For InceptionV3 also
            `transform_input=False`, for weights that were trained with pixels from -1 to 1; torchvision's
            own weights need True, the default.

    Returns:
        A model. The weights of Inception's auxiliary head are left out, those of the classifier too where
        `include_top` is False.

    Raises:
        FileNotFoundError: if there is no such file.
        TypeError, ValueError: if an argument is wrong, torchvision has no such network, the file is damaged
            or something else than a dict of tensors, or its tensors are not those of the network.

    Example:
        >>> import pycnn as keras
        >>> keras.applications.load_torchvision("resnet50", "resnet50-0676ba61.pth")
        Traceback (most recent call last):
        FileNotFoundError: There is no file 'resnet50-0676ba61.pth'
    """
    path = path_string(filepath)
    application, counterpart = _found(network)
    given = _arguments(application, counterpart, arguments)
    with opened_state_dict(path) as tensors:
        model = application.build(given)
        restoring = _restoring(path, model, counterpart, _renamed(path, tensors, counterpart), given.classes)
        restoring.into_new_model()
    return model


def build(network: str, **arguments: Any) -> Model:
    """The network in torchvision's form, with random weights; arguments as of `load_torchvision`."""
    application, counterpart = _found(network)
    return application.build(_arguments(application, counterpart, arguments))


def state_dict(network: str, model: Model) -> dict[str, F32]:
    """The weights of such a model as torchvision names and orders them."""
    counterpart = _found(network)[1]
    modules, found = dict(counterpart.modules(model)), {}
    for layer in _with_weights(model):
        for end, each in _parts(layer, layer.name in counterpart.linear):
            numbers = np.arange(each.variable.size).reshape(each.shape)  # where each one goes
            turned = np.empty(each.variable.size, np.float32)
            turned[each.turn(numbers).reshape(-1)] = each.variable.numpy().reshape(-1)
            found[f"{modules[layer.name]}{end}"] = turned.reshape(each.shape)
    return found


def _found(network: Any) -> tuple[Application, Counterpart]:
    """What makes the network of that name, and what torchvision has."""
    from pycnn.applications import FAMILY_OF

    if not isinstance(network, str):
        raise TypeError(
            f"load_torchvision: `network` is {network!r:.100}; expected a name, such as 'ResNet50'"
        )
    plain = network.lower().replace("_", "")
    name = next((name for name in FAMILY_OF if name.lower() == plain), None)
    if name is not None:
        application = _application(name)
        if application.counterpart is not None:
            return application, application.counterpart
    known = [name for name in FAMILY_OF if _application(name).counterpart is not None]
    raise ValueError(
        f"load_torchvision: `network` is {network!r:.100}, which "
        f"{'keras.applications' if name is None else 'torchvision'} does not have; expected one of "
        f"{', '.join(known)}"
    )


def _application(name: str) -> Application:
    from pycnn.applications import FAMILY_OF

    function = getattr(import_module(f"pycnn.applications.{FAMILY_OF[name]}"), name)
    application: Application = function.application
    return application


def _arguments(application: Application, counterpart: Counterpart, arguments: dict[str, Any]) -> Arguments:
    kind = inspect.Parameter.KEYWORD_ONLY
    defaults = {key: each.default for key, each in application.signature.parameters.items()}
    own = {key: value for key, value in (defaults | dict(counterpart.options)).items() if key not in _FIXED}
    signature = inspect.Signature([inspect.Parameter(key, kind, default=own[key]) for key in own])
    bound = bound_arguments(f"load_torchvision: {application.name}", signature, **arguments)
    return Arguments(**_FIXED, **bound, torchvision=True)


def _renamed(path: str, tensors: Mapping[str, Stored], counterpart: Counterpart) -> dict[str, Stored]:
    renamed = {counterpart.renamed(name): tensor for name, tensor in tensors.items()}
    if len(renamed) < len(tensors):
        raise ValueError(f"{path!r} has weights under an old and a new name")
    return renamed


# --- from tensors to weights --------------------------------------------------------------------------------
class _Expected(NamedTuple):
    """What the file should have for a weight."""

    variable: Variable
    shape: tuple[int, ...]
    turn: Turn  # from the tensor to the weight


class _Turned:
    """A tensor of the file in the order of axes that the weight has."""

    def __init__(self, tensor: Stored, expected: _Expected) -> None:
        self.shape = expected.variable.shape
        self._tensor = tensor
        self._turn = expected.turn

    def read_into(self, array: F32) -> None:
        values = np.empty(self._tensor.shape, np.float32)
        self._tensor.read_into(values)
        array[...] = self._turn(values)


def _restoring(
    path: str, model: Model, counterpart: Counterpart, tensors: Mapping[str, Stored], classes: int
) -> Restoring:
    """What is to be read into the model; ValueError unless the file has just that."""
    modules = dict(counterpart.modules(model))
    expected: dict[str, _Expected] = {}
    for layer in _with_weights(model):
        module = modules.pop(layer.name)
        expected |= {f"{module}{end}": each for end, each in _parts(layer, layer.name in counterpart.linear)}
    _check_names(path, counterpart, set(expected), tensors, (*modules.values(),))
    restoring = Restoring()
    for name, each in expected.items():
        tensor = tensors[name]
        if tensor.number_format not in FLOATS:
            raise ValueError(
                f"{path!r}: {name!r} holds {tensor.number_format}; expected {' or '.join(FLOATS)}"
            )
        if tensor.shape != each.shape:
            raise ValueError(
                f"{path!r}: {name!r} has shape {tensor.shape}; in {counterpart.name} with classes={classes} "
                f"and pictures of {model.input_shape[1:]} it has {each.shape}"
            )
        restoring.add(each.variable, _Turned(tensor, each))
    return restoring


def _check_names(
    path: str,
    counterpart: Counterpart,
    expected: set[str],
    tensors: Mapping[str, Stored],
    without: tuple[str, ...],
) -> None:
    """ValueError unless the file has the weights of the network, and no others that torchvision has not."""
    ignored = tuple(f"{module}." for module in without) + counterpart.left_out
    lacking = [name for name in expected if name not in tensors]
    others = [
        name
        for name in tensors
        if name not in expected and not name.startswith(ignored) and not name.endswith(".num_batches_tracked")
    ]
    if lacking or others:
        parts = [
            f"{what} {_listed(names)}"
            for what, names in (("lacks", lacking), ("has in addition", others))
            if names
        ]
        raise ValueError(
            f"{path!r} does not have the weights of torchvision's {counterpart.name}: it "
            f"{' and '.join(parts)}"
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(f"{name!r:.80}" for name in sorted(names)[:_MOST_NAMES]) + more


def _with_weights(model: Any) -> Iterator[Layer]:
    """The layers with weights, those of models inside included."""
    for layer in model.layers:
        if isinstance(layer, Model):
            yield from _with_weights(layer)
        elif layer.has_weights:
            yield layer


def _parts(layer: Any, linear: bool) -> Iterator[tuple[str, _Expected]]:
    """The weights of a layer, each with the end of its name in torchvision."""
    if isinstance(layer, LayerScale):  # (channels, 1, 1) there
        yield "", _Expected(layer.gamma, (*layer.gamma.shape, 1, 1), lambda x: x[:, 0, 0])
        return
    if isinstance(layer, (layers.BatchNormalization, layers.LayerNormalization)):
        names = {"weight": "gamma", "bias": "beta"}
        if isinstance(layer, layers.BatchNormalization):
            names |= {"running_mean": "moving_mean", "running_var": "moving_variance"}
        vectors = {end: getattr(layer, name) for end, name in names.items()}
    else:
        yield ".weight", _kernel(layer, linear)
        vectors = {"bias": layer.bias}
    for end, variable in vectors.items():
        if variable is not None:
            yield f".{end}", _Expected(variable, variable.shape, lambda x: x)


def _kernel(layer: Any, linear: bool) -> _Expected:
    """Kernels there: (outputs, inputs, height, width), dense ones (outputs, inputs)."""
    kernel = layer.kernel
    if isinstance(layer, layers.DepthwiseConv2D):
        height, width, channels, _ = kernel.shape  # one output of each channel
        return _Expected(kernel, (channels, 1, height, width), lambda x: x.transpose(2, 3, 0, 1))
    if isinstance(layer, layers.Conv2D):
        if linear:
            return _Expected(kernel, kernel.shape[:1:-1], lambda x: x.T[None, None])
        height, width, inputs, outputs = kernel.shape
        return _Expected(kernel, (outputs, inputs, height, width), lambda x: x.transpose(2, 3, 1, 0))
    flat = _flattened(layer)
    if flat is None:
        return _Expected(kernel, kernel.shape[::-1], lambda x: x.T)
    height, width, channels = flat
    return _Expected(
        kernel,
        kernel.shape[::-1],
        lambda x: x.reshape(-1, channels, height, width).transpose(2, 3, 1, 0).reshape(kernel.shape),
    )


def _flattened(layer: Any) -> tuple[int, ...] | None:
    """The shape of the feature maps that a dense layer gets in a row: there the channels come first in it."""
    node = layer.input.node
    if node is not None and isinstance(node.operation, layers.Flatten):
        shape: tuple[int, ...] = node.inputs[0].sample_shape
        return shape if len(shape) == 3 else None
    return None
