"""Learning rates that depend on the step."""

import numpy as np
import pytest

import pycnn as keras
from pycnn.optimizers import schedules

STEPS = [0, 1, 2, 3, 5, 10, 11, 20, 35, 100]
SCHEDULES = {
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 20, "power": 2.0},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 20, "alpha": 0.1},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 10, "m_mul": 0.8},
    "PiecewiseConstantDecay": {"boundaries": [3, 10], "values": [0.1, 0.05, 0.01]},
}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.ExponentialDecay(0.1, 10, 0.5), {0: 0.1, 10: 0.05, 5: 0.1 * 0.5**0.5}),
        (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), {9: 0.1, 10: 0.05, 25: 0.025}),
        (schedules.InverseTimeDecay(0.1, 10, 0.5), {0: 0.1, 10: 0.1 / 1.5, 5: 0.1 / 1.25}),
        (schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True), {9: 0.1, 10: 0.1 / 1.5}),
        (schedules.PolynomialDecay(0.1, 10, 0.02), {0: 0.1, 5: 0.06, 10: 0.02, 99: 0.02}),
        (schedules.PolynomialDecay(0.1, 10, 0.02, cycle=True), {0: 0.1, 10: 0.02, 15: 0.04, 20: 0.02}),
        (schedules.CosineDecay(0.1, 10, 0.1), {0: 0.1, 5: 0.055, 10: 0.01, 99: 0.01}),
        (
            schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=4),
            {0: 0.0, 1: 0.025, 4: 0.1, 9: 0.05, 14: 0.0},
        ),
        (schedules.CosineDecayRestarts(0.1, 10), {0: 0.1, 5: 0.05, 10: 0.1, 20: 0.05, 30: 0.1}),
        (schedules.CosineDecayRestarts(0.1, 10, 1.0, 0.5), {0: 0.1, 10: 0.05, 15: 0.025, 20: 0.025}),
        (schedules.PiecewiseConstantDecay([3, 10], [1.0, 0.5, 0.1]), {0: 1, 3: 1, 4: 0.5, 10: 0.5, 11: 0.1}),
    ],
)
def test_values(schedule, expected):
    for step, rate in expected.items():
        assert schedule(step) == pytest.approx(rate, abs=1e-12), step


@pytest.mark.parametrize("name", SCHEDULES)
def test_configurations(name):
    schedule = getattr(schedules, name)(**SCHEDULES[name])
    assert schedule.get_config().items() >= SCHEDULES[name].items()
    copy = schedules.deserialize(schedules.serialize(schedule))
    assert [copy(step) for step in STEPS] == [schedule(step) for step in STEPS]
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(keras.optimizers.Adam(schedule)))
    assert optimizer.learning_rate == schedule(0)
    assert optimizer.get_config()["learning_rate"]["class_name"] == name


@pytest.mark.parametrize("accumulation", [None, 2])
@pytest.mark.parametrize("kind", ["schedule", "function", "without the step"])
def test_training(kind, accumulation):
    """Each step has the rate of its number: w moves by rate * gradient, which is 1."""
    rates = {"schedule": schedules.ExponentialDecay(0.5, 1, 0.5), "function": lambda step: 0.5 / (step + 1)}
    optimizer = keras.optimizers.SGD(rates.get(kind, lambda: 0.25), gradient_accumulation_steps=accumulation)
    dense = keras.layers.Dense(1, use_bias=False)
    model = keras.Sequential([keras.Input((1,)), dense])
    dense.set_weights([[[0.0]]])
    model.compile(optimizer, lambda y, p: p)
    x, y = np.ones((1, 1)), np.zeros((1, 1))
    steps = []
    for _ in range(4):
        before = dense.kernel.numpy().item()
        model.train_on_batch(x, y)
        steps.append(before - dense.kernel.numpy().item())
    at = [0, 1, 2, 3] if accumulation is None else [None, 1, None, 3]  # batches count, as in Keras
    rate = rates.get(kind, lambda step: 0.25)
    np.testing.assert_allclose(steps, [0.0 if s is None else rate(s) for s in at], rtol=1e-5)
    assert optimizer.learning_rate == pytest.approx(rate(4))


@pytest.mark.parametrize("rate", [schedules.CosineDecay(0.1, 10), lambda step: 0.1])
def test_it_cannot_be_set_where_there_is_a_schedule(rate):
    optimizer = keras.optimizers.SGD(rate)
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == pytest.approx(0.1)
    optimizer.learning_rate = schedules.CosineDecay(0.2, 10)
    assert optimizer.learning_rate == 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "`decay_steps` must be > 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, -1), "`first_decay_steps` must be > 0"),
        (lambda: schedules.CosineDecay("a", 10), "initial_learning_rate is 'a'"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), "expected one more value"),
        (
            lambda: schedules.deserialize({"class_name": "X", "config": {}}),
            "Unknown learning rate schedule: 'X'",
        ),
        (lambda: keras.optimizers.SGD(lambda step: "a").learning_rate, "could not convert"),
        (lambda: keras.optimizers.SGD(lambda step: np.nan).learning_rate, "learning_rate is nan"),
    ],
)
def test_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_schedule_of_one_s_own_is_saved_by_its_registered_name(tmp_path):
    @keras.saving.register_keras_serializable("test_schedules")
    class Warm(schedules.LearningRateSchedule):
        def __init__(self, steps):
            self.steps = steps

        def __call__(self, step):
            return 0.1 * keras.ops.minimum(1.0, (step + 1) / self.steps)

        def get_config(self):
            return {"steps": self.steps}

    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(keras.optimizers.SGD(Warm(4))))
    assert optimizer.learning_rate == pytest.approx(0.025)


def test_arrays_of_steps():
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 10, 0.5)
    steps = np.arange(6).reshape(2, 3)
    expected = np.array([[schedule(int(step)) for step in row] for row in steps], np.float32)
    np.testing.assert_array_equal(schedule(steps), expected)
