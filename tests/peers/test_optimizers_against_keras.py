"""Optimizers against Keras: the same gradients give the same weights and variables, step by step."""

import inspect

import keras_peer
import numpy as np
import pytest

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

STEPS = 50
SHAPES = [(3, 5), (7,)]
FURTHER = {
    "Muon": [(5, 3)],
    "Adafactor": [(2, 3, 4)],
}  # each shape costs JAX a compilation of every operation
CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"centered": True, "epsilon": 1e-3}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.0, "epsilon": 1e-3, "weight_decay": 0.1}),
    ("Adadelta", {}),
    ("Adadelta", {"rho": 0.5, "epsilon": 1e-3, "clipvalue": 0.5}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"clipnorm": 0.7, "epsilon": 0.0}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.2, "global_clipnorm": 1.0}),
    ("Adamax", {}),
    ("Adamax", {"beta_1": 0.8, "beta_2": 0.9, "weight_decay": 0.1}),
    ("Nadam", {}),
    ("Nadam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Ftrl", {}),
    ("Ftrl", {"learning_rate_power": -0.7, "l1_regularization_strength": 0.01, "beta": 0.1}),
    ("Ftrl", {"l2_regularization_strength": 0.1, "l2_shrinkage_regularization_strength": 0.01}),
    ("Lion", {}),
    ("Lion", {"beta_1": 0.8, "beta_2": 0.9, "weight_decay": 0.1}),
    ("Lamb", {}),
    ("Lamb", {"beta_1": 0.8, "epsilon": 1e-3, "weight_decay": 0.1}),
    ("Adafactor", {}),
    ("Adafactor", {"relative_step": False, "clip_threshold": 0.5, "beta_2_decay": -0.5, "epsilon_2": 1e-2}),
    ("Muon", {}),
    ("Muon", {"exclude_layers": ["w1"], "nesterov": False, "rms_rate": None, "adam_lr_ratio": 0.5}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 7}),
    ("Lamb", {"gradient_accumulation_steps": 3}),
    ("RMSprop", {"gradient_accumulation_steps": 4, "use_ema": True, "clipnorm": 0.5}),
    ("Adam", {"loss_scale_factor": 8.0}),
]
# Relative to the largest weight. Keras computes 1 - beta^t in float32, too, which is then off by up to 6e-5
# of itself in the first steps: after 50 of Adam's, pycnn is 2.5e-7 from the formula in float64, Keras 1.4e-6.
TOLERANCE = 1e-6
LOOSER = {
    "Adam": 3e-6,
    "AdamW": 3e-6,
    "Ftrl": 5e-6,  # weights come from sums of gradients a thousand times as large
    "Muon": 1e-5,  # five products of matrices, which no two libraries round alike
    "Adafactor": 2e-6,  # whose beta_2 Keras computes in float32
}


