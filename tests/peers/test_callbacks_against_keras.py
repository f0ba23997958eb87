"""Decisions of callbacks, and the batches of fit, against Keras."""

import warnings

import numpy as np
import pytest
from keras_peer import load

import pycnn

keras = load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:__array__ implementation")]

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(10, 2)).astype("float32"), RNG.normal(size=(10, 1)).astype("float32")
BOTH = pytest.mark.parametrize("library", [keras, pycnn], ids=["keras", "pycnn"])


def line(library, rate=0.01, **options):
    model = library.Sequential([library.Input((2,)), library.layers.Dense(1, name="d")])
    model.set_weights([np.array([[0.5], [-0.25]], "float32"), np.zeros(1, "float32")])
    model.compile(library.optimizers.SGD(rate), "mse", **options)
    return model


@pytest.fixture(scope="module")
def models():
    """One of each library, with metrics that are known."""
    found = [line(library, 1.0, metrics=["accuracy"]) for library in (keras, pycnn)]
    for model in found:
        model.evaluate(X, Y, verbose=0)
    return dict(zip((keras, pycnn), found, strict=True))


def told(model, callback, values, name):
    """The learning rates after each epoch until a callback stops the training, told of these values."""
    rates = []
    model.stop_training = False
    callback.set_model(model)
    callback.on_train_begin({})
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {name: value})
        rates.append(float(np.asarray(model.optimizer.learning_rate)))
        if model.stop_training:
            break
    callback.on_train_end({})
    return rates


# Quarters, so that float32 and float64 compare alike.
SEQUENCES = [(RNG.integers(0, 12, 12) / 4).tolist() for _ in range(12)]
SEQUENCES += [[float("nan"), 1.0, 2.0, 1.0] + [0.5] * 8, [3.0] * 12, list(np.arange(12.0))]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("val_loss", {}),
        ("val_loss", {"patience": 2}),
        ("val_loss", {"patience": 1, "min_delta": 0.5}),
        ("val_loss", {"patience": 2, "baseline": 1.0}),
        ("val_loss", {"patience": 1, "start_from_epoch": 3}),
        ("val_accuracy", {"patience": 2}),
        ("val_loss", {"patience": 2, "mode": "max"}),
    ],
)
def test_early_stopping(models, name, options):
    for values in SEQUENCES:
        found = []
        for library, model in models.items():
            stop = library.callbacks.EarlyStopping(name, restore_best_weights=True, **options)
            epochs = len(told(model, stop, values, name))
            found.append((epochs, stop.stopped_epoch, stop.best_epoch, stop.wait, stop.best))
        np.testing.assert_equal(found[1], found[0])


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 2, "cooldown": 2},
        {"patience": 1, "min_delta": 0.5, "factor": 0.25},
        {"patience": 1, "min_lr": 0.125},
        {"patience": 2, "mode": "max", "cooldown": 1},
    ],
)
def test_reduce_lr_on_plateau(models, options):
    for values in SEQUENCES:
        found = []
        for library, model in models.items():
            model.optimizer.learning_rate = 1.0
            reduce = library.callbacks.ReduceLROnPlateau(**({"factor": 0.5} | options))
            found.append(told(model, reduce, values, "val_loss"))
        np.testing.assert_equal(found[1], found[0])  # powers of two


@BOTH
def test_unknown_directions(models, library):
    stop = library.callbacks.EarlyStopping("val_thing")
    with pytest.raises(ValueError, match=r"monitor=val_thing.*m[ai][xn]imized or m[ai][xn]imized"):
        told(models[library], stop, [1.0, 1.0], "val_thing")


