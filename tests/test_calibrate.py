"""The command that measures the constants by which convolutions choose their algorithm."""

import pytest

from pycnn import _core
from pycnn.bench import calibrate

COSTS = [0.5, 2.0, 0.25, 1.0, 3.0, 0.125, 4.0]


def trials_that_cost(costs):
    """Trials whose times are what the model says, in nanoseconds."""
    found = []
    for size, c, k, kernel in [
        (5, 16, 16, 3),
        (8, 64, 32, 3),
        (14, 256, 256, 3),
        (14, 48, 16, 5),
        (28, 32, 64, 3),
    ]:
        for direction in ("forward", "backward_input", "backward_weight"):
            core = _core.Conv2DTrial(size, c, k, kernel, True, direction)
            work = [core.work(tile) for tile in core.tiles()]
            seconds = [1e-9 * sum(a * b for a, b in zip(costs, row, strict=True)) for row in work]
            found.append(calibrate.Trial(f"{direction} of {size}", core, seconds))
    return found


def test_fit_finds_the_costs():
    trials = trials_that_cost(COSTS)
    costs = calibrate.fit(trials)
    assert costs == pytest.approx(COSTS, rel=1e-6)
    assert calibrate.outcome_of(trials, costs).loss <= 1 / 0.95 - 1  # larger tiles must be worth a twentieth


def test_the_choice_follows_the_costs():
    trial = _core.Conv2DTrial(14, 64, 64, 3, True, "forward")
    assert trial.chosen([1e-6, 1e-6, 1, 1, 1, 1, 1]) == 0
    assert trial.chosen([1, 1, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6]) > 0


def test_costs_are_never_negative():
    trials = [trial._replace(seconds=[1e-3 for _ in trial.seconds]) for trial in trials_that_cost(COSTS)]
    assert min(calibrate.fit(trials)) >= 0


def test_every_shape_of_the_grid_has_a_choice():
    for size in calibrate.SIZES:
        for c, k in calibrate.CHANNELS:
            for precision in ("float32", "bfloat16"):
                for direction in ("forward", "backward_input", "backward_weight"):
                    trial = _core.Conv2DTrial(size, c, k, 3, True, direction, precision)
                    assert trial.tiles()[0] == 0
                    assert trial.chosen() in trial.tiles()


def test_measures_and_prints(capsys, monkeypatch):
    monkeypatch.setattr(calibrate, "SIZES", (6, 8))
    monkeypatch.setattr(calibrate, "CHANNELS", ((16, 16), (32, 16)))
    assert calibrate.main(["--seconds", "1e-4", "--only", "kWeightCostBfloat16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("constexpr Conv2DCost kWeightCostBfloat16 = {")
    assert lines[1].count(",") == len(COSTS) - 1
    assert "fastest for" in lines[2]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="direction must be 'forward'"):
        _core.Conv2DTrial(8, 16, 16, 3, True, "sideways")
    with pytest.raises(ValueError, match="the kernel fit into the map"):
        _core.Conv2DTrial(2, 16, 16, 3, True, "forward")
    with pytest.raises(ValueError, match="16777216 numbers at most"):
        _core.Conv2DTrial(2**40, 16, 16, 3, True, "forward")
    with pytest.raises(ValueError, match="16777216 numbers at most"):
        _core.Conv2DTrial(3, 2**20, 2**20, 3, True, "forward")
    trial = _core.Conv2DTrial(8, 16, 16, 3, True, "forward")
    with pytest.raises(ValueError, match="no form with tiles of 3"):
        trial.measure(3, 0.01)
    with pytest.raises(ValueError, match="seconds must lie in"):
        trial.measure(0, 0.0)
