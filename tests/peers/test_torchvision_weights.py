"""Networks with weights from files of PyTorch give the outputs that torchvision's networks give.

Some are compared here, all of them where PYCNN_ALL_NETWORKS is set.
"""

import os
import re

import numpy as np
import pytest

import pycnn as keras
from pycnn import applications
from pycnn.applications import FAMILY_OF
from pycnn.applications import torchvision as ours

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
torch.set_num_threads(1)  # more of them wait for each other where other tests run
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

USUAL = (
    "DenseNet121", "EfficientNetB0", "EfficientNetV2S", "InceptionV3", "MobileNetV2", "MobileNetV3Small",
    "ResNet50", "VGG16",
)  # fmt: skip
NAMES = [name for name in FAMILY_OF if ours._application(name).counterpart is not None]
# The normalization that ends a residual block.
LAST = {
    "Bottleneck": lambda block: block.bn3,
    "InvertedResidual": lambda block: block.conv[-1] if hasattr(block, "conv") else block.block[-1][1],
    "MBConv": lambda block: block.block[-1][1],
    "FusedMBConv": lambda block: block.block[-1][1],
}
SIZES = {"InceptionV3": 96, "VGG16": 224, "VGG19": 224}


def some():
    everything = "PYCNN_ALL_NETWORKS" in os.environ
    skipped = pytest.mark.skip("compared where PYCNN_ALL_NETWORKS is set")
    return [pytest.param(name, marks=[] if everything or name in USUAL else skipped) for name in NAMES]


def made(name, size=96, **arguments):
    """torchvision's network, all of whose weights and statistics are random."""
    torch.manual_seed(5)
    if name == "inception_v3":
        arguments |= {"init_weights": False}
    model = getattr(torchvision.models, name)(**arguments).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.LayerNorm)):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
            elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
                module.weight.normal_(0, module.weight[0].numel() ** -0.5)
                if module.bias is not None:
                    module.bias.normal_(0, 0.1)
            if hasattr(module, "layer_scale"):
                module.layer_scale.uniform_(0.2, 0.5)
        # Small branches beside shortcuts: with large ones deep networks amplify the rounding of any library.
        for module in model.modules():
            if type(module).__name__ in LAST:
                LAST[type(module).__name__](module).weight *= 0.2
        norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        # Statistics of random pictures, so that deep networks keep numbers in a range.
        for module in norms:
            module.momentum = 1.0
            module.train()
        model(torch.from_numpy(pictures(np.random.default_rng(6), 16, size)).permute(0, 3, 1, 2))
        for module in norms:
            module.eval()
    return model


