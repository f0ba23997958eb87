"""keras.ops.image in Keras and here: arrays, and a model of the function."""

import numpy as np
import pytest
from helpers import tolerance
from keras_peer import load

import pycnn
from pycnn import ops

keras = load()
pytestmark = pytest.mark.peers

RNG = np.random.default_rng(0)
X, Y = (RNG.random((2, 13, 15, 3)).astype(np.float32) for _ in range(2))
CASES = [
    *[("resize", [X], [(7, 22)], {"interpolation": i}) for i in ("bilinear", "nearest", "bicubic")],
    ("resize", [X], [(7, 22)], {"interpolation": "lanczos3"}),
    ("resize", [X], [(7, 22)], {"antialias": True}),
    ("resize", [X[0]], [(20, 4)], {}),
    ("rgb_to_grayscale", [X], [], {}),
    ("extract_patches", [X], [3], {}),
    ("extract_patches", [X], [3], {"strides": 1, "dilation_rate": 2}),
    ("extract_patches", [X], [(3, 2)], {"strides": (2, 3), "padding": "same"}),
    ("extract_patches", [X[0]], [(2, 4)], {}),
    ("pad_images", [X], [1, 2], {"target_height": 20, "target_width": 21}),
    ("pad_images", [X[0]], [1, 2, 3, 4], {}),
    ("crop_images", [X], [1, 2], {"target_height": 5, "target_width": 6}),
    ("crop_images", [X[0]], [1, 2, 3, 4], {}),
    ("ssim", [X, Y], [], {}),
    ("ssim", [X, Y], [], {"max_val": 2.0, "filter_size": 5, "filter_sigma": 1.0}),
    ("ssim", [X[0], X[0] * np.float32(0.9)], [], {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{len(case[1][0].shape)}-{case[3]}")
def test_functions(case):
    name, images, args, options = case
    function, theirs = getattr(ops.image, name), getattr(keras.ops.image, name)
    expected = np.asarray(theirs(*images, *args, **options))
    # Sums of 121 products at most, of numbers below 1; ssim divides by variances near 0.1.
    limit = tolerance(121, 10)
    np.testing.assert_allclose(function(*images, *args, **options), expected, atol=limit, rtol=0)
    if images[0].ndim == 4:
        inputs = [pycnn.Input(image.shape[1:]) for image in images]
        model = pycnn.Model(inputs, function(*inputs, *args, **options))
        np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=limit, rtol=0)
