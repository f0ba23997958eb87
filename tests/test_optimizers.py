"""Optimizers as objects: settings, old arguments, names, refusals; and that their settings reach the core's
steps."""

import numpy as np
import pytest
import reference

import pycnn as keras
from pycnn import layers, optimizers

CASES = [
    (optimizers.SGD, {"learning_rate": 0.1}, reference.sgd),
    (optimizers.SGD, {"learning_rate": 0.1, "momentum": 0.9}, reference.sgd),
    (optimizers.SGD, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}, reference.sgd),
    (optimizers.SGD, {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.3}, reference.sgd),
    (optimizers.RMSprop, {"learning_rate": 0.01, "weight_decay": 3.0}, reference.rmsprop),
    (optimizers.AdamW, {"learning_rate": 0.01, "weight_decay": 3.0}, reference.adam),
    (optimizers.RMSprop, {"learning_rate": 0.01}, reference.rmsprop),
    (
        optimizers.RMSprop,
        {"learning_rate": 0.01, "rho": 0.7, "momentum": 0.5, "epsilon": 1e-3, "centered": True},
        reference.rmsprop,
    ),
    (optimizers.Adam, {"learning_rate": 0.01}, reference.adam),
    (
        optimizers.Adam,
        {"learning_rate": 0.01, "beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-3, "amsgrad": True},
        reference.adam,
    ),
    (optimizers.Adagrad, {"learning_rate": 0.1, "initial_accumulator_value": 0.2}, reference.adagrad),
    (optimizers.Adadelta, {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-3}, reference.adadelta),
    (optimizers.Adamax, {"learning_rate": 0.01, "beta_1": 0.7, "weight_decay": 0.3}, reference.adamax),
    (optimizers.Nadam, {"learning_rate": 0.01, "beta_2": 0.9}, reference.nadam),
    (optimizers.Lion, {"learning_rate": 0.01, "weight_decay": 0.3}, reference.lion),
    (
        optimizers.Ftrl,
        {"learning_rate": 0.5, "l1_regularization_strength": 0.1, "beta": 0.2},
        reference.ftrl,
    ),
    (
        optimizers.Ftrl,
        {"learning_rate": 0.5, "learning_rate_power": -0.8, "l2_shrinkage_regularization_strength": 0.1},
        reference.ftrl,
    ),
]
ALL = [name for name in optimizers.__all__ if name[0].isupper() and name != "Optimizer"]