def pictures(rng, count, size):
    """Coarse squares of random colours: of noise alone deep layers see no difference between pictures."""
    squares = rng.normal(0, 1, (count, 6, 6, 3)).repeat(-(-size // 6), axis=1).repeat(-(-size // 6), axis=2)
    x = squares[:, :size, :size] + rng.normal(0, 0.5, (count, size, size, 3))
    return x.astype(np.float32)


def outputs(model, x):
    with torch.no_grad():
        return model(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()


@pytest.fixture
def exact():
    """Direct sums, which round as torch does; Winograd's form rounds more coarsely."""
    before = keras.config.get_exact()
    keras.config.set_exact(True)
    yield
    keras.config.set_exact(before)


@pytest.mark.parametrize("name", some())
def test_logits(tmp_path, name, exact):
    counterpart = ours._application(name).counterpart
    size = SIZES.get(name, 40 if name.startswith("ConvNeXt") else 64)
    theirs = made(counterpart.name, size)
    if name == "InceptionV3":
        theirs.transform_input = True
    torch.save(theirs.state_dict(), tmp_path / "network.pth")
    x = pictures(np.random.default_rng(6), 16, size)[:2]  # of those that the statistics are of
    single, double = outputs(theirs, x), outputs(theirs.double(), x.astype(np.float64))
    model = applications.load_torchvision(
        name, tmp_path / "network.pth", input_shape=x.shape[1:], classifier_activation=None
    )
    found = model.predict(x, verbose=0)
    scale = np.abs(double).max()
    # What torch itself loses in float32 tells how much these weights amplify rounding.
    assert np.abs(found - double).max() <= max(2e-5 * scale, 2 * np.abs(single - double).max())
    assert np.abs(single - double).max() <= 1e-4 * scale
    assert np.abs(double[0] - double[1]).max() > 1e-3 * scale  # the picture matters


def test_probabilities_from_safetensors(rng, tmp_path):
    """In float16 and bfloat16, too; views of one storage; without the classifier; other classes."""
    safetensors = pytest.importorskip("safetensors.torch")
    theirs = made("mobilenet_v2", num_classes=7, width_mult=0.35)
    x = pictures(rng, 2, 96)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        rounded = {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in theirs.state_dict().items()
        }
        theirs.load_state_dict(rounded)
        with torch.no_grad():
            features = theirs.features(torch.from_numpy(x).permute(0, 3, 1, 2)).mean((2, 3)).numpy()
        expected = torch.softmax(torch.from_numpy(outputs(theirs, x)), 1).numpy()
        safetensors.save_file(rounded, tmp_path / "network.safetensors")
        torch.save(rounded, tmp_path / "network.pth", pickle_protocol=4)
        torch.save(joined(rounded), tmp_path / "joined.pt")
        arguments = {"alpha": 0.35, "input_shape": (96, 96, 3)}
        for file in ("network.safetensors", "network.pth", "joined.pt"):
            model = applications.load_torchvision("mobilenet_v2", tmp_path / file, classes=7, **arguments)
            if file == "network.safetensors":
                assert np.abs(model.predict(x, verbose=0) - expected).max() <= 1e-5
                weights = model.get_weights()
            for one, other in zip(model.get_weights(), weights, strict=True):
                np.testing.assert_array_equal(one, other)
    bare = applications.load_torchvision(
        "MobileNetV2", tmp_path / "network.pth", include_top=False, pooling="avg", **arguments
    )
    found = bare.predict(x, verbose=0)
    assert np.abs(found - features).max() <= 2e-5 * np.abs(features).max()


def joined(tensors):
    """The floats as views of one storage, every second of its numbers, with reversed strides."""
    dtype = tensors["classifier.1.weight"].dtype
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    storage, views, begin = torch.zeros(2 * sum(map(torch.numel, floats.values())), dtype=dtype), {}, 0
    for name, tensor in floats.items():
        strides, step = [], 2
        for length in tensor.shape:
            strides.append(step)
            step *= length
        views[name] = torch.as_strided(storage, tensor.shape, strides, begin)
        views[name].copy_(tensor)
        begin += 2 * tensor.numel()
    return views


def test_old_names_and_files(rng, tmp_path):
    """Files before torchvision 0.3 name the layers of DenseNets otherwise, and count no batches."""
    theirs = made("densenet121")
    weights = {
        re.sub(r"(denselayer\d+\.\w+)([12])\.", r"\1.\2.", name): tensor
        for name, tensor in theirs.state_dict().items()
        if "num_batches" not in name
    }
    assert "features.denseblock1.denselayer2.norm.1.weight" in weights
    torch.save(weights, tmp_path / "network.pth")
    model = applications.load_torchvision("densenet121", tmp_path / "network.pth", input_shape=(64, 64, 3))
    x = pictures(rng, 1, 64)
    expected = torch.softmax(torch.from_numpy(outputs(theirs, x)), 1).numpy()
    assert np.abs(model.predict(x, verbose=0) - expected).max() <= 1e-5
    torch.save(weights, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match=r"PyTorch before 1\.6"):
        applications.load_torchvision("densenet121", tmp_path / "old.pth")


def test_what_is_no_dict_of_tensors(tmp_path):
    """Checkpoints of training, whole models and programs are refused by name."""
    model = torchvision.models.mobilenet_v2(width_mult=0.35)
    path = tmp_path / "network.pth"
    torch.save({"model": model.state_dict(), "epoch": 3}, path)
    with pytest.raises(ValueError, match=r"'model', 'epoch'.*not every entry"):
        applications.load_torchvision("MobileNetV2", path, alpha=0.35)
    torch.save(model, path)
    with pytest.raises(
        ValueError, match=r"torchvision\.models\.mobilenetv2\.MobileNetV2, which is not run|instruction"
    ):
        applications.load_torchvision("MobileNetV2", path, alpha=0.35)
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    with pytest.raises(ValueError, match="TorchScript"):
        applications.load_torchvision("MobileNetV2", path, alpha=0.35)
    torch.save({name: tensor.int() for name, tensor in model.state_dict().items()}, path)
    with pytest.raises(ValueError, match="holds I32; expected F64"):
        applications.load_torchvision("MobileNetV2", path, alpha=0.35)


def test_every_network_of_both_is_known():
    assert {ours._application(name).counterpart.name for name in NAMES} <= set(dir(torchvision.models))
