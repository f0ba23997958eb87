"""What optimizers do between gradients and step, and what happens to weights after it."""

import numpy as np
import pytest
from helpers import normal

import pycnn as keras
from pycnn import layers

SPARSE = "sparse_categorical_crossentropy"


def network(optimizer, seed=0, **arguments):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, activation="relu", **arguments),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(seed)
    model.set_weights([np.abs(0.4 * normal(rng, *w.shape)) for w in model.get_weights()])
    model.compile(optimizer, SPARSE)
    return model


@pytest.fixture
def data(rng):
    return normal(rng, 96, 6, 6, 2), rng.integers(0, 3, 96)


def fitted(model, data, epochs=2):
    losses = model.fit(*data, batch_size=16, epochs=epochs, shuffle=False, verbose=0).history["loss"]
    return losses, model.get_weights()


def assert_same(ours, theirs):
    assert ours[0] == theirs[0]
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_array_equal(a, b)


class Gradients:
    """Gradients of each step, as `on_gradients` sees them; the flat buffer's views by weight."""

    def __init__(self, model):
        self.seen = []
        self.model = model
        model.on_gradients = self

    def __call__(self, flat):
        assert flat.dtype == np.float32
        assert flat.ndim == 1
        network = self.model._trained.network
        self.seen.append([network.gradient(i).copy() for i in range(len(self.model._trained.variables))])


@pytest.mark.parametrize("make", [lambda **k: keras.optimizers.SGD(0.1, **k), keras.optimizers.Adam])
@pytest.mark.parametrize(
    "limits", [{"clipnorm": 1e9}, {"clipvalue": 1e9}, {"global_clipnorm": 1e9}, {"clipnorm": 0.0}, {}]
)
def test_the_step_in_parts_is_the_step_in_one(make, limits, data):
    ours = network(make(**limits))
    if not limits:
        ours.on_gradients = lambda flat: None
    assert_same(fitted(ours, data), fitted(network(make()), data))


def test_clipnorm(data):
    model = network(keras.optimizers.SGD(1.0, clipnorm=0.05))
    before = [variable.numpy() for variable in model.trainable_variables]
    model.train_on_batch(*data)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        step = variable.numpy().astype(np.float64) - old
        assert np.linalg.norm(step) <= 0.05 * (1 + 1e-4) + 1e-6


def test_clipvalue(data):
    model = network(keras.optimizers.SGD(1.0, clipvalue=0.01))
    before = [variable.numpy() for variable in model.trainable_variables]
    model.train_on_batch(*data)
    steps = [v.numpy() - old for v, old in zip(model.trainable_variables, before, strict=True)]
    assert max(np.abs(step).max() for step in steps) == pytest.approx(0.01, rel=1e-4)


def test_global_clipnorm_counts_what_trains(data):
    free = network("sgd")
    free.layers[0].trainable = False
    free.compile(keras.optimizers.SGD(1.0), SPARSE)
    clipped = network("sgd")
    clipped.layers[0].trainable = False
    clipped.compile(keras.optimizers.SGD(1.0, global_clipnorm=0.05), SPARSE)
    steps = []
    for model in (free, clipped):
        before = [v.numpy().astype(np.float64) for v in model.trainable_variables]
        model.train_on_batch(*data)
        steps.append([b - v.numpy() for b, v in zip(before, model.trainable_variables, strict=True)])
    norm = np.sqrt(sum((g**2).sum() for g in steps[0]))
    assert norm > 0.05
    for whole, scaled in zip(*steps, strict=True):
        np.testing.assert_allclose(scaled, whole * 0.05 / norm, atol=1e-6)


def test_accumulation_is_a_larger_batch(data):
    """Without batch normalization, the mean of four batches' gradients is that of one batch of them all."""
    x, y = data

    def make(**options):
        model = keras.Sequential([keras.Input((6, 6, 2)), layers.Flatten(), layers.Dense(3, "softmax")])
        model.set_weights([0.1 * np.ones(w.shape) for w in model.get_weights()])
        model.compile(keras.optimizers.Adam(0.01, clipnorm=0.5, **options), SPARSE)
        return model

    ours, theirs = make(gradient_accumulation_steps=4), make()
    ours.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    theirs.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0)
    assert ours.optimizer.iterations == theirs.optimizer.iterations == 6
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_nothing_moves_between_accumulated_steps(data):
    x, y = data
    model = network(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3))
    kernel = model.layers[0].kernel
    moved = []
    for _ in range(7):
        before = kernel.numpy()
        model.train_on_batch(x[:16], y[:16])
        moved.append((kernel.numpy() != before).any())
    assert moved == [False, False, True] * 2 + [False]


