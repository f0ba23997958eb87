"""What pycnn is held to: how many times as fast as others, by case, and how a run compares with that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["RECIPES", "Goal", "Outcome", "outcomes"]

Results = dict[str, Any]

_RUNTIMES = ("onnxruntime", "openvino", "litert")
_TORCH = ("torch", "torch.compile")
_SPEEDUP = 1.9  # of two threads, in training
RECIPES = {"fast": (0.91, 12.0), "best": (0.94, 150.0), "patient": (0.95, 900.0)}  # accuracy, seconds


class Goal(NamedTuple):
    """pycnn (or `system`) is to take at most a `factor`-th of the time of the fastest of `rivals`."""

    kind: str
    factor: float
    rivals: tuple[str, ...] = ()  # everybody in float32 but NumPy where empty
    batch: int | None = None  # any where None
    system: str = "pycnn"


class Outcome(NamedTuple):
    """A goal next to what was measured."""

    what: str
    measured: str
    goal: str
    met: bool


_DECK = (
    Goal("train", 5, ("tensorflow",), 32), Goal("train", 9, _TORCH, 32),
    Goal("train", 6, ("tensorflow",), 128), Goal("train", 10, _TORCH, 128),
    Goal("train", 9, ("tensorflow",), 512), Goal("train", 10, _TORCH, 512),
    Goal("train", 5, ("torch.bf16",), 128, "pycnn.bf16"),
    Goal("infer", 2, _RUNTIMES, 1), Goal("infer", 1.8, _RUNTIMES, 32), Goal("infer", 2, _RUNTIMES, 512),
    Goal("infer", 1.5, ("openvino.bf16",), 32, "pycnn.bf16"),
)  # fmt: skip
_OTHERS = (Goal("train", 2.5), Goal("infer", 1.3, ("onnxruntime", "litert")))
_AVX2 = (Goal("train", 4.5, ("tensorflow",)),)


def outcomes(results: Results) -> list[Outcome]:
    """All goals for which a run has figures.

    Args:
        results: as suite.run returns them.

    Example:
        >>> row = {"name": "train vgg, batch 32", "network": "vgg", "kind": "train", "batch": 32}
        >>> row |= {"seconds": {"pycnn": 1.0, "torch": 3.0, "jax": 4.0}, "differs": []}
        >>> [str(each.measured) for each in outcomes({"networks": [row], "measures": {}})]
        ['3.00x torch']
    """
    return [
        *(outcome for row in results["networks"] for outcome in _of_row(row, results.get("isa", ""))),
        *_of_measures(results["measures"]),
    ]


def _of_row(row: Results, isa: str) -> Iterator[Outcome]:
    goals: tuple[Goal, ...] = _DECK if row["network"] == "deck" else _OTHERS
    if isa == "avx2":
        goals = _AVX2 if row["network"] == "deck" else ()
    seconds = {name: value for name, value in row["seconds"].items() if name not in row["differs"]}
    for goal in goals:
        if goal.kind != row["kind"] or goal.batch not in (None, row["batch"]) or goal.system not in seconds:
            continue
        rivals = [name for name in seconds if name in goal.rivals or (not goal.rivals and _is_usual(name))]
        if rivals:
            best = min(rivals, key=lambda name: seconds[name])
            ratio = seconds[best] / seconds[goal.system]
            what = (
                row["name"] if goal.system == "pycnn" else f"{row['name']}, {goal.system.partition('.')[2]}"
            )
            among = ", ".join(goal.rivals) if goal.rivals else "the others"
            text = (
                f"{goal.factor:g}x {among}"
                if len(goal.rivals) == 1
                else f"{goal.factor:g}x the best of {among}"
            )
            yield Outcome(what, f"{ratio:.2f}x {best}", text, ratio >= goal.factor)


def _is_usual(name: str) -> bool:
    return name != "numpy" and not name.startswith("pycnn") and not name.endswith(".bf16")


def _of_measures(measures: Results) -> Iterator[Outcome]:
    for name, figures in measures.get("threads", {}).items():
        if name.startswith("train") and "2" in figures:
            gain = figures["1"] / figures["2"]
            yield Outcome(f"{name}, 2 threads", f"{gain:.2f}x one", f"{_SPEEDUP}x one", gain >= _SPEEDUP)
    for recipe, (accuracy, seconds) in RECIPES.items():
        if figures := measures.get(f"recipe {recipe}"):
            yield Outcome(
                f"Fashion-MNIST, recipe {recipe}, from process start",
                f"{figures['accuracy']:.2%} in {figures['seconds']:.1f} s",
                f"{accuracy:.0%} in {seconds:.0f} s",
                figures["accuracy"] >= accuracy and figures["seconds"] <= seconds,
            )
