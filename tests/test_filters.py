"""Image kernels against NumPy in float64, on arrays and files, and `pycnn filter`."""

import numpy as np
import pytest
from helpers import tolerance
from PIL import Image

from pycnn import filters
from pycnn.cli import main

PAD = {"constant": "constant", "nearest": "edge", "edge": "edge", "reflect": "reflect", "wrap": "wrap"}
SIZES = [(1, 1), (1, 2), (3, 1), (5, 7), (8, 8), (16, 17)]
OWN = np.array([[1, -2, 3, 0], [0, 5, -1, 2]])  # even sizes, not separable


def reference(image, kernel, strides, padding, mode, fill):
    """Plain loops over outputs, float64."""
    x = np.asarray(image, np.float64)
    x = x[:, :, None] if x.ndim == 2 else x
    widths = []
    for n, k, s in zip(x.shape[:2], kernel.shape, strides, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0) if padding == "same" else 0
        number = isinstance(padding, int)
        widths.append((padding, padding) if number else (total // 2, total - total // 2))
    options = {"constant_values": fill} if mode == "constant" else {}
    x = np.pad(x, [*widths, (0, 0)], PAD[mode], **options)
    (kh, kw), (sh, sw) = kernel.shape, strides
    oh, ow = (x.shape[0] - kh) // sh + 1, (x.shape[1] - kw) // sw + 1
    y = np.zeros((oh, ow, x.shape[2]))
    for i in range(oh):
        for j in range(ow):
            window = x[i * sh : i * sh + kh, j * sw : j * sw + kw]
            y[i, j] = (window * kernel[:, :, None]).sum(axis=(0, 1))
    return y


@pytest.mark.parametrize("mode", filters.MODES)
@pytest.mark.parametrize("padding", ["same", "valid", 2])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("kernel", ["sobel_left", "emboss", "binomial_blur", OWN], ids=str)
def test_exact(rng, mode, padding, strides, kernel):
    """Sums of small integers and sixteenths are exact in float32."""
    fill = 7 if mode == "constant" else 0
    matrix = filters.get(kernel)
    for size in SIZES:
        image = rng.integers(0, 256, (*size, 3), np.uint8)
        extra = 4 if padding == 2 else 0
        if padding != "same" and (size[0] + extra < matrix.shape[0] or size[1] + extra < matrix.shape[1]):
            with pytest.raises(ValueError, match="larger than the picture"):
                filters.apply(image, kernel, strides, padding, mode, fill)
            continue
        expected = reference(image, matrix, strides, padding, mode, fill)
        raw = filters.apply(image, kernel, strides, padding, mode, fill, dtype="float32")
        np.testing.assert_array_equal(raw, expected)
        assert raw.dtype == np.float32
        rounded = filters.apply(image, kernel, strides, padding, mode, fill)
        np.testing.assert_array_equal(rounded, np.clip(np.rint(expected), 0, 255))
        assert rounded.dtype == np.uint8


@pytest.mark.parametrize("kernel", [*filters.NAMES, "blur", "gaussian:0.6", "gaussian:2.5", "box:2", "box:9"])
def test_every_kernel(rng, kernel):
    matrix, image = filters.get(kernel), rng.standard_normal((20, 23))
    expected = reference(image, matrix, (2, 3), "same", "reflect", 0)[:, :, 0]
    result = filters.apply(image, kernel, (2, 3), mode="reflect")
    # Two passes are sums of at most as many terms; the input is rounded to float32, too.
    atol = tolerance(matrix.size, np.abs(matrix).sum())
    np.testing.assert_allclose(result, expected, rtol=0, atol=atol)


def test_forms_of_the_image(rng):
    """Grey, coloured and batches are the same pixels."""
    batch = rng.integers(0, 256, (4, 9, 8, 3), np.uint8)
    result = filters.apply(batch, "sharpen")
    for picture, whole in zip(batch, result, strict=True):
        np.testing.assert_array_equal(filters.apply(picture, "sharpen"), whole)
        for channel in range(3):
            grey = filters.apply(picture[:, :, channel], "sharpen")
            np.testing.assert_array_equal(grey, whole[:, :, channel])


@pytest.mark.parametrize("stride", [6, 10**6, 2**40, 10**30])
@pytest.mark.parametrize("padding", ["same", "valid", 4])
def test_strides_beyond_the_picture(rng, stride, padding):
    image = rng.integers(0, 256, (6, 5, 2))
    y = filters.apply(image, OWN, stride, padding)
    expected = reference(image, OWN, (stride, stride), padding, "constant", 0)
    np.testing.assert_allclose(y, expected, atol=tolerance(8, 255 * 5))


def test_kernels():
    for name in ("box_blur", "binomial_blur", "gaussian:1.7", "box:6", "identity", "sharpen"):
        assert filters.get(name).sum() == pytest.approx(1, abs=1e-12)
    for name in ("outline", "laplacian", "sobel_left", "sobel_right", "sobel_top", "sobel_bottom"):
        assert filters.get(name).sum() == 0
    np.testing.assert_array_equal(filters.get("sobel_left"), filters.get("sobel_right")[:, ::-1])
    np.testing.assert_array_equal(filters.get("sobel_top"), filters.get("sobel_left").T)
    np.testing.assert_array_equal(filters.get("sobel_bottom"), filters.get("sobel_top")[::-1])
    line = filters.gaussian(1.3).sum(axis=0)
    offsets = np.arange(len(line)) - len(line) // 2
    assert np.sqrt((line * offsets**2).sum()) == pytest.approx(1.3, rel=0.03)  # cut off at 3 deviations
    step = np.repeat([[0.0, 1.0]], 3, axis=1)
    step = np.repeat(step, 5, axis=0)
    assert filters.apply(step, "sobel_right", padding="valid").max() == 4
    assert filters.apply(step, "sobel_left", padding="valid").min() == -4


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"kernel": "blurr"}, ValueError, "expected one of identity"),
        ({"kernel": "gaussian:-1"}, ValueError, "above 0"),
        ({"kernel": "gaussian:nan"}, ValueError, "finite"),
        ({"kernel": "box:0"}, ValueError, "at least 1"),
        ({"kernel": "1 2; 3"}, ValueError, "as many numbers"),
        ({"kernel": "1 inf"}, ValueError, "finite"),
        ({"kernel": ""}, ValueError, "rows"),
        ({"kernel": np.zeros((0, 3))}, ValueError, "shape"),
        ({"kernel": [[1e39]]}, ValueError, "finite float32"),
        ({"kernel": [["a"]]}, TypeError, "real numbers"),
        ({"kernel": np.zeros((1, 2000))}, ValueError, "1023"),
        ({"strides": 0}, ValueError, "strides"),
        ({"padding": "full"}, ValueError, "'full'"),
        ({"padding": -1}, ValueError, "padding"),
        ({"padding": 10**6}, ValueError, "too many"),
        ({"mode": "mirror"}, ValueError, "'reflect'"),
        ({"mode": "wrap", "fill_value": 3}, ValueError, "goes with mode"),
        ({"fill_value": np.nan}, ValueError, "fill_value"),
        ({"dtype": "int16"}, ValueError, "dtype"),
        ({"image": np.zeros(3)}, ValueError, "shape"),
        ({"image": np.zeros((0, 3))}, ValueError, "shape"),
        ({"image": np.zeros((3, 3), complex)}, TypeError, "complex"),
    ],
)
def test_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        filters.apply(**{"image": np.zeros((3, 3)), "kernel": "blur", **arguments})