def test_accumulated_batches_have_dropout_of_their_own(data):
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), layers.Flatten(), layers.Dropout(0.5, seed=3), layers.Dense(3)]
    )
    model.compile(keras.optimizers.SGD(0.0, gradient_accumulation_steps=4), "mse")
    x, y = np.ones((4, 6, 6, 2)), np.zeros((4, 3))
    assert len({model.train_on_batch(x, y) for _ in range(8)}) == 8


def test_dropout_is_the_same_in_parts(data):
    losses = []
    for limit in (None, 1e9):
        model = keras.Sequential(
            [keras.Input((6, 6, 2)), layers.Dropout(0.5, seed=3), layers.Flatten(), layers.Dense(3)]
        )
        model.set_weights([0.1 * np.ones(w.shape) for w in model.get_weights()])
        model.compile(keras.optimizers.SGD(0.01, clipnorm=limit), SPARSE)
        losses.append(fitted(model, data)[0])
    assert losses[0] == losses[1]


def test_averages_of_weights(data):
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75)
    model, twin = network(optimizer), network(keras.optimizers.SGD(0.1))
    averages = None
    for _ in range(3):
        for m in (model, twin):
            m.train_on_batch(*data)
        now = [v.numpy().astype(np.float64) for v in twin.trainable_variables]
        averages = (
            now if averages is None else [0.75 * a + 0.25 * w for a, w in zip(averages, now, strict=True)]
        )
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    optimizer.finalize_variable_values(model.trainable_variables)
    for variable, average in zip(model.trainable_variables, averages, strict=True):
        np.testing.assert_allclose(variable.numpy(), average, rtol=1e-5, atol=1e-6)


def test_fit_ends_with_the_averages(data):
    model = network(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9))
    model.fit(*data, batch_size=16, verbose=0)
    for variable in model.trainable_variables:
        np.testing.assert_array_equal(variable.numpy(), model.optimizer.kept("average", variable))


def test_weights_are_overwritten_with_their_averages(data):
    model = network(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2))
    same = []
    for _ in range(4):
        model.train_on_batch(*data)
        kernel = model.layers[0].kernel
        same.append((kernel.numpy() == model.optimizer.kept("average", kernel)).all())
    assert same == [True, True, False, True]  # after the first step the average is the weights


@pytest.mark.parametrize(
    ("constraint", "holds"),
    [
        ("non_neg", lambda w: (w >= 0).all()),
        (keras.constraints.MaxNorm(0.3, axis=[0, 1, 2]), lambda w: (norms(w) <= 0.3 * (1 + 1e-5)).all()),
        (keras.constraints.UnitNorm(axis=[0, 1, 2]), lambda w: np.allclose(norms(w), 1, atol=1e-5)),
        (keras.constraints.MinMaxNorm(0.4, 0.5, axis=[0, 1, 2]), lambda w: within(norms(w), 0.4, 0.5)),
        (lambda w: np.round(w, 1), lambda w: np.allclose(w, np.round(w, 1))),
    ],
)
def test_constraints(constraint, holds, data):
    model = network("sgd", kernel_constraint=constraint)
    model.layers[0].set_weights([normal(np.random.default_rng(0), 3, 3, 2, 4), np.zeros(4)])
    assert not holds(model.layers[0].kernel.numpy())
    model.train_on_batch(*data)
    assert holds(model.layers[0].kernel.numpy())
    assert (model.layers[0].bias.numpy() < 0).any()


def norms(w):
    return np.sqrt((w.astype(np.float64) ** 2).sum((0, 1, 2)))


def within(values, low, high):
    return (values > low - 1e-5).all() and (values < high + 1e-5).all()


def test_a_frozen_weight_keeps_its_values_against_its_constraint(data):
    model = network("sgd", kernel_constraint="non_neg")
    model.layers[0].set_weights([-np.ones((3, 3, 2, 4)), np.zeros(4)])
    model.layers[0].trainable = False
    model.compile("sgd", SPARSE)
    model.train_on_batch(*data)
    assert (model.layers[0].kernel.numpy() == -1).all()


