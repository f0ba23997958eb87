"""pycnn.bench: what peers compute, their processes, and their turns."""

import ast
import io
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import pycnn
from pycnn import ops
from pycnn.bench import report, suite, workers
from pycnn.bench.cases import kernels
from pycnn.bench.options import Options
from pycnn.bench.peers import networks
from pycnn.bench.timing import Effort, Task, agrees, take_turns
from pycnn.bench.workers import System, Worker, WorkerError, child_environment, parse_peers

PEERS = Path(workers.__file__).with_name("peers")
QUICK = Effort(repeat=2, pass_seconds=0.001, warm_ups=0, rest=0.0)
# --- peers --------------------------------------------------------------------------------------------------


def test_peers_need_nothing_of_pycnn():
    """They run in environments that lack it."""
    for path in PEERS.glob("*.py"):
        if path.stem.startswith("pycnn"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            )
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not any(name.split(".")[0] in ("pycnn", "rich", "PIL") for name in names), path


def test_numpy_trains_as_pycnn_does(peer_scripts):
    """Two steps of the whole network with Adam."""
    import common
    import numpy_peer
    from keras_network import keras_model

    x, y = common.data({"batch": 32})
    theirs, ours = numpy_peer.Deck(), keras_model(pycnn, networks.NETWORKS["deck"])
    ours.compile("adam", "sparse_categorical_crossentropy")
    before = [w.copy() for w in theirs.weights]
    for step in range(2):
        part = slice(step * 16, step * 16 + 16)
        theirs.train(x[part], y[part])
        ours.train_on_batch(x[part], y[part])
    for start, a, b in zip(before, theirs.weights, ours.get_weights(), strict=True):
        # Adam moves every weight by about the learning rate, whatever the size of its gradient; where that is
        # nearly zero, its sign is a matter of rounding.
        assert np.abs(a - start).max() > 1e-3
        assert np.mean(np.abs(a - b) > 1e-5) < 1e-3
    np.testing.assert_allclose(theirs.predict(x[:8]), ours.predict(x[:8], verbose=0), atol=1e-4)


def test_numpy_agrees_in_every_case(peer_scripts):
    import common
    import numpy_peer
    import pycnn_peer

    for kernel in kernels(32):
        for direction in ("forward", "backward"):
            job = kernel.job(direction)
            ours, theirs = (
                [common.digest(each) for each in peer.prepare(job).outputs]
                for peer in (pycnn_peer, numpy_peer)
            )
            assert agrees(ours, theirs), (kernel.name, direction, ours, theirs)


def test_numpy_pools_ties_as_pycnn_does(peer_scripts):
    import numpy_ops

    x = np.random.default_rng(0).integers(0, 2, (2, 9, 9, 3)).astype(np.float32)
    dy = np.arange(2 * 4 * 4 * 3, dtype=np.float32).reshape(2, 4, 4, 3)
    for window in (2, 3):
        theirs = numpy_ops.max_pool2d_backward(dy, x, window, 2)
        np.testing.assert_array_equal(theirs, ops.max_pool2d_backward(dy, x, window, strides=2))


def test_channels_first_weights_are_the_same_network(peer_scripts):
    import common

    network = networks.NETWORKS["deck"]
    w1, b1, w2, b2, w3, b3, w4, b4 = common.channels_first_weights(network)
    x = common.data({"batch": 2})[0][:2]
    y = x
    for w, b in ((w1, b1), (w2, b2)):
        y = ops.max_pool2d(ops.conv2d(y, w.transpose(2, 3, 1, 0), b, activation="relu"))
    y = np.maximum(y.transpose(0, 3, 1, 2).reshape(2, -1) @ w3.T + b3, 0) @ w4.T + b4
    net = pycnn.Sequential([*pycnn_layers(), pycnn.layers.Dense(10)])
    net.set_weights(common.weights_of(network))
    np.testing.assert_allclose(y, net.predict(x, verbose=0), atol=1e-4)


