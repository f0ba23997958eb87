"""The command pycnn bench."""

import json
import re
from pathlib import Path

import pytest

import pycnn
from pycnn.bench import workers
from pycnn.bench.timing import Effort
from pycnn.cli import main

PEERS = Path(workers.__file__).with_name("peers")
QUICK = Effort(repeat=2, pass_seconds=0.001, warm_ups=0, rest=0.0)
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
    assert main(["bench", "--quick", "--only", "recipe fast"]) == 0
    assert re.search(
        r"Fashion-MNIST, recipe fast, from process start +8\d\.\d\d% in \d+\.\d s", capsys.readouterr().out
    )


def test_bench_says_what_it_cannot_measure(monkeypatch, capsys):
    source = pycnn.datasets.fashion_mnist.find()._replace(kind="download")
    monkeypatch.setattr(pycnn.datasets.fashion_mnist, "find", lambda: source)
    assert main(["bench", "--quick", "--only", "recipe fast"]) == 0
    assert "not measured: recipe fast (Fashion-MNIST is not on this machine)" in capsys.readouterr().out


def test_bench_knows_its_networks(capsys):
    with pytest.raises(SystemExit):
        main(["bench", "--network", "deck,alexnet"])
    assert "'alexnet' is unknown, expected all or some of deck, lenet5" in capsys.readouterr().err
    assert main(["bench", "--network", "all", "--list", "--only", "infer"]) == 0
    assert "infer resnet20, batch 32" in capsys.readouterr().out.splitlines()


def test_bench_checks_its_output_first(tmp_path, capsys):
    assert main(["bench", "--json", str(tmp_path / "none" / "x.json")]) == 1
    assert capsys.readouterr().err.startswith("pycnn bench: error: --json: can't write ")
