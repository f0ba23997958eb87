"""pycnn.bench: what is timed and how, that NumPy computes the same, and the command."""

import ast
import io
import json
import math
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
from pycnn.bench.cases import kernels, network_cases
from pycnn.bench.goals import outcomes
from pycnn.bench.markdown import markdown
from pycnn.bench.options import Options
from pycnn.bench.peers import networks
from pycnn.bench.timing import Effort, Task, agrees, take_turns
from pycnn.bench.workers import System, Worker, WorkerError, child_environment, parse_peers
from pycnn.cli import main

PEERS = Path(workers.__file__).with_name("peers")
QUICK = Effort(repeat=2, pass_seconds=0.001, warm_ups=0, rest=0.0)


@pytest.fixture
def peer_scripts(monkeypatch):
    """Makes the peers' scripts importable, as they are where they run."""
    monkeypatch.syspath_prepend(str(PEERS))
    monkeypatch.setitem(sys.modules, "networks", networks)  # not a second copy of its classes
    monkeypatch.delenv("PYCNN_BENCH_DATA", raising=False)
    names = [path.stem for path in PEERS.glob("*.py") if path.stem != "networks"]
    yield
    for name in names:
        sys.modules.pop(name, None)


# --- cases --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", kernels(16), ids=lambda kernel: kernel.name)
def test_cases_are_operations_of_those_shapes(kernel):
    arrays = {
        name: np.zeros(shape, "i4" if name == "labels" else "f4") for name, shape in kernel.arrays.items()
    }
    result = getattr(ops, kernel.operation)(*arrays.values(), **kernel.options)
    assert (result[0] if isinstance(result, tuple) else result).shape == kernel.output
    assert hasattr(ops, f"{kernel.operation}_backward")


def test_flops():
    flops = {kernel.name: (kernel.flops, kernel.backward_flops) for kernel in kernels()}
    assert flops["conv2d 3x3 64->64 on 13x13, 128 images"] == (
        128 * 121 * 9 * 64 * 64 * 2,
        128 * 121 * 9 * 64 * 64 * 4,
    )
    assert flops["conv2d 3x3/2 32->64 on 27x27, 64 images"][0] == 64 * 13 * 13 * 9 * 32 * 64 * 2
    assert flops["conv2d 5x5 32->64 on 14x14, 64 images"][0] == 64 * 14 * 14 * 25 * 32 * 64 * 2
    assert flops["dense 1600->128, 128 samples"][0] == 128 * 1600 * 128 * 2
    assert flops["relu 128x8192"] == (0, 0)
    assert networks.flops(networks.NETWORKS["deck"]) == {"infer": 10_112_000, "train": 29_557_248}


def test_names_are_unique_and_chosen_by_parts():
    everything = suite.names(Options(networks=tuple(networks.NETWORKS)))
    assert len(set(everything)) == len(everything)
    chosen = suite.names(Options(batches=[1, 32], only=("TRAIN deck", "softmax 4096x10, backward", "memory")))
    assert chosen == [
        "softmax 4096x10, backward", "log_softmax 4096x10, backward",
        "train deck, batch 1", "train deck, batch 32", "memory",
    ]  # fmt: skip


# --- networks -----------------------------------------------------------------------------------------------


def weights_in(network):
    return sum(math.prod(shape) for _, shape in networks.weight_shapes(network))


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_networks_are_what_they_are_called(peer_scripts, name):
    import keras_network

    network = networks.NETWORKS[name]
    known = {"deck": 243_786, "lenet5": 61_706, "pictures": 1_704_097, "resnet20": 274_042}
    assert weights_in(network) == known.get(name, weights_in(network))
    model = keras_network.keras_model(pycnn, network)
    assert model.count_params() == weights_in(network)
    assert model.output_shape == (None, 1 if name == "pictures" else 10)


def test_flops_of_networks():
    last = {"lenet5": 120 * 84 + 84 * 10, "pictures": 512}
    layers = {
        "lenet5": 28 * 28 * 25 * 6 + 10 * 10 * 25 * 6 * 16 + 400 * 120,
        "pictures": 9 * (298**2 * 48 + 147**2 * 512 + 71**2 * 2048 + 33**2 * 4096 + 14**2 * 4096)
        + 3136 * 512,
    }
    for name, count in layers.items():
        assert networks.flops(networks.NETWORKS[name])["infer"] == 2 * (count + last[name])
    # One residual block by hand: body of two convolutions, the first of them in steps of two, and a shortcut.
    block = networks.Residual(
        [networks.Conv(8, 3, 2, "same"), networks.Conv(8, 3, padding="same")],
        [networks.Conv(8, 1, 2, "same")],
    )
    network = networks.Network((9, 9, 4), [block, networks.GlobalAverage(), networks.Dense(2)], images=1)
    counts = (5 * 5 * 9 * 4 * 8, 5 * 5 * 9 * 8 * 8, 5 * 5 * 4 * 8, 8 * 2)
    assert networks.flops(network) == {"infer": 2 * sum(counts), "train": 6 * sum(counts) - 2 * counts[0]}
    assert [step.after for step in networks.steps(network.layers, network.input)] == [
        (5, 5, 8), (5, 5, 8), (5, 5, 8), (8,), (2,),
    ]  # fmt: skip


