"""keras.ops on symbols and arrays: products of matrices, and the functions of neural networks."""

import numpy as np
import pytest
import reference
from helpers import double, normal, small_integers
from symbols import check, check_gradient, close, predicted

import pycnn as keras
from pycnn import ops
from pycnn.core.blueprint import Blueprint

# Shapes of both operands: None for a batch axis of 5. An operand without one is a constant.
MATMUL = (
    ((None, 3), (3, 4)),
    ((None, 2, 3), (3, 4)),
    ((None, 2, 2, 3), (3, 4)),
    ((None, 3), (3,)),
    ((None, 2, 3), (3,)),
    ((None, 2, 3), (None, 3, 4)),
    ((None, 2, 2, 3), (None, 2, 3, 4)),
    ((None, 2, 2, 3), (None, 1, 3, 4)),
    ((None, 1, 2, 3), (None, 4, 3, 1)),
    ((2, 3), (None, 3, 4)),
    ((3,), (None, 3, 4)),
    ((None, 2, 3), (1, 3, 4)),
    ((1, 2, 3), (None, 3, 4)),
    ((None, 6, 2, 3), (6, 3, 4)),
    ((None, 6, 2, 3), (1, 6, 3, 4)),
    ((6, 2, 3), (None, 6, 3, 4)),
    ((6, 2, 3), (None, 1, 3, 4)),
)


def parted(rng, shapes):
    """Arrays for shapes, and what makes a function of those with a batch axis from one of all."""
    arrays = [normal(rng, *(5 if size is None else size for size in shape)) for shape in shapes]
    batched = [array for array, shape in zip(arrays, shapes, strict=True) if None in shape]

    def with_all(function):
        def call(*given):
            found = iter(given)
            return function(*(next(found) if None in s else a for a, s in zip(arrays, shapes, strict=True)))

        return call

    return batched, with_all


@pytest.mark.parametrize("shapes", MATMUL)
def test_matmul(rng, shapes):
    batched, with_all = parted(rng, shapes)
    check(with_all(ops.matmul), with_all(np.matmul), *batched, terms=3, unit=2)
    check_gradient(with_all(ops.matmul), with_all(np.matmul), *batched)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((None, 3), (None, 3, 4)), "batch axes would not meet"),
        (((None, 3), (None, 3)), "the product would go over it"),
        (((None,), (3,)), "the product would go over it"),
        (((2, 5), (None, 3)), "the product would go over it"),
        (((None, 3), (2, 3, 4)), "would mix the samples"),
        (((None, 2, 3), (5, 3, 4)), "the same for all samples"),
        (((None, 2, 3), (2, 4)), r"x1 has shape \(None, 2, 3\) and x2 \(2, 4\)"),
        (((None, 2, 2, 3), (None, 3, 3, 4)), "leading axes"),
    ],
)
def test_matmul_refused(shapes, message):
    operands = [keras.KerasTensor(shape) if None in shape else np.ones(shape) for shape in shapes]
    with pytest.raises(ValueError, match=message):
        ops.matmul(*operands)


def kinds(symbol, *shapes):
    graph = Blueprint()
    graph.call(symbol.node, [graph.input(shape) for shape in shapes])
    return [graph.node(i)[0] for i in range(len(graph))]


