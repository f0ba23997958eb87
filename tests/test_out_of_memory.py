"""A call for which there is no memory is an error, and leaves nothing half done behind."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource

import numpy as np

import pycnn as keras

layers = keras.layers


def make():
    keras.utils.set_random_seed(1)
    first, second = (layers.Conv2D(n, 3, padding="same") for n in (64, 8))
    model = keras.Sequential([keras.Input((256, 256, 3)), first, second, layers.GlobalAveragePooling2D()])
    model.compile("sgd", "mse")
    model.get_weights()
    return model


def sizes():
    return [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")][0]


x = np.random.default_rng(0).normal(size=(2, 256, 256, 3)).astype(np.float32)
for call in (lambda m: m.predict(x, verbose=0), lambda m: m.train_on_batch(x, np.ones((2, 8), np.float32))):
    expected, model = call(make()), make()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, ((sizes() + 6000) * 1024, hard))
    try:
        call(model)
        print("it had memory")
    except MemoryError:
        pass
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    print(np.array_equal(expected, call(model)))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells and bounds the memory of a process"
)
def test_a_call_after_one_without_memory_is_right():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout.split("\n"), done.stderr) == (["True", "True", ""], "")
