"""Networks of keras.applications: their sizes, what they refuse, pixels, class names, published files."""

import hashlib
import json

import numpy as np
import pytest

import pycnn as keras
from pycnn import applications, layers
from pycnn.applications import imagenet_utils, published
from pycnn.applications.inception_v3 import InceptionV3
from pycnn.datasets import download

# Parameters as Keras' documentation counts them, with the classifier.
PARAMETERS = {
    "ConvNeXtBase": 88_591_464, "ConvNeXtLarge": 197_767_336, "ConvNeXtSmall": 50_223_688,
    "ConvNeXtTiny": 28_589_128, "ConvNeXtXLarge": 350_196_968, "DenseNet121": 8_062_504,
    "DenseNet169": 14_307_880, "DenseNet201": 20_242_984, "EfficientNetB0": 5_330_571,
    "EfficientNetB1": 7_856_239, "EfficientNetB2": 9_177_569, "EfficientNetB3": 12_320_535,
    "EfficientNetB4": 19_466_823, "EfficientNetB5": 30_562_527, "EfficientNetB6": 43_265_143,
    "EfficientNetB7": 66_658_687, "EfficientNetV2B0": 7_200_312, "EfficientNetV2B1": 8_212_124,
    "EfficientNetV2B2": 10_178_374, "EfficientNetV2B3": 14_467_622, "EfficientNetV2L": 119_027_848,
    "EfficientNetV2M": 54_431_388, "EfficientNetV2S": 21_612_360, "InceptionResNetV2": 55_873_736,
    "InceptionV3": 23_851_784, "MobileNet": 4_253_864, "MobileNetV2": 3_538_984,
    "MobileNetV3Large": 5_507_432, "MobileNetV3Small": 2_554_968, "NASNetLarge": 88_949_818,
    "NASNetMobile": 5_326_716, "ResNet101": 44_707_176, "ResNet101V2": 44_675_560,
    "ResNet152": 60_419_944, "ResNet152V2": 60_380_648, "ResNet50": 25_636_712, "ResNet50V2": 25_613_800,
    "VGG16": 138_357_544, "VGG19": 143_667_240, "Xception": 22_910_480,
}  # fmt: skip
NAMES = [name for name in applications.__all__ if name[0].isupper()]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A cache of its own, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def refuse(address, path, checksum, algorithm, largest):
        raise download.FetchError(f"{address}: no network")

    monkeypatch.setattr(download, "fetch", refuse)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.mark.parametrize("name", NAMES)
def test_parameters(name):
    """Of the whole network, none of whose weights get values before they are needed."""
    model = getattr(applications, name)(weights=None)
    assert model.count_params() == PARAMETERS[name]
    assert model.output_shape == (None, 1000)
    assert not any(weight._initialized for weight in model.weights)
    assert f"{name}(weights=None" in getattr(applications, name).__doc__


def test_inception_v3():
    keras.backend.clear_session()
    model = InceptionV3(weights=None, input_shape=(75, 75, 3), classes=7)
    assert model.name == "inception_v3"
    assert len(model.layers) == 313
    assert sum(isinstance(layer, layers.Conv2D) for layer in model.layers) == 94
    assert sum(weight.size for weight in model.trainable_weights) < model.count_params()
    assert [model.get_layer(f"mixed{i}").output.shape[-1] for i in range(11)] == [
        256, 288, 288, 768, 768, 768, 768, 768, 1280, 2048, 2048,
    ]  # fmt: skip
    # In Keras' order, which files of weights rely on.
    convolutions = [layer.name for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert convolutions[:9] == ["conv2d", *(f"conv2d_{i}" for i in (1, 2, 3, 4, 8, 6, 9, 5))]
    assert [layer.name for layer in model.layers[-3:]] == ["mixed10", "avg_pool", "predictions"]
    y = model.predict(np.zeros((2, 75, 75, 3)))
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "imagenet_1k"}, "`weights` is 'imagenet_1k'"),
        ({"weights": 3}, "`weights` is 3"),
        ({"classes": 10}, "`classes` is 10.*should be 1000"),
        ({"input_shape": (150, 150, 3)}, r"should be \(299, 299, 3\). Received.*150"),
        ({"include_top": False, "input_shape": (99, 99, 1)}, "must have 3 channels"),
        ({"weights": None, "input_shape": (74, 75, 3)}, "at least 75x75.*74"),
        ({"weights": None, "input_shape": (75, 75)}, "three integers"),
        ({"weights": None, "include_top": False, "input_shape": (None, None, 3)}, "vary"),
        ({"weights": None, "include_top": False, "pooling": "mean"}, "'mean'; expected None, 'avg' or 'max'"),
        ({"classifier_activation": "sigmoid"}, "'sigmoid'.*'softmax' or None"),
        ({"weights": None, "classes": 0}, "classes is 0"),
    ],
)
def test_refused(home, arguments, message):
    with pytest.raises(ValueError, match=message):
        InceptionV3(**arguments)


