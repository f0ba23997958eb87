"""pycnn.bench: the cases, the networks, the goals and the tables."""

import math

import numpy as np
import pytest

import pycnn
from pycnn import ops
from pycnn.bench import suite
from pycnn.bench.cases import kernels, network_cases
from pycnn.bench.goals import outcomes
from pycnn.bench.markdown import markdown
from pycnn.bench.options import Options
from pycnn.bench.peers import networks

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
    assert "recipe fast" in everything
    assert "recipe patient" not in everything  # takes too long for who did not ask
    assert suite.names(Options(only=("recipe",))) == ["recipe fast", "recipe best", "recipe patient"]
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
        "recipe fast": {"accuracy": 0.9101, "seconds": 12.5, "runs": []},
        "recipe best": {"accuracy": 0.9401, "seconds": 149.0, "runs": []},
    }
    threads, fast, best = of([], measures)
    assert (threads.measured, threads.met) == ("1.90x one", True)
    assert (fast.measured, fast.met) == ("91.01% in 12.5 s", False)
    assert (best.goal, best.met) == ("94% in 150 s", True)


def test_markdown():
    results = {
        "machine": {
            "command": "pycnn bench", "date": "2030-01-02T03:04:05+00:00", "cpu": "A CPU", "system": "Linux",
            "python": "3.12", "load_average": [0.1, 0, 0], "pycnn": {"isa_active": "avx512"},
        },
        "threads": 2, "isa": "avx2", "passes": 5, "fma_peak_gflops": 500.0, "measures": {}, "kernels": [],
        "applications": [],
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


# --- the onnx model -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_onnx_models_are_valid(peer_scripts, name):
    pytest.importorskip("onnx")
    import onnx_network

    network = networks.NETWORKS[name]
    assert len(onnx_network.onnx_network(network)) > 4 * weights_in(network)
