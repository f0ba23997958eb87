"""The networks of pycnn.bench as ExecuTorch runs them."""

import numpy as np
import pytest

pytest.importorskip("executorch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(("name", "batch"), [("lenet5", 3), ("resnet20", 1)])
def test_executorch(peer_scripts, name, batch):
    import executorch_peer
    import pycnn_peer

    job = {"kind": "infer", "network": name, "batch": batch}
    theirs, ours = executorch_peer.prepare(job), pycnn_peer.prepare(job)
    theirs.run(2)
    np.testing.assert_allclose(theirs.outputs[0], ours.outputs[0], rtol=0, atol=executorch_peer.TOLERANCE)