def test_refused_types():
    with pytest.raises(TypeError, match=r"InceptionV3\(\).*'size'"):
        InceptionV3(size=3)
    with pytest.raises(TypeError, match=r"(?s)input_tensor.*expected a symbol"):
        InceptionV3(weights=None, input_tensor=np.zeros((1, 75, 75, 3)))
    with pytest.warns(UserWarning, match="5 input channels"):
        InceptionV3(weights=None, include_top=False, input_shape=(75, 75, 5))


def test_input_tensor_and_pooling():
    """A network after other layers: the model starts at their input."""
    x = keras.Input((64, 48, 3), name="picture")
    y = layers.Rescaling(1 / 127.5, -1)(x)
    model = applications.MobileNet(weights=None, include_top=False, pooling="max", input_tensor=y, alpha=0.25)
    assert model.input is x
    assert model.output_shape == (None, 256)
    assert model.layers[1].name.startswith("rescaling")
    top = keras.Model(model.input, layers.Dense(2)(model.output))
    assert top.predict(np.zeros((1, 64, 48, 3))).shape == (1, 2)
    with pytest.raises(ValueError, match=r"must equal.*128"):
        applications.MobileNetV2(weights=None, include_top=False, input_tensor=x, input_shape=(128, 128, 3))


def test_sizes_of_mobilenets(home):
    assert applications.MobileNet(weights=None, input_shape=(128, 128, 3)).name == "mobilenet_1.00_128"
    with (
        pytest.warns(UserWarning, match="224"),
        pytest.raises(FileNotFoundError, match="mobilenet_5_0_224_tf_no_top"),
    ):
        applications.MobileNet(include_top=False, alpha=0.5)
    for network, wrong in (
        (applications.MobileNet, {"alpha": 0.3}),
        (applications.MobileNet, {"depth_multiplier": 2}),
        (applications.MobileNetV2, {"alpha": 0.3}),
        (applications.MobileNetV3Small, {"alpha": 0.5}),
    ):
        with pytest.raises(ValueError, match="Received"):
            network(**wrong)


def test_weights_of_a_file(tmp_path):
    arguments = {"input_shape": (32, 32, 3), "include_top": False, "alpha": 0.25}
    model = applications.MobileNet(weights=None, **arguments)
    model.save_weights(tmp_path / "mobilenet.safetensors")
    again = applications.MobileNet(weights=tmp_path / "mobilenet.safetensors", **arguments)
    x = np.random.default_rng(1).uniform(-1, 1, (1, 32, 32, 3))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_published_weights(home, monkeypatch):
    """The file is taken from the cache by its digest; without it and a network the message says which one."""
    with pytest.raises(FileNotFoundError) as error:
        applications.VGG16(include_top=False)
    path = home / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert str(path) in str(error.value)
    assert "keras-applications/vgg16/vgg16_weights" in str(error.value)
    path.write_bytes(b"not the published one")
    with pytest.raises(FileNotFoundError, match="is not the published file"):
        applications.VGG16(include_top=False)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert published.fetched(published.File(f"http://nowhere/{path.name}", digest), "test") == path
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    assert published.fetched(published.File("http://nowhere/x.h5", digest, path.name), "test") == path
    loaded = []
    monkeypatch.setattr(keras.Model, "load_weights", lambda model, file: loaded.append(file))
    (home / "mobilenet_2_5_128_tf.h5").write_bytes(b"")
    applications.MobileNet(alpha=0.25, input_shape=(128, 128, 3))
    assert loaded == [home / "mobilenet_2_5_128_tf.h5"]


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_preprocessing(mode, rng):
    x = rng.uniform(0, 255, (2, 3, 4, 3))
    found = imagenet_utils.preprocess_input(x.copy(), mode=mode)
    if mode == "tf":
        expected = x / 127.5 - 1
    elif mode == "torch":
        expected = (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    else:
        expected = x[..., ::-1] - [103.939, 116.779, 123.68]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    symbol = keras.Input((3, 4, 3))
    model = keras.Model(symbol, imagenet_utils.preprocess_input(symbol, mode=mode))
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5, atol=1e-4)
    pixels = x.astype(np.uint8)
    assert imagenet_utils.preprocess_input(pixels, mode=mode).dtype == np.float32
    np.testing.assert_array_equal(pixels, x.astype(np.uint8))
    x.flags.writeable = False
    np.testing.assert_array_equal(imagenet_utils.preprocess_input(x, mode=mode), found)
    with pytest.raises(ValueError, match="3 channels"):
        imagenet_utils.preprocess_input(x[0, 0], mode=mode)


