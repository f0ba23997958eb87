"""`pycnn predict` with a model that `pycnn train` made."""

import json

import numpy as np
import pytest
from dataset_files import write_data
from PIL import Image

import pycnn
from pycnn.cli import main
from pycnn.datasets import fashion_mnist


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_data(tmp_path_factory.mktemp("data"), 300, 40))


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    settings = ["--data", data, "--epochs", "3", "--batch-size", "20", "--output", str(folder)]
    assert main(["train", *settings]) == 0
    return str(folder / "deck.safetensors")


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
    two = pycnn.Sequential([pycnn.Input((8, 8, 2)), pycnn.layers.Flatten(), pycnn.layers.Dense(10)])
    two.save(tmp_path / "two.safetensors")
    small = pycnn.Sequential([pycnn.Input((8, 8, 1)), pycnn.layers.Flatten(), pycnn.layers.Dense(10)])
    small.save(tmp_path / "small.safetensors")
    for arguments, message in (
        (["none.safetensors", "0"], "there is no model file none.safetensors"),
        ([str(tmp_path / "junk.safetensors"), "0"], "junk.safetensors"),
        (
            [str(tmp_path / "colour.safetensors"), "0"],
            "the model takes coloured images, but test image 0 is a grey one",
        ),
        (
            [str(tmp_path / "two.safetensors"), "0"],
            "takes inputs of shape (8, 8, 2), expected grey or coloured images",
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


def test_network_for_imagenet(tmp_path, monkeypatch, capsys):
    """The five most probable classes by name, from a file of weights."""
    from pycnn import applications
    from pycnn.cli import imagenet

    monkeypatch.setattr(imagenet, "class_index", lambda: tuple((f"n{i}", f"thing_{i}") for i in range(1000)))
    network = applications.mobilenet.MobileNet

    def small(weights):
        return network(weights=weights, input_shape=(32, 32, 3))

    monkeypatch.setattr(applications.mobilenet, "MobileNet", small)
    model = small(None)
    weights = tmp_path / "mobilenet.safetensors"
    model.save_weights(weights)
    picture = tmp_path / "elephant.png"
    colours = np.random.default_rng(3).integers(0, 256, (40, 64, 3), np.uint8)
    Image.fromarray(colours).save(picture)
    assert main(["predict", "mobilenet", str(picture), "--weights", str(weights), "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    found = [each["probability"] for each in result["predictions"]]
    assert len(found) == 5
    assert found == sorted(found, reverse=True)
    assert result["predictions"][0]["class"] == f"thing_{result['predictions'][0]['index']}"
    middle = Image.fromarray(colours[:, 12:52]).resize((32, 32), Image.Resampling.LANCZOS)
    y = model.predict(np.array(middle, np.float32)[None] / 127.5 - 1)[0]
    assert found[0] == pytest.approx(y.max(), abs=1e-5)
    assert imagenet.network_named("inception_v3") == "InceptionV3"
    assert imagenet.network_named("efficientnetv2-b0") == "EfficientNetV2B0"
    assert imagenet.network_named("alexnet") is None
    assert main(["predict", "alexnet", str(picture)]) == 1
    assert "no network of keras.applications" in capsys.readouterr().err
