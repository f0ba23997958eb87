"""Threads: how many by default, after fork, from two Python threads, and at rest."""

import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from helpers import normal

from pycnn import _core

HANG = 120  # seconds after which a child counts as hanging, not as slow

NETWORK = """
import numpy as np
from core_graph import Graph, Network
from pycnn import _core

def network():
    g = Graph()
    x = g.activation(g.conv2d(g.input((16, 16, 3)), filters=32, kernel_size=(3, 3)), "relu")
    x = g.reshape(g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2)), (7 * 7 * 32,))
    network = Network(g, g.softmax(g.dense(x, units=10)))
    rng = np.random.default_rng(0)
    for i in range(network.parameter_count):
        network.parameter(i)[...] = 0.1 * rng.standard_normal(network.parameter(i).shape)
    network.touch()
    network.compile(loss="sparse_categorical_crossentropy", optimizer="sgd")
    return network

def train(network, steps=3):
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((64, 16, 16, 3), np.float32), rng.integers(0, 10, 64).astype(np.int32)
    return [network.train_step(x, y, None, None, 0.1)[0] for _ in range(steps)]
"""


def launch(*arguments, **environment):
    """A Python process of its own, run to its end."""
    inherited = {
        name: os.environ[name]
        for name in os.environ
        if name not in ("OMP_NUM_THREADS", "PYCNN_EXACT", "PYCNN_ISA")
    }
    inherited["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        capture_output=True,
        text=True,
        timeout=HANG,
        env={**inherited, **environment},
        check=False,
    )


def run(script, **environment):
    """The words that a program prints, which has NETWORK in front."""
    found = launch("-c", NETWORK + textwrap.dedent(script), **environment)
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


# --- how many -----------------------------------------------------------------------------------------------
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_affinity_is_honoured():
    script = """
        import os, sys
        from multiprocessing import Process
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        # The count is taken when it is first asked for, so a fresh interpreter asks.
        os.execv(sys.executable, [sys.executable, "-c",
            "from pycnn import _core; print(_core.get_num_threads(), _core.config()['threads_reason'])"])
    """
    threads, *reason = run(script)
    assert threads == "1"
    if len(os.sched_getaffinity(0)) > 1:
        assert "affinity" in reason


@pytest.mark.parametrize("threads", [1, 3])
def test_environment_is_honoured(threads):
    script = "print(_core.get_num_threads(), _core.config()['threads_reason'])"
    found, *reason = run(script, OMP_NUM_THREADS=str(threads))
    assert found == str(threads)
    assert "OMP_NUM_THREADS" in " ".join(reason)


@pytest.mark.parametrize("value", ["", "0", "-2", "many", "4,2"])
def test_odd_environment(value):
    """Nonsense is left alone; a list of nesting levels means its first."""
    found = int(run("print(_core.get_num_threads())", OMP_NUM_THREADS=value)[0])
    assert found == 4 if value == "4,2" else found >= 1


def test_default_is_no_more_than_the_cores():
    assert 1 <= int(run("print(_core.get_num_threads())")[0]) <= (os.cpu_count() or 1)


def test_set_num_threads(restore_threads):
    _core.set_num_threads(3)
    assert _core.get_num_threads() == 3
    assert _core.config()["threads"] == 3
    for bad in (0, -1):
        with pytest.raises(ValueError, match="threads"):
            _core.set_num_threads(bad)
    assert _core.get_num_threads() == 3


def test_forced_isa():
    for isa in _core.config()["isas_available"]:
        assert run("print(_core.config()['isa_active'])", PYCNN_ISA=isa) == [isa]
    found = launch("-c", "from pycnn import _core", PYCNN_ISA="avx1024")
    assert found.returncode != 0
    assert "avx1024" in found.stderr