def test_preprocessing_refusals():
    for arguments in ({"mode": "cafe"}, {"data_format": "nhwc"}):
        with pytest.raises(ValueError, match="Expected"):
            imagenet_utils.preprocess_input(np.zeros((2, 2, 3)), **arguments)
    pixels = np.zeros((1, 2, 2, 3))
    assert applications.efficientnet.preprocess_input(pixels) is pixels


def test_names_of_classes(home, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"imagenet_class_index\.json"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))
    path = home / "imagenet_class_index.json"
    path.write_text(json.dumps({str(i): [f"n{i:08}", f"thing_{i}"] for i in range(1000)}))
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setattr(imagenet_utils, "_CLASS_INDEX", imagenet_utils._CLASS_INDEX._replace(digest=digest))
    y = np.zeros((2, 1000), np.float32)
    y[0, 7], y[0, 4], y[1, 999] = 0.7, 0.2, 1
    found = applications.inception_v3.decode_predictions(y, top=2)
    assert found[0] == [("n00000007", "thing_7", np.float32(0.7)), ("n00000004", "thing_4", np.float32(0.2))]
    assert found[1][0] == ("n00000999", "thing_999", 1.0)
    for wrong in (np.zeros((1, 10)), np.zeros(1000)):
        with pytest.raises(ValueError, match="2D array"):
            imagenet_utils.decode_predictions(wrong)
    path.write_text("{}")
    digest = hashlib.md5(b"{}", usedforsecurity=False).hexdigest()
    monkeypatch.setattr(imagenet_utils, "_CLASS_INDEX", imagenet_utils._CLASS_INDEX._replace(digest=digest))
    imagenet_utils._read_class_index.cache_clear()
    with pytest.raises(ValueError, match="does not name"):
        imagenet_utils.decode_predictions(y)


def test_modules():
    from pycnn.keras.applications.resnet50 import ResNet50

    assert keras.keras.applications.ResNet50 is ResNet50 is applications.resnet.ResNet50
    assert "InceptionV3" in dir(applications)
    assert "vgg16" in dir(applications)
    with pytest.raises(AttributeError, match="AlexNet"):
        applications.AlexNet  # noqa: B018


def test_saved_network(tmp_path, rng):
    """One with models, own layers and arithmetic inside comes back from its file."""
    x = keras.Input((4, 4, 2))
    y = layers.residual.CustomScaleLayer(0.5)([x, layers.ReLU(6.0)(x + 3.0) * (1 / 6)])
    y = layers.residual.LayerScale(0.1, 2)(y) / np.array([1.0, 2.0])
    model = keras.Model(x, keras.ops.mean(y, axis=(1, 2))[:, :1])
    model.save(tmp_path / "model.safetensors")
    again = keras.models.load_model(tmp_path / "model.safetensors")
    assert [each.name for each in again.operations] == [each.name for each in model.operations]
    data = rng.normal(size=(2, 4, 4, 2))
    np.testing.assert_array_equal(again.predict(data), model.predict(data))
    assert again.get_config() == model.get_config()
    broken = json.loads(model.to_json().replace('"class_name": "GetItem"', '"class_name": "Nothing"'))
    with pytest.raises(ValueError, match=r"function of keras\.ops"):
        keras.models.model_from_json(json.dumps(broken))
