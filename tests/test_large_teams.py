"""Training steps of small batches for teams of all sizes: finer pieces, shards together, the same bits."""

import numpy as np
import pytest

import pycnn as keras
from pycnn import _core

layers = keras.layers


def residual():
    """Large convolutions, two of one input among them, batch statistics, kernels in pieces and in shards."""
    x = keras.Input((18, 18, 3))
    y = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(64, 3, padding="same")(x)))
    z = layers.BatchNormalization()(layers.Conv2D(160, 3, strides=2, padding="same", use_bias=False)(y))
    shortcut = layers.BatchNormalization()(layers.Conv2D(160, 1, strides=2)(y))
    z = layers.Activation("relu")(layers.Add()([z, shortcut]))
    z = layers.Conv2D(288, 3, padding="same", activation="tanh")(z)
    z = layers.Conv2D(64, 1, activation="relu")(z)
    z = layers.Conv2D(64, (1, 7), padding="same")(z)
    return keras.Model(x, layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(z)))


def pooled():
    """Max-poolings, whose backward passes are sparse, and a dense layer that is cut by weights."""
    return keras.Sequential(
        [
            keras.Input((44, 44, 3)),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(160, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )


def chain():
    """Convolutions whose gradients by weights and input read weights of different sizes."""
    convolutions = [layers.Conv2D(64, 3, padding="same", activation="relu") for _ in range(4)]
    end = [layers.GlobalAveragePooling2D(), layers.Dense(5, activation="softmax")]
    return keras.Sequential([keras.Input((28, 28, 64)), *convolutions, *end])


def far_weights():
    """Weights that no cache holds, of small maps: they are read for the samples of several shards at once."""
    return keras.Sequential(
        [
            keras.Input((7, 6, 160)),
            layers.Conv2D(320, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Conv2D(272, 3, padding="same", activation="relu"),
            layers.Dropout(0.2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )


def trained(build, threads, sizes):
    """The weights after a step with each size of batch, and the plan for the last one."""
    _core.set_num_threads(threads)
    keras.utils.set_random_seed(4)
    model = build()
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(2)
    losses = []
    for size in sizes:
        x = rng.normal(size=(size, *model.input_shape[1:])).astype(np.float32)
        losses.append(model.train_on_batch(x, rng.integers(0, 5, size)))
    plan = model._trained.network.summary_of_plan(True, max(sizes))
    return [np.array(losses), *model.get_weights()], plan


@pytest.mark.parametrize("build", [residual, pooled, chain])
@pytest.mark.parametrize("sizes", [(8, 16), (32, 9, 15, 1, 32), (24, 130)])
def test_same_bits_in_finer_pieces(build, sizes, isa, restore_threads):
    whole, plan = trained(build, 1, sizes)
    assert "block, cut" not in plan
    for threads in (9, 16):
        cut, plan = trained(build, threads, sizes)
        if build is not chain or max(sizes) > 128:  # larger ones have a shard for each of 16 threads
            assert ("block, cut" in plan) == (max(sizes) < 128)
        for a, b in zip(whole, cut, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("sizes", [(8, 16), (5, 1, 8, 3)])
def test_same_bits_with_weights_read_for_several_shards(sizes, isa, restore_threads):
    whole, _ = trained(far_weights, 1, sizes)
    for threads in (2, 3, 5, 8, 16):
        for a, b in zip(whole, trained(far_weights, threads, sizes)[0], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_profile_is_cut_for_the_threads_that_are_asked_for(restore_threads):
    _core.set_num_threads(1)
    model = residual()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((8, 18, 18, 3), np.float32), np.arange(8) % 5
    coarse = model.profile(x, y, seconds=0.01)
    fine = model.profile(x, y, seconds=0.01, threads=16)
    assert coarse.threads == fine.threads == 1

    def pieces(profile):
        return [stage.pieces for stage in profile.stages]

    assert pieces(fine).count(16) > pieces(coarse).count(16)
    assert pieces(model.profile(x, y, seconds=0.01)) == pieces(coarse)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "many"])
def test_a_profile_refuses_other_numbers_of_threads(threads):
    model = pooled()
    with pytest.raises((TypeError, ValueError), match="threads"):
        model.profile(np.ones((2, 44, 44, 3), np.float32), threads=threads)