def test_a_product_with_a_weight_is_a_dense_layer(rng):
    class Project(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight((shape[-1], 2), name="w")

        def call(self, x):
            y = x @ self.w
            graph = Blueprint()
            graph.call(y.node, [graph.input((3, 4)), graph.variable(self.w)])
            assert [graph.node(i)[0] for i in range(len(graph))] == ["input", "parameter", "dense"]
            return y

    Project()(keras.Input((3, 4)))


def test_sums_and_activations_are_nodes_that_fuse():
    a, b = keras.Input((3,)), keras.Input((3,))
    assert kinds(ops.add(a, b), (3,), (3,)) == ["input", "input", "add"]
    assert kinds(ops.relu(a), (3,)) == ["input", "activation"]
    assert kinds(ops.subtract(a, b), (3,), (3,)) == ["input", "input", "map"]


def test_dot(rng):
    x, w = normal(rng, 5, 2, 3), normal(rng, 3, 4)
    check(lambda x: ops.dot(x, w), lambda x: np.dot(x, w), x, terms=3, unit=2)
    check(lambda x: ops.dot(x, w[:, 0]), lambda x: np.dot(x, w[:, 0]), x, terms=3, unit=2)
    check(lambda x: ops.dot(x, 2.0), lambda x: x * 2, x)
    with pytest.raises(ValueError, match="use matmul or tensordot"):
        ops.dot(keras.Input((2, 3)), keras.Input((3, 4)))
    close(ops.dot(x, x[0].T), np.dot(x.astype(np.float64), x[0].T), terms=3, unit=4)


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        (((None, 2, 3), (3, 4)), 1),
        (((None, 2, 3), (2, 3, 4)), 2),
        (((None, 2, 3), (4, 3)), ((2,), (1,))),
        (((None, 2, 3), (3, 2, 4)), ((1, 2), (1, 0))),
        (((None, 2, 3), (6, 2, 4)), (1, 1)),
        (((3, 2), (None, 2, 3)), ((0, 1), (2, 1))),
        (((None, 2, 3), (2, 3)), 2),
    ],
)
def test_tensordot(rng, shapes, axes):
    batched, with_all = parted(rng, shapes)
    check(with_all(lambda a, b: ops.tensordot(a, b, axes)), with_all(lambda a, b: np.tensordot(a, b, axes)),
          *batched, terms=6, unit=2)  # fmt: skip
    check_gradient(
        with_all(lambda a, b: ops.tensordot(a, b, axes)),
        with_all(lambda a, b: np.tensordot(a, b, axes)),
        *batched,
    )


def test_tensordot_refused():
    x = keras.Input((2, 3))
    for other, axes, message in (
        (np.ones((5, 4)), ((0,), (0,)), "cannot sum over axes"),
        (x, 1, "cannot sum over axes"),
        (keras.Input((3, 2)), ((2,), (1,)), "after the axes of x1"),
        (x, ((0,), (0,)), "the batch axis cannot be summed over"),
    ):
        with pytest.raises(ValueError, match=message):
            ops.tensordot(x, other, axes)


EINSUM = (
    ("bi,ij->bj", (None, 3), (3, 4)),
    ("bi,ji->bj", (None, 3), (4, 3)),
    ("bqd,bkd->bqk", (None, 2, 3), (None, 4, 3)),
    ("bqk,bkd->bqd", (None, 2, 3), (None, 3, 4)),
    ("bqhd,bkhd->bhqk", (None, 2, 3, 4), (None, 6, 3, 4)),
    ("bhqk,bkhd->bqhd", (None, 3, 2, 6), (None, 6, 3, 4)),
    ("bi,bi->b", (None, 3), (None, 3)),
    ("bi,bi->bi", (None, 3), (None, 3)),
    ("bi,bj->bij", (None, 3), (None, 4)),
    ("bij,k->bkji", (None, 2, 3), (4,)),
    ("bijc,cd->bijd", (None, 2, 3, 4), (4, 6)),
    ("bij,j->b", (None, 2, 3), (3,)),
    ("ij,bjk->bik", (2, 3), (None, 3, 4)),
    ("bij->bji", (None, 2, 3)),
    ("bij->bj", (None, 2, 3)),
    ("bij->b", (None, 2, 3)),
    ("bij->ij", (None, 2, 3)),
    ("bij,bik->jk", (None, 2, 3), (None, 2, 4)),
    ("bj,bk->kj", (None, 3), (None, 4)),
    ("bi,bi->", (None, 3), (None, 3)),
)


@pytest.mark.parametrize(("subscripts", "shapes"), [(case[0], case[1:]) for case in EINSUM])
def test_einsum(rng, subscripts, shapes):
    batched, with_all = parted(rng, shapes)
    ours, numpy = (with_all(lambda *x, m=m: m.einsum(subscripts, *x)) for m in (ops, np))
    check(ours, numpy, *batched, terms=24, unit=2)
    if "->b" in subscripts:
        check_gradient(ours, numpy, *batched)


def test_einsum_refused():
    x = keras.Input((3, 3))
    for subscripts, operands, message in (
        ("bii->bi", (x,), "a letter comes twice"),
        ("bij->jib", (x,), "expected its letter first"),
        ("bij,cjk->bcik", (x, x), "expected its letter first"),
        ("...i->...", (x,), "expected letters"),
        ("bij,bjk,bkl->bil", (x, x, x), "expected one or two"),
        ("bij,jk->bik", (x, np.ones((4, 2))), "do not fit shapes"),
        ("bij,bj->bi", (x, np.ones((5, 3))), "do not fit shapes"),
    ):
        with pytest.raises(ValueError, match=message):
            ops.einsum(subscripts, *operands)


