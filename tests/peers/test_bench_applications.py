"""Networks for ImageNet as ONNX Runtime gets them in pycnn.bench."""

import numpy as np
import pytest

from pycnn.bench import applications

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetB0"])
def test_onnxruntime(peer_scripts, tmp_path, name):
    import onnxruntime_peer
    import pycnn_peer

    shape = (32, 32, 3)
    applications.write_files(name, shape, tmp_path, onnx=True)
    job = {"kind": "infer", "network": name, "batch": 2, "input": shape, "files": str(tmp_path)}
    (ours,), (theirs,) = (peer.prepare(job).outputs for peer in (pycnn_peer, onnxruntime_peer))
    assert np.abs(ours - theirs).max() <= applications.TOLERANCE
    assert np.log(ours).std() > 1