def test_constraints_of_other_layers(data):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.DepthwiseConv2D(2, depthwise_constraint="non_neg", bias_constraint="non_neg"),
            layers.SeparableConv2D(
                3,
                2,
                depthwise_constraint="non_neg",
                pointwise_constraint="non_neg",
                bias_constraint="non_neg",
            ),
            layers.BatchNormalization(gamma_constraint="non_neg", beta_constraint="non_neg"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_constraint="non_neg", bias_constraint="non_neg"),
        ]
    )
    model.compile(keras.optimizers.SGD(1.0), SPARSE)
    model.fit(*data, verbose=0)
    assert all((variable.numpy() >= 0).all() for variable in model.trainable_variables)
    copy = keras.models.clone_model(model)
    assert copy.get_config() == model.get_config()


def test_a_constraint_of_another_shape_is_refused_by_the_weight_s_name(data):
    model = network("sgd", kernel_constraint=lambda w: w[..., :2])
    with pytest.raises(ValueError, match=r"kernel: the new value has shape \(3, 3, 2, 2\)"):
        model.train_on_batch(*data)


def test_on_gradients_sees_and_changes_what_the_step_takes(data):
    rate = 0.125
    model = network(keras.optimizers.SGD(rate))
    found = Gradients(model)
    before = [v.numpy().astype(np.float64) for v in model.trainable_variables]
    model.train_on_batch(*data)
    trained = [g for g, v in zip(found.seen[0], model._trained.variables, strict=True) if v.trainable]
    for old, gradient, variable in zip(before, trained, model.trainable_variables, strict=True):
        np.testing.assert_allclose(variable.numpy(), old - rate * gradient, atol=1e-6)

    def zero(flat):
        flat[...] = 0

    model.on_gradients = zero
    before = [v.numpy() for v in model.trainable_variables]
    model.train_on_batch(*data)
    for old, variable in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_two_halves_of_a_batch_reduced_by_hand_are_the_whole_batch(data):
    """What an all-reduce does: the mean of the gradients of two processes."""
    x, y = data
    halves = [slice(0, 48), slice(48, 96)]

    def make():
        model = keras.Sequential([keras.Input((6, 6, 2)), layers.Flatten(), layers.Dense(3, "softmax")])
        model.set_weights([0.1 * np.ones(w.shape) for w in model.get_weights()])
        model.compile(keras.optimizers.SGD(0.1, global_clipnorm=0.2), SPARSE)
        return model

    flats = []
    for half in halves:
        probe = make()
        probe.on_gradients = lambda flat: flats.append(flat.copy())
        probe.train_on_batch(x[half], y[half])
    mean = (flats[0] + flats[1]) / 2

    def reduced(flat):
        flat[...] = mean

    ours, whole = make(), make()
    ours.on_gradients = reduced
    ours.train_on_batch(x[halves[0]], y[halves[0]])
    whole.train_on_batch(x, y)
    for a, b in zip(ours.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_an_exception_of_the_hook_leaves_the_weights(data):
    model = network("sgd")
    trainable = [v.numpy() for v in model.trainable_variables]

    def fail(flat):
        raise RuntimeError("no network")

    model.on_gradients = fail
    with pytest.raises(RuntimeError, match="no network"):
        model.fit(*data, verbose=0)
    for old, variable in zip(trainable, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
    model.on_gradients = None
    model.fit(*data, verbose=0)


def test_settings_that_change_gradients_are_kept():
    options = {
        "clipnorm": 1.0, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3,
        "gradient_accumulation_steps": 2, "loss_scale_factor": 128.0,
    }  # fmt: skip
    for cls in (
        keras.optimizers.SGD,
        keras.optimizers.RMSprop,
        keras.optimizers.Adam,
        keras.optimizers.AdamW,
    ):
        config = cls(**options).get_config()
        assert config.items() >= options.items()
        assert cls.from_config(config).get_config() == config


def test_loss_scale_factor_has_no_effect(data):
    assert_same(
        fitted(network(keras.optimizers.SGD(0.1, loss_scale_factor=1024.0)), data),
        fitted(network(keras.optimizers.SGD(0.1)), data),
    )


@pytest.mark.parametrize(
    "options", [{"gradient_accumulation_steps": 4}, {"use_ema": True, "ema_momentum": 0.5}]
)
def test_training_goes_on_after_saving(options, data, tmp_path):
    x, y = data
    model = network(keras.optimizers.Adam(0.01, **options))
    for i in range(6):
        model.train_on_batch(x[i : i + 16], y[i : i + 16])
    model.save(tmp_path / "m.safetensors")
    copy = keras.models.load_model(tmp_path / "m.safetensors")
    for i in range(6):
        for m in (model, copy):
            m.train_on_batch(x[i : i + 16], y[i : i + 16])
    for m in (model, copy):
        m.optimizer.finalize_variable_values(m.trainable_variables)
    for a, b in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
