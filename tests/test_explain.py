"""Figures that explain: what they show is what pycnn computes; files; `pycnn explain`."""

import numpy as np
import pytest
from PIL import Image

from pycnn import explain, filters
from pycnn.cli import main
from pycnn.explain import samples, style
from pycnn.explain.activations import curves, with_derivative
from pycnn.explain.augmentation import ROWS, drawn
from pycnn.explain.normalization import stages
from pycnn.explain.optimizers import SETTINGS, path_of, surface

pytest.importorskip("matplotlib")


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (20, 24), np.uint8)


@pytest.fixture(scope="module")
def model():
    import pycnn as keras
    from pycnn import layers

    return keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(3, 3, name="first"),
            layers.DepthwiseConv2D(3, name="second"),
            layers.Conv2D(20, 1, name="third"),
        ]
    )


def axes_of(figure):
    """All panels, those of subfigures too."""
    parts = [figure, *figure.subfigs]
    return list(dict.fromkeys(axes for part in parts for axes in part.axes))


def numbers(axes):
    return [float(text.get_text().replace("\u2212", "-")) for text in axes.texts]


@pytest.mark.parametrize("fill", [5, -1234567.891, 3e30])
def test_numbers_stay_in_their_cells(fill):
    figure = explain.padding(fill)
    figure.draw_without_rendering()
    for axes in axes_of(figure):
        rows = round(abs(np.subtract(*axes.get_ylim())))
        cell = axes.get_window_extent().width / rows
        assert all(text.get_window_extent().width <= cell for text in axes.texts)


def test_kernel(picture):
    figure = explain.kernel(picture, "sobel_left", (4, 7))
    shown, result, pixels, weights, products = axes_of(figure)
    np.testing.assert_array_equal(shown.images[0].get_array(), picture)
    y = filters.apply(picture, "sobel_left", padding="valid", dtype="float32")
    np.testing.assert_array_equal(result.images[0].get_array(), np.clip(y, 0, 255))
    block, matrix = picture[4:7, 7:10], filters.get("sobel_left")
    assert numbers(pixels) == block.ravel().tolist()
    assert numbers(weights) == matrix.ravel().tolist()
    assert numbers(products) == (block * matrix).ravel().tolist()
    assert products.get_title().endswith(style.number(y[4, 7]))
    assert [patch.get_xy() for patch in shown.patches] == [(6.5, 3.5)]


def test_padding():
    panels = axes_of(explain.padding(2))
    assert [len(numbers(axes)) for axes in panels] == [25, 9, 49, 25, 49, 9]
    grid, sums = (np.array(numbers(axes)) for axes in panels[2:4])
    grid, sums = grid.reshape(7, 7), sums.reshape(5, 5)
    assert (grid[0] == 2).all()
    assert (grid[:, -1] == 2).all()
    np.testing.assert_array_equal(np.array(numbers(panels[0])).reshape(5, 5), grid[1:-1, 1:-1])
    windows = np.lib.stride_tricks.sliding_window_view(grid, (3, 3)).sum(axis=(2, 3))
    np.testing.assert_array_equal(sums, windows)
    assert numbers(panels[1]) == windows[1:-1, 1:-1].ravel().tolist()
    assert numbers(panels[5]) == windows[::2, ::2].ravel().tolist()


def test_pooling(picture):
    before, largest, mean = axes_of(explain.pooling(picture))
    blocks = np.array(numbers(before)).reshape(3, 2, 3, 2)
    assert numbers(largest) == blocks.max(axis=(1, 3)).ravel().tolist()
    np.testing.assert_allclose(numbers(mean), blocks.mean(axis=(1, 3)).ravel(), atol=0.005)
    framed = [patch.get_xy() for patch in before.patches if not patch.get_fill()]
    values = [np.array(numbers(before)).reshape(6, 6)[round(y + 0.45), round(x + 0.45)] for x, y in framed]
    assert values == numbers(largest)


def test_feature_maps(rng, model):
    colours = rng.integers(0, 256, (12, 10, 3), np.uint8)
    figure = explain.feature_maps(colours, model)
    panels = axes_of(figure)
    np.testing.assert_array_equal(panels[0].images[0].get_array(), colours)
    shown = [axes for axes in panels[1:] if axes.images]
    assert len(shown) == 3 + 3 + 16
    x = colours[None] / np.float32(255)
    for layer, first, count in ((0, 0, 3), (1, 3, 3), (2, 6, 16)):
        x = np.asarray(model.layers[layer](x))
        for i in range(count):
            seen = shown[first + i].images[0].get_array()
            np.testing.assert_allclose(seen, x[0, :, :, i], rtol=1e-4, atol=1e-5)


def test_trained_network():
    from pycnn.explain import network

    model = network.trained()
    x, y = samples.sample()
    accuracy = (model.predict(x[..., None] / np.float32(255), verbose=0).argmax(1) == y).mean()
    assert accuracy > 0.7  # one class in ten by chance
    panels = axes_of(explain.feature_maps(None, model))
    assert len([axes for axes in panels if axes.images]) == 1 + 8 + 16