def test_batches_of_networks():
    cases = {case.name: case for case in network_cases(["vgg", "pictures"])}
    assert list(cases) == [
        "train vgg, batch 32", "train vgg, batch 128", "infer vgg, batch 1", "infer vgg, batch 32",
        "train pictures, batch 16", "train pictures, batch 32",
        "infer pictures, batch 1", "infer pictures, batch 32",
    ]  # fmt: skip
    assert cases["train vgg, batch 128"].calls == 2  # its 256 images
    assert cases["infer vgg, batch 32"].flops == 32 * networks.flops(networks.NETWORKS["vgg"])["infer"]
    assert [case.batch for case in network_cases(["vgg"], [4])] == [4, 4]
    assert max(case.calls for case in network_cases(["deck"], quick=True)) == 4


# --- goals and tables ---------------------------------------------------------------------------------------


def row(kind, network, batch, seconds, differs=()):
    name = f"{kind} {network}, batch {batch}"
    job = {"kind": kind, "network": network, "batch": batch}
    return {"name": name, **job, "seconds": seconds, "differs": list(differs), "flops": 1e9}


def of(rows, measures=None, isa=""):
    return outcomes({"networks": rows, "measures": measures or {}, "isa": isa})


def test_goals_take_the_best_rival():
    seconds = {
        "pycnn": 1.0,
        "numpy": 1.5,
        "torch": 12.0,
        "torch.compile": 9.5,
        "torch.bf16": 2.0,
        "tensorflow": 6.5,
    }
    tensorflow, torch = of([row("train", "deck", 128, seconds)])
    assert (tensorflow.measured, tensorflow.goal, tensorflow.met) == (
        "6.50x tensorflow",
        "6x tensorflow",
        True,
    )
    assert torch.measured == "9.50x torch.compile"
    assert torch.goal == "10x the best of torch, torch.compile"
    assert not torch.met
    # Who computes something else is no rival, nor are NumPy and other number formats.
    (torch,) = of([row("train", "deck", 128, seconds, ["tensorflow", "torch.compile"])])
    assert torch.measured == "12.00x torch"
    assert torch.met
    (others,) = of([row("train", "vgg", 32, seconds)])
    assert (others.measured, others.met) == ("6.50x tensorflow", True)
    assert of([row("train", "deck", 128, {"pycnn": 1.0, "numpy": 9.0})]) == []


def test_goals_of_other_formats_instruction_sets_and_measures():
    seconds = {"pycnn": 1.0, "pycnn.bf16": 0.5, "torch.bf16": 2.0, "tensorflow": 4.0}
    rows = [row("train", "deck", 128, seconds)]
    assert [(each.what, each.measured, each.met) for each in of(rows)] == [
        ("train deck, batch 128", "4.00x tensorflow", False),
        ("train deck, batch 128, bf16", "4.00x torch.bf16", False),
    ]
    assert [each.goal for each in of(rows, isa="avx2")] == ["4.5x tensorflow"]
    measures = {
        "threads": {"train deck, batch 128": {"1": 1.9, "2": 1.0}, "infer deck, batch 128": {"1": 1, "2": 1}},
        "accuracy": {"accuracy": 0.9101, "seconds": 12.5, "runs": []},
    }
    threads, accuracy = of([], measures)
    assert (threads.measured, threads.met) == ("1.90x one", True)
    assert (accuracy.measured, accuracy.met) == ("91.01% in 12.5 s", False)


