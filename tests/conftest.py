"""Fixtures of all tests."""

import os
import signal
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# What is installed is tested: `python -m pytest` would find the sources first, which have no extension.
_SOURCES = Path(__file__).parents[1]
if not any(_SOURCES.glob("pycnn/_core*.so")):
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != _SOURCES]

from pycnn import _core  # noqa: E402
from pycnn.bench.peers import networks  # noqa: E402

# No deadline: a shared machine must not fail a test. Fixtures here need no reset between examples.
hypothesis.settings.register_profile(
    "pycnn",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("pycnn")


# A shell that starts the tests in its background makes them ignore Ctrl-C, and the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def elsewhere(tmp_path_factory):
    """Tests run in a folder of their own: beside the sources, a program they start would import those."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


@pytest.fixture(params=_core.config()["isas_available"])
def isa(request):
    """Runs the test once on the kernels of each ISA that this machine has."""
    before = _core.config()["isa_active"]
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def restore_threads():
    """Puts the number of threads back after a test that changes it."""
    before = _core.get_num_threads()
    yield
    _core.set_num_threads(before)


@pytest.fixture
def restore_exact():
    """Puts exact mode back after a test that changes it."""
    before = _core.config()["exact"]
    yield
    _core.set_exact(before)


@pytest.fixture
def peer_scripts(monkeypatch):
    """Makes the peers' scripts importable, as they are where they run."""
    peers = Path(networks.__file__).parent
    monkeypatch.syspath_prepend(str(peers))
    monkeypatch.setitem(sys.modules, "networks", networks)  # not a second copy of its classes
    monkeypatch.delenv("PYCNN_BENCH_DATA", raising=False)
    names = [path.stem for path in peers.glob("*.py") if path.stem != "networks"]
    yield
    for name in names:
        sys.modules.pop(name, None)
