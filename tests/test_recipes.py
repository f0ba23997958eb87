"""The recipes of `pycnn train`: their images, schedules and networks, and that each of them learns."""

import json

import numpy as np
import pytest
from dataset_files import write_data

import pycnn
from pycnn.cli import main
from pycnn.recipes import RECIPES, LinearDecay
from pycnn.recipes.augmentation import Augmented, views

CORNER = np.zeros((1, 28, 28), np.uint8)
CORNER[0, 9, 4] = 255


def batches(shift, erase=0, pixels=None, count=200):
    data = Augmented(
        np.repeat(CORNER, count, 0) if pixels is None else pixels, np.arange(count), 64, shift, erase
    )
    return data, [data[i] for i in range(len(data))]


def test_images_are_moved_and_mirrored():
    _, found = batches(shift=2)
    places = {tuple(np.argwhere(image)[0][:2]) for x, _ in found for image in x}
    rows, columns = ({p[i] for p in places} for i in (0, 1))
    assert rows == {7, 8, 9, 10, 11}
    assert columns == {2, 3, 4, 5, 6} | {27 - c for c in (2, 3, 4, 5, 6)}
    assert all(np.count_nonzero(image) == 1 and image.max() == 1 for x, _ in found for image in x)


def test_every_image_comes_once_an_epoch_with_its_label():
    pixels = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 28, 28)).copy()
    data, found = batches(0, pixels=pixels)
    order = np.concatenate([y for _, y in found])
    assert [len(y) for _, y in found] == [64, 64, 64, 8]
    assert sorted(order) == list(range(200))
    for x, y in found:
        np.testing.assert_allclose(x, np.broadcast_to(y[:, None, None, None] / 255, x.shape), rtol=1e-6)
    data.on_epoch_end()
    assert not np.array_equal(order, np.concatenate([data[i][1] for i in range(4)]))
    with pytest.raises(IndexError, match="no batch 4"):
        data[4]


def test_a_rectangle_is_erased():
    pycnn.utils.set_random_seed(1)
    _, found = batches(0, erase=5, pixels=np.full((2000, 28, 28), 255, np.uint8), count=2000)
    black = [image[..., 0] == 0 for x, _ in found for image in x]
    sizes = [(int(image.any(1).sum()), int(image.any(0).sum())) for image in black]
    assert all(image.sum() == height * width for image, (height, width) in zip(black, sizes, strict=True))
    assert set(sizes) == {(height, width) for height in range(1, 6) for width in range(1, 6)}
    for axis in (1, 2):  # the centres lie everywhere: only at the border are there fewer that reach a pixel
        share = np.mean(black, (0, axis))
        assert share.max() < 2 * share.min()


def test_same_seed_same_images():
    runs = []
    for seed in (1, 1, 2):
        pycnn.utils.set_random_seed(seed)
        runs.append(np.concatenate([x for x, _ in batches(1)[1]]))
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_views():
    found = list(views(CORNER))
    assert len(found) == 18
    assert sum(weight for weight, _ in found) == pytest.approx(1)
    for (weight, image), (mirrored_weight, mirrored) in zip(found[::2], found[1::2], strict=True):
        assert weight == mirrored_weight
        np.testing.assert_array_equal(mirrored, image[:, :, ::-1])
    weights = {tuple(np.argwhere(x)[0][1:3].tolist()): weight * 32 for weight, x in found[::2]}
    assert weights == {(9 + i, 4 + j): (2 - abs(i)) * (2 - abs(j)) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    np.testing.assert_array_equal(found[8][1][..., 0], CORNER / np.float32(255))


def test_learning_rate_rises_and_falls():
    net = pycnn.Sequential([pycnn.Input((2,)), pycnn.layers.Dense(1)])
    net.compile(pycnn.optimizers.SGD(0.4), "mse")
    rates = []

    class Note(pycnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    decay = LinearDecay(8, warm_up=0.5)
    net.fit(np.ones((8, 2)), np.ones(8), batch_size=1, verbose=0, callbacks=[decay, Note()])
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_learns(name, tmp_path, capsys):
    data = str(write_data(tmp_path / "data", 300, 40))
    out = tmp_path / "out"
    epochs = "20" if name == "patient" else "6"  # erased rectangles hide the bars that tell the classes
    options = ["--epochs", epochs, "--batch-size", "20", "--output", str(out)]
    assert main(["train", "--recipe", name, "--data", data, *options]) == 0
    report = json.loads((out / "history.json").read_text())
    assert report["settings"]["recipe"] == name
    assert report["test_accuracy"] >= 0.9
    printed = capsys.readouterr().out
    assert ("18 views" in printed) == (name in ("best", "patient"))
    model = pycnn.models.load_model(out / f"{name}.safetensors")
    _, (pixels, y) = pycnn.datasets.fashion_mnist.load_data(data_dir=data)
    assert RECIPES[name].accuracy(model, pixels, y) == report["test_accuracy"]


def test_settings_of_the_recipe_and_of_the_command(tmp_path):
    data = str(write_data(tmp_path / "data", 60, 10))
    common = ["train", "--recipe", "best", "--data", data, "--epochs", "1", "--output", str(tmp_path)]
    assert main(common) == 0
    optimizer = pycnn.models.load_model(tmp_path / "best.safetensors").optimizer
    assert optimizer.nesterov
    assert optimizer.weight_decay == RECIPES["best"].settings["weight_decay"]
    assert optimizer.learning_rate == pytest.approx(RECIPES["best"].settings["learning_rate"])
    assert main([*common, "--optimizer", "adam"]) == 0
    optimizer = pycnn.models.load_model(tmp_path / "best.safetensors").optimizer
    assert type(optimizer).__name__ == "Adam"
    assert optimizer.learning_rate == pytest.approx(0.001)


def test_a_recipe_that_does_not_exist(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--recipe", "bset"])
    assert "invalid choice: 'bset'" in capsys.readouterr().err