# --- neural networks --------------------------------------------------------------------------------------
def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2])
def test_softmax(rng, axis):
    x = normal(rng, 3, 2, 4, 5)
    check(lambda x: ops.softmax(x, axis), lambda x: softmax(x, axis), x, terms=5)
    check(lambda x: ops.log_softmax(x, axis), lambda x: np.log(softmax(x, axis)), x, terms=5, unit=4)
    check_gradient(lambda x: ops.softmax(x, axis), lambda x: softmax(x, axis), x[:1])
    check_gradient(lambda x: ops.log_softmax(x, axis), lambda x: np.log(softmax(x, axis)), x[:1])


def test_softmax_over_the_batch_refused():
    with pytest.raises(ValueError, match="would mix the samples"):
        ops.softmax(keras.Input((3,)), 0)


def test_normalize(rng):
    x = normal(rng, 3, 4, 5)
    length = lambda x: np.sqrt((x * x).sum(-1, keepdims=True))  # noqa: E731
    check(ops.normalize, lambda x: x / length(x), x, terms=5)
    check(lambda x: ops.normalize(x, 1, 1), lambda x: x / np.abs(x).sum(1, keepdims=True), x, terms=5)
    check_gradient(ops.normalize, lambda x: x / length(x), x[:1])
    np.testing.assert_array_equal(ops.normalize(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("strides", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), ((3, 2), 1, 2), (1, (1, 3), 1)]
)
def test_conv(rng, padding, strides, dilation, groups):
    x, w = normal(rng, 2, 11, 12, 4), normal(rng, 3, 3, 4 // groups, 6)
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    expected = ops.conv2d(x, w, groups=groups, **options)
    close(ops.conv(x, w, **options), expected, terms=36)
    close(predicted(lambda x: ops.conv(x, w, **options), x), expected, terms=36, unit=2)


def test_gradients_of_a_convolution(rng):
    x, w, dy = normal(rng, 2, 7, 6, 3), normal(rng, 3, 3, 3, 4), normal(rng, 5, 4, 4)
    found = predicted(lambda x: ops.gradient(ops.conv(x, w) * dy, x), x)
    expected, _, _ = reference.conv2d_backward(
        *double(x, w, np.broadcast_to(dy, (2, 5, 4, 4))), (1, 1), (0, 0, 0, 0), 0.0, (1, 1), 1
    )
    close(found, expected, terms=36, unit=4)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_depthwise_and_separable(rng, padding):
    x, d, p = normal(rng, 2, 7, 8, 3), normal(rng, 3, 3, 3, 2), normal(rng, 1, 1, 6, 5)
    expected = ops.depthwise_conv2d(x, d, strides=2, padding=padding)
    close(ops.depthwise_conv(x, d, 2, padding), expected, terms=9)
    close(predicted(lambda x: ops.depthwise_conv(x, d, 2, padding), x), expected, terms=9, unit=2)
    expected = ops.conv2d(expected, p)
    close(ops.separable_conv(x, d, p, 2, padding), expected, terms=60)
    close(predicted(lambda x: ops.separable_conv(x, d, p, 2, padding), x), expected, terms=60, unit=4)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [None, 1, (2, 3)])
def test_pooling(rng, padding, strides):
    x = small_integers(rng, 2, 7, 8, 3)
    for ours, kernel in ((ops.max_pool, ops.max_pool2d), (ops.average_pool, ops.average_pool2d)):
        expected = kernel(x, (3, 2), strides=strides, padding=padding)
        close(ours(x, (3, 2), strides, padding), expected)
        close(predicted(lambda x, ours=ours: ours(x, (3, 2), strides, padding), x), expected, terms=6)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_sequences(rng, padding):
    x, w, d = normal(rng, 2, 9, 3), normal(rng, 4, 3, 5), normal(rng, 4, 3, 2)
    image, same = x[:, None], {"padding": padding}
    cases = (
        (lambda x: ops.conv(x, w, 2, padding), ops.conv2d(image, w[None], strides=(1, 2), **same)),
        (
            lambda x: ops.conv(x, w, 1, padding, None, 2),
            ops.conv2d(image, w[None], dilation_rate=(1, 2), **same),
        ),
        (lambda x: ops.depthwise_conv(x, d, 1, padding), ops.depthwise_conv2d(image, d[None], **same)),
        (lambda x: ops.max_pool(x, 3, 2, padding), ops.max_pool2d(image, (1, 3), strides=(1, 2), **same)),
        (lambda x: ops.average_pool(x, 3, None, padding), ops.average_pool2d(image, (1, 3), **same)),
    )
    for ours, expected in cases:
        close(ours(x), expected[:, 0], terms=12)
        close(predicted(ours, x), expected[:, 0], terms=12, unit=2)