# --- other processes ----------------------------------------------------------------------------------------
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_children_after_fork(threads):
    """A child inherits the pool's memory but not its threads, which neither it nor its child may wait for."""
    script = f"""
        import os
        _core.set_num_threads({threads})
        model = network()
        before = train(model)

        def child(depth):
            pid = os.fork()
            if pid == 0:
                inherited, fresh = train(model), train(network())
                if depth:
                    child(depth - 1)
                os._exit(0 if fresh == before and np.isfinite(inherited).all() else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

        child(1)
        child(0)
        print(train(network()) == before)
    """
    assert run(script) == ["True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_children_forked_while_another_thread_computes():
    """A child does not wait for a thread that is not there, and computes what its parent does."""
    script = """
        import os, signal, threading
        from core_graph import predicted
        model, x = network(), np.random.default_rng(0).random((2048, 16, 16, 3), np.float32)
        expected = predicted(model, x[:8])
        working = threading.Event()

        def work():
            while True:
                predicted(model, x)
                working.set()

        threading.Thread(target=work, daemon=True).start()
        working.wait()
        codes = []
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)  # instead of hanging for ever
                os._exit(0 if (predicted(model, x[:8]) == expected).all() else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        print(*codes, flush=True)
        os._exit(0)
    """
    assert run(script) == ["0"] * 5


def test_no_subinterpreters():
    """ImportError, where extensions of pybind11 hang."""
    script = """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        try:
            # Python 3.13 returns what was raised.
            print(interpreters.run_string(interpreters.create(), "import pycnn"))
        except Exception as error:
            print(error)
    """
    assert "cannot be imported in a subinterpreter" in " ".join(run(script))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method, tmp_path):
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    main = """
        def work(queue):
            queue.put(train(network()))

        if __name__ == "__main__":
            import multiprocessing
            _core.set_num_threads(2)
            before = train(network())
            context = multiprocessing.get_context(METHOD)
            for _ in range(2):
                queue = context.Queue()
                children = [context.Process(target=work, args=(queue,)) for _ in range(2)]
                for child in children:
                    child.start()
                assert all(queue.get(timeout=100) == before for _ in children)
                for child in children:
                    child.join(timeout=100)
                    assert child.exitcode == 0
            assert train(network()) == before
            print("done")
    """
    script = tmp_path / "main.py"
    script.write_text(NETWORK + textwrap.dedent(main).replace("METHOD", repr(method)))
    found = launch(str(script))
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["done"]


# --- other Python threads -----------------------------------------------------------------------------------
def small_network():
    space = {}
    exec(NETWORK, space)
    return space["network"]()


def together(*functions):
    """Runs the functions at the same time and raises what they raise."""
    failures = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


@pytest.mark.parametrize("sizes", [(1, 1), (1, 64), (33, 130)])
def test_predict_from_two_threads(isa, rng, sizes):
    network = small_network()
    inputs = [normal(rng, n, 16, 16, 3) for n in sizes]
    expected = [np.empty((n, 10), np.float32) for n in sizes]
    for x, out in zip(inputs, expected, strict=True):
        network.predict(x, out)

    def repeat(x, wanted):
        out = np.empty_like(wanted)
        for _ in range(50):
            out[...] = np.nan
            network.predict(x, out)
            np.testing.assert_array_equal(out, wanted)

    together(*(lambda x=x, w=w: repeat(x, w) for x, w in zip(inputs, expected, strict=True)))


def test_two_networks_train_at_once(isa, rng):
    x, y = normal(rng, 33, 16, 16, 3), rng.integers(0, 10, 33).astype(np.int32)
    alone = small_network()
    expected = [alone.train_step(x, y, None, None, 0.1) for _ in range(20)]

    def train():
        network = small_network()
        assert [network.train_step(x, y, None, None, 0.1) for _ in range(20)] == expected

    together(train, train, train)


def test_training_and_prediction_of_one_network_take_turns(isa, rng):
    network = small_network()
    x, y = normal(rng, 33, 16, 16, 3), rng.integers(0, 10, 33).astype(np.int32)

    def train():
        for _ in range(30):
            network.train_step(x, y, None, None, 0.01)

    def predict():
        out = np.empty((33, 10), np.float32)
        for _ in range(30):
            network.predict(x, out)
            np.testing.assert_allclose(out.sum(axis=1), 1.0, rtol=1e-5)

    together(train, predict, predict)
    assert network.iterations == 30


def test_other_python_threads_run_meanwhile(rng):
    """The interpreter's lock is given back: another thread gets on while a long step computes."""
    network = small_network()
    x, y = normal(rng, 2000, 16, 16, 3), rng.integers(0, 10, 2000).astype(np.int32)
    done, counts = threading.Event(), [0]

    def count():
        while not done.is_set():
            counts[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for _ in range(5):
            before = counts[0]
            network.train_step(x, y, None, None, 0.01)
            if counts[0] > before + 1:
                break
        else:
            raise AssertionError("no other thread ran during five training steps")
    finally:
        done.set()
        thread.join(HANG)


def test_idle_threads_rest(restore_threads):
    """CPU time, not wall time: half a second of sleep must not cost the pool's threads half a second each."""
    found = run("""
        import time
        _core.set_num_threads(2)
        train(network())
        time.sleep(0.05)
        before = time.process_time()
        time.sleep(0.5)
        print(time.process_time() - before)
    """)
    assert float(found[0]) < 0.1