def pycnn_layers():
    layers = pycnn.layers
    return [
        pycnn.Input((28, 28, 1)), layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dense(128, activation="relu"),
    ]  # fmt: skip


def test_executorch_says_what_to_install(peer_scripts, monkeypatch):
    import common
    import executorch_peer

    monkeypatch.setitem(sys.modules, "executorch", None)  # as where it is not installed
    with pytest.raises(ImportError, match=r"executorch.*; install it with: pip install executorch"):
        executorch_peer.prepare({"kind": "infer", "network": "deck", "batch": 1})
    with pytest.raises(common.Unsupported, match="inference of whole networks only"):
        executorch_peer.prepare({"kind": "train", "network": "deck", "batch": 1})


def test_digest_sees_order_and_size(peer_scripts):
    import common

    a = np.arange(12.0).reshape(3, 4)
    assert agrees([common.digest(a)], [common.digest(a + 1e-5)])
    assert not agrees([common.digest(a)], [common.digest(a[::-1])])
    assert not agrees([common.digest(a)], [common.digest(a * 1.01)])
    assert not agrees([common.digest(a)], [])


# --- workers and turns --------------------------------------------------------------------------------------


def test_parse_peers():
    assert parse_peers("") == []
    assert parse_peers(f"torch, jax={sys.executable}") == [System("torch"), System("jax", sys.executable)]
    (compiled,) = parse_peers("torch.compile")
    assert (compiled.library, compiled.form, compiled.script.name) == ("torch", "compile", "torch_peer.py")
    for text, message in (
        ("caffe", "'caffe' is unknown"),
        ("torch.fp8", "'torch.fp8' is unknown"),
        ("pycnn", "'pycnn' is unknown"),  # it always takes part
        ("torch=/no/such/python", "torch: /no/such/python is not"),
    ):
        with pytest.raises(ValueError, match=message):
            parse_peers(text)


