"""Transposed convolutions of images (h, w, c), made of ordinary ones.

y[o] = b + sum over i, t with i s + t d = o + crop of x[i] w[t], on each axis. The outputs o with one rest of
o + crop by the stride s see every s-th tap only. So one convolution of ceil(k / s) taps on each axis makes
all rests, as s * s * filters channels, which then go to their places: Shi et al., Is the deconvolution layer
the same as a convolutional layer?, arXiv:1609.07009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pycnn.core.operations.convolution import convolved
from pycnn.core.operations.nodes import broadcasted, reshaped, strides_of, viewed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pycnn.core.operations.value import Value

    Pair = tuple[int, int]


class Output(NamedTuple):
    """One axis of the output: `size` places of the whole sum, from `crop` on, zeros beyond its end."""

    crop: int
    size: int


def output_of(
    name: str, size: int, taps: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> Output:
    """One axis of the output, as Keras has it; ValueError where nothing is left."""
    reach = (taps - 1) * dilation + 1
    if padding == "valid":
        beyond = max(stride - reach, 0) if output_padding is None else output_padding
        return Output(0, (size - 1) * stride + reach + beyond)
    # Zeros around the input that is spread by the stride; without padding they are reach - 1 on both sides.
    zeros = stride + reach - 2 if output_padding is None else reach + reach % 2 - 2 + output_padding
    before = min((zeros + 1) // 2, reach - 1)
    found = Output(reach - 1 - before, (size - 1) * stride + 1 + zeros - (reach - 1))
    if found.size < 1:
        raise ValueError(
            f"{name}: padding 'same' with output_padding {output_padding} leaves no output of {size} pixels"
        )
    return found


class _Axis(NamedTuple):
    """One axis of the convolution that makes the output."""

    stride: int
    taps: int
    dilation: int
    padding: Pair
    start: int  # of the output in what the convolution makes
    size: int


def _axis(size: int, taps: int, stride: int, dilation: int, output: Output) -> _Axis:
    crop, outputs = output
    if stride == 1:
        reach = (taps - 1) * dilation + 1
        before = reach - 1 - crop
        return _Axis(1, taps, dilation, (before, max(outputs + reach - 1 - size - before, 0)), 0, outputs)
    parts = -(-taps // stride)
    first, last = crop // stride, (crop + outputs - 1) // stride
    padding = parts - 1 - first, max(last - (size - 1), 0)
    return _Axis(stride, parts, 1, padding, crop - first * stride, outputs)


def transposed_convolution(
    x: Value,
    kernel: Value,
    bias: Value | None = None,
    *,
    strides: Pair,
    padding: str,
    output_padding: Sequence[int | None],
    dilation: Pair = (1, 1),
    precision: str = "float32",
    activate: Callable[[Value], Value] | None = None,
) -> Value:
    """The transposed convolution with a kernel (kh, kw, filters, c), and an activation element by element."""
    window = kernel.sample[:2]
    outputs = [
        output_of(x.name, *axis)
        for axis in zip(x.sample, window, strides, dilation, (padding, padding), output_padding, strict=False)
    ]
    if any(s > 1 and d > 1 for s, d in zip(strides, dilation, strict=True)):
        kernel, dilation = _spread(kernel, dilation), (1, 1)
    h, w = (
        _axis(*axis) for axis in zip(x.sample, kernel.sample[:2], strides, dilation, outputs, strict=False)
    )
    filters = kernel.sample[2]
    if bias is not None:
        bias = reshaped(broadcasted(bias, (h.stride * w.stride, filters)), (h.stride * w.stride * filters,))
    y = convolved(
        x,
        _in_parts(kernel, h, w),
        bias,
        padding=(h.padding, w.padding),
        dilation=(h.dilation, w.dilation),
        precision=precision,
    )
    y = _to_places(activate(y) if activate else y, h.stride, w.stride, filters)
    offset = h.start * y.sample[1] * filters + w.start * filters
    return viewed(y, (h.size, w.size, filters), strides_of(y.sample), offset)


def _spread(kernel: Value, dilation: Pair) -> Value:
    """A kernel with zeros between its taps instead of the dilation."""
    kh, kw, filters, c = kernel.sample
    shape = ((kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1, filters, c)
    steps = strides_of(shape)
    steps = [steps[0] * dilation[0], steps[1] * dilation[1], *steps[2:]]
    return kernel.then(
        kernel.graph.scatter(kernel.node, shape=shape, offset=0, strides=steps, name=kernel.name)
    )


def _in_parts(kernel: Value, h: _Axis, w: _Axis) -> Value:
    """A kernel (kh, kw, filters, c) as (taps, taps, c, stride * stride * filters), reversed."""
    filters, c = kernel.sample[2:]
    shape = (h.taps * h.stride, w.taps * w.stride, filters, c)
    steps = strides_of(shape)
    if shape != kernel.sample:
        graph = kernel.graph
        kernel = kernel.then(
            graph.scatter(kernel.node, shape=shape, offset=0, strides=steps, name=kernel.name)
        )
    down, right = h.stride * steps[0], w.stride * steps[1]
    parts = viewed(
        kernel,
        (h.taps, w.taps, c, h.stride, w.stride, filters),
        (-down, -right, 1, steps[0], steps[1], c),
        (h.taps - 1) * down + (w.taps - 1) * right,
    )
    return reshaped(parts, (h.taps, w.taps, c, h.stride * w.stride * filters))


def _to_places(y: Value, down: int, right: int, filters: int) -> Value:
    """Pixels (h, w, down * right * filters) as an image (h * down, w * right, filters)."""
    h, w = y.sample[:2]
    if down == 1:
        return reshaped(y, (h, w * right, filters))
    row = w * down * right * filters
    steps = (row, right * filters, down * right * filters, filters, 1)
    places = viewed(y, (h, down, w, right, filters), steps)
    return reshaped(places, (h * down, w * right, filters))
