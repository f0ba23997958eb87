"""What every operation of pycnn is, in NumPy and float64: the specification that the core is tested against.

Layouts are Keras': images (n, h, w, c), kernels (kh, kw, c / groups, k), dense kernels (inputs, outputs).
Padding is (top, bottom, left, right). Each forward is followed by its backward. For reading, not for speed.
"""

import math

import numpy as np

EPSILON = 1e-7  # Keras' backend.epsilon(): probabilities are clipped to [EPSILON, 1 - EPSILON]


# --- windows over an image ----------------------------------------------------------------------------------
def output_size(size, kernel, stride, dilation=1):
    """Places of a window along an axis of `size` pixels, padding included."""
    return (size - dilation * (kernel - 1) - 1) // stride + 1


def same_padding(size, kernel, stride, dilation=1):
    """(before, after) of Keras' padding='same': ceil(size / stride) outputs, the odd pixel at the end."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def taps(shape, kernel_size, strides, dilation=(1, 1)):
    """For each place (i, j) of the window, row by row: i, j and the pixels it meets, one for each output."""
    (kh, kw), (sh, sw), (dh, dw) = kernel_size, strides, dilation
    oh, ow = output_size(shape[1], kh, sh, dh), output_size(shape[2], kw, sw, dw)
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * dh, i * dh + (oh - 1) * sh + 1, sh)
            columns = slice(j * dw, j * dw + (ow - 1) * sw + 1, sw)
            yield i, j, (slice(None), rows, columns)


# --- padding ------------------------------------------------------------------------------------------------
def pad2d(x, padding, mode="constant", value=0.0):
    top, bottom, left, right = padding
    widths = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, widths, mode, constant_values=value) if mode == "constant" else np.pad(x, widths, mode)


def pad2d_backward(dy, padding, mode="constant"):
    top, bottom, left, right = padding
    h, w = dy.shape[1] - top - bottom, dy.shape[2] - left - right
    if mode == "constant":
        return dy[:, top : top + h, left : left + w]
    rows, columns = np.pad(np.arange(h), (top, bottom), mode), np.pad(np.arange(w), (left, right), mode)
    dx = np.zeros((len(dy), h, w, dy.shape[3]))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            dx[:, row, column] += dy[:, i, j]
    return dx


# --- convolution --------------------------------------------------------------------------------------------
def _channels_of_groups(w, groups):
    """For each group: its slice of the input channels and of the filters."""
    inputs, filters = w.shape[2], w.shape[3] // groups
    return [
        (slice(g * inputs, (g + 1) * inputs), slice(g * filters, (g + 1) * filters)) for g in range(groups)
    ]


def conv2d(x, w, b, strides, padding, pad_value, dilation, groups):
    x = pad2d(x, padding, "constant", pad_value)
    kh, kw, _, k = w.shape
    oh = output_size(x.shape[1], kh, strides[0], dilation[0])
    ow = output_size(x.shape[2], kw, strides[1], dilation[1])
    y = np.zeros((len(x), oh, ow, k)) + (0.0 if b is None else b)
    for c, f in _channels_of_groups(w, groups):
        for i, j, pixels in taps(x.shape, (kh, kw), strides, dilation):
            y[..., f] += np.einsum("nhwc,ck->nhwk", x[(*pixels, c)], w[i, j, :, f])
    return y


def conv2d_backward(x, w, dy, strides, padding, pad_value, dilation, groups):
    """dx, dw, db."""
    x = pad2d(x, padding, "constant", pad_value)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for c, f in _channels_of_groups(w, groups):
        for i, j, pixels in taps(x.shape, w.shape[:2], strides, dilation):
            dx[(*pixels, c)] += np.einsum("nhwk,ck->nhwc", dy[..., f], w[i, j, :, f])
            dw[i, j, :, f] += np.einsum("nhwc,nhwk->ck", x[(*pixels, c)], dy[..., f])
    return pad2d_backward(dx, padding), dw, dy.sum((0, 1, 2))


def depthwise_conv2d(x, w, b, strides, padding, pad_value, dilation):
    """w (kh, kw, c, multiplier), b (c * multiplier,)."""
    kh, kw, c, multiplier = w.shape
    x = pad2d(x, padding, "constant", pad_value)
    y = sum(
        np.einsum("nhwc,cm->nhwcm", x[pixels], w[i, j])
        for i, j, pixels in taps(x.shape, (kh, kw), strides, dilation)
    )
    return y.reshape(*y.shape[:3], c * multiplier) + (0.0 if b is None else b)


def depthwise_conv2d_backward(x, w, dy, strides, padding, pad_value, dilation):
    """dx, dw, db."""
    x = pad2d(x, padding, "constant", pad_value)
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), dy.sum((0, 1, 2))
    dy = dy.reshape(*dy.shape[:3], *w.shape[2:])
    for i, j, pixels in taps(x.shape, w.shape[:2], strides, dilation):
        dx[pixels] += np.einsum("nhwcm,cm->nhwc", dy, w[i, j])
        dw[i, j] += np.einsum("nhwc,nhwcm->cm", x[pixels], dy)
    return pad2d_backward(dx, padding), dw, db


def transposed_axis(size, kernel, stride, dilation, padding, output_padding=None):
    """(crop, outputs) of Keras: which part of all places that an input pixel reaches is the output."""
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        extra = max(stride - reach, 0) if output_padding is None else output_padding
        return 0, (size - 1) * stride + reach + extra
    if output_padding is None:
        zeros, outputs = stride + reach - 2, size * stride
    else:
        zeros = reach + reach % 2 - 2 + output_padding
        outputs = (size - 1) * stride + reach % 2 + output_padding
    return reach - 1 - min((zeros + 1) // 2, reach - 1), outputs


def conv2d_transpose(x, w, b, strides, padding, output_padding, dilation):
    """w (kh, kw, k, c): every input pixel adds its kernel to the output, `strides` apart."""
    (n, h, width, _), (kh, kw, k, _) = x.shape, w.shape
    axes = zip((h, width), (kh, kw), strides, dilation, (padding, padding), output_padding, strict=True)
    (top, oh), (left, ow) = (transposed_axis(*axis) for axis in axes)
    y = np.zeros((n, oh, ow, k)) + (0.0 if b is None else b)
    for i, j, p, q in np.ndindex(h, width, kh, kw):
        row, column = i * strides[0] + p * dilation[0] - top, j * strides[1] + q * dilation[1] - left
        if 0 <= row < oh and 0 <= column < ow:
            y[:, row, column] += x[:, i, j] @ w[p, q].T
    return y


# --- larger images ------------------------------------------------------------------------------------------
def resize_matrix(size, factor, interpolation):
    """(size * factor, size): the weights of the pixels in each new one, by the distance of centres."""
    centres = (np.arange(size * factor) + 0.5) / factor - 0.5
    x = np.abs(centres[:, None] - np.arange(size))
    if interpolation == "nearest":
        weights = (np.arange(size * factor)[:, None] // factor == np.arange(size)).astype(float)
    elif interpolation == "bilinear":
        weights = np.maximum(1.0 - x, 0.0)
    elif interpolation == "bicubic":  # Keys' kernel with a = -1/2
        weights = np.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2) * (x < 2)
    else:
        radius = int(interpolation.removeprefix("lanczos"))
        weights = np.sinc(x) * np.sinc(x / radius) * (x < radius)
    return weights / weights.sum(axis=1, keepdims=True)


def upsample2d(x, factors, interpolation):
    rows, columns = (resize_matrix(n, f, interpolation) for n, f in zip(x.shape[1:3], factors, strict=True))
    return np.einsum("ph,qw,nhwc->npqc", rows, columns, x)


# --- pooling ------------------------------------------------------------------------------------------------
def _windows(x, pool_size, strides, padding, fill):
    """(places of the window, n, oh, ow, c)."""
    x = pad2d(x, padding, "constant", fill)
    return np.stack([x[pixels] for _, _, pixels in taps(x.shape, pool_size, strides)])


def _spread(dy_of_places, x_shape, pool_size, strides, padding):
    """The backward of _windows."""
    n, h, w, c = x_shape
    top, bottom, left, right = padding
    dx = np.zeros((n, h + top + bottom, w + left + right, c))
    for dy, (_, _, pixels) in zip(dy_of_places, taps(dx.shape, pool_size, strides), strict=True):
        dx[pixels] += dy
    return pad2d_backward(dx, padding)


def max_pool2d(x, pool_size, strides, padding):
    """NaN is larger than every number."""
    return _windows(x, pool_size, strides, padding, -np.inf).max(axis=0)


def max_pool2d_backward(x, dy, pool_size, strides, padding):
    """The first maximum of a window, row by row, takes its whole gradient."""
    windows = _windows(x, pool_size, strides, padding, -np.inf)
    winner = windows.argmax(axis=0)
    places = [dy * (winner == place) for place in range(len(windows))]
    return _spread(places, x.shape, pool_size, strides, padding)


def _pixels_of_windows(x_shape, pool_size, strides, padding, count_padding):
    real = _windows(np.ones(x_shape), pool_size, strides, padding, 0.0)
    return float(len(real)) if count_padding else real.sum(axis=0)


def average_pool2d(x, pool_size, strides, padding, count_padding):
    count = _pixels_of_windows(x.shape, pool_size, strides, padding, count_padding)
    return _windows(x, pool_size, strides, padding, 0.0).sum(axis=0) / count


def average_pool2d_backward(dy, x_shape, pool_size, strides, padding, count_padding):
    dy = dy / _pixels_of_windows(x_shape, pool_size, strides, padding, count_padding)
    return _spread([dy] * (pool_size[0] * pool_size[1]), x_shape, pool_size, strides, padding)


# --- dense --------------------------------------------------------------------------------------------------
def dense(x, w, b=None):
    return x @ w + (0.0 if b is None else b)


def dense_backward(x, w, dy):
    """dx, dw, db."""
    rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, rows.T @ dy_rows, dy_rows.sum(axis=0)


# --- activations: name -> (f(x, alpha, max_value, threshold), f'(the same)) ---------------------------------
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_erfc = np.vectorize(math.erfc, otypes=[float])


def _sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -x))


def _softplus(x):
    return np.logaddexp(0.0, x)


def _hard_sigmoid(x):
    return np.clip(x / 6.0 + 0.5, 0.0, 1.0)


def _hard_sigmoid_slope(x):
    return np.where(np.abs(x) < 3.0, 1.0 / 6.0, 0.0)


def _relu(x, alpha, max_value, threshold):
    return np.where(x >= max_value, max_value, np.where(x > threshold, x, alpha * (x - threshold)))


def _relu_slope(x, alpha, max_value, threshold):
    return np.where(x >= max_value, 0.0, np.where(x > threshold, 1.0, alpha))


def _elu(x, alpha):
    return np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _elu_slope(x, alpha):
    return np.where(x > 0.0, 1.0, alpha * np.exp(np.minimum(x, 0.0)))


def _normal_density(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _normal_distribution(x):
    return 0.5 * _erfc(-x / math.sqrt(2.0))


def _gelu_gate(x):
    """(1 + tanh(u)) / 2 = sigmoid(2 u), the approximation of the normal distribution."""
    return _sigmoid(2.0 * math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))


def _gelu_tanh_slope(x):
    gate = _gelu_gate(x)
    inner = 2.0 * math.sqrt(2.0 / math.pi) * (1.0 + 3.0 * 0.044715 * x * x)
    return gate + x * gate * (1.0 - gate) * inner


def _mish_slope(x):
    t = np.tanh(_softplus(x))
    return t + x * (1.0 - t * t) * _sigmoid(x)


ACTIVATIONS = {
    "linear": (lambda x, a, m, t: x, lambda x, a, m, t: np.ones_like(x)),
    "relu": (_relu, _relu_slope),
    "leaky_relu": (lambda x, a, m, t: np.where(x > 0, x, a * x), lambda x, a, m, t: np.where(x > 0, 1.0, a)),
    "elu": (lambda x, a, m, t: _elu(x, a), lambda x, a, m, t: _elu_slope(x, a)),
    "selu": (
        lambda x, a, m, t: SELU_SCALE * _elu(x, SELU_ALPHA),
        lambda x, a, m, t: SELU_SCALE * _elu_slope(x, SELU_ALPHA),
    ),
    "gelu": (
        lambda x, a, m, t: x * _normal_distribution(x),
        lambda x, a, m, t: _normal_distribution(x) + x * _normal_density(x),
    ),
    "gelu_tanh": (lambda x, a, m, t: x * _gelu_gate(x), lambda x, a, m, t: _gelu_tanh_slope(x)),
    "silu": (
        lambda x, a, m, t: x * _sigmoid(x),
        lambda x, a, m, t: _sigmoid(x) * (1.0 + x * (1.0 - _sigmoid(x))),
    ),
    "sigmoid": (lambda x, a, m, t: _sigmoid(x), lambda x, a, m, t: _sigmoid(x) * (1.0 - _sigmoid(x))),
    "tanh": (lambda x, a, m, t: np.tanh(x), lambda x, a, m, t: 1.0 - np.tanh(x) ** 2),
    "softplus": (lambda x, a, m, t: _softplus(x), lambda x, a, m, t: _sigmoid(x)),
    "softsign": (lambda x, a, m, t: x / (1.0 + np.abs(x)), lambda x, a, m, t: 1.0 / (1.0 + np.abs(x)) ** 2),
    "hard_sigmoid": (lambda x, a, m, t: _hard_sigmoid(x), lambda x, a, m, t: _hard_sigmoid_slope(x)),
    "hard_silu": (
        lambda x, a, m, t: x * _hard_sigmoid(x),
        lambda x, a, m, t: _hard_sigmoid(x) + x * _hard_sigmoid_slope(x),
    ),
    "mish": (lambda x, a, m, t: x * np.tanh(_softplus(x)), lambda x, a, m, t: _mish_slope(x)),
    "exponential": (lambda x, a, m, t: np.exp(x), lambda x, a, m, t: np.exp(x)),
}


def activation(name, x, alpha=0.0, max_value=np.inf, threshold=0.0):
    return ACTIVATIONS[name][0](x, alpha, max_value, threshold)


def activation_backward(name, x, dy, alpha=0.0, max_value=np.inf, threshold=0.0):
    return dy * ACTIVATIONS[name][1](x, alpha, max_value, threshold)


def maxout(x, pieces):
    """(..., units * pieces) -> (..., units): the maximum over `pieces` neighbours."""
    return x.reshape(*x.shape[:-1], x.shape[-1] // pieces, pieces).max(axis=-1)


def maxout_backward(x, dy, pieces):
    """The first maximum takes the gradient."""
    groups = x.reshape(*dy.shape, pieces)
    winner = groups.argmax(axis=-1)[..., np.newaxis] == np.arange(pieces)
    return (winner * dy[..., np.newaxis]).reshape(x.shape)


# --- softmax and losses -------------------------------------------------------------------------------------
def log_softmax(x):
    """Over the last axis."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def log_softmax_backward(x, dy):
    return dy - softmax(x) * dy.sum(axis=-1, keepdims=True)


