"""The command `pycnn`, its sub-commands train and info, as a user runs them. Others: test_predict,
test_bench."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dataset_files import write_data
from PIL import Image

import pycnn
import pycnn.cli
from pycnn import _core
from pycnn.cli import main
from pycnn.datasets import fashion_mnist
from pycnn.recipes import LinearDecay

TRAIN, TEST = 300, 40


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_data(tmp_path_factory.mktemp("data"), TRAIN, TEST))


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


# --- the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", "train", "finetune", "predict", "info", "bench"])
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


# --- train --------------------------------------------------------------------------------------------------


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


def test_train_in_mixed_precision(data, tmp_path):
    options = ("--data", data, "--epochs", "1", "--policy", "mixed_bfloat16", "--output", str(tmp_path))
    done = run("train", *options)
    assert done.returncode == 0, done.stderr
    assert "mixed_bfloat16" in done.stdout
    assert history_of(tmp_path)["settings"]["policy"] == "mixed_bfloat16"
    loaded = pycnn.models.load_model(tmp_path / "deck.safetensors")
    assert loaded.layers[0].compute_dtype == "bfloat16"
    done = run("train", "--policy", "mixed_float16")
    assert done.returncode == 2
    assert "mixed_bfloat16" in done.stderr


def test_train_writes_its_history(trained):
    report = history_of(trained[0])
    assert report["finished"] is True
    assert report["settings"] == {
        "recipe": "deck", "epochs": 3, "batch_size": 20, "optimizer": "adam", "learning_rate": None,
        "schedule": "linear", "policy": "float32", "seed": 0,
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
            rates.append(float(self.model.optimizer.learning_rate))

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
    assert train(tmp_path / "file" / "out", "/no/data") == 2
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


# --- info ---------------------------------------------------------------------------------------------------


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


def test_info_names_the_cmake_package(capsys):
    if main(["info", "--cmake-dir"]) == 1:
        assert "without its C++ library" in capsys.readouterr().err
        pytest.skip("the extension was not installed by pip")
    folder = Path(capsys.readouterr().out.strip())
    assert (folder / "pycnnConfig.cmake").is_file()
    assert list(folder.parents[1].glob("libpycnn.*"))
    assert (folder.parents[2] / "include" / "pycnn" / "pycnn.h").is_file()


def test_info_tells_of_a_wrong_folder(capsys, monkeypatch):
    monkeypatch.setenv("PYCNN_DATA", "/no/such/folder")
    assert main(["info"]) == 0
    assert "PYCNN_DATA: there is no folder /no/such/folder" in capsys.readouterr().out
