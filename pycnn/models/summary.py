"""The table of a model's layers, in Keras' look and as plain text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn.models.functional_config import call_keys

if TYPE_CHECKING:
    from pycnn.core.layer import Layer
    from pycnn.core.variable import Variable
    from pycnn.models.model import Model

_UNITS = ("B", "KB", "MB", "GB", "TB")


def summary_text(
    model: Model,
    line_length: int | None,
    positions: Sequence[float] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Sequence[str] | None,
) -> str:
    """The text that `Model.summary` prints."""
    header, align = ["Layer (type)", "Output Shape", "Param #"], "<<>"
    connected = not _is_chain(model)
    if connected:
        header.append("Connected to")
        align += "<"
    positions = list(positions or ((0.3, 0.56, 0.74, 1.0) if connected else (0.45, 0.80, 1.0)))
    default_length = 108 if connected else 88
    if show_trainable:
        header.append("Trainable")
        align += "^"
        positions = [position * 0.9 for position in positions] + [1.0]
        default_length += 12
    length = line_length or min(default_length, shutil.get_terminal_size().columns - 4)
    widths = _widths(positions, length)
    rows = _rows(model, _in_range(_listed(model), layer_range), 0, expand_nested, connected, show_trainable)
    lines = [
        f'Model: "{model.name}"',
        _rule("┏┳┓", "━", widths),
        *_row(header, widths, align, "┃", bottom=True),
    ]
    lines.append(_rule("┡╇┩", "━", widths))
    for i, row in enumerate(rows):
        lines += [_rule("├┼┤", "─", widths)] if i else []
        lines += _row(row, widths, align, "│", bottom=False)
    lines.append(_rule("└┴┘", "─", widths))
    optimizer_params = _optimizer_params(model)
    trainable, fixed = _count(model.trainable_weights), _count(model.non_trainable_weights)
    totals = [
        ("Total", trainable + fixed + optimizer_params),
        ("Trainable", trainable),
        ("Non-trainable", fixed),
    ] + [("Optimizer", optimizer_params)] * bool(optimizer_params)
    lines += [f" {name} params: {number:,} ({_memory(4 * number)})" for name, number in totals]
    return "\n".join(lines) + "\n"


def _widths(positions: Sequence[float], length: int) -> list[int]:
    """Characters between the bars: columns and two blanks each, shortened evenly until the line fits."""
    ends = [int(position * length) for position in positions]
    widths = [end - start + 2 for start, end in zip([0, *ends], ends, strict=False)]
    if min(widths) < 6:
        raise ValueError(f"`line_length` {length} is too short for a summary")
    excess = sum(widths) + len(widths) + 1 - length
    for i in range(len(widths)):
        cut = round(excess / (len(widths) - i))
        widths[i] -= cut
        excess -= cut
    return widths


def _is_chain(model: Model) -> bool:
    """Whether each layer is called once, on what the one before returned."""
    called = [step.operation for step in model.steps]
    if model.built and len(model.input_layers) > 1:
        return False
    return len(set(called)) == len(called) and all(
        len(step.inputs) == 1 and (before is None or step.inputs[0] is before.output)
        for before, step in zip([None, *model.steps], model.steps, strict=False)
    )


def _rows(
    model: Model, layers: Sequence[Any], level: int, expand: bool, connected: bool, show_trainable: bool
) -> list[list[str]]:
    """The cells of layers of a model, and of those inside them."""
    from pycnn.core.layer import Layer
    from pycnn.models.model import Model

    keys = call_keys(model) if connected and model.built else {}
    shapes = {step.operation: _text([output.shape for output in step.outputs]) for step in model.steps}
    origins: dict[object, list[str]] = {}
    for step in model.steps if connected else ():
        origins.setdefault(step.operation, []).extend(
            "{}[{}][{}]".format(*keys[tensor]) for tensor in step.inputs if tensor in keys
        )
    rows = []
    for layer in layers:
        prefix = "   " * level + "└ " if level else ""
        kind = "Functional" if type(layer) is Model else type(layer).__name__
        cells = [f"{prefix}{layer.name} ({kind})", shapes.get(layer) or _shape(layer)]
        if not isinstance(layer, Layer):  # a function of symbols
            cells.append("0")
        else:
            cells.append(f"{layer.count_params():,}" if layer.built else "0 (unbuilt)")
        if connected:
            cells.append(", ".join(origins.get(layer, ())) or "-")
        if show_trainable:
            weights = isinstance(layer, Layer) and layer.weights
            cells.append("-" if not weights else "Y" if layer.trainable else "N")
        rows.append(cells)
        if expand and isinstance(layer, Model):
            rows += _rows(layer, _listed(layer), level + 1, expand, connected, show_trainable)
    return rows


def _shape(layer: Layer) -> str:
    """The output's shape of a layer that the model has not called: its Input, or it is not built."""
    try:
        return str(layer.output_shape)
    except AttributeError:
        return "?"


def _listed(model: Model) -> list[Any]:
    """What the table has a row for: layers, and functions of symbols among them."""
    from pycnn.models.sequential import Sequential

    return model.layers if isinstance(model, Sequential) or not model.operations else model.operations


def _text(shapes: list[Any]) -> str:
    return str(shapes[0]) if len(shapes) == 1 else ", ".join(map(str, shapes))


def _in_range(layers: Sequence[Layer], layer_range: Sequence[str] | None) -> Sequence[Layer]:
    """From the first layer whose name matches layer_range[0] to the last that matches layer_range[1]."""
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"`layer_range` is {layer_range!r}; expected two names of layers")
    first = [i for i, layer in enumerate(layers) if re.match(layer_range[0], layer.name)]
    last = [i for i, layer in enumerate(layers) if re.match(layer_range[1], layer.name)]
    if not first or not last:
        raise ValueError(
            f"`layer_range` {layer_range!r} matches none of {', '.join(layer.name for layer in layers)}"
        )
    start, stop = sorted((first[0], last[-1]))
    return layers[start : stop + 1]


def _rule(corners: Sequence[str], line: str, widths: Sequence[int]) -> str:
    left, middle, right = tuple(corners)
    return left + middle.join(line * width for width in widths) + right


def _row(cells: Sequence[str], widths: Sequence[int], align: str, bar: str, bottom: bool) -> list[str]:
    columns = [_wrapped(cell, width - 2) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, columns))
    columns = [[""] * (height - len(c)) + c if bottom else c + [""] * (height - len(c)) for c in columns]
    lines = []
    for i in range(height):
        texts = [
            f" {column[i]:{side}{width - 2}} "
            for column, width, side in zip(columns, widths, align, strict=True)
        ]
        lines.append(bar + bar.join(texts) + bar)
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Words on lines of at most `width` characters; a word that is longer is cut."""
    indent = text[: len(text) - len(text.lstrip())]
    lines = [""]
    for word in text.split():
        candidate = f"{lines[-1]} {word}" if lines[-1] else indent + word if len(lines) == 1 else word
        if len(candidate) <= width or not lines[-1]:
            lines[-1] = candidate
        else:
            lines.append(word)
    return [_cut(line, width) for line in lines]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _count(variables: Sequence[Variable]) -> int:
    return sum(variable.size for variable in variables)


def _optimizer_params(model: Model) -> int:
    """Numbers that the optimizer keeps: its state, the count of steps and the learning rate."""
    optimizer = model.optimizer_in_use()
    return 0 if optimizer is None else len(optimizer.core().slot_names) * _count(model.trainable_weights) + 2


def _memory(size: float) -> str:
    for unit in _UNITS[:-1]:
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} {_UNITS[-1]}"