def softmax(x):
    """Over the last axis."""
    return np.exp(log_softmax(x))


def softmax_backward(x, dy):
    y = softmax(x)
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def _clip(p):
    """Probabilities as Keras clips them, and the slope of the clipping."""
    return np.clip(p, EPSILON, 1.0 - EPSILON), (p > EPSILON) & (p < 1.0 - EPSILON)


def _categorical_crossentropy(x, t, from_logits):
    if from_logits:
        return -(t * log_softmax(x)).sum(axis=-1), log_softmax_backward(x, -t)
    total = x.sum(axis=-1, keepdims=True)
    p, inside = _clip(x / total)
    dp = -t / p * inside
    return -(t * np.log(p)).sum(axis=-1), (dp - (dp * x / total).sum(axis=-1, keepdims=True)) / total


def _binary_crossentropy(x, t, from_logits):
    if from_logits:
        loss, dx = _softplus(x) - t * x, _sigmoid(x) - t
    else:
        p, inside = _clip(x)
        loss = -(t * np.log(p) + (1.0 - t) * np.log(1.0 - p))
        dx = ((1.0 - t) / (1.0 - p) - t / p) * inside
    return loss.mean(axis=-1), dx / x.shape[-1]


def loss(name, x, y, from_logits=False):
    """Loss of each row of x (rows, columns), not weighted, and its gradient by x.

    y: targets (rows, columns), or class numbers (rows,) for the sparse loss.
    """
    if name == "sparse_categorical_crossentropy":
        return _categorical_crossentropy(x, np.eye(x.shape[-1])[y], from_logits)
    if name == "categorical_crossentropy":
        return _categorical_crossentropy(x, y, from_logits)
    if name == "binary_crossentropy":
        return _binary_crossentropy(x, y, from_logits)
    if name == "mean_squared_error":
        return ((x - y) ** 2).mean(axis=-1), 2.0 * (x - y) / x.shape[-1]
    raise ValueError(name)


