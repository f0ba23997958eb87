"""Operations in NumPy as it is used well: im2col over strided windows and BLAS, in chunks; float32, NHWC."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

F32 = NDArray[np.float32]

_CHUNK = 1 << 21  # numbers in one im2col matrix: 8 MB, the fastest size of those tried


# --- convolution --------------------------------------------------------------------------------------------


def _columns(x: F32, kh: int, kw: int, strides: int) -> F32:
    """(n, h, w, c) -> (n * oh * ow, kh * kw * c)."""
    windows = sliding_window_view(x, (kh, kw), axis=(1, 2))[:, ::strides, ::strides]
    windows = windows.transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(windows.shape[0] * windows.shape[1] * windows.shape[2], -1)


def _chunks(n: int, numbers: int) -> list[slice]:
    """Slices of n samples that make at most _CHUNK numbers, each sample `numbers`."""
    size = max(1, _CHUNK // numbers)
    return [slice(i, min(i + size, n)) for i in range(0, n, size)]


def _pad(x: F32, kh: int, kw: int, padding: str) -> F32:
    if padding == "valid" or kh == kw == 1:
        return x
    top, left = (kh - 1) // 2, (kw - 1) // 2
    return np.pad(x, ((0, 0), (top, kh - 1 - top), (left, kw - 1 - left), (0, 0)))


def conv2d(x: F32, w: F32, b: F32, strides: int = 1, padding: str = "valid") -> F32:
    kh, kw, _, k = w.shape
    x = _pad(x, kh, kw, padding)
    n, h, wide, _ = x.shape
    oh, ow = (h - kh) // strides + 1, (wide - kw) // strides + 1
    matrix = w.reshape(-1, k)
    y = np.empty((n, oh, ow, k), np.float32)
    for part in _chunks(n, oh * ow * matrix.shape[0]):
        np.matmul(_columns(x[part], kh, kw, strides), matrix, out=y[part].reshape(-1, k))
    y += b
    return y


def conv2d_backward(
    dy: F32, x: F32, w: F32, strides: int = 1, padding: str = "valid", need_input: bool = True
) -> tuple[F32 | None, F32, F32]:
    kh, kw, c, k = w.shape
    padded = _pad(x, kh, kw, padding)
    n, oh, ow, _ = dy.shape
    matrix = w.reshape(-1, k)
    dw = np.zeros_like(matrix)
    dx = np.zeros_like(padded) if need_input else None
    for part in _chunks(n, oh * ow * matrix.shape[0]):
        rows = dy[part].reshape(-1, k)
        dw += _columns(padded[part], kh, kw, strides).T @ rows
        if dx is not None:
            gradient = (rows @ matrix.T).reshape(-1, oh, ow, kh, kw, c)
            for i in range(kh):
                for j in range(kw):
                    dx[part, i : i + oh * strides : strides, j : j + ow * strides : strides] += gradient[
                        :, :, :, i, j
                    ]
    if dx is not None and dx.shape != x.shape:
        top, left = (kh - 1) // 2, (kw - 1) // 2
        dx = dx[:, top : top + x.shape[1], left : left + x.shape[2]]
    return dx, dw.reshape(w.shape), dy.sum(axis=(0, 1, 2))


def depthwise_conv2d(x: F32, w: F32, b: F32, strides: int = 1, padding: str = "valid") -> F32:
    kh, kw = w.shape[:2]
    x = _pad(x, kh, kw, padding)
    oh, ow = (x.shape[1] - kh) // strides + 1, (x.shape[2] - kw) // strides + 1
    y = np.empty((len(x), oh, ow, x.shape[3]), np.float32)
    for part in _chunks(len(x), oh * ow * x.shape[3] * 4):
        y[part] = b
        for i in range(kh):
            for j in range(kw):
                taps = x[part, i : i + oh * strides : strides, j : j + ow * strides : strides]
                y[part] += taps * w[i, j, :, 0]
    return y


def depthwise_conv2d_backward(
    dy: F32, x: F32, w: F32, strides: int = 1, padding: str = "valid"
) -> tuple[F32, F32, F32]:
    kh, kw = w.shape[:2]
    padded = _pad(x, kh, kw, padding)
    _, oh, ow, _ = dy.shape
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for part in _chunks(len(x), oh * ow * x.shape[3] * 4):
        for i in range(kh):
            for j in range(kw):
                place = (part, slice(i, i + oh * strides, strides), slice(j, j + ow * strides, strides))
                dx[place] += dy[part] * w[i, j, :, 0]
                dw[i, j, :, 0] += np.einsum("nhwc,nhwc->c", padded[place], dy[part])
    top, left = (padded.shape[1] - x.shape[1]) // 2, (padded.shape[2] - x.shape[2]) // 2
    return dx[:, top : top + x.shape[1], left : left + x.shape[2]], dw, dy.sum(axis=(0, 1, 2))


# --- pooling ------------------------------------------------------------------------------------------------


def _taps(x: F32, pool_size: int, strides: int) -> list[F32]:
    """For each place in the window, the (n, oh, ow, c) values there: views."""
    oh, ow = ((s - pool_size) // strides + 1 for s in x.shape[1:3])
    return [
        x[:, i : i + oh * strides : strides, j : j + ow * strides : strides]
        for i in range(pool_size)
        for j in range(pool_size)
    ]


def max_pool2d(x: F32, pool_size: int, strides: int) -> F32:
    first, *rest = _taps(x, pool_size, strides)
    y = first.copy()
    for tap in rest:
        np.maximum(y, tap, out=y)
    return y


def max_pool2d_backward(dy: F32, x: F32, pool_size: int, strides: int) -> F32:
    dx = np.zeros_like(x)
    y = max_pool2d(x, pool_size, strides)
    free = np.ones(y.shape, bool)  # windows whose maximum was not met yet: the first one takes the gradient
    for tap, gradient in zip(_taps(x, pool_size, strides), _taps(dx, pool_size, strides), strict=True):
        chosen = (tap == y) & free
        gradient += dy * chosen
        free ^= chosen
    return dx


def average_pool2d(x: F32, pool_size: int, strides: int) -> F32:
    first, *rest = _taps(x, pool_size, strides)
    y = first.copy()
    for tap in rest:
        y += tap
    y *= np.float32(1 / pool_size**2)
    return y


def average_pool2d_backward(dy: F32, x: F32, pool_size: int, strides: int) -> F32:
    dx = np.zeros_like(x)
    share = dy * np.float32(1 / pool_size**2)
    for gradient in _taps(dx, pool_size, strides):
        gradient += share
    return dx


def global_average_pool2d(x: F32) -> F32:
    y: F32 = x.mean(axis=(1, 2))
    return y


def global_average_pool2d_backward(dy: F32, x: F32) -> F32:
    share = dy * np.float32(1 / (x.shape[1] * x.shape[2]))
    return np.broadcast_to(share[:, None, None], x.shape).copy()


def global_max_pool2d(x: F32) -> F32:
    y: F32 = x.max(axis=(1, 2))
    return y


def global_max_pool2d_backward(dy: F32, x: F32) -> F32:
    pixels = x.reshape(len(x), -1, x.shape[3])
    dx = np.zeros_like(pixels)
    np.put_along_axis(dx, pixels.argmax(axis=1)[:, None], dy[:, None], axis=1)
    return dx.reshape(x.shape)


# --- dense, softmax, batch normalization --------------------------------------------------------------------


def dense(x: F32, w: F32, b: F32) -> F32:
    y: F32 = x @ w
    y += b
    return y


def dense_backward(dy: F32, x: F32, w: F32) -> tuple[F32, F32, F32]:
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def softmax(x: F32) -> F32:
    y: F32 = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def softmax_backward(dy: F32, x: F32) -> F32:
    y = softmax(x)
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def log_softmax(x: F32) -> F32:
    y = x - x.max(axis=-1, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=-1, keepdims=True))
    return y


def log_softmax_backward(dy: F32, x: F32) -> F32:
    return dy - softmax(x) * dy.sum(axis=-1, keepdims=True)


def softmax_cross_entropy(x: F32, labels: NDArray[np.int32]) -> F32:
    loss: F32 = -log_softmax(x)[np.arange(len(x)), labels]
    return loss


def softmax_cross_entropy_backward(dy: F32, x: F32, labels: NDArray[np.int32]) -> F32:
    dx = softmax(x)
    dx[np.arange(len(x)), labels] -= 1
    dx *= dy[:, None]
    return dx


def batch_normalization(x: F32, gamma: F32, beta: F32, epsilon: float) -> F32:
    rows = x.reshape(-1, x.shape[-1])
    scale = gamma / np.sqrt(rows.var(axis=0) + np.float32(epsilon))
    return x * scale + (beta - rows.mean(axis=0) * scale)


def batch_normalization_backward(dy: F32, x: F32, gamma: F32, epsilon: float) -> tuple[F32, F32, F32]:
    rows, gradient = x.reshape(-1, x.shape[-1]), dy.reshape(-1, x.shape[-1])
    deviation = np.float32(1) / np.sqrt(rows.var(axis=0) + np.float32(epsilon))
    normal = (rows - rows.mean(axis=0)) * deviation
    dgamma, dbeta = np.einsum("nc,nc->c", gradient, normal), gradient.sum(axis=0)
    dx = gamma * deviation * (gradient - (dbeta + normal * dgamma) / np.float32(len(rows)))
    return dx.reshape(x.shape), dgamma, dbeta
