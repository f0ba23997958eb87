"""`python -m pycnn.bench.calibrate`: measures the constants by which convolutions choose an algorithm.

For developers, after a change of the kernels. It times direct sums and every form of Winograd's on this
machine, over a grid of shapes, fits what each kind of work costs, and prints the lines for
`cpp/kernels/conv2d/cost.h`. The constants are compiled in: a choice made by timing at run time would give
every process bits of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pycnn._core import Conv2DTrial

__all__ = ["Outcome", "Trial", "fit", "main", "outcome_of", "trials"]

SIZES = (4, 5, 7, 8, 10, 11, 13, 14, 16, 20, 28, 33, 56)
CHANNELS = ((16, 16), (16, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128), (256, 256))
LIMIT = 6e8  # multiply-adds of an image: larger ones take long and tell nothing new
MODELS = {  # the constant's name in cost.h: the directions that it describes, and their precision
    "kForwardCost": (("forward", "backward_input"), "float32"),
    "kForwardCostBfloat16": (("forward", "backward_input"), "bfloat16"),
    "kWeightCost": (("backward_weight",), "float32"),
    "kWeightCostBfloat16": (("backward_weight",), "bfloat16"),
}


class Trial(NamedTuple):
    """One convolution, and the measured seconds of each of its algorithms."""

    name: str
    core: Conv2DTrial
    seconds: list[float]  # in the order of core.tiles()


class Outcome(NamedTuple):
    """How well a model chooses."""

    fastest: float  # the share of shapes where it picks the fastest algorithm
    loss: float  # the mean of its choice's time over the best one's, less 1
    worst: float  # the largest of these
    worst_name: str


def trials(directions: Sequence[str], precision: str, seconds: float) -> list[Trial]:
    """Times all algorithms on all shapes of the grid."""
    from pycnn._core import Conv2DTrial

    found = []
    for kernel in (3, 5):
        for size in SIZES:
            for c, k in CHANNELS:
                for same in (True, False):
                    if (
                        size <= kernel
                        or kernel**2 * size**2 * c * k > LIMIT
                        or (same and size in (11, 13, 33))
                    ):
                        continue
                    for direction in directions:
                        padding = "same" if same else "valid"
                        name = f"{direction} {kernel}x{kernel} {c}->{k} on {size}x{size} {padding}"
                        core = Conv2DTrial(size, c, k, kernel, same, direction, precision)
                        found.append(Trial(name, core, [core.measure(m, seconds) for m in core.tiles()]))
    return found


def fit(measured: Sequence[Trial]) -> list[float]:
    """What each kind of work takes, in nanoseconds: least squares of the relative errors, none below zero."""
    import numpy as np

    rows = np.array([trial.core.work(m) for trial in measured for m in trial.core.tiles()])
    times = 1e9 * np.array([seconds for trial in measured for seconds in trial.seconds])
    rows /= times[:, None]
    used = np.flatnonzero(rows.any(axis=0))
    while True:
        scale = np.linalg.norm(rows[:, used], axis=0)
        solution = np.linalg.lstsq(rows[:, used] / scale, np.ones(len(rows)), rcond=None)[0] / scale
        if (solution >= 0).all():
            break
        used = np.delete(used, np.argmin(solution * scale))
    costs = np.zeros(rows.shape[1])
    costs[used] = solution
    return [float(cost) for cost in costs]


def _taken(trial: Trial, costs: Sequence[float]) -> float:
    """The seconds of the algorithm that a model with these costs picks."""
    return trial.seconds[trial.core.tiles().index(trial.core.chosen(costs))]


def outcome_of(measured: Sequence[Trial], costs: Sequence[float]) -> Outcome:
    """How well these costs choose, judged by what was measured."""
    losses = [_taken(trial, costs) / min(trial.seconds) - 1 for trial in measured]
    worst = max(range(len(losses)), key=losses.__getitem__)
    fastest = sum(loss == 0 for loss in losses) / len(losses)
    return Outcome(fastest, sum(losses) / len(losses), losses[worst], measured[worst].name)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, fits and prints."""
    from pycnn import _core
    from pycnn.bench.machine import describe

    parser = argparse.ArgumentParser(prog="python -m pycnn.bench.calibrate", description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.01, help="of each measurement (default: 0.01)")
    parser.add_argument("--only", default="", metavar="NAME", help="only constants with this in their name")
    arguments = parser.parse_args(argv)
    print(f"// {describe()['cpu']}, {_core.config()['isa_active']}")
    for name, (directions, precision) in MODELS.items():
        if arguments.only not in name:
            continue
        measured = trials(directions, precision, arguments.seconds)
        costs = fit(measured)
        outcome = outcome_of(measured, costs)
        print(f"constexpr Conv2DCost {name} = {{{', '.join(f'{cost:.3g}' for cost in costs)}}};")
        print(
            f"// of {len(measured)} shapes the fastest for {outcome.fastest:.0%}, "
            f"a loss of {outcome.loss:.1%} in the mean, {outcome.worst:.0%} at most ({outcome.worst_name})"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