# --- batch normalization: over all axes but the last --------------------------------------------------------
def batch_norm(x, gamma, beta, epsilon):
    """y, mean, biased variance."""
    rows = x.reshape(-1, x.shape[-1])
    mean, variance = rows.mean(axis=0), rows.var(axis=0)
    return batch_norm_inference(x, gamma, beta, mean, variance, epsilon), mean, variance


def batch_norm_inference(x, gamma, beta, mean, variance, epsilon):
    y = (x - mean) / np.sqrt(variance + epsilon)
    return y * (1.0 if gamma is None else gamma) + (0.0 if beta is None else beta)


def batch_norm_backward(x, dy, gamma, mean, variance, epsilon):
    """dx, dgamma, dbeta, mean and variance being those of x."""
    axes = tuple(range(x.ndim - 1))
    inverse = 1.0 / np.sqrt(variance + epsilon)
    normal = (x - mean) * inverse
    dnormal = dy * (1.0 if gamma is None else gamma)
    dx = inverse * (dnormal - dnormal.mean(axis=axes) - normal * (dnormal * normal).mean(axis=axes))
    return dx, (dy * normal).sum(axis=axes), dy.sum(axis=axes)


def with_weight_decay(step):
    """`step` behind w -= learning_rate * weight_decay * w, as in Keras."""

    def decayed(w, g, state, learning_rate, weight_decay=0.0, **options):
        return step(w - learning_rate * weight_decay * w, g, state, learning_rate, **options)

    return decayed


