"""How `pycnn predict` reads picture files."""

import numpy as np
import pytest
from PIL import Image

from pycnn.cli.pictures import read_picture


def picture(tmp_path, image, invert="no", name="x.png", **options):
    image.save(tmp_path / name, **options)
    return read_picture(tmp_path / name, (28, 28), invert)


def test_picture_of_the_right_size_is_left_alone(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    np.testing.assert_array_equal(picture(tmp_path, Image.fromarray(pixels)).pixels, pixels)
    inverted = picture(tmp_path, Image.fromarray(pixels), "yes")
    np.testing.assert_array_equal(inverted.pixels, 255 - pixels)
    assert inverted.inverted is True


def test_dark_thing_on_white_paper(tmp_path):
    image = Image.new("RGB", (300, 300), "white")
    image.paste((20, 20, 60), (100, 50, 200, 250))
    seen = picture(tmp_path, image, "auto", "x.jpg")
    assert seen.inverted is True
    assert seen.pixels[14, 14] > 200
    assert seen.pixels[[0, 0, -1, -1], [0, -1, 0, -1]].max() < 10


def test_proportions_are_kept(tmp_path):
    image = Image.new("L", (280, 140), 100)
    image.paste(200, (70, 40, 210, 100))
    pixels = picture(tmp_path, image).pixels.astype(int)
    assert abs(pixels[14, 14] - 200) <= 2
    bright = pixels > 150
    assert bright.any(axis=1).sum() == 6
    assert bright.any(axis=0).sum() == 14
    assert abs(pixels[0] - 100).max() <= 1  # padded with the border's brightness


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode(tmp_path, mode):
    """The left half is black and the right half is white, whatever the numbers for these are."""
    grey = np.zeros((28, 28), np.uint8)
    grey[:, 14:] = 255
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(grey.astype(np.int32))
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32) / 255)
    else:
        image = Image.fromarray(grey).convert(mode)
    assert image.mode == mode
    pixels = picture(tmp_path, image, name="x.tif" if mode in ("CMYK", "YCbCr", "I", "F") else "x.png").pixels
    assert abs(pixels[:, :14].astype(int)).max() <= 1
    assert pixels[:, 14:].min() >= 254


def test_transparent_is_white(tmp_path):
    image = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (10, 10, 18, 18))
    pixels = picture(tmp_path, image).pixels
    assert pixels[0, 0] == 255
    assert pixels[14, 14] == 0
    palette = Image.new("P", (28, 28), 0)
    palette.putpixel((14, 14), 7)
    palette.putpalette([0, 0, 0] * 256)
    pixels = picture(tmp_path, palette, name="x.gif", transparency=0).pixels
    assert pixels[0, 0] == 255
    assert pixels[14, 14] == 0


def test_turned_camera(tmp_path):
    image = Image.new("L", (28, 28), 0)
    image.paste(255, (0, 0, 28, 14))
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right side of the file
    pixels = picture(tmp_path, image, name="x.jpg", exif=exif, quality=100).pixels
    assert pixels[:, :10].max() < 30
    assert pixels[:, 18:].min() > 225


def test_damaged_picture(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (200, 200), dtype=np.uint8)).save(tmp_path / "x.png")
    content = (tmp_path / "x.png").read_bytes()
    (tmp_path / "x.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"x.png is a damaged picture"):
        read_picture(tmp_path / "x.png", (28, 28))
    with pytest.raises(ValueError, match="invert is 'never', expected one of auto, yes, no"):
        read_picture(tmp_path / "x.png", (28, 28), "never")