def test_markdown():
    results = {
        "machine": {
            "command": "pycnn bench", "date": "2030-01-02T03:04:05+00:00", "cpu": "A CPU", "system": "Linux",
            "python": "3.12", "load_average": [0.1, 0, 0], "pycnn": {"isa_active": "avx512"},
        },
        "threads": 2, "isa": "avx2", "passes": 5, "fma_peak_gflops": 500.0, "measures": {}, "kernels": [],
        "systems": {"pycnn": "1", "torch": "2", "jax": "3", "litert": "4"}, "missing": {"openvino": "why"},
        "networks": [row("train", "vgg", 32, {"pycnn": 0.001, "torch": 0.0101, "jax": 0.0025}, ["jax"])],
    }  # fmt: skip
    text = markdown(results)
    assert "`pycnn bench` (2030-01-02)" in text
    assert "A CPU, 2 threads, avx2" in text
    assert "cannot be told to keep to avx2: litert" in text
    assert "| train vgg, batch 32 | 32,000 | 3,168 (10x) | (computes something else) |  |" in text
    assert "reached" not in text  # no goal for this network on AVX2
    goal = "| train vgg, batch 32 | 10.10x torch | 2.5x the best of the others | reached |"
    assert goal in markdown({**results, "isa": ""})
    assert "Not measured: openvino." in text


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
    for module in ("common.py", "networks.py"):
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


# --- the onnx model -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_onnx_models_are_valid(peer_scripts, name):
    pytest.importorskip("onnx")
    import onnx_network

    network = networks.NETWORKS[name]
    assert len(onnx_network.onnx_network(network)) > 4 * weights_in(network)


# --- the command --------------------------------------------------------------------------------------------


def test_bench(tmp_path, capsys):
    path, table = tmp_path / "results.json", tmp_path / "table.md"
    only = "conv2d 3x3 64,deck,lenet5,import time,latency,threads,cost,memory"
    command = [
        "bench",
        "--quick",
        "--repeat",
        "2",
        "--batch",
        "1",
        "--network",
        "deck,lenet5",
        "--only",
        only,
    ]
    assert main([*command, "--json", str(path), "--markdown", str(table)]) == 0
    printed = capsys.readouterr().out
    results = json.loads(path.read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "table.md"]
    assert table.read_text().count("| train ") == 2 + (2 if results["threads"] == 2 else 0)

    machine = results["machine"]
    for name in ("cpu", "cores", "date", "command", "system", "python", "numpy", "pycnn"):
        assert machine[name]
    assert machine["pycnn"]["isa_active"] in machine["pycnn"]["isas_available"]
    assert list(results["systems"]) == ["pycnn", "numpy"]
    assert results["systems"]["pycnn"] == pycnn.__version__
    rows = results["kernels"] + results["networks"]
    assert [row["name"] for row in rows] == [
        "conv2d 3x3 64->64 on 13x13, 8 images, forward", "conv2d 3x3 64->64 on 13x13, 8 images, backward",
        "train deck, batch 1", "infer deck, batch 1", "train lenet5, batch 1", "infer lenet5, batch 1",
    ]  # fmt: skip
    for row in rows:
        assert row["differs"] == []
        assert all(len(passes) == 2 for passes in row["passes"].values())
        assert all(seconds > 0 for seconds in row["seconds"].values())
        assert row["name"] in printed
    measures = results["measures"]
    assert measures["import time"]["seconds"] > 0
    assert len(measures["threads"]) == 4
    assert set(measures["latency"]) == {"prepared", "predict_on_batch", "predict"}
    assert set(measures["cost per image"]["infer"]) == {"32", "128"}
    assert measures["memory"]["training"] >= measures["memory"]["import"] > 0
    for text in (
        "import pycnn",
        "beyond import numpy",
        "one image, model.predict",
        "cost of an image",
        " MB",
    ):
        assert text in printed


@pytest.mark.skipif(pycnn.datasets.fashion_mnist.find().kind == "download", reason="needs Fashion-MNIST")
def test_bench_trains_to_an_accuracy(capsys):
    assert main(["bench", "--quick", "--only", "accuracy"]) == 0
    assert re.search(r"Fashion-MNIST, from process start +8\d\.\d\d% in \d+\.\d s", capsys.readouterr().out)


def test_bench_says_what_it_cannot_measure(monkeypatch, capsys):
    source = pycnn.datasets.fashion_mnist.find()._replace(kind="download")
    monkeypatch.setattr(pycnn.datasets.fashion_mnist, "find", lambda: source)
    assert main(["bench", "--quick", "--only", "accuracy"]) == 0
    assert "not measured: accuracy (Fashion-MNIST is not on this machine)" in capsys.readouterr().out


def test_bench_knows_its_networks(capsys):
    with pytest.raises(SystemExit):
        main(["bench", "--network", "deck,alexnet"])
    assert "'alexnet' is unknown, expected all or some of deck, lenet5" in capsys.readouterr().err
    assert main(["bench", "--network", "all", "--list", "--only", "infer"]) == 0
    assert "infer resnet20, batch 32" in capsys.readouterr().out.splitlines()


def test_bench_checks_its_output_first(tmp_path, capsys):
    assert main(["bench", "--json", str(tmp_path / "none" / "x.json")]) == 1
    assert capsys.readouterr().err.startswith("pycnn bench: error: --json: can't write ")


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