# --- optimizers: one step of a parameter; `state` is a dict of arrays that the step creates and updates -----
@with_weight_decay
def sgd(w, g, state, learning_rate, momentum=0.0, nesterov=False):
    m = state["m"] = momentum * state.get("m", 0.0) - learning_rate * g
    return w + (momentum * m - learning_rate * g if nesterov else m)


@with_weight_decay
def rmsprop(w, g, state, learning_rate, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v = state["v"] = rho * state.get("v", 0.0) + (1.0 - rho) * g * g
    mean = state["mean"] = rho * state.get("mean", 0.0) + (1.0 - rho) * g
    increment = learning_rate * g / np.sqrt(v - (mean * mean if centered else 0.0) + epsilon)
    m = state["m"] = momentum * state.get("m", 0.0) + increment
    return w - m


@with_weight_decay
def adam(w, g, state, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = beta_1 * state.get("m", 0.0) + (1.0 - beta_1) * g
    v = state["v"] = beta_2 * state.get("v", 0.0) + (1.0 - beta_2) * g * g
    largest = state["largest"] = np.maximum(state.get("largest", 0.0), v)
    step = learning_rate * math.sqrt(1.0 - beta_2**t) / (1.0 - beta_1**t)
    return w - step * m / (np.sqrt(largest if amsgrad else v) + epsilon)


@with_weight_decay
def adagrad(w, g, state, learning_rate, initial_accumulator_value=0.1, epsilon=1e-7):
    total = state["total"] = state.get("total", initial_accumulator_value) + g * g
    return w - learning_rate * g / np.sqrt(total + epsilon)


@with_weight_decay
def adadelta(w, g, state, learning_rate, rho=0.95, epsilon=1e-7):
    squares = state["squares"] = rho * state.get("squares", 0.0) + (1.0 - rho) * g * g
    before = state.get("steps", 0.0)
    step = np.sqrt(before + epsilon) / np.sqrt(squares + epsilon) * g
    state["steps"] = rho * before + (1.0 - rho) * step * step
    return w - learning_rate * step


@with_weight_decay
def adamax(w, g, state, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = beta_1 * state.get("m", 0.0) + (1.0 - beta_1) * g
    largest = state["u"] = np.maximum(beta_2 * state.get("u", 0.0), np.abs(g))
    return w - learning_rate / (1.0 - beta_1**t) * m / (largest + epsilon)


@with_weight_decay
def nadam(w, g, state, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    t = state["t"] = state.get("t", 0) + 1
    now, then = (beta_1 * (1.0 - 0.5 * 0.96**k) for k in (t, t + 1))
    product = state["product"] = state.get("product", 1.0) * now
    m = state["m"] = beta_1 * state.get("m", 0.0) + (1.0 - beta_1) * g
    v = state["v"] = beta_2 * state.get("v", 0.0) + (1.0 - beta_2) * g * g
    mean = then * m / (1.0 - product * then) + (1.0 - now) * g / (1.0 - product)
    return w - learning_rate * mean / (np.sqrt(v / (1.0 - beta_2**t)) + epsilon)


@with_weight_decay
def lion(w, g, state, learning_rate, beta_1=0.9, beta_2=0.99):
    m = state.get("m", 0.0)
    state["m"] = beta_2 * m + (1.0 - beta_2) * g
    return w - learning_rate * np.sign(beta_1 * m + (1.0 - beta_1) * g)


@with_weight_decay
def ftrl(
    w, g, state, learning_rate, learning_rate_power=-0.5, initial_accumulator_value=0.1,
    l1_regularization_strength=0.0, l2_regularization_strength=0.0,
    l2_shrinkage_regularization_strength=0.0, beta=0.0,
):  # fmt: skip
    before = state.get("total", initial_accumulator_value)
    after = state["total"] = before + g * g
    rise = (after**-learning_rate_power - before**-learning_rate_power) / learning_rate
    shrunk = g + 2.0 * l2_shrinkage_regularization_strength * w
    z = state["z"] = state.get("z", 0.0) + shrunk - rise * w
    size = (after**-learning_rate_power + beta) / learning_rate + 2.0 * l2_regularization_strength
    return (np.clip(z, -l1_regularization_strength, l1_regularization_strength) - z) / size


OPTIMIZERS = {"sgd": sgd, "rmsprop": rmsprop, "adam": adam}