# --- files and the command ----------------------------------------------------------------------------------
@pytest.fixture
def picture(rng, tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(rng.integers(0, 256, (12, 15, 3), np.uint8)).save(path)
    return path


def test_command(picture, tmp_path, capsys):
    output = tmp_path / "out.png"
    command = ["filter", str(picture), "--kernel", "outline", "--output", str(output), "--stride", "2"]
    assert main([*command, "--padding", "3", "--fill", "9"]) == 0
    assert capsys.readouterr().out == f"{output}: 10 x 8 pixels\n"
    expected = reference(np.array(Image.open(picture)), filters.get("outline"), (2, 2), 3, "constant", 9)
    np.testing.assert_array_equal(np.array(Image.open(output)), np.clip(expected, 0, 255))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


def test_list(capsys):
    assert main(["filter", "--list"]) == 0
    text = capsys.readouterr().out
    assert all(f"{name}:" in text for name in filters.NAMES)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({0: "missing.png"}, "there is no file"),
        ({2: "nothing"}, "expected one of"),
        ({4: "out.nothing"}, "ends like a picture"),
        ({4: "no/folder/out.png"}, "no folder"),
        ({0: "text.png"}, "not a picture"),
    ],
)
def test_command_refuses(changed, message, picture, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    command = ["in.png", "--kernel", "blur", "--output", "out.png"]
    for place, value in changed.items():
        command[place] = value
    assert main(["filter", *command]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_modes_of_files(rng, tmp_path):
    """Grey stays grey; transparency keeps its values; 16 bits are refused."""
    grey, clear = rng.integers(0, 256, (6, 7), np.uint8), rng.integers(0, 256, (6, 7, 4), np.uint8)
    for name, pixels in (("grey", grey), ("clear", clear)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        written = filters.apply_to_file(tmp_path / f"{name}.png", tmp_path / "y.png", "blur", mode="edge")
        np.testing.assert_array_equal(np.array(Image.open(tmp_path / "y.png")), written)
        assert written.shape == pixels.shape
    np.testing.assert_array_equal(written[:, :, 3], clear[:, :, 3])
    layered = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(clear[:, :, 3])])
    layered.save(tmp_path / "layered.png")
    written = filters.apply_to_file(tmp_path / "layered.png", tmp_path / "y.png", "identity")
    np.testing.assert_array_equal(written, np.array(layered.convert("RGBA")))
    assert filters.apply_to_file(tmp_path / "clear.png", tmp_path / "y.jpg", "identity").shape == (6, 7, 3)
    Image.fromarray(grey.astype(np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="8 bits"):
        filters.apply_to_file(tmp_path / "deep.png", tmp_path / "y.png", "blur")
