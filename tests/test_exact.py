"""Exact mode: convolutions are direct sums, with the rounding errors of direct sums."""

import numpy as np
import pytest
import reference
from core_graph import predicted
from graph_reference import Model, mean_loss, parameters_of
from helpers import assert_close, double, normal, tolerance
from test_threads import launch, run

import pycnn
from pycnn import _core, ops

OPTIONS = (1, 1), (0, 0, 0, 0), 0.0, (1, 1), 1  # strides, padding, its value, dilation, groups
SHAPES = [((13, 13, 64), 64), ((7, 9, 17), 33), ((6, 6, 130), 20)]  # where Winograd's form pays

pytestmark = pytest.mark.usefixtures("restore_exact")


def rms(values):
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


@pytest.mark.parametrize(("size", "filters"), SHAPES)
def test_errors_fall_to_those_of_direct_sums(isa, rng, size, filters):
    x, w, b = normal(rng, 2, *size), normal(rng, 3, 3, size[2], filters), normal(rng, filters)
    dy = normal(rng, 2, size[0] - 2, size[1] - 2, filters)
    y64 = reference.conv2d(*double(x, w, b), *OPTIONS)
    dx64 = reference.conv2d_backward(*double(x, w, dy), *OPTIONS)[0]
    errors = {}
    for exact in (False, True):
        pycnn.config.set_exact(exact)
        y, (dx, _, _) = ops.conv2d(x, w, b), ops.conv2d_backward(dy, x, w)
        errors[exact] = rms(y - y64), rms(dx - dx64)
    assert_close(y, y64, terms=9 * size[2] + 1)
    assert_close(dx, dx64, terms=9 * filters)
    for fast, direct in zip(errors[False], errors[True], strict=True):
        assert direct < 0.6 * fast


def network_and_model(rng):
    """Two convolutions of many channels, so that forward and both backward passes have a faster form."""
    model = Model()
    x = model.input((9, 10, 32))
    x = model.activation(model.conv2d(x, filters=48, kernel_size=(3, 3)), "tanh")
    x = model.conv2d(x, filters=32, kernel_size=(3, 3), padding=(1, 1, 1, 1))
    network = model.network(x, rng)
    network.compile(loss="mean_squared_error", optimizer="sgd")
    return network, model, x


def gradients(network):
    return [network.gradient(i).copy() for i in range(network.parameter_count)]


def test_a_network_in_exact_mode(isa, rng):
    """Prediction and gradients of a network that exists already have the bounds of direct sums."""
    network, model, output = network_and_model(rng)
    x = normal(rng, 3, 9, 10, 32)
    target = normal(rng, 3, *network.output_shape)
    fast = predicted(network, x)
    pycnn.config.set_exact(True)
    direct = predicted(network, x)
    parameters = parameters_of(network)
    network.train_step(x, target, None, None, 0.0)

    values = model.run(parameters, x.astype(np.float64), training=True)
    y = values[output]
    _, dy = mean_loss("mean_squared_error", False, y, target)
    wanted = model.gradients(parameters, values, output, dy)
    # Two convolutions of 9 * 32 and 9 * 48 terms; a gradient by weights sums over the places of the map too.
    np.testing.assert_allclose(direct, y, rtol=0, atol=tolerance(9 * (32 + 48), np.abs(y).max()))
    assert rms(direct - y) < 0.6 * rms(fast - y)
    for i, found in enumerate(gradients(network)):
        expected = wanted[network.parameter_node(i)][network.parameter_name(i)]
        terms = 9 * (32 + 48 + 32) + 3 * 7 * 8
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance(terms, np.abs(expected).max()))


def test_back_and_forth(isa, rng):
    """Each way of computing gives its own bits, whatever was computed the other way in between."""
    network, _, _ = network_and_model(rng)
    x, target = normal(rng, 5, 9, 10, 32), normal(rng, 5, *network.output_shape)
    found = {False: [], True: []}
    for exact in (False, True, False, True):
        pycnn.config.set_exact(exact)
        network.train_step(x, target, None, None, 0.0)
        found[exact].append([predicted(network, x), predicted(network, x[:1]), *gradients(network)])
    for first, second in found.values():
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b)
    assert all((a != b).any() for a, b in zip(found[False][0][:2], found[True][0][:2], strict=True))


def test_weights_that_change_are_seen_by_both(rng):
    network, model, output = network_and_model(rng)
    x = normal(rng, 2, 9, 10, 32)
    for exact in (False, True):
        pycnn.config.set_exact(exact)
        predicted(network, x)
    network.parameter(0)[...] *= 0.5
    network.touch()
    expected = model.run(parameters_of(network), x.astype(np.float64), training=False)[output]
    for exact in (False, True):
        pycnn.config.set_exact(exact)
        error = np.abs(predicted(network, x) - expected).max()
        assert error < 4 * tolerance(9 * (32 + 48), np.abs(expected).max())


def test_same_bits_on_any_number_of_threads(rng, restore_threads):
    pycnn.config.set_exact(True)
    found = []
    for threads in (1, 2, 5):
        _core.set_num_threads(threads)
        network, _, _ = network_and_model(np.random.default_rng(3))
        inputs = np.random.default_rng(4).standard_normal((40, 9, 10, 32), np.float32)
        network.train_step(inputs, np.zeros((40, *network.output_shape), np.float32), None, None, 0.1)
        found.append([predicted(network, inputs), predicted(network, inputs[:1]), *gradients(network)])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_setting(capsys):
    for exact in (True, False, np.bool_(True)):
        pycnn.config.set_exact(exact)
        assert pycnn.config.get_exact() is bool(exact)
        pycnn.show_config()
        assert ("direct sums only" in capsys.readouterr().out) == exact
    for bad in (1, "yes", None):
        with pytest.raises(TypeError, match=r"exact is .*; expected True or False"):
            pycnn.config.set_exact(bad)
    assert pycnn.config.get_exact() is True


def test_the_environment_asks_for_it():
    for text, exact in (("", "False"), ("0", "False"), ("1", "True")):
        assert run("print(_core.config()['exact'])", PYCNN_EXACT=text) == [exact]
    found = launch("-c", "from pycnn import _core", PYCNN_EXACT="yes")
    assert found.returncode != 0
    assert "PYCNN_EXACT is 'yes'; expected 0 or 1" in found.stderr