def test_images_refused():
    x, w = keras.Input((7, 8, 3)), np.ones((3, 3, 2, 4))
    for function, message in (
        (lambda: ops.conv(x, w), "takes 2 channels, but inputs have 3"),
        (lambda: ops.conv(x, w[0]), "expected as many axes"),
        (lambda: ops.conv(x[:, 0, 0], w), "expected .n, h, w, c. or .n, w, c."),
        (lambda: ops.conv(x, w[:, :, :1], data_format="first"), "expected 'channels_last'"),
        (lambda: ops.depthwise_conv(x, w), "takes 2 channels, but inputs have 3"),
        (lambda: ops.max_pool(x, 9), "spans 9 pixels"),
        (lambda: ops.average_pool(x, 2, padding="causal"), "padding"),
    ):
        with pytest.raises(ValueError, match=message):
            function()


@pytest.mark.parametrize("axis", [1, -1])
def test_batch_normalization(rng, axis):
    x, mean, offset, scale = normal(rng, 3, 4, 4), normal(rng, 4), normal(rng, 4), normal(rng, 4)
    variance = rng.uniform(0.5, 2, 4).astype(np.float32)
    shape = (4, 1) if axis == 1 else (4,)
    expected = lambda x: (  # noqa: E731
        (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-3) * scale.reshape(shape)
        + offset.reshape(shape)
    )
    check(
        lambda x: ops.batch_normalization(x, mean, variance, axis, offset, scale),
        expected,
        x,
        terms=4,
        unit=4,
    )
    check_gradient(lambda x: ops.batch_normalization(x, mean, variance, axis, offset, scale), expected, x)
    with pytest.raises(TypeError, match="needs mean, variance and axis"):
        ops.batch_normalization(keras.Input((4,)))
    with pytest.raises(ValueError, match=r"mean has shape \(3,\); expected \(4,\)"):
        ops.batch_normalization(keras.Input((4,)), mean[:3], variance, -1)


def test_crossentropies(rng):
    t, x = rng.uniform(0, 1, (5, 3, 4)), normal(rng, 5, 3, 4)
    p = rng.uniform(0.1, 0.9, (5, 3, 4))
    check(ops.binary_crossentropy, lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p)), t, p, unit=4)
    check(
        lambda t, x: ops.binary_crossentropy(t, x, True),
        lambda t, x: np.logaddexp(0, x) - x * t,
        t,
        x,
        unit=4,
    )
    normalized = lambda p: np.log(p / p.sum(-1, keepdims=True))  # noqa: E731
    check(ops.categorical_crossentropy, lambda t, p: -(t * normalized(p)).sum(-1), t, p, terms=4, unit=4)
    logs = lambda x, axis: np.log(softmax(x, axis))  # noqa: E731
    from_logits = lambda t, x: ops.categorical_crossentropy(t, x, True, 1)  # noqa: E731
    check(from_logits, lambda t, x: -(t * logs(x, 1)).sum(1), t, x, terms=4, unit=4)
    check_gradient(ops.categorical_crossentropy, lambda t, p: -(t * normalized(p)).sum(-1), t[:1], p[:1])
    numbers = rng.integers(0, 4, (5, 3))
    chosen = lambda y: np.take_along_axis(y, numbers[..., None], -1)[..., 0]  # noqa: E731
    for labels in (numbers, numbers[..., None]):
        from_logits = lambda n, x: ops.sparse_categorical_crossentropy(n, x, True)  # noqa: E731
        check(from_logits, lambda n, x: -chosen(logs(x, -1)), labels, x, terms=4, unit=4)
        check(
            ops.sparse_categorical_crossentropy,
            lambda n, p: -chosen(normalized(p)),
            labels,
            p,
            terms=4,
            unit=4,
        )
    y = keras.Input((3, 4))
    with pytest.raises(ValueError, match=r"categorical_crossentropy: target has shape \(None, 4\)"):
        ops.categorical_crossentropy(keras.Input((4,)), y)
    with pytest.raises(ValueError, match=r"expected \(None, 3\) class numbers"):
        ops.sparse_categorical_crossentropy(keras.Input((4,)), y)
