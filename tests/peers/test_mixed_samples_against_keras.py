"""Losses and metrics that mix the samples of a batch, in Keras and here: in `fit`, and in a GradientTape."""

import numpy as np
import pytest
from keras_peer import load

import pycnn

keras = load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 6, 6, 2)).astype(np.float32)
LABELS = RNG.integers(0, 3, (20, 1))
TARGETS = RNG.normal(size=(20, 4)).astype(np.float32)
WEIGHTS = RNG.random(20).astype(np.float32)


def contrastive(ops, y, z):
    """Of all pairs of a batch, those of one class attract each other (Khosla et al. 2020)."""
    z = ops.normalize(z, axis=1)
    logits = ops.matmul(z, ops.transpose(z)) / 0.5
    y = ops.cast(y, "float32")
    same = ops.cast(ops.equal(y, ops.transpose(y)), "float32")
    same = same / ops.sum(same, axis=1, keepdims=True)
    return ops.categorical_crossentropy(same, logits, from_logits=True)


def of_pairs(ops, y, z):
    """One number for the batch; the number of samples is asked for (Chen et al. 2020)."""
    n = ops.shape(z)[0]
    z, y = ops.normalize(z, axis=-1), ops.normalize(y, axis=-1)
    logits = ops.matmul(z, ops.transpose(y)) / 0.1
    own = ops.sum(ops.eye(n) * ops.log_softmax(logits, axis=-1))
    return -own / n + 0.1 * ops.mean(ops.max(logits, axis=0))


def gram(ops, y, z):
    """Differences of Gram matrices over the batch."""
    return ops.mean(ops.square(ops.matmul(ops.transpose(z), z) - ops.matmul(ops.transpose(y), y)))


def distances(ops, y, z):
    """Every sample against every other one, sorted along the batch."""
    pairs = ops.sum(ops.square(ops.expand_dims(z, 1) - ops.expand_dims(y, 0)), axis=-1)
    return ops.mean(pairs, axis=1) + ops.max(z, axis=0)[0] - ops.std(z)


def halves(ops, y, z):
    """The two halves of a batch are views of the same things."""
    both = ops.concatenate([z, y], axis=0)
    centred = both - ops.mean(both, axis=0)
    correlation = ops.matmul(ops.transpose(centred), centred) / ops.shape(both)[0]
    return ops.sum(ops.square(correlation - ops.eye(4)))


def triplets(ops, y, z):
    """The hardest positive and negative sample for each anchor (Hermans et al. 2017)."""
    labels = ops.reshape(y, (-1,))
    products = ops.matmul(z, ops.transpose(z))
    squares = ops.diagonal(products)
    distances = ops.maximum(ops.expand_dims(squares, 1) - 2.0 * products + ops.expand_dims(squares, 0), 1e-6)
    same = ops.cast(ops.equal(ops.expand_dims(labels, 0), ops.expand_dims(labels, 1)), "float32")
    positive = ops.max(same * distances, axis=1, keepdims=True)
    farthest = ops.max(distances, axis=1, keepdims=True)
    negative = ops.min(distances + farthest * same, axis=1, keepdims=True)
    return ops.mean(ops.relu(positive - negative + 0.5))


LOSSES = {
    "contrastive": (contrastive, LABELS),
    "of pairs": (of_pairs, TARGETS),
    "gram": (gram, TARGETS),
    "distances": (distances, TARGETS),
    "halves": (halves, TARGETS),
    "triplets": (triplets, LABELS),
}


def make_model(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((6, 6, 2)),
            layers.Conv2D(3, 3, activation="tanh"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(4, kernel_regularizer="l2"),
        ]
    )


def weights_of(model):
    return [np.asarray(w.value) for w in model.weights]


def spread(library):
    """A metric that mixes samples."""
    return lambda y, z: library.ops.mean(library.ops.max(z, axis=0) - library.ops.min(z, axis=0))


def trained(library, name, weights=None, sample_weight=None, accumulate=None):
    function, y = LOSSES[name]
    model = make_model(library)
    if weights is not None:
        model.set_weights(weights)
    before = weights_of(model)
    optimizer = library.optimizers.SGD(0.05, gradient_accumulation_steps=accumulate)
    mse = ["mse"] if y is TARGETS else []
    metrics = [library.metrics.MeanMetricWrapper(spread(library), name="spread"), *mse]
    model.compile(optimizer, lambda y, z: function(library.ops, y, z), metrics=metrics, weighted_metrics=mse)
    given = {"sample_weight": sample_weight, "validation_data": (X[:8], y[:8])}
    history = model.fit(X, y, batch_size=8, epochs=2, shuffle=False, verbose=0, **given).history
    found = model.evaluate(X, y, batch_size=8, verbose=0, return_dict=True)
    return before, history | {f"test {key}": value for key, value in found.items()}, weights_of(model)


@pytest.mark.parametrize("name", LOSSES)
def test_training(name):
    weighted = name in ("of pairs", "distances", "halves")
    options = {"sample_weight": WEIGHTS, "accumulate": 2} if weighted else {}
    before, history, after = trained(keras, name, **options)
    _, own_history, own_after = trained(pycnn, name, before, **options)
    assert sorted(own_history) == sorted(history)
    for key, values in history.items():
        np.testing.assert_allclose(own_history[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    for own, theirs in zip(own_after, after, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-3, atol=1e-5)
