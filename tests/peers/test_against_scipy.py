"""Padding modes of a convolution, and image kernels, against scipy.ndimage."""

import numpy as np
import pytest
from helpers import normal, tolerance

from pycnn import filters, ops

ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
pytestmark = pytest.mark.peers

# SciPy's "reflect" repeats the border; NumPy's and pycnn's does not, which SciPy calls "mirror".
MODES = {"constant": "constant", "edge": "nearest", "reflect": "mirror"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kernel", [(3, 3), (5, 3), (1, 7), (9, 9)])
def test_padding_modes(rng, mode, kernel):
    image, w = normal(rng, 17, 19), normal(rng, *kernel)
    y = ops.conv2d(
        image[np.newaxis, :, :, np.newaxis],
        w[:, :, np.newaxis, np.newaxis],
        padding="same",
        padding_mode=mode,
        padding_value=0.75,
    )
    expected = ndimage.correlate(image, w, mode=MODES[mode], cval=0.75)
    np.testing.assert_allclose(y[0, :, :, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_padding(rng, mode):
    """A convolution with a single one copies the padded image."""
    image = normal(rng, 6, 7)
    shifted = np.zeros((5, 5), np.float32)
    shifted[0, 4] = 1.0
    expected = ndimage.correlate(image, shifted, mode=MODES[mode], cval=0.75)
    padded = ops.pad2d(image[np.newaxis, :, :, np.newaxis], 2, mode=mode, value=0.75)
    np.testing.assert_array_equal(padded[0, :6, 4:, 0], expected)


@pytest.mark.parametrize("mode", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("kernel", [*filters.NAMES, "gaussian:1.5", "box:5"])
def test_filters(rng, mode, kernel):
    image = rng.integers(0, 256, (17, 19)).astype(np.float64)
    fill = 3 if mode == "constant" else 0
    matrix = filters.get(kernel)
    scipy_mode = "mirror" if mode == "reflect" else mode
    expected = ndimage.correlate(image, matrix, mode=scipy_mode, cval=fill)
    result = filters.apply(image, kernel, mode=mode, fill_value=fill)
    atol = tolerance(matrix.size, 255 * np.abs(matrix).sum())
    np.testing.assert_allclose(result, expected, rtol=0, atol=atol)