def variables(module, shapes):
    rng = np.random.default_rng(1)
    return [
        module.Variable(rng.standard_normal(shape).astype(np.float32), name=f"w{i}")
        for i, shape in enumerate(shapes)
    ]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_steps(rng, name, options):
    shapes = SHAPES + FURTHER.get(name, [])
    ours, theirs = (variables(module, shapes) for module in (pycnn, keras))
    a = getattr(pycnn.optimizers, name)(0.01, **options)
    b = getattr(keras.optimizers, name)(0.01, **options)
    tolerance = LOOSER.get(name, TOLERANCE)
    for step in range(STEPS):
        gradients = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        assert a.apply_gradients(zip(gradients, ours, strict=True)) == int(a.iterations)
        b.apply_gradients(
            [(keras.ops.convert_to_tensor(g), v) for g, v in zip(gradients, theirs, strict=True)]
        )
        for mine, other in zip(ours, theirs, strict=True):
            want = keras.ops.convert_to_numpy(other.value)
            np.testing.assert_allclose(
                mine.numpy(), want, rtol=0, atol=tolerance * max(np.abs(want).max(), 1), err_msg=f"{step}"
            )
    assert a.iterations == int(b.iterations)
    if name == "Adafactor":  # whose vectors have placeholders in Keras
        return
    assert len(a.variables) == len(b.variables)
    for kept, other in zip(a.variables, b.variables, strict=True):
        if kept.name == "iteration" and a.gradient_accumulation_steps:
            continue  # Keras counts batches there
        want = keras.ops.convert_to_numpy(other.value)
        assert kept.shape == want.shape
        np.testing.assert_allclose(kept.numpy(), want, rtol=1e-4, atol=1e-5, err_msg=kept.path)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_arguments(name):
    """Keras' order, names and defaults; and the configuration of one makes the other."""
    ours, theirs = (getattr(module.optimizers, name) for module in (pycnn, keras))
    theirs_parameters = inspect.signature(theirs).parameters
    ours_parameters = [
        (p.name, p.default)
        for p in inspect.signature(ours).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert (
        ours_parameters == [(p.name, p.default) for p in theirs_parameters.values()][: len(ours_parameters)]
    )
    order = [p.name for p in theirs_parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    defaults = [theirs_parameters[p].default for p in order]
    defaults[order.index("name")] = "mine"
    a, b = ours(*defaults).get_config(), theirs(*defaults).get_config()
    assert a.keys() == b.keys()
    for key, value in a.items():
        assert b[key] == (pytest.approx(value) if isinstance(value, float) else value), key
    assert ours.from_config(b).get_config().keys() == b.keys()


def test_weight_decay_of_some(rng):
    ours, theirs = (variables(module, SHAPES * 2) for module in (pycnn, keras))
    gradients = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES * 2]
    for name in ("AdamW", "Muon"):
        for made, module in ((ours, pycnn), (theirs, keras)):
            optimizer = getattr(module.optimizers, name)(0.1, weight_decay=0.5)
            optimizer.exclude_from_weight_decay(var_list=[made[2]], var_names=["w0", "w3"])
            optimizer.apply(gradients, made)
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine.numpy(), keras.ops.convert_to_numpy(other.value), atol=3e-6)


@pytest.mark.parametrize("overridden", ["SGD", "Adam", "Optimizer"])
def test_an_optimizer_of_ones_own(rng, overridden):
    """The same source on both: variables, `update_step`, and a formula that is called by `super`."""

    def make(module):
        base = getattr(module.optimizers, overridden)

        class Mine(base):
            def build(self, variables):
                super().build(variables)
                self.sums = self.add_optimizer_variables(variables, "sum")

            def update_step(self, gradient, variable, learning_rate):
                ops = module.ops
                total = self.sums[self._get_variable_index(variable)]
                self.assign_add(total, ops.abs(gradient))
                if overridden == "Optimizer":
                    share = ops.divide(gradient, ops.add(total, 1.0))
                    self.assign_sub(variable, ops.multiply(learning_rate, share))
                else:
                    super().update_step(ops.multiply(gradient, 0.5), variable, learning_rate)

        return Mine(learning_rate=0.01, weight_decay=0.1, clipnorm=1.0)

    x, y = rng.standard_normal((12, 4)).astype(np.float32), rng.standard_normal((12, 2)).astype(np.float32)
    kernel = rng.standard_normal((4, 2))
    weights = []
    for module in (pycnn, keras):
        model = module.Sequential([module.Input((4,)), module.layers.Dense(2)])
        model.set_weights([kernel, np.zeros(2)])
        model.compile(make(module), "mse")
        model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ExponentialDecay", (0.1, 10, 0.5, True)),
        ("InverseTimeDecay", (0.1, 7, 0.5)),
        ("PolynomialDecay", (0.1, 10, 0.01, 2.0, True)),
        ("CosineDecay", (0.1, 20, 0.1, "c", 0.5, 5)),
        ("CosineDecayRestarts", (0.1, 5, 1.5, 0.9, 0.1)),
        ("PiecewiseConstantDecay", ([3, 10], [0.1, 0.05, 0.01])),
    ],
)
def test_schedules(name, arguments):
    a, b = (getattr(module.optimizers.schedules, name)(*arguments) for module in (pycnn, keras))
    for step in range(60):
        assert a(step) == pytest.approx(float(b(step)), rel=2e-5, abs=1e-7), step
    assert a.get_config() == b.get_config()
