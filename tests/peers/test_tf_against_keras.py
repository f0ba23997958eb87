"""`pycnn.tf.image` against `keras.ops.image` and jax."""

import numpy as np
import pytest

import pycnn.tf as tf

jax = pytest.importorskip("jax")
keras = pytest.importorskip("keras")

pytestmark = pytest.mark.peers
RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("method", "antialias", "size"),
    [("bilinear", False, (3, 17)), ("bicubic", True, (3, 17)), ("lanczos5", False, (9, 4))],
)
def test_resize(method, antialias, size):
    images = RNG.random((2, 7, 11, 3), np.float32)
    expected = jax.image.resize(images, (2, *size, 3), method, antialias=antialias)
    np.testing.assert_allclose(
        tf.image.resize(images, size, method, antialias=antialias).numpy(), expected, atol=2e-6
    )


def test_resize_to_the_nearest():
    images = RNG.integers(0, 256, (2, 7, 11, 3)).astype(np.uint8)
    expected = jax.image.resize(images, (2, 5, 23, 3), "nearest")
    found = tf.image.resize(images, (5, 23), "nearest").numpy()
    np.testing.assert_array_equal(found, expected)


def test_colours():
    images = RNG.random((3, 5, 4, 3), np.float32)
    np.testing.assert_allclose(
        tf.image.rgb_to_grayscale(images).numpy(), keras.ops.image.rgb_to_grayscale(images), atol=1e-6
    )
    np.testing.assert_allclose(
        tf.image.rgb_to_hsv(images).numpy(), keras.ops.image.rgb_to_hsv(images), atol=1e-5
    )
    np.testing.assert_allclose(
        tf.image.hsv_to_rgb(images).numpy(), keras.ops.image.hsv_to_rgb(images), atol=1e-5
    )
