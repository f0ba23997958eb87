"""model.profile and `pycnn profile`: what is told adds up, names everything, and changes nothing."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from helpers import normal
from PIL import Image

import pycnn as keras
from pycnn import _core
from pycnn.cli import main
from pycnn.profiling import PHASES
from pycnn.profiling.forecast import StageCost, forecast

SHAPE, CLASSES = (14, 15, 2), 5
SHORT = 0.005  # seconds


def small_model(compiled=True):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(SHAPE, name="image"),
            layers.Conv2D(16, 3, activation="relu", name="first"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(24, 3, use_bias=False, name="second"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("tanh", name="tanh"),
            layers.DepthwiseConv2D(2, name="each"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.5, seed=7, name="drop"),
            layers.Dense(CLASSES, name="scores"),
            layers.Softmax(name="classes"),
        ],
        name="small",
    )
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.fixture
def model():
    keras.utils.set_random_seed(5)
    return small_model()


@pytest.fixture
def data(rng):
    return normal(rng, 24, *SHAPE), rng.integers(0, CLASSES, 24)


@pytest.fixture(params=["prediction", "training"])
def profile(request, model, data):
    x, y = data
    return model.profile(x, y if request.param == "training" else None, seconds=SHORT)


def test_numbers_add_up(profile):
    assert profile.samples == 24
    assert profile.runs >= 3
    assert 1 <= profile.threads <= _core.get_num_threads()
    for row in profile.rows:
        for number in (row.seconds, row.share, row.gflops, row.of_peak, row.bytes):
            assert math.isfinite(number)
            assert number >= 0
        assert row.phase in PHASES
        assert row.share == pytest.approx(row.seconds / profile.seconds)
        assert row.of_peak == pytest.approx(row.gflops / profile.peak_gflops)
        assert (row.bytes > 0) == (row.phase != "waiting")
    assert sum(row.share for row in profile.rows) == pytest.approx(1)
    assert sum(row.seconds for row in profile.rows) == pytest.approx(profile.seconds)
    assert sum(profile.shares.values()) == pytest.approx(1)
    assert len({(row.layer, row.phase) for row in profile.rows}) == len(profile.rows)


def test_every_layer_is_named(profile, model):
    named = {row.layer for row in profile.rows} | set(profile.fused)
    assert named >= {layer.name for layer in model.layers} | {"image"}
    assert set(profile.fused.values()) - {""} <= {row.layer for row in profile.rows}
    assert not {row.layer for row in profile.rows} & set(profile.fused)


def test_rows_of_a_prediction(model, data):
    found = model.profile(data[0], seconds=SHORT)
    layers = ["image", "first", "second", "each", "scores", "classes", "output"]
    assert [(row.layer, row.phase) for row in found.rows] == [
        *((layer, "forward") for layer in layers),
        ("", "waiting"),
    ]
    assert found.fused == {"pool": "first", "norm": "second", "tanh": "second", "flat": "", "drop": ""}
    assert found.label("second") == "second + norm + tanh"
    assert not found.training
    rows = {row.layer: row for row in found.rows}
    assert rows["first"].algorithm == "direct"
    assert rows["each"].algorithm == "depthwise"
    assert rows["scores"].algorithm == "GEMM"


def test_rows_of_a_training_step(model, data):
    found = model.profile(*data, seconds=SHORT)
    by_layer = {}
    for row in found.rows:
        by_layer.setdefault(row.layer, []).append(row.phase)
    everything = ["forward", "backward", "update", "packing"]
    assert by_layer == {
        "image": ["forward"],
        "first": everything,
        "second": everything,
        "norm": ["forward", "backward", "update"],
        "tanh": ["forward", "backward"],
        "each": everything,
        "drop": ["forward", "backward"],
        "scores": everything,
        "loss": ["forward"],
        "": ["waiting"],
    }
    assert list(by_layer)[-1] == ""
    assert found.fused == {"pool": "first", "flat": "", "classes": "loss"}
    assert found.training
    assert list(found.shares) == list(PHASES)


@pytest.mark.parametrize("exact", [False, True])
def test_algorithms_and_operations(rng, exact, restore_exact):
    """Operations are counted as direct sums, whatever the algorithm."""
    keras.config.set_exact(exact)
    layers = keras.layers
    model = keras.Sequential([keras.Input((12, 12, 64)), layers.Conv2D(64, 3, name="conv")])
    model.compile("sgd", "mse")
    x = normal(rng, 8, 12, 12, 64)
    found = model.profile(x, normal(rng, 8, 10, 10, 64), seconds=SHORT)
    rows = {row.phase: row for row in found.rows if row.layer == "conv"}
    assert found.exact is exact
    assert rows["forward"].algorithm == ("direct" if exact else "Winograd F(5x5,3x3)")
    operations = 2 * 8 * 10 * 10 * 64 * 64 * 9
    for phase in ("forward", "backward"):  # nobody wants the gradient of the input
        assert rows[phase].gflops * rows[phase].seconds * 1e9 == pytest.approx(operations)


# --- threads ------------------------------------------------------------------------------------------------
def test_threads_are_chosen_by_time(model, rng, restore_threads):
    """A small run is tried on one thread and on several; which is faster depends on the machine."""
    _core.set_num_threads(2)
    x, y = normal(rng, 96, *SHAPE), rng.integers(0, CLASSES, 96)
    found = model.profile(x, y, seconds=0.1)
    assert found.threads in found.thread_times
    assert list(found.thread_times) == [1, 2]
    assert min(found.thread_times.values()) > 0
    assert found.threads_reason == "the fastest of those tried"
    text = found.text(140)
    assert f"Threads: {found.threads}, the fastest of those tried: " in text
    assert " on 1, " in text
    assert " on 2 in the mean" in text
    assert json.loads(json.dumps(found.as_dict()))["thread_times"].keys() == {"1", "2"}


def test_threads_where_there_is_no_choice(model, data, rng, restore_threads):
    _core.set_num_threads(3)
    little = model.profile(data[0][:1], seconds=SHORT)
    assert little.threads == 1
    assert little.threads_reason == "too little work for more"
    x = normal(rng, 4096, *SHAPE)
    much = model.profile(x, seconds=SHORT)
    assert much.threads == 3
    assert much.threads_reason == "set by set_num_threads"
    _core.set_num_threads(1)
    one = model.profile(*data, seconds=SHORT)
    assert one.threads == 1
    assert one.threads_reason == _core.config()["threads_reason"]
    for found in (little, much, one):
        assert found.thread_times == {}
        assert f"Threads: {found.threads}, {found.threads_reason}\n" in found.text(140)


# --- memory -------------------------------------------------------------------------------------------------
def test_memory_of_a_prediction(model, data):
    found = model.profile(data[0], seconds=SHORT).memory
    assert found.weights == 4 * model.count_params()
    assert found.packed_weights > 0
    assert found.activations + found.threads > 4 * 2 * np.prod(SHAPE)
    assert (found.gradients, found.optimizer) == (0, 0)
    assert found.total == found.weights + found.packed_weights + found.activations + found.threads
    assert model.profile(data[0], seconds=SHORT).memory == found


def test_memory_of_a_training_step(model, data):
    def bytes_that_train():
        return 4 * sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)

    found, trained = model.profile(*data, seconds=SHORT).memory, bytes_that_train()
    assert found.weights == 4 * model.count_params()
    assert found.optimizer == 2 * trained  # Adam's moments
    assert found.gradients >= 2 * trained  # a shard's, and the sum
    kinds = (found.weights, found.packed_weights, found.activations, found.threads, found.gradients)
    assert min(kinds) > 0
    assert found.total == sum(kinds) + found.optimizer
    model.get_layer("first").trainable = False
    for optimizer, states in (("sgd", 0), ("adam", 2)):
        model.compile(optimizer, "sparse_categorical_crossentropy")
        memory = model.profile(*data, seconds=SHORT).memory
        assert memory.optimizer == states * bytes_that_train() < 2 * trained


def test_memory_stays_for_later_runs(rng):
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(8, 3), keras.layers.Flatten()])
    small, large, again = (
        model.profile(normal(rng, n, 16, 16, 3), seconds=SHORT).memory for n in (8, 128, 8)
    )
    assert small.activations + small.threads <= large.activations + large.threads
    assert again == large


# --- the same bits ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_profiled_runs_compute_the_same_bits(model, data, threads, restore_threads):
    _core.set_num_threads(threads)
    x, y = data[0], data[1].astype(np.int32)
    twin = small_model()
    twin.set_weights(model.get_weights())
    plain, timed = (each._start(x, y)[1].network for each in (model, twin))
    out, profiled = np.empty((2, 24, CLASSES), np.float32)
    for _ in range(3):
        plain.train_step([x], [y], None, [], 0.01)
    (first, *others) = timed.profile_train_step([x], [y], None, [], 0.01, 3)
    assert len(others) == 2
    assert first["samples"] == 24
    plain.predict([x], [out])
    timed.profile_predict([x], [profiled], 2)
    np.testing.assert_array_equal(profiled, out)
    assert plain.graph.variables
    for i, (a, b) in enumerate(zip(timed.graph.variables, plain.graph.variables, strict=True)):
        assert a is not b
        np.testing.assert_array_equal(a.value, b.value)
        np.testing.assert_array_equal(timed.gradient(i), plain.gradient(i))


def test_the_model_stays_as_it_is(model, data):
    """What it learns afterwards is what it would have learned without."""
    x, y = data
    twin = small_model()
    twin.set_weights(model.get_weights())
    for each in (model, twin):
        each.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    before = model.get_weights()
    model.profile(x, y, seconds=SHORT)
    model.profile(x[:3], seconds=SHORT)
    assert model.optimizer.iterations == 3
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    for each in (model, twin):
        each.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_model_stays_as_it_is_when_stopped(model, data, monkeypatch):
    from pycnn.profiling import measure

    x, y = data
    model.train_on_batch(x, y)
    before = model.get_weights()

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(measure, "_rows", stopped)
    with pytest.raises(KeyboardInterrupt):
        model.profile(x, y, seconds=SHORT)
    assert model.optimizer.iterations == 1
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


# --- how it is shown ----------------------------------------------------------------------------------------
def test_table(profile, model):
    text = profile.text(140)
    assert str(model.name) in text
    assert "24 samples" in text
    assert ("update and packing" in text) == profile.training
    assert f"Memory: {profile.memory.total / 1e6:,.1f} MB: weights " in text
    assert ("optimizer " in text.partition("Memory: ")[2]) == profile.training
    for word in ("GFLOP/s", "of peak", "MB", "algorithm", "waiting", "estimate", "Nothing to compute: flat"):
        assert word in text
    for row in profile.rows:
        assert profile.label(row.layer) in text


@pytest.mark.parametrize("width", [140, 100, 80, 60, 45])
def test_table_where_it_is_narrow(model, data, width):
    """Columns give way before any is cut; layer, phase, time and share always stay."""
    found = model.profile(*data, seconds=SHORT)
    lines = found.text(width).splitlines()
    assert max(map(len, lines)) <= width
    header = next(line for line in lines if line.startswith("layer"))
    assert {"layer", "phase", "time", "share"} <= set(header.split())
    assert "…" not in "\n".join(lines)
    assert ("algorithm" in header) == (width >= 100)


def test_several_inputs_and_outputs(rng, tmp_path, capsys):
    layers = keras.layers
    image, size = keras.Input((8, 8, 3), name="image"), keras.Input((4,), name="size")
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(6, 3, name="conv")(image))
    x = layers.Concatenate(name="join")([x, layers.Dense(3, name="two")(size)])
    kind = layers.Dense(5, activation="softmax", name="kind")(x)
    model = keras.Model([image, size], [kind, layers.Dense(1, name="value")(x)], name="both")
    data = [normal(rng, 6, 8, 8, 3), normal(rng, 6, 4)]
    rows = model.profile(data, seconds=SHORT).rows
    assert {row.layer for row in rows} >= {"image", "size", "conv", "two", "kind", "value"}
    model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    found = model.profile(data, [rng.integers(0, 5, 6), normal(rng, 6, 1)], seconds=SHORT)
    assert {row.layer for row in found.rows if row.phase == "update"} == {"conv", "two", "kind", "value"}
    model.save(tmp_path / "both.safetensors")
    for arguments in ((), ("--train",)):
        assert "both: a " in output_of(capsys, str(tmp_path / "both.safetensors"), *arguments)


def test_markup_in_names_is_text(rng):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="[red]x")], name="[bold]")
    text = model.profile(normal(rng, 3, 4), seconds=SHORT).text(100)
    assert "[red]x" in text
    assert "[bold]: a prediction of 3 samples" in text


def test_json(profile):
    found = json.loads(json.dumps(profile.as_dict()))
    assert found["training"] is profile.training
    assert len(found["rows"]) == len(profile.rows)
    assert set(found["rows"][0]) == {
        "layer", "phase", "algorithm", "seconds", "share", "gflops", "of_peak", "bytes",
    }  # fmt: skip
    assert found["fused"] == profile.fused
    assert found["memory"] == profile.memory.as_dict()
    assert found["memory"]["total"] == profile.memory.total
    assert sum(found["shares"].values()) == pytest.approx(1)


def test_picture(profile, tmp_path):
    for name in ("one.png", "one.svg", "two.PDF"):
        profile.plot(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "one.svg", "two.PDF"]
    with Image.open(tmp_path / "one.png") as image:
        assert image.width > 900
    svg = (tmp_path / "one.svg").read_text()
    assert svg.startswith("<?xml")
    for bad in ("one", "one.jpg", "png"):
        with pytest.raises(ValueError, match=r"must end in \.png, \.svg or \.pdf"):
            profile.plot(tmp_path / bad)
    with pytest.raises(FileNotFoundError, match="no folder"):
        profile.plot(tmp_path / "nowhere" / "one.png")


# --- errors -------------------------------------------------------------------------------------------------
def test_errors(model, data):
    x, y = data
    with pytest.raises(ValueError, match="no layers"):
        keras.Sequential().profile(x)
    with pytest.raises(ValueError, match=r"`x` has shape \(24, 15, 2\)"):
        model.profile(x[:, 0])
    with pytest.raises(ValueError, match="`x` has shape"):
        model.profile(x[:, 0], y)
    for labels in (None, y):
        with pytest.raises(ValueError, match="empty"):
            model.profile(x[:0], labels if labels is None else labels[:0])
        with pytest.raises(TypeError, match="`x` is a generator; expected an array"):
            model.profile((part for part in x), labels)
        for seconds in (0, -1, math.inf, "1", None):
            with pytest.raises((TypeError, ValueError), match="seconds is"):
                model.profile(x, labels, seconds=seconds)
    with pytest.raises(ValueError, match="compile"):
        small_model(compiled=False).profile(x, y)
    with pytest.raises(ValueError, match="labels from 0 to 5"):
        model.profile(x, np.full(24, CLASSES) * (np.arange(24) > 0))
    with pytest.raises(ValueError, match="different lengths"):
        model.profile(x, y[:3])
    with pytest.raises(ValueError, match="`sample_weight` is for a training step"):
        model.profile(x, sample_weight=np.ones(24))
    network = model._ready(None).network
    for runs in (0, -1):
        with pytest.raises(ValueError, match="runs must be at least 1"):
            network.profile_predict([x], [np.empty((24, CLASSES), np.float32)], runs)


def test_a_model_that_is_not_built_yet(rng):
    model = keras.Sequential([keras.layers.Dense(3, name="only")])
    assert [row.layer for row in model.profile(normal(rng, 4, 2), seconds=SHORT).rows][1] == "only"


# --- the command --------------------------------------------------------------------------------------------
def output_of(capsys, *arguments):
    assert main(["profile", "--seconds", str(SHORT), *arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "small.safetensors"
    model.save(path)
    return str(path)


def test_command(capsys, saved):
    before = Path(saved).read_bytes()
    text = output_of(capsys, saved, "--train", "--batch", "9")
    assert "small: a training step of 9 samples" in text
    assert "second" in text
    assert "a prediction of 32 samples" in output_of(capsys, saved)
    assert Path(saved).read_bytes() == before


def test_command_without_a_model(capsys):
    assert "deck: a training step of 2 samples" in output_of(capsys, "--train", "--batch", "2")


@pytest.mark.parametrize("loss", ["mse", "categorical_crossentropy", "binary_crossentropy"])
def test_command_makes_targets_for_the_loss(capsys, model, tmp_path, loss):
    model.compile("sgd", loss)
    path = str(tmp_path / "m.safetensors")
    model.save(path)
    found = json.loads(output_of(capsys, path, "--train", "--batch", "3", "--json"))
    assert found["training"]


def test_command_prints_json_and_draws(capsys, saved, tmp_path, restore_threads, restore_exact):
    picture = tmp_path / "profile.png"
    arguments = ("--json", "--plot", str(picture), "--threads", "1", "--exact", "--batch", "2")
    found = json.loads(output_of(capsys, saved, *arguments))
    assert (found["samples"], found["threads"], found["exact"]) == (2, 1, True)
    assert picture.is_file()
    assert f"written: {picture}" in output_of(capsys, saved, "--plot", str(picture))


def test_command_errors(capsys, saved, tmp_path, monkeypatch):
    uncompiled = str(tmp_path / "plain.safetensors")
    small_model(compiled=False).save(uncompiled)
    for arguments, message in [
        (["no-such.safetensors"], "there is no model file"),
        ([uncompiled, "--train"], "the model has no loss"),
        ([saved, "--plot", str(tmp_path / "x.jpg")], "must end in .png, .svg or .pdf"),
        ([saved, "--plot", str(tmp_path / "no" / "x.png")], "there is no folder"),
    ]:
        assert main(["profile", *arguments]) == 1
        assert message in capsys.readouterr().err
    for arguments in (["--batch", "0"], ["--seconds", "0"], ["--threads", "x"]):
        with pytest.raises(SystemExit) as status:
            main(["profile", saved, *arguments])
        assert status.value.code == 2
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["profile", saved, "--plot", str(tmp_path / "x.png")]) == 1
    assert "pip install 'pycnn[plot]'" in capsys.readouterr().err


def test_forecast(model, data):
    profile = model.profile(*data, seconds=SHORT)
    assert {stage.name for stage in profile.stages} >= {"packing", "update"}
    counted = sum(row.seconds for row in profile.rows if row.phase != "waiting") * profile.threads
    assert sum(stage.seconds for stage in profile.stages) == pytest.approx(counted, rel=0.02)
    one, *more = profile.forecast([1, 2, 4, 64])
    assert one.speedup == 1
    assert one.idle == 0
    for before, after in itertools.pairwise([one, *more]):
        assert before.threads < after.threads
        assert after.speedup <= after.threads
        assert after.idle == pytest.approx(1 - after.speedup / after.threads)
    with pytest.raises(ValueError, match="threads"):
        profile.forecast([0])


def test_forecast_deals_out_pieces():
    stages = [StageCost("a", ((3, 1.0), (1, 3.0))), StageCost("b", ((1, 2.0),))]
    one, two, many = forecast(stages, [1, 2, 16])
    assert one.seconds == 8
    assert two.seconds == pytest.approx(4 + 2, abs=1e-3)  # one thread: 1, 1, 3 would be longer than 1 + 3
    assert many.seconds == pytest.approx(3 + 2, abs=1e-3)
    assert many.narrowest == 1


def test_cli_foretells_more_threads_than_there_are(capsys):
    assert main(["profile", "--train", "--batch", "8", "--threads", "512", "--seconds", "0.01"]) == 0
    text = capsys.readouterr().out
    assert "on 1 thread" in text
    assert "On more threads" in text
    assert "512" in text