def test_child_environment(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = child_environment(3)
    assert not {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"} & set(environment)
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")} == {"3"}
    assert environment["PATH"] == os.environ["PATH"]
    assert "PYCNN_ISA" not in environment
    limited = child_environment(3, "avx2")
    assert (limited["PYCNN_ISA"], limited["ONEDNN_MAX_CPU_ISA"]) == ("avx2", "AVX2")


class Counted:
    """A worker that notes the order of its runs, each of which takes as long as it is told."""

    def __init__(self, name, order, seconds):
        self.name, self.order, self.seconds = name, order, iter(seconds)

    def request(self, do, **more):
        if do == "prepare":
            return {"unsupported": "never"} if self.name == "x" else {"outputs": [[1.0, 2.0]]}
        self.order.append((self.name, more["calls"]))
        seconds = next(self.seconds)
        return {"seconds": seconds, "cpu_seconds": 2 * seconds, "calls": more["calls"]}


def test_passes_take_turns_and_the_median_counts():
    order = []
    tasks = {
        "a": Task(Counted("a", order, [9, 9, 5, 1, 3]), {}, 1),
        "b": Task(Counted("b", order, [0.05, 9, 9, 40, 20, 60]), {}),  # the first one calibrates
        "x": Task(Counted("x", order, []), {}),
    }
    timings = take_turns(tasks, Effort(repeat=3, pass_seconds=1.0, warm_ups=2, rest=0.0))
    assert order == [("b", 1), *[("a", 1), ("b", 20)] * 5]
    assert list(timings) == ["a", "b"]
    assert timings["a"].seconds == 3
    assert timings["a"].passes == [5, 1, 3]
    assert timings["b"].seconds == 2
    assert timings["a"].cpu_seconds == 6


def scripted(folder, name, text):
    """A peer's script with such a prepare function."""
    for module in ("common.py", "memory.py", "networks.py"):
        (folder / module).write_text((PEERS / module).read_text())
    (folder / f"{name}_peer.py").write_text(
        "import os, sys\nimport numpy as np\nfrom common import Prepared, Unsupported, serve\n"
        + textwrap.dedent(text)
        + f"\nserve({name!r}, version, prepare)\n"
    )


GOOD = "def version():\n    return '1.0'\n"


def test_worker(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_SCRIPTS", tmp_path)
    scripted(
        tmp_path,
        "torch",
        GOOD
        + """
        def prepare(job):
            print("noise on stdout")
            if job["kind"] == "odd":
                raise Unsupported("odd job")
            if job["kind"] == "bad":
                raise ValueError("bad job")
            if job["kind"] == "end":
                sys.exit("the end")
            return Prepared(lambda calls: 2 * calls, [np.array([1.0, 2.0])])
        """.replace("\n        ", "\n"),
    )
    with Worker(System("torch"), 2) as worker:
        assert worker.request(do="hello") == {"name": "torch", "version": "1.0"}
        assert worker.request(do="prepare", job={"kind": "odd"}) == {"unsupported": "odd job"}
        with pytest.raises(WorkerError, match="torch: ValueError: bad job"):
            worker.request(do="prepare", job={"kind": "bad"})
        assert worker.request(do="prepare", job={"kind": "x"})["outputs"][0][1] == 3
        assert worker.request(do="run", calls=3)["calls"] == 6
        for _ in range(2):
            with pytest.raises(WorkerError, match="torch: its process ended: the end") as info:
                worker.request(do="prepare", job={"kind": "end"})
        assert info.value.system == "torch"
    assert worker._process.returncode is not None


def test_peers_that_fail_are_told_about(tmp_path, monkeypatch):
    for path in PEERS.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr(workers, "_SCRIPTS", tmp_path)
    scripted(tmp_path, "jax", "def version():\n    import no_such_library\nprepare = None")
    scripted(tmp_path, "torch", GOOD + "def prepare(job):\n    os._exit(3)")
    scripted(
        tmp_path,
        "tensorflow",
        GOOD + "def prepare(job):\n    return Prepared(lambda calls: None, [np.ones(3)])",
    )
    scripted(tmp_path, "openvino", GOOD + "def prepare(job):\n    raise Unsupported('no')")
    said = []
    peers = parse_peers("jax,torch,tensorflow,openvino")
    options = Options(peers, effort=QUICK, only=("relu 8x8192, forward",), quick=True)
    results = suite.run(options, said.append)
    assert results["missing"] == {"jax": "jax: ModuleNotFoundError: No module named 'no_such_library'"}
    assert any(
        "No module named 'no_such_library'" in line and "--vs jax=/path/to/python" in line for line in said
    )
    assert any("left out torch: its process ended" in line for line in said)
    assert len(results["kernels"]) == 2  # leaky_relu has such a name as well
    for row in results["kernels"]:
        assert sorted(row["seconds"]) == ["numpy", "pycnn", "tensorflow"]
        assert row["differs"] == ["tensorflow"]
    assert results["fma_peak_gflops"] > 0

    text = io.StringIO()
    report.print_results(results, Console(file=text, width=200))
    shown = text.getvalue()
    assert "not measured: jax" in shown
    assert re.search(r"^relu 8x8192, forward .* -  .* ! .* -", shown, re.MULTILINE)
    assert "!  computed something else than pycnn" in shown


def test_nothing_chosen():
    with pytest.raises(ValueError, match="--only flight: no case has such a name"):
        suite.run(Options(effort=QUICK, only=("flight",)), print)


def test_peer_by_hand():
    """A peer's script alone, as its description says."""
    command = [sys.executable, str(PEERS / "numpy_peer.py")]
    environment = child_environment(1)
    done = subprocess.run(
        [*command, "infer", "512"], capture_output=True, text=True, check=True, env=environment
    )
    answer = json.loads(done.stdout)
    assert answer["peer"] == "numpy"
    assert answer["images_per_s"] == pytest.approx(512e6 / answer["us_per_call"], rel=0.01)
    assert subprocess.run([*command, "fly"], capture_output=True, check=False).returncode == 1