def counted(library, *data, **options):
    """Batches of each epoch, and the weights at the end."""
    sizes = []
    watch = library.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_, **__: sizes.append(0),
        on_train_batch_end=lambda *_, **__: sizes.append(sizes.pop() + 1),
    )
    model = line(library, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(*data, callbacks=[watch], shuffle=False, verbose=0, **options).history
    return sizes, model.get_weights(), history


def compare(make, **options):
    (sizes, weights, logs), (sizes_, weights_, logs_) = (
        counted(library, *make(library), **options) for library in (keras, pycnn)
    )
    assert sizes_ == sizes
    assert list(logs_) == list(logs)
    for a, b in zip([*weights_, *logs_.values()], [*weights, *logs.values()], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 3},
        {"steps_per_epoch": 3, "epochs": 2},
        {"batch_size": 4, "steps_per_epoch": 2, "epochs": 5},
        {"batch_size": 4, "steps_per_epoch": 5, "epochs": 2},
        {"validation_split": 0.33, "epochs": 2},
        {"validation_data": (X, Y), "validation_steps": 2, "validation_batch_size": 3, "epochs": 2},
        {"validation_data": (X, Y), "validation_steps": 3, "epochs": 2},
        {"sample_weight": np.linspace(0, 2, 10)},
        {"sample_weight": np.linspace(0, 2, 10)[:, None]},
    ],
    ids=lambda options: "-".join(options),
)
def test_steps_of_arrays(options):
    compare(lambda library: (X, Y), **options)


def test_class_weights():
    y = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1])
    compare(lambda library: (X, y), class_weight={0: 3.0, 1: 0.5}, batch_size=4)


def dataset(library, **settings):
    class Batches(library.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return X[4 * i : 4 * i + 4], Y[4 * i : 4 * i + 4]

    return (Batches(**settings),)


@pytest.mark.parametrize(
    "options", [{"epochs": 2}, {"steps_per_epoch": 2, "epochs": 4}, {"steps_per_epoch": 5}], ids=str
)
def test_steps_of_datasets(options):
    # Keras 3.15 begins with the second batch where there are several workers.
    compare(lambda library: dataset(library, workers=1 if library is keras else 3), **options)


def test_results_of_steps():
    found = []
    for library in (keras, pycnn):
        model = line(library)
        found.append(
            [
                model.predict(X, steps=3, verbose=0),
                model.predict(X, batch_size=3, steps=2, verbose=0),
                model.evaluate(X, Y, steps=3, verbose=0),
                model.evaluate(X, Y, batch_size=4, steps=2, verbose=0),
            ]
        )
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (1,)])
def test_weights_of_losses(reduction, shape):
    t, p, w = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)), RNG.random(shape)
    results = [
        float(library.losses.MeanSquaredError(reduction)(t, p, sample_weight=w)) for library in (keras, pycnn)
    ]
    assert results[1] == pytest.approx(results[0], rel=1e-6)


@pytest.mark.parametrize(("append", "validation"), [(True, None), (False, (X, Y))])
def test_csv_logger(tmp_path, append, validation):
    lines = []
    for library in (keras, pycnn):
        path = tmp_path / f"{library.__name__}.csv"
        for _ in range(2):
            log = library.callbacks.CSVLogger(str(path), append=append)
            line(library).fit(
                X, Y, epochs=2, validation_data=validation, callbacks=[log], shuffle=False, verbose=0
            )
        lines.append([row.split(",") for row in path.read_text().splitlines()])
    assert [len(row) for row in lines[1]] == [len(row) for row in lines[0]]
    for ours, theirs in zip(lines[1], lines[0], strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a == b or float(a) == pytest.approx(float(b), rel=1e-5)


@BOTH
def test_swapped_averages(library):
    """Both end with the averages of the weights."""
    model = line(library)
    model.compile(library.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5), "mse")
    swap = library.callbacks.SwapEMAWeights(swap_on_epoch=True)
    seen = []
    watch = library.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.get_weights()[0]))
    history = model.fit(
        X, Y, epochs=3, validation_data=(X, Y), callbacks=[swap, watch], shuffle=False, verbose=0
    )
    expected = test_swapped_averages.__dict__.setdefault("found", [*seen, *history.history.values()])
    for a, b in zip([*seen, *history.history.values()], expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
