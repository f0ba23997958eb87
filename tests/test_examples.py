"""The examples run, and do what they say."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pycnn.datasets import fashion_mnist

EXAMPLES = Path(__file__).parents[1] / "examples"
NEEDS_DATA = pytest.mark.skipif(fashion_mnist.find().kind == "download", reason="Fashion-MNIST is not here")


@NEEDS_DATA
def test_fashion_mnist_is_learnt():
    command = [sys.executable, EXAMPLES / "fashion_mnist.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"test accuracy ([\d.]+)", done.stdout)[1]) >= 0.88


@NEEDS_DATA
def test_image_kernels(tmp_path):
    command = [sys.executable, EXAMPLES / "image_kernels.py", tmp_path / "x.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "x.png") as image:
        assert image.size == (5 * 56 * 8 + 4 * 8, 56 * 8)


@NEEDS_DATA
def test_saliency(tmp_path):
    pytest.importorskip("matplotlib")
    command = [sys.executable, EXAMPLES / "saliency.py", tmp_path / "x.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"val_accuracy: ([\d.]+)", done.stdout)[1]) >= 0.75
    with Image.open(tmp_path / "x.png") as image:
        assert image.size[0] > 500
        assert len(set(image.convert("L").tobytes())) > 100


@NEEDS_DATA
@pytest.mark.parametrize(
    ("name", "arguments", "expected", "least"),
    [
        ("two_outputs.py", ["1"], r"test accuracy ([\d.]+)", 0.75),
        ("siamese.py", ["1"], r"accuracy on pairs of test pictures ([\d.]+)", 0.85),
        ("autoencoder.py", ["{}/x.png"], r"of the average picture ([\d.]+)", 0.08),
    ],
)
def test_examples_reach(tmp_path, name, arguments, expected, least):
    command = [sys.executable, EXAMPLES / name, *(argument.format(tmp_path) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(re.search(expected, done.stdout)[1]) >= least
    if error := re.search(r"mean squared error ([\d.]+)", done.stdout):
        assert float(error[1]) <= 0.025


def test_image_kernels_do_what_their_names_say():
    example = runpy.run_path(str(EXAMPLES / "image_kernels.py"))
    filtered, kernels = example["filtered"], example["KERNELS"]
    flat = np.full((9, 9), 90.0)
    for name, kernel in kernels.items():
        # All but edges keep the brightness of a plain picture, up to its border.
        np.testing.assert_allclose(filtered(flat, kernel), 0 if name == "edges" else 90, atol=1e-4)
    step = np.repeat([[50.0, 100.0]], 6, axis=1) * np.ones((8, 1))
    for name, wanted in (
        ("blur", [50, 62.5, 87.5, 100]),
        ("edges", [0, 0, 150, 0]),
        ("sharpen", [50, 0, 150, 100]),
    ):
        np.testing.assert_allclose(filtered(step, kernels[name])[3, 4:8], wanted, atol=1e-3)


def test_resnet20():
    """As large as the paper says, and it learns. The program as a whole takes too long for a test."""
    example = runpy.run_path(str(EXAMPLES / "resnet20.py"))
    # 3x3 convolutions, four numbers a channel for normalization, and the dense layer; then the projections.
    kernels = 9 * (3 * 16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
    plain = kernels + 4 * (7 * 16 + 6 * 32 + 6 * 64) + 65 * 10
    assert example["resnet20"]((32, 32, 3)).count_params() == plain
    projected = plain + 16 * 32 + 32 * 64 + 4 * (32 + 64)
    assert example["resnet20"]((32, 32, 3), projection=True).count_params() == projected
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 64)
    x = rng.random((64, 12, 12, 1)) + 0.5 * y[:, None, None, None]
    for projection in (False, True):
        model = example["resnet20"]((12, 12, 1), 4, projection)
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = model.fit(x, y, batch_size=16, epochs=8, verbose=0).history["loss"]
        assert losses[-1] < 0.5 * losses[0]


def test_transfer_learning():
    command = [sys.executable, EXAMPLES / "transfer_learning.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(re.search(r"test accuracy ([\d.]+)", done.stdout)[1]) >= 0.8


def test_pictures_from_folder(tmp_path):
    arguments = ["--pictures", "800", "--size", "64", "--epochs", "14", "--least", "0.7", "--folder"]
    command = [sys.executable, EXAMPLES / "pictures_from_folder.py", *arguments, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(re.search(r"accuracy ([\d.]+) on 160 pictures", done.stdout)[1]) >= 0.7
    with Image.open(tmp_path / "hardest.png") as sheet:
        assert len(set(sheet.convert("L").tobytes())) > 100
    predict = [sys.executable, "-m", "pycnn.cli", "predict", "--json", tmp_path / "model.safetensors"]
    picture = tmp_path / "pictures" / "suns" / "suns-00000.jpg"
    done = subprocess.run([*predict, picture], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    classes = [one["class"] for one in json.loads(done.stdout)[0]["predictions"]]
    assert sorted(classes) == ["hearts", "suns"]
