"""`pycnn train --folder` and `pycnn finetune`, as a user runs them, and the models that they write."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import pycnn as keras
from pycnn.cli import main
from pycnn.cli.folder.files import Files, split
from pycnn.cli.folder.reading import read_all
from pycnn.recipes.finetuning import adapt_statistics, assembled
from pycnn.recipes.pictures import CHOICES, INPUT, recipe_for, size_for

COLOURS = {"ball": (200, 60, 50), "sea": (40, 70, 190), "tree": (60, 170, 60)}


def draw(folder, count, kinds=("ball", "sea"), seed=0):
    """Noise around a colour for each class, in pictures of several sizes."""
    rng = np.random.default_rng(seed)
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        for i in range(count):
            h, w = rng.integers(20, 40, 2)
            pixels = np.array(COLOURS[kind]) + rng.normal(0, 40, (h, w, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / kind / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = draw(tmp_path_factory.mktemp("pictures") / "photos", 20)
    (made / "ball" / "text.jpg").write_text("no picture")
    (made / "sea" / "cut.png").write_bytes((made / "sea" / "00.png").read_bytes()[:200])
    return made


def report_of(output):
    return json.loads((output / "report.json").read_text())


def train(folder, output, *more):
    return main(["train", "--folder", str(folder), "--output", str(output), "--epochs", "4", *more])


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("out") / "new"
    assert train(folder, output, "--size", "24", "--batch-size", "8") == 0
    return output


# --- train --folder -----------------------------------------------------------------------------------------
def test_training_ends_with_a_report(trained, folder):
    report = report_of(trained)
    assert report["classes"] == ["ball", "sea"]
    assert report["finished"]
    assert report["settings"]["augmented"] is True
    assert sorted(path["path"].rpartition("/")[2] for path in report["left_out"]) == ["cut.png", "text.jpg"]
    assert all(one["reason"] for one in report["left_out"])
    assert sum(report["pictures"].values()) == 40
    confusion = np.array(report["confusion"])
    assert confusion.sum() == report["pictures"]["test"]
    assert report["test_accuracy"] == np.trace(confusion) / confusion.sum() >= 0.85
    assert len(report["wrong"]) == confusion.sum() - np.trace(confusion)
    assert len(report["history"]["training"]["loss"]) == 4
    assert (trained / "wrong.png").exists() == bool(report["wrong"])


def test_the_model_file_says_all(trained, folder, capsys):
    """Class names, size, scaling: `pycnn predict` needs nothing else."""
    model = keras.models.load_model(trained / "model.safetensors")
    assert model.class_names == ["ball", "sea"]
    assert model.input_shape == (None, 24, 24, 3)
    assert model.input_names == [INPUT]
    pictures = [str(folder / kind / "03.png") for kind in ("ball", "sea")]
    assert main(["predict", str(trained / "model.safetensors"), *pictures, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["predictions"][0]["class"] for one in found] == ["ball", "sea"]
    assert all(abs(sum(each["probability"] for each in one["predictions"]) - 1) < 1e-5 for one in found)


def test_same_seed_same_pictures_same_model(folder, trained, tmp_path, restore_threads):
    options = ("--size", "24", "--batch-size", "8")
    assert train(folder, tmp_path / "again", *options, "--threads", "1") == 0
    a, b = (
        keras.models.load_model(out / "model.safetensors").get_weights()
        for out in (trained, tmp_path / "again")
    )
    assert all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


def test_split_is_by_class_and_seeded():
    files = Files([str(i) for i in range(25)], np.repeat([0, 1, 2], [2, 3, 20]))
    training, test = split(files, "abc", 0.2, 0)
    assert np.bincount(test.labels).tolist() == [1, 1, 4]
    assert sorted(training.paths + test.paths) == sorted(files.paths)
    assert all(files.labels[int(path)] == label for path, label in zip(*test, strict=True))
    assert split(files, "abc", 0.2, 0)[1].paths == test.paths
    assert split(files, "abc", 0.2, 1)[1].paths != test.paths
    assert np.bincount(split(files, "abc", 0.99, 0)[0].labels).tolist() == [1, 1, 1]


def test_folders_of_their_own_for_the_test(tmp_path, capsys):
    draw(tmp_path / "photos" / "train", 6, ("ball", "sea", "tree"))
    draw(tmp_path / "photos" / "val", 2, ("ball", "tree"), seed=1)
    options = ("--no-augment", "--size", "8", "--epochs", "1")
    assert train(tmp_path / "photos", tmp_path / "out", *options) == 0
    assert "18 pictures to learn from and 4 to test with (those of val), 3 classes" in capsys.readouterr().out
    report = report_of(tmp_path / "out")
    assert report["pictures"] == {"training": 18, "test": 4}
    assert report["settings"]["augmented"] is False
    assert sum(report["confusion"][1]) == 0


def test_many_classes_and_wrong_pictures(tmp_path, capsys):
    """More classes than a matrix on a terminal has room for: pairs are listed; the sheet has them all."""
    for i in range(11):
        draw(tmp_path / "all" / str(i), 2, ("ball",))
        shutil.move(tmp_path / "all" / str(i) / "ball", tmp_path / "photos" / f"[red]{i}")
    options = ("--no-augment", "--size", "8", "--epochs", "1")
    assert train(tmp_path / "photos", tmp_path / "out", *options) == 0
    text = capsys.readouterr().out
    assert "most frequent confusions" in text
    assert "[red]10" in text
    report = report_of(tmp_path / "out")
    pairs = {(one["class"], one["predicted"]) for one in report["wrong"]}
    assert pairs
    probabilities = [one["probability"] for one in report["wrong"]]
    assert probabilities == sorted(probabilities, reverse=True)
    with Image.open(tmp_path / "out" / "wrong.png") as sheet:
        assert sheet.size == (6 + 10 * 102, 6 + len(pairs) * 126)
        assert len(sheet.getcolors(2**20)) > 100


def test_damaged_files_are_left_out(tmp_path):
    """Files cut off and with wrong bytes, in several formats: nothing is raised."""
    rng = np.random.default_rng(0)
    paths = []
    for ending in ("jpg", "png", "bmp", "tif", "ppm"):
        image = Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8))
        image.save(tmp_path / f"whole.{ending}")
        whole = (tmp_path / f"whole.{ending}").read_bytes()
        paths.append(tmp_path / f"whole.{ending}")
        for i in range(30):
            changed = bytearray(whole[: len(whole) * i // 15] if i < 15 else whole)
            for place in rng.integers(0, 200, i - 14 if i >= 15 else 0):
                changed[place] = rng.integers(256)
            paths.append(tmp_path / f"{i}.{ending}")
            paths[-1].write_bytes(changed)
    files = Files([str(path) for path in paths], np.arange(len(paths)))
    read = read_all(files, (8, 8))
    assert len(read.pixels) == len(read.files.paths) == len(files.paths) - len(read.broken)
    assert [files.paths[label] for label in read.files.labels] == read.files.paths
    assert {f"whole.{ending}" for ending in ("jpg", "png", "bmp", "tif", "ppm")} <= {
        path.rpartition("/")[2] for path in read.files.paths
    }
    assert len(read.broken) > 60
    assert all(one.reason and "\n" not in one.reason for one in read.broken)


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    root = tmp_path_factory.mktemp("bad")
    draw(root / "one", 2, ("ball",))
    draw(root / "few", 1, ("ball",))
    for name in ("sea", "tree"):
        (root / "few" / name).mkdir()
    draw(root / "lone", 3)
    for i in range(2):
        (root / "lone" / "sea" / f"0{i}.png").unlink()
    draw(root / "hollow", 3)
    (root / "hollow" / "empty").mkdir()
    draw(root / "broken", 3)
    for path in (root / "broken" / "sea").iterdir():
        path.write_text("no picture")
    draw(root / "unlike" / "train", 2)
    draw(root / "unlike" / "test", 2, ("tree",))
    (root / "file").write_text("no folder")
    return root


@pytest.mark.parametrize("command", ["train --folder", "finetune --weights none --base mobilenet --size 32"])
@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("none", "", "there is no folder {}"),
        ("file", "", "there is no folder {}"),
        ("one", "", "{} has to have a subfolder for each class, at least two; there is only 'ball'"),
        ("one/ball", "", "{} has to have a subfolder for each class, at least two; there is none"),
        ("few", "", "{} has fewer pictures (1) than classes (3)"),
        (
            "lone",
            "",
            "class 'sea' has only 1 picture; expected at least 2, one to learn from and one to test",
        ),
        ("hollow", "", "class 'empty' has no picture; expected at least 2"),
        ("broken", "", "class 'sea' has no picture that can be read"),
        ("unlike", "", "unlike/test has the class 'tree', which {}/train has not"),
        ("lone", "--output {}/out", "is in the folder of pictures, where it would be a class"),
        ("lone", "--output {}/ball/00.png/out", "--output: "),
    ],
)
def test_what_cannot_be_learnt_is_told_at_once(bad, tmp_path, capsys, command, name, more, message):
    path = str(bad / name)
    output = more.format(path).split() or ["--output", str(tmp_path / "out")]
    assert main([*command.split(), path, *output]) == 2
    told = capsys.readouterr().err
    assert message.format(path) in told
    assert told.startswith(f"pycnn {command.split()[0]}: error: ")
    assert told.count("\n") == 1
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --size 32", "--size is for --folder only"),
        ("train --no-augment", "--no-augment is for --folder only"),
        ("train --folder {} --recipe deck", "--recipe is for Fashion-MNIST, not for --folder"),
        ("train --folder {} --data x", "--data is for Fashion-MNIST, not for --folder"),
        ("finetune {} --base resnext", "--base resnext is no network of keras.applications; expected one of"),
        ("finetune {} --weights none.h5", "--weights none.h5: there is no such file; expected a file"),
        ("finetune {} --weights none --size 31", "must be at least 32x32"),
        (
            "finetune {} --base mobilenet --weights none --size 32 --unfreeze 1",
            "--unfreeze: the last 1 layers",
        ),
    ],
)
def test_arguments_that_do_not_fit(folder, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(arguments.format(folder).split()) == 2
    assert message in capsys.readouterr().err


def test_ctrl_c_tests_and_saves(folder, tmp_path, monkeypatch, capsys):
    from pycnn.cli.progress import TrainingProgress

    def stop(self, epoch, logs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProgress, "on_epoch_end", stop)
    assert train(folder, tmp_path, "--size", "8") == 130
    assert "stopped: testing and saving what was learnt so far" in capsys.readouterr().out
    assert report_of(tmp_path)["finished"] is False
    assert (tmp_path / "model.safetensors").is_file()


# --- networks -----------------------------------------------------------------------------------------------
def test_a_network_for_each_number_of_pictures():
    assert [size_for([side] * 3) for side in (5, 32, 47, 100, 5000)] == [32, 32, 32, 96, 160]
    counts = []
    for choice in CHOICES:
        recipe = recipe_for(32, max(choice.pictures, 1), 3)
        model = recipe.network("float32")
        assert model.output_shape == (None, 3)
        assert 10 <= recipe.epochs <= 40
        counts.append(model.count_params())
    assert counts == sorted(counts)
    for size in (8, 15, 50, 300):
        assert recipe_for(size, 10, 2).network("float32").output_shape == (None, 2)


def test_predict_with_one_sigmoid(folder, tmp_path, capsys):
    """As courses have it: a probability of the second class, of pixels in [0, 1]; logits too."""
    for activation in ("sigmoid", None):
        model = keras.Sequential(
            [keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, activation)]
        )
        model.set_weights([np.array([[-9.0], [0.0], [9.0]]), np.zeros(1)])
        model.save(tmp_path / "model.safetensors")
        pictures = [str(folder / kind / "03.png") for kind in ("ball", "sea")]
        assert main(["predict", str(tmp_path / "model.safetensors"), *pictures, "--json"]) == 0
        found = [one["predictions"] for one in json.loads(capsys.readouterr().out)]
        assert [one[0]["class"] for one in found] == ["class 0", "class 1"]
        assert all(one[0]["probability"] > 0.9 for one in found)


# --- finetune -----------------------------------------------------------------------------------------------
def finetune(folder, output, *more):
    options = ["--base", "mobilenet", "--size", "32", "--output", str(output), "--batch-size", "8"]
    return main(["finetune", str(folder), *options, *more])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A base network that has learnt other colours, and its file."""
    keras.utils.set_random_seed(3)
    shape = (32, 32, 3)
    base = keras.applications.MobileNet(include_top=False, weights=None, input_shape=shape, pooling="avg")
    model = keras.Sequential([base, keras.layers.Dense(4, activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    y = np.arange(64) % 4
    colours = np.array([(230, 90, 40), (120, 40, 130), (30, 100, 220), (90, 150, 60)])[y]
    x = (colours[:, None, None] + rng.normal(0, 40, (64, *shape))).astype(np.float32) / 127.5 - 1
    model.fit(x, y, batch_size=16, epochs=6, verbose=0)
    adapt_statistics(base, x)
    path = tmp_path_factory.mktemp("weights") / "base.safetensors"
    base.save_weights(path)
    return path, base


def test_finetune_freezes_and_unfreezes(folder, weights, tmp_path, capsys):
    path, base = weights
    options = ("--weights", str(path), "--epochs", "60", "--learning-rate", "0.003")
    assert finetune(folder, tmp_path / "frozen", *options) == 0
    assert "computing the features of all pictures, once" in capsys.readouterr().out
    tuned = (*options, "--unfreeze", "6", "--tuning-epochs", "1", "--tuning-rate", "0.0001")
    assert finetune(folder, tmp_path / "tuned", *tuned) == 0
    reports = [report_of(tmp_path / name) for name in ("frozen", "tuned")]
    assert [list(report["history"]) for report in reports] == [["classifier"], ["classifier", "tuning"]]
    losses = reports[0]["history"]["classifier"]["loss"]
    assert losses[-1] < 0.5 * losses[0]
    assert len(reports[0]["left_out"]) == 2
    expected = dict(zip((w.path for w in base.weights), base.get_weights(), strict=True))
    for name, trained in (("frozen", 0), ("tuned", 6)):
        model = keras.models.load_model(tmp_path / name / "model.safetensors")
        inner = next(
            layer for layer in model.layers if isinstance(layer, keras.Model) and len(layer.layers) > 9
        )
        last = {layer.name for layer in inner.layers[len(inner.layers) - trained :]}
        for layer in inner.layers:
            for weight in layer.weights:
                same = np.array_equal(np.array(weight), expected[f"{layer.name}/{weight.name}"])
                # The statistics of batch normalization stay even where its factors are trained.
                assert same == (layer.name not in last or "moving" in weight.name), weight.path
    pictures = [str(folder / kind / "03.png") for kind in ("ball", "sea")]
    assert main(["predict", str(tmp_path / "frozen" / "model.safetensors"), *pictures, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.partition("\n[")[2].join(["[", ""]))
    assert [one["predictions"][0]["class"] for one in found] == ["ball", "sea"]


def test_finetune_on_augmented_pictures(folder, tmp_path, capsys):
    """Features are not computed once where pictures change; a network that scales pixels by itself."""
    options = ("--weights", "none", "--base", "MobileNetV3Small", "--epochs", "1", "--augment", "always")
    assert finetune(folder, tmp_path, *options) == 0
    assert "once" not in capsys.readouterr().out
    assert report_of(tmp_path)["settings"]["augment"] == "always"


@pytest.mark.parametrize("family", ["mobilenet", "densenet", "resnet", "mobilenet_v3"])
def test_a_model_file_has_the_scaling_of_its_network(tmp_path, family):
    """From -1 to 1, standardized, blue first, as they are."""
    preprocess = getattr(keras.applications, family).preprocess_input
    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(4, 3, activation="relu")
    base = keras.Sequential([keras.Input((8, 8, 3)), convolution, keras.layers.GlobalMaxPooling2D()])
    parts = assembled(base, preprocess, 2)
    parts.whole.save(tmp_path / "model.safetensors")
    loaded = keras.models.load_model(tmp_path / "model.safetensors")
    assert loaded.input_names == [INPUT]
    x = np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3)).astype(np.float32)
    expected = parts.head.predict(base.predict(preprocess(x.copy()), verbose=0), verbose=0)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-6)