def line(optimizer):
    """y = w x + b with mean squared error."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.set_weights([[[1.0], [-2.0]], [0.5]])
    model.compile(optimizer, "mse")
    return model


def gradients(w, b, x, y):
    slope = 2 * (x @ w + b - y) / len(x)
    return x.T @ slope, slope.sum(0)


@pytest.mark.parametrize(("cls", "options", "step"), CASES)
def test_steps(rng, cls, options, step):
    x, y = rng.standard_normal((8, 2)), rng.standard_normal((8, 1))
    model = line(cls(**options))
    w, b = (weight.astype(float) for weight in model.get_weights())
    states = {}, {}
    for _ in range(5):
        model.train_on_batch(x, y)
        dw, db = gradients(w, b, x, y)
        w = step(w, dw, states[0], **options)
        b = step(b, db, states[1], **options)
    np.testing.assert_allclose(model.get_weights()[0], w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], b, rtol=1e-4, atol=1e-5)


def test_learning_rate_can_be_set_during_training():
    model = line(optimizers.SGD(0.0))
    x, y = np.ones((4, 2)), np.ones((4, 1))
    before = model.get_weights()
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    model.optimizer.learning_rate = np.float32(0.25)
    assert model.optimizer.learning_rate == 0.25
    model.train_on_batch(x, y)
    assert (model.get_weights()[0] != before[0]).all()
    assert model.optimizer.iterations == 2


def test_old_arguments():
    with pytest.warns(DeprecationWarning, match="learning_rate"):
        optimizer = optimizers.Adam(lr=0.02)
    assert optimizer.learning_rate == 0.02
    with pytest.warns(DeprecationWarning, match="decay"):
        model = line(optimizers.SGD(0.1, decay=0.5))
    x, y = np.ones((4, 2)), np.ones((4, 1))
    rates = []
    for _ in range(3):
        rates.append(model.optimizer.current_rate())
        model.train_on_batch(x, y)
    assert rates == pytest.approx([0.1, 0.1 / 1.5, 0.1 / 2.0])


@pytest.mark.parametrize(("cls", "options", "step"), CASES)
def test_configuration(cls, options, step):
    optimizer = cls(**options)
    copy = optimizers.get(optimizers.serialize(optimizer))
    assert type(copy) is cls
    assert copy.get_config() == optimizer.get_config()
    assert options.items() <= optimizer.get_config().items()
    assert str(options["learning_rate"]) in repr(optimizer)


def test_decay_is_kept_in_the_configuration():
    with pytest.warns(DeprecationWarning, match="decay"):
        config = optimizers.SGD(decay=0.1).get_config()
    assert optimizers.SGD.from_config(config).decay == 0.1


@pytest.mark.parametrize("name", ALL)
def test_names(name):
    cls = getattr(optimizers, name)
    for identifier in (name, name.lower(), cls, cls()):
        assert type(optimizers.get(identifier)) is cls


def test_defaults():
    assert optimizers.SGD().get_config().items() >= {"learning_rate": 0.01, "momentum": 0.0}.items()
    assert (
        optimizers.RMSprop().get_config().items()
        >= {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}.items()
    )
    assert optimizers.Adam().get_config().items() >= {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}.items()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(-1), "learning_rate is -1"),
        (lambda: optimizers.SGD("a"), "learning_rate is 'a'"),
        (lambda: optimizers.SGD(np.nan), "learning_rate is nan"),
        (lambda: optimizers.SGD(lambda: -0.1).learning_rate, "learning_rate is -0.1"),
        (lambda: optimizers.SGD(momentum=1.5), "momentum is 1.5"),
        (lambda: optimizers.RMSprop(rho=-0.1), "rho is -0.1"),
        (lambda: optimizers.RMSprop(epsilon=-1), "epsilon is -1"),
        (lambda: optimizers.Adam(beta_1=1), "beta_1 is 1"),
        (lambda: optimizers.Adam(beta_2=-1), "beta_2 is -1"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "Only one of `clipnorm`"),
        (lambda: optimizers.Adam(weight_decay=-0.1), "weight_decay is -0.1"),
        (lambda: optimizers.SGD(weight_decay="a"), "weight_decay is 'a'"),
        (lambda: optimizers.Adam(use_ema=True, ema_momentum=2), "ema_momentum is 2"),
        (lambda: optimizers.Adam(loss_scale_factor=0), "loss_scale_factor is 0"),
        (lambda: optimizers.SGD(clipvalue=-1), "clipvalue is -1"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), "gradient_accumulation_steps is 1"),
        (lambda: optimizers.SGD(ema_overwrite_frequency=0.5), "ema_overwrite_frequency is 0.5"),
        (lambda: optimizers.Adam(gamma=2), "no argument 'gamma'"),
        (lambda: optimizers.get("adamm"), "Did you mean 'adam'"),
        (lambda: optimizers.get(3), "Unknown optimizer: 3"),
        (lambda: optimizers.get(None), "Unknown optimizer: None"),
        (lambda: optimizers.get({"class_name": "Lyon", "config": {}}), "Unknown optimizer: 'Lyon'"),
        (lambda: optimizers.get("loss_scale_optimizer".replace("_", "")), "LossScaleOptimizer is not"),
        (lambda: optimizers.get({"class_name": "MultiOptimizer", "config": {}}), "MultiOptimizer is not"),
        (lambda: optimizers.AdamW(weight_decay=None), "`weight_decay` must be a float"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power is -0.5"),
        (lambda: optimizers.Lion(beta_1=0), "beta_1 is 0"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1), "initial_accumulator_value is -1"),
    ],
)
def test_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_refused_learning_rate_leaves_the_old_one():
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = -1
    assert optimizer.learning_rate == 0.5


@pytest.mark.parametrize("name", ALL)
def test_variables_and_saving(name, tmp_path):
    """What is listed is what is saved, and training goes on as if nothing had been."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(1)])
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    model.compile(getattr(optimizers, name)(0.01, use_ema=True, **options), "mse")
    x, y = np.arange(8.0).reshape(4, 2) / 8, np.ones(4)
    model.fit(x, y, epochs=3, shuffle=False, verbose=0)
    kept = model.optimizer.variables
    assert kept[0] is not model.optimizer.iterations
    assert [kept[0].numpy(), kept[1].numpy()] == [3, np.float32(0.01)]
    paths = [variable.path for variable in kept]
    assert len(set(paths)) == len(paths) >= 6 + 4 * (name != "SGD" or bool(options))
    path = tmp_path / "m.safetensors"
    model.save(path)
    copy = keras.models.load_model(path)
    copy.optimizer.build(copy.trainable_variables) if not copy.optimizer.built else None
    for ours, theirs in zip(kept, copy.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for m in (model, copy):
        m.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_numbers_live():
    optimizer = optimizers.SGD(0.5)
    rate, steps = optimizer.learning_rate, optimizer.iterations
    optimizer.learning_rate = 0.25
    assert rate == 0.25
    assert [rate + 1, 1 - rate, rate * 2, 1 / rate, -rate, rate**2, round(rate, 1), abs(rate)] == [
        1.25, 0.75, 0.5, 4.0, -0.25, 0.0625, 0.2, 0.25,
    ]  # fmt: skip
    assert f"{rate:.3f} {rate}" == "0.250 0.25"
    assert np.float32(2) * rate == 0.5
    assert optimizer.lr.assign(0.125) == 0.125
    optimizer.lr = np.float32(0.5)
    optimizer.learning_rate = keras.Variable(0.375)
    assert (optimizer.learning_rate.numpy(), float(rate)) == (np.float32(0.375), 0.375)
    rate.assign_add(0.125)
    rate.assign_sub(0.25)
    assert rate == 0.25
    assert optimizers.Adam(rate).learning_rate == 0.25
    steps.assign(7)
    assert (optimizer.iterations, int(steps), steps + 1, list(range(9))[steps]) == (7, 7, 8, 7)
    optimizer.iterations = 3
    assert steps == 3
    for wrong in (lambda: steps.assign(-1), lambda: rate.assign("a"), lambda: rate.assign([1, 2])):
        with pytest.raises((TypeError, ValueError)):
            wrong()
    assert (rate, steps) == (0.25, 3)


def test_old_names():
    assert optimizers.legacy.Adam is optimizers.Adam


def test_decay_leaves_variables_out():
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = line(optimizer)
    model.set_weights([np.ones((2, 1)), np.ones(1)])
    optimizer.apply([np.zeros((2, 1)), np.zeros(1)], model.trainable_variables)
    assert [w.tolist() for w in model.get_weights()] == [[[0.75], [0.75]], [1.0]]
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_what_a_subclass_overrides_counts():
    class Halving(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(0.5 * gradient, variable, learning_rate)

    class Clearing(optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            super().apply([0 * g for g in grads], trainable_variables)

    x, y = np.ones((4, 2)), np.ones((4, 1))
    steps = {}
    for cls in (optimizers.SGD, Halving, Clearing):
        model = line(cls(0.1, momentum=0.5))
        before = model.get_weights()[0]
        model.fit(x, y, verbose=0)
        steps[cls] = model.get_weights()[0] - before
        assert model.optimizer.iterations == 1
    np.testing.assert_allclose(steps[Halving], steps[optimizers.SGD] / 2, rtol=1e-6)
    assert (steps[Clearing] == 0).all()

    class Empty(optimizers.Optimizer):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no `update_step`"):
        line(Empty(0.1)).fit(x, y, verbose=0)
    late = keras.Variable(np.ones(3), name="late")
    optimizer = optimizers.Lamb()
    optimizer.build([keras.Variable(np.ones(2), name="v")])
    with pytest.raises(ValueError, match="Unknown variable: late"):
        optimizer.apply([np.ones(3)], [late])


def test_the_scale_of_a_loss():
    v = keras.Variable([2.0], name="v")
    optimizer = optimizers.SGD(0.5, loss_scale_factor=4.0)
    with keras.GradientTape() as tape:
        loss = optimizer.scale_loss(keras.ops.sum(v * v))
    optimizer.apply(tape.gradient(loss, [v]), [v])
    assert v.numpy().tolist() == [0.0]


def test_names_in_small_letters():
    """`keras.optimizers.rmsprop(lr=0.1)`, in programs for Keras 2."""
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"):
        assert getattr(keras.optimizers, name.lower()) is getattr(keras.optimizers, name)
