"""Networks for ImageNet in pycnn.bench, at the smallest sizes."""

import io

import numpy as np
import pytest
from rich.console import Console
from torch_files import content, tensors

import pycnn as keras
from pycnn.applications import load_torchvision, torchvision
from pycnn.bench import applications, report, suite, workers
from pycnn.bench.markdown import markdown
from pycnn.bench.options import Options
from pycnn.bench.peers import networks
from pycnn.bench.timing import Effort
from pycnn.bench.workers import parse_peers
from pycnn.cli import main

QUICK = Effort(repeat=1, pass_seconds=0.001, warm_ups=0, rest=0.0)
SMALL = (32, 32, 3)


def test_cases(capsys):
    names = [case.name for case in applications.application_cases(["ResNet50", "resnet50"])]
    assert names == [
        "train ResNet50, batch 8", "infer ResNet50, batch 1", "infer ResNet50, batch 8",
        "train resnet50, batch 8",
    ]  # fmt: skip
    (case,) = applications.application_cases(["Xception"], [3], quick=True)
    assert case.job() == {"kind": "infer", "network": "Xception", "batch": 3, "input": (96, 96, 3)}
    assert main(["bench", "--network", "applications,deck", "--list", "--only", "batch 8"]) == 0
    listed = capsys.readouterr().out.splitlines()
    for name in ("InceptionV3", "ResNet50", "MobileNetV2", "VGG16", "DenseNet121", "EfficientNetB0"):
        assert f"infer {name}, batch 8" in listed
    assert "train inception_v3, batch 8" in listed


@pytest.mark.parametrize("name", networks.APPLICATIONS)
def test_networks_are_there(name):
    assert applications.model_of(name, (96, 96, 3)).get_layer("predictions").output.shape == (None, 1000)


def test_files(peer_scripts, tmp_path):
    """The network as pycnn saved it, and its weights in Keras' order; probabilities are told apart."""
    import application
    import pycnn_peer

    applications.write_files("MobileNetV2", SMALL, tmp_path, onnx=False)
    job = {"kind": "infer", "network": "MobileNetV2", "batch": 2, "input": SMALL, "files": str(tmp_path)}
    (found,) = pycnn_peer.prepare(job).outputs
    model = applications.model_of("MobileNetV2", SMALL)
    model.set_weights(list(application.keras_weights(job)))
    np.testing.assert_allclose(found, model.predict(application.pictures(job)[0]), atol=1e-6)
    assert np.log(found).std() > 1
    for kind, message in (("infer", "no ONNX file"), ("train", "inference only")):
        with pytest.raises(application.Unsupported, match=message):
            application.onnx_file(job | {"kind": kind})
    trained = pycnn_peer.prepare(job | {"kind": "train", "batch": 1})
    assert trained.outputs[0].shape == (1, 1000)
    assert trained.run(2) == 2


def test_state_dict(tmp_path):
    """What torchvision gets is what pycnn would load from there."""
    arguments = {"alpha": 0.1, "input_shape": SMALL, "classes": 3}
    model = torchvision.build("mobilenet_v2", **arguments)
    path = tmp_path / "weights.pth"
    path.write_bytes(content(tensors(torchvision.state_dict("mobilenet_v2", model))))
    again = load_torchvision("mobilenet_v2", path, **arguments)
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows(tmp_path, monkeypatch):
    """A peer that computes something else is told about, as are memory and differences of all."""
    for path in workers._SCRIPTS.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text())
    scripts = {
        "onnxruntime": "return Prepared(lambda calls: None, [np.full((1, 1000), 1e-3)])",
        "openvino": "raise Unsupported('no')",
    }
    for library, prepare in scripts.items():
        (tmp_path / f"{library}_peer.py").write_text(
            "import numpy as np\nfrom common import Prepared, Unsupported, serve\n"
            f"def prepare(job):\n    {prepare}\nserve({library!r}, lambda: '1', prepare)\n"
        )
    monkeypatch.setattr(workers, "_SCRIPTS", tmp_path)
    monkeypatch.setattr(applications, "_QUICK", SMALL)
    peers, only = parse_peers("onnxruntime,openvino"), ("infer",)
    options = Options(peers, (), ("MobileNetV2",), [1], effort=QUICK, only=only, quick=True)
    results = suite.run(options, lambda line: None)
    (row,) = results["applications"]
    assert row["name"] == "infer MobileNetV2, batch 1"
    assert sorted(row["seconds"]) == sorted(row["memory"]) == ["onnxruntime", "pycnn"]
    assert row["memory"]["pycnn"] > 4 * keras.applications.MobileNetV2(weights=None).count_params()
    assert row["differs"] == ["onnxruntime"]
    assert row["largest_difference"]["onnxruntime"] > applications.TOLERANCE
    text = io.StringIO()
    report.print_results(results, Console(file=text, width=200))
    for shown in (text.getvalue(), markdown(results)):
        assert shown.count("infer MobileNetV2, batch 1") == 2
        assert "peak of memory beyond imports" in shown.lower()