def test_activations():
    functions = curves()
    assert list(functions)[:6] == ["sigmoid", "tanh", "relu", "leaky_relu", "maxout", "elu"]
    x = np.linspace(-3.9, 3.8, 60, dtype=np.float32)
    step = np.float32(1 / 64)
    for name, function in functions.items():
        _, slope = with_derivative(function, x)
        difference = (np.asarray(function(x + step)) - np.asarray(function(x - step))) / (2 * step)
        # At corners and jumps the difference is none of the derivative's.
        assert (np.abs(slope - difference) < 0.02).mean() > 0.9, name
    panels = [axes for axes in axes_of(explain.activations()) if axes.lines]
    assert [axes.get_title() for axes in panels] == list(functions)
    line = panels[0].lines[-2]
    np.testing.assert_allclose(line.get_ydata(), 1 / (1 + np.exp(-line.get_xdata())), rtol=1e-5)


def test_softmax():
    z = np.array([1.0, -2.0, 0.5])
    heights = [[bar.get_height() for bar in axes.patches] for axes in axes_of(explain.softmax(z))]
    np.testing.assert_allclose(heights[0], z)
    np.testing.assert_allclose(heights[1], np.exp(z - 1), rtol=1e-6)
    np.testing.assert_allclose(heights[2], np.exp(z) / np.exp(z).sum(), rtol=1e-6)


def test_normalization(rng):
    x = rng.standard_normal((50, 2)) * (3, 0.5) + (1, -2)
    original, centred, standardized, whitened = stages(x).values()
    np.testing.assert_array_equal(original, x)
    np.testing.assert_allclose(centred.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(standardized, centred / x.std(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.cov(whitened.T, bias=True), np.eye(2), atol=1e-9)
    panels = axes_of(explain.normalization(x))
    np.testing.assert_array_equal(panels[1].collections[0].get_offsets(), centred)
    with pytest.raises(ValueError, match="on a line"):
        explain.normalization(np.outer(np.arange(5), [1, 2]))


def test_augmentation(picture):
    colours = np.repeat(picture[..., None], 3, axis=2)
    panels = axes_of(explain.augmentation(colours))
    assert len(panels) == 8 * len(ROWS)
    for place, arguments in enumerate(ROWS):
        line = panels[8 * place : 8 * place + 8]
        assert all(f"{name}={value!r}" in line[0].get_ylabel() for name, value in arguments.items())
        np.testing.assert_array_equal(line[0].images[0].get_array(), colours)
        images = [axes.images[0].get_array() for axes in line[1:]]
        np.testing.assert_array_equal(images, drawn(colours, arguments, 1))
        assert any((image != colours).any() for image in images)


def test_optimizers():
    panels = [axes for axes in axes_of(explain.optimizers()) if axes.lines]
    assert len(panels) == len(SETTINGS)
    for axes, (title, (name, arguments)) in zip(panels, SETTINGS.items(), strict=True):
        path = path_of(name, arguments, 40)
        assert axes.get_title().startswith(title)
        np.testing.assert_array_equal(np.transpose(axes.lines[0].get_data()), path)
        assert surface(path[-1]) < 0.1 * surface(path[0]), title
    sgd = path_of("SGD", {"learning_rate": 0.4}, 3)
    expected = np.array([[-4.0, 2.0]]) * (1 - 0.4 * np.array([0.2, 4.0])) ** np.arange(4)[:, None]
    np.testing.assert_allclose(sgd, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: explain.kernel(np.zeros((5, 5))), "uint8"),
        (lambda: explain.kernel(kernel="box:9"), "at most 7 x 7"),
        (lambda: explain.kernel(position=(26, 0)), "position"),
        (lambda: explain.padding(np.inf), "finite"),
        (lambda: explain.pooling(np.zeros((5, 9), np.uint8)), "at least 6 x 6"),
        (lambda: explain.softmax([1]), "2 to 20"),
        (lambda: explain.normalization([[1, 2]]), "points"),
        (lambda: explain.optimizers(1001), "at most 1000"),
    ],
)
def test_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


# --- files and the command ----------------------------------------------------------------------------------
def test_command(tmp_path, monkeypatch, picture, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture).save("in.png")
    assert main(["explain", "kernel", "--picture", "in.png", "--kernel", "emboss"]) == 0
    assert main(["explain", "padding", "--fill", "3", "--output", "padding.svg"]) == 0
    assert capsys.readouterr().out == "kernel.png\npadding.svg\n"
    with Image.open("kernel.png") as image:
        assert image.size[0] > 1000
    assert "<svg" in (tmp_path / "padding.svg").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "kernel.png", "padding.svg"]


def test_model_from_a_file(tmp_path, model):
    model.save(tmp_path / "model.keras")
    output = tmp_path / "maps.png"
    command = ["explain", "feature-maps", "--model", str(tmp_path / "model.keras"), "--output", str(output)]
    assert main(command) == 0
    with Image.open(output) as image:
        assert image.format == "PNG"


def test_animation(tmp_path):
    explain.animate_optimizers(tmp_path / "paths.gif", steps=2)
    with Image.open(tmp_path / "paths.gif") as image:
        assert image.n_frames == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["softmax", "--picture", "in.png"], "--picture does not go with the topic softmax"),
        (["softmax", "--output", "figure.doc"], "must end in .png"),
        (["softmax", "--output", "no/figure.png"], "there is no folder"),
        (["kernel", "--picture", "missing.png"], "missing.png"),
        (["feature-maps", "--model", "missing.keras"], "missing.keras"),
    ],
)
def test_command_refuses(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install"):
        explain.softmax()
