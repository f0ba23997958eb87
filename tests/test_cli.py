"""The command `pycnn`: train, predict, info and bench as a user runs them, on a small data set made here."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import pycnn
import pycnn.cli
from pycnn import _core
from pycnn.cli import main
from pycnn.cli.pictures import read_picture
from pycnn.cli.schedule import LinearDecay
from pycnn.datasets import fashion_mnist
from pycnn.datasets.idx import write_idx

TRAIN, TEST = 300, 40


def write_data(folder):
    """A data set that is learnt in two epochs: class c has a bright bar at height 2 c."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name, count in (("train", TRAIN), ("t10k", TEST)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 + 2 * label : 7 + 2 * label, 4:24] = 220
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_data(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The output folder of a training that went well, and what was printed."""
    folder = tmp_path_factory.mktemp("trained") / "new" / "folder"
    done = run("train", "--data", data, "--epochs", "3", "--batch-size", "20", "--output", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, done.stdout


@pytest.fixture
def model(trained):
    return str(trained[0] / "deck.safetensors")


def run(*arguments, **options):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "pycnn.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def history_of(folder):
    return json.loads((folder / "history.json").read_text())


# --- the command
# -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", "train", "predict", "info", "bench"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as info:
        main([*command.split(), "--help"])
    assert info.value.code == 0
    text = capsys.readouterr().out
    assert "usage: pycnn" in text
    assert "environment:" in text if command == "info" else "examples:" in text
    assert max(map(len, text.splitlines())) <= 120


def test_version(capsys):
    with pytest.raises(SystemExit) as info:
        main(["--version"])
    assert info.value.code == 0
    assert capsys.readouterr().out == f"pycnn {pycnn.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "COMMAND"),
        ("fly", "invalid choice: 'fly'"),
        ("train --epochs 0", "'0' is not a whole number from 1"),
        ("train --epochs x", "'x' is not a whole number from 1"),
        ("train --batch-size -3", "'-3' is not a whole number from 1"),
        ("train --learning-rate nan", "'nan' is not a number above 0"),
        ("train --learning-rate 0", "'0' is not a number above 0"),
        ("train --learning-rate inf", "'inf' is not a number above 0"),
        ("train --seed -1", "'-1' is not a whole number from 0"),
        ("train --optimizer lion", "invalid choice: 'lion'"),
        ("predict", "MODEL"),
        ("predict model", "IMAGE"),
        ("predict model 0 --invert maybe", "invalid choice: 'maybe'"),
        ("bench --batch 1,0", "'0' is not a whole number from 1"),
        ("bench --vs numpy2", "'numpy2' is unknown, expected some of torch"),
        ("bench --vs torch=/no/python", "/no/python is not an interpreter"),
    ],
)
def test_wrong_usage(arguments, message, capsys):
    with pytest.raises(SystemExit) as info:
        main(arguments.split())
    assert info.value.code == 2
    assert message in capsys.readouterr().err


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from pycnn.cli import main\ntry: main(['train', '--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('rich', 'PIL', 'matplotlib') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_reader_that_goes_away():
    command = [sys.executable, "-m", "pycnn.cli", "bench", "--list"]
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


def test_traceback_on_demand(monkeypatch):
    monkeypatch.setenv("PYCNN_TRACEBACK", "1")
    with pytest.raises(FileNotFoundError):
        main(["predict", "none", "0"])


# --- train
# -----------------------------------------------------------------------------------------------------


def test_train_prints_plain_lines(trained, data):
    lines = trained[1].splitlines()
    assert lines[0] == f"data: {TRAIN} training and {TEST} test images of Fashion-MNIST, {data}"
    assert lines[1].startswith("network: 243,786 parameters; adam, batches of 20;")
    assert [line.partition(":")[0] for line in lines[2:5]] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "\x1b" not in trained[1]


def test_train_saves_the_model_that_it_tested(trained, data, model):
    report = history_of(trained[0])
    accuracy = report["test_accuracy"]
    assert f"test accuracy: {accuracy:.2%} after" in trained[1]
    assert accuracy >= 0.9
    _, (x, y) = fashion_mnist.load_data(data_dir=data)
    loaded = pycnn.models.load_model(model)
    loss, again = loaded.evaluate(x[..., None] / 255, y, verbose=0)
    assert again == pytest.approx(accuracy)
    assert loss == pytest.approx(report["history"]["val_loss"][-1], rel=1e-3, abs=1e-6)


def test_train_writes_its_history(trained):
    report = history_of(trained[0])
    assert report["finished"] is True
    assert report["settings"] == {
        "epochs": 3, "batch_size": 20, "optimizer": "adam", "learning_rate": None, "schedule": "linear",
        "seed": 0,
    }  # fmt: skip
    assert report["version"] == pycnn.__version__
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "seconds", "images_per_second"):
        assert len(report["history"][name]) == 3
        assert all(value >= 0 for value in report["history"][name])
    assert report["history"]["loss"][2] < report["history"]["loss"][0]


def test_train_draws_pictures(trained):
    pytest.importorskip("matplotlib")
    for name in ("curve.png", "predictions.png"):
        with Image.open(trained[0] / name) as image:
            image.load()
            assert image.format == "PNG"
            assert image.width > 500
    assert sorted(path.name for path in trained[0].iterdir()) == [
        "curve.png", "deck.safetensors", "history.json", "predictions.png"
    ]  # fmt: skip


def test_wrong_predictions_are_marked_red(tmp_path):
    figures = pytest.importorskip("pycnn.cli.figures")
    images, labels = np.zeros((2, 28, 28, 1), np.float32), np.array([3, 4])
    for name, predicted in (("right.png", [3, 4]), ("wrong.png", [3, 5])):
        figures.predictions(tmp_path / name, images, labels, np.eye(10, dtype=np.float32)[predicted])
        red, green, _ = np.asarray(Image.open(tmp_path / name).convert("RGB"), int).transpose(2, 0, 1)
        assert ((red - green) > 100).any() == (name == "wrong.png")


def train(folder, data, *more):
    return main(["train", "--data", data, "--epochs", "1", "--output", str(folder), *more])


def test_train_without_matplotlib(tmp_path, data, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith(("matplotlib.", "pycnn.cli.figures"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(pycnn.cli, "figures", raising=False)
    assert train(tmp_path, data) == 0
    assert "pip install 'pycnn[plot]'" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deck.safetensors", "history.json"]


def test_same_seed_same_model(tmp_path, data, restore_threads):
    for folder, more in (("a", []), ("b", ["--threads", "1"]), ("c", ["--seed", "1"])):
        assert train(tmp_path / folder, data, *more) == 0
    a, b, c = (pycnn.models.load_model(tmp_path / f / "deck.safetensors").get_weights() for f in "abc")
    assert all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))
    assert not np.array_equal(a[0], c[0])
    assert history_of(tmp_path / "b")["threads"] == 1


@pytest.mark.parametrize(("name", "kind"), [("sgd", "SGD"), ("rmsprop", "RMSprop"), ("adam", "Adam")])
def test_optimizer_and_learning_rate(tmp_path, data, name, kind):
    assert train(tmp_path, data, "--optimizer", name, "--learning-rate", "0.0123") == 0
    optimizer = pycnn.models.load_model(tmp_path / "deck.safetensors").optimizer
    assert type(optimizer).__name__ == kind
    assert float(optimizer.learning_rate) == pytest.approx(0.0123)


def test_linear_decay():
    net = pycnn.Sequential([pycnn.Input((2,)), pycnn.layers.Dense(1)])
    net.compile(pycnn.optimizers.SGD(0.5), "mse")
    rates = []

    class Note(pycnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(self.model.optimizer.learning_rate)

    net.fit(
        np.ones((20, 2)), np.ones(20), batch_size=10, epochs=2, verbose=0, callbacks=[LinearDecay(4), Note()]
    )
    assert rates == pytest.approx([0.5, 0.375, 0.25, 0.125])
    assert net.optimizer.learning_rate == pytest.approx(0.5)


def test_schedule_makes_a_difference(tmp_path, data):
    for name in ("linear", "constant"):
        assert train(tmp_path / name, data, "--schedule", name) == 0
    a, b = (
        pycnn.models.load_model(tmp_path / n / "deck.safetensors").get_weights()
        for n in ("linear", "constant")
    )
    assert not np.array_equal(a[0], b[0])


def test_output_is_checked_before_anything_else(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert train(tmp_path / "file" / "out", "/no/data") == 1
    message = capsys.readouterr().err
    assert message.startswith("pycnn train: error: --output: can't write into ")
    assert "Traceback" not in message


def test_data_that_is_not_there(tmp_path, capsys):
    assert train(tmp_path, str(tmp_path / "none")) == 1
    assert capsys.readouterr().err == f"pycnn train: error: --data: there is no folder {tmp_path / 'none'}\n"


def test_old_model_stays_where_training_fails(tmp_path, data):
    (tmp_path / "deck.safetensors").write_text("old")
    assert train(tmp_path, str(tmp_path / "none")) == 1
    assert (tmp_path / "deck.safetensors").read_text() == "old"


def test_interruption_saves_what_was_learnt(tmp_path, data):
    command = [sys.executable, "-u", "-m", "pycnn.cli", "train", "--data", data, "--epochs", "100000"]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("epoch 2/"):
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "stopped: saving what was learnt so far" in rest
    assert "Traceback" not in errors
    report = history_of(tmp_path)
    assert report["finished"] is False
    assert len(report["history"]["loss"]) >= 2
    saved = pycnn.models.load_model(tmp_path / "deck.safetensors")
    assert saved.count_params() == 243_786
    assert saved.optimizer.learning_rate == pytest.approx(0.001)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_live_line_on_a_terminal(tmp_path, data):
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "pycnn.cli", "train", "--data", data, "--epochs", "2", "--output"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([*command, str(tmp_path)], stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux tells the end of a terminal so
        pass
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode()
    assert "epoch 1/2  " in text
    assert " images/s  loss " in text
    assert " left" in text
    assert "epoch 2/2: loss " in text


# --- predict
# ---------------------------------------------------------------------------------------------------


def predict(capsys, *arguments):
    """The parsed JSON of `pycnn predict`."""
    assert main(["predict", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_predict_test_images(model, data, capsys):
    results = predict(capsys, model, "3", "17", "--data", data)
    assert [result["image"] for result in results] == ["test image 3", "test image 17"]
    assert [result["label"] for result in results] == ["Dress", "Sneaker"]
    assert [result["predictions"][0]["class"] for result in results] == ["Dress", "Sneaker"]
    for result in results:
        probabilities = [each["probability"] for each in result["predictions"]]
        assert len(probabilities) == 3
        assert probabilities == sorted(probabilities, reverse=True)
        assert result["predictions"][0]["index"] == fashion_mnist.class_names.index(result["label"])
    _, (x, _) = fashion_mnist.load_data(data_dir=data)
    expected = pycnn.models.load_model(model).predict(x[3:4, :, :, None] / 255, verbose=0)[0, 3]
    assert results[0]["predictions"][0]["probability"] == pytest.approx(expected, abs=1e-5)


def test_predict_pictures_as_test_images(model, data, tmp_path, capsys):
    _, (x, _) = fashion_mnist.load_data(data_dir=data)
    Image.fromarray(x[5]).save(tmp_path / "same.png")
    Image.fromarray(255 - x[5]).save(tmp_path / "negative.png")
    Image.fromarray(x[5]).resize((280, 280), Image.Resampling.NEAREST).convert("RGB").save(
        tmp_path / "large.png"
    )
    paths = [str(tmp_path / name) for name in ("same.png", "negative.png", "large.png")]
    expected, same, negative, large = predict(capsys, model, "5", *paths, "--data", data, "--top", "10")
    assert same["predictions"] == expected["predictions"] == negative["predictions"]
    assert (same["inverted"], negative["inverted"]) == (False, True)
    assert large["predictions"][0]["class"] == "Sandal"
    assert same["label"] is None
    forced = predict(capsys, model, paths[1], "--invert", "no")[0]
    assert forced["inverted"] is False


def test_predict_prints_a_table(model, data, capsys):
    assert main(["predict", model, "0", "1", "--top", "2", "--data", data]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].split() == ["image", "class", "probability"]
    assert "test image 1" in text
    assert "Trouser" in text
    assert "right" in text
    assert len(text.splitlines()) == 5


def test_wrong_prediction_names_the_class(data, tmp_path, capsys):
    net = pycnn.Sequential([pycnn.Input((28, 28, 1)), pycnn.layers.Flatten(), pycnn.layers.Dense(10)])
    weights = net.get_weights()
    net.set_weights([weights[0] * 0, np.eye(10)[9] * 5])  # logits that are always those of class 9
    net.save(tmp_path / "boot.safetensors")
    assert main(["predict", str(tmp_path / "boot.safetensors"), "0", "--top", "1", "--data", data]) == 0
    text = capsys.readouterr().out
    assert "Ankle boot" in text
    assert "wrong: it is T-shirt/top" in text
    probability = np.exp(5) / (np.exp(5) + 9)
    assert f"{probability:.2%}" in text


def test_model_that_scales_by_itself(data, tmp_path, capsys):
    layers = pycnn.layers
    net = pycnn.Sequential([
        pycnn.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D(), layers.Dense(2),
    ])  # fmt: skip
    net.set_weights([np.array([[1.0, 0.0]]), np.zeros(2)])
    net.save(tmp_path / "net.safetensors")
    Image.new("L", (28, 28), 51).save(tmp_path / "grey.png")
    result = predict(capsys, str(tmp_path / "net.safetensors"), str(tmp_path / "grey.png"))[0]
    assert result["predictions"][0]["class"] == "class 0"
    assert result["predictions"][0]["probability"] == pytest.approx(1 / (1 + np.exp(-0.2)), abs=1e-5)


def test_predict_errors(model, data, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "junk.safetensors").write_bytes(b"junk" * 100)
    colour = pycnn.Sequential([pycnn.Input((8, 8, 3)), pycnn.layers.Flatten(), pycnn.layers.Dense(10)])
    colour.save(tmp_path / "colour.safetensors")
    small = pycnn.Sequential([pycnn.Input((8, 8, 1)), pycnn.layers.Flatten(), pycnn.layers.Dense(10)])
    small.save(tmp_path / "small.safetensors")
    for arguments, message in (
        (["none.safetensors", "0"], "there is no model file none.safetensors"),
        ([str(tmp_path / "junk.safetensors"), "0"], "junk.safetensors"),
        (
            [str(tmp_path / "colour.safetensors"), "0"],
            "takes inputs of shape (8, 8, 3), expected grey images",
        ),
        ([str(tmp_path / "small.safetensors"), "0"], "the model takes images of shape (8, 8)"),
        ([model, "40"], "there is no test image 40: they are numbered 0 to 39"),
        ([model, "none.png"], "there is no file none.png"),
        ([model, str(tmp_path / "text.png")], "text.png is not a picture"),
        ([model, str(tmp_path)], "is a folder, expected a picture"),
        ([model, "-1"], "there is no test image -1: they are numbered 0 to 39"),
    ):
        assert main(["predict", *arguments, "--data", data]) == 1, arguments
        printed = capsys.readouterr()
        assert message in printed.err
        assert printed.err.startswith("pycnn predict: error: ")
        assert printed.err.count("\n") == 1
        assert printed.out == ""


# --- pictures
# --------------------------------------------------------------------------------------------------


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


# --- info
# ------------------------------------------------------------------------------------------------------


def test_info(capsys, monkeypatch, data):
    monkeypatch.setenv("PYCNN_DATA", data)
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    config = _core.config()
    for part in (
        config["version"], config["compiler"], config["openmp"], np.__version__,
        ", ".join(config["isas_built"]), f"{config['threads']} ({config['threads_reason']})",
        f"{data} (named by PYCNN_DATA)",
    ):  # fmt: skip
        assert part in text
    pycnn.show_config()
    assert capsys.readouterr().out == text
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["isa_active"] == config["isa_active"]


def test_info_tells_of_a_wrong_folder(capsys, monkeypatch):
    monkeypatch.setenv("PYCNN_DATA", "/no/such/folder")
    assert main(["info"]) == 0
    assert "PYCNN_DATA: there is no folder /no/such/folder" in capsys.readouterr().out
