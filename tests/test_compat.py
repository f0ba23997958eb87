"""Old programs run when only their import line changes; importing pycnn is cheap and has no side effects."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import pycnn

PUBLIC = [
    "activations", "backend", "callbacks", "config", "datasets", "initializers", "layers", "losses",
    "metrics", "models", "nn", "ops", "optimizers", "random", "saving", "utils",
]  # fmt: skip


def run(program):
    """The program's output, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "lines",
    [
        "import pycnn as keras",
        "from pycnn import keras",
        "import pycnn.keras as keras",
        "import pycnn.keras; keras = pycnn.keras",
        "import pycnn as tf; keras = tf.keras",
        "from pycnn.keras import layers, models; import pycnn.keras as keras; keras.layers is layers",
        "import pycnn.keras.layers, pycnn.keras; keras = pycnn.keras",
    ],
)
def test_ways_to_import(lines):
    assert (
        run(f"""
        {lines}
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        model = keras.models.Sequential(model.layers)
        print(model.layers[0].name, keras.__version__, keras.utils.to_categorical([1]))
    """)
        == f"dense {pycnn.__version__} [[0. 1.]]\n"
    )


def test_submodules_are_pycnn_s_own():
    run("""
        from pycnn.keras.layers import Conv2D
        from pycnn.keras.datasets import fashion_mnist
        from pycnn.keras.datasets.fashion_mnist import load_data
        from pycnn.keras.utils import to_categorical
        from pycnn.keras.callbacks import EarlyStopping
        from pycnn.keras.callbacks.base import Callback
        import pycnn.keras.optimizers
        import pycnn
        assert pycnn.keras.layers is pycnn.layers
        assert Conv2D is pycnn.layers.Conv2D
        assert fashion_mnist is pycnn.datasets.fashion_mnist
        assert load_data is fashion_mnist.load_data
        assert Callback is pycnn.callbacks.Callback
        assert pycnn.keras.optimizers is pycnn.optimizers
        assert pycnn.layers.__name__ == pycnn.layers.__spec__.name == "pycnn.layers"
        import importlib
        for name in ("pycnn.keras.layerz", "pycnn.keras.layers.dense.x", "pycnn.keras._nothing"):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                pass
            else:
                raise AssertionError(name)
    """)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_modules(name):
    module = getattr(pycnn, name)
    assert module.__name__ == f"pycnn.{name}"
    assert getattr(pycnn.keras, name) is module
    assert name in pycnn.__all__
    assert name in dir(pycnn)
    assert name in dir(pycnn.keras)


def test_what_is_not_there():
    with pytest.raises(AttributeError, match="'pycnn' has no attribute 'estimator'"):
        _ = pycnn.estimator
    with pytest.raises(AttributeError, match="'pycnn' has no attribute 'estimator'"):
        _ = pycnn.keras.estimator


@pytest.mark.skipif("_pycnn_editable" in sys.modules, reason="the hook of an editable install loads more")
def test_import_loads_nothing_heavy():
    loaded = run("""
        import sys
        import numpy
        before = set(sys.modules)
        import pycnn
        print(*(set(sys.modules) - before))
    """).split()
    others = {name for name in loaded if not name.startswith("pycnn")}
    assert others <= {"__future__", "threading", "_thread", "_interpreters", "_xxsubinterpreters"}


def test_a_program_from_a_course():
    output = run("""
        import pycnn as tf
        from pycnn import keras
        import numpy as np

        tf.random.set_seed(1)
        np.random.seed(1)
        keras.backend.clear_session()
        x = np.random.rand(60, 28, 28)
        y = np.random.randint(0, 10, 60)
        x = x.reshape((60, 28, 28, 1)).astype("float32")
        y = keras.utils.to_categorical(y, 10)

        model = tf.keras.models.Sequential()
        model.add(tf.keras.layers.Conv2D(8, (3, 3), activation=tf.nn.relu, input_shape=(28, 28, 1)))
        model.add(tf.keras.layers.MaxPool2D((2, 2)))
        model.add(tf.keras.layers.Conv2D(8, kernel_size=3, padding="same"))
        model.add(tf.keras.layers.LeakyReLU(alpha=0.1))
        model.add(tf.keras.layers.Dropout(0.25))
        model.add(tf.keras.layers.Flatten())
        model.add(tf.keras.layers.Dense(10, activation=tf.nn.softmax))
        assert model.layers[0].output_shape == (None, 26, 26, 8)
        model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=1e-3),
                      loss=tf.keras.losses.categorical_crossentropy, metrics=["acc"])
        history = model.fit(x, y, batch_size=16, epochs=2, verbose=0, validation_data=(x, y))
        print(sorted(history.history))
        loss, acc = model.evaluate(x, y, verbose=0)
        print(np.argmax(model.predict(x[:3]), axis=1).shape, 0 <= acc <= 1)
        model.summary(print_fn=lambda text: None)
    """)
    assert output == "['acc', 'loss', 'val_acc', 'val_loss']\n(3,) True\n"


def test_old_optimizer_arguments():
    run("""
        import warnings
        import pycnn as keras
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            optimizer = keras.optimizers.SGD(lr=0.01, decay=1e-6, momentum=0.9, nesterov=True)
        assert [w.category for w in caught] == [DeprecationWarning] * 2
        assert all(w.filename == "<string>" for w in caught), [w.filename for w in caught]
        assert optimizer.learning_rate == 0.01
    """)


@pytest.mark.parametrize("name", pycnn.nn.__all__)
def test_nn(name):
    function = getattr(pycnn.nn, name)
    x = np.array([[-2.0, 0.0, 1.0, 3.0]])
    expected = getattr(pycnn.activations, name)(x)
    np.testing.assert_array_equal(function(x), expected)
    np.testing.assert_array_equal(pycnn.layers.Activation(function)(x), expected)
    assert expected.dtype == np.float32


def test_activations_on_arrays():
    np.testing.assert_allclose(pycnn.nn.relu(-3), 0)
    assert pycnn.nn.tanh(np.float64(0.5)).shape == ()
    assert pycnn.nn.relu(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    x = np.asfortranarray(np.arange(-6.0, 6).reshape(3, 4))
    np.testing.assert_array_equal(pycnn.nn.relu(x[::2, ::-1]), np.maximum(x[::2, ::-1], 0))
    np.testing.assert_allclose(pycnn.nn.softmax(x, axis=0).sum(0), np.ones(4), rtol=1e-6)
    np.testing.assert_allclose(np.exp(pycnn.nn.log_softmax(x)).sum(-1), np.ones(3), rtol=1e-6)
    np.testing.assert_allclose(pycnn.nn.leaky_relu([-1.0], alpha=0.5), [-0.5])
    np.testing.assert_allclose(pycnn.nn.gelu([1.0], approximate=True), [0.841192], rtol=1e-5)
    with pytest.raises(TypeError, match="real numbers"):
        pycnn.nn.relu(["a"])


def test_backend():
    assert pycnn.backend.image_data_format() == "channels_last"
    assert pycnn.backend.floatx() == "float32"
    assert pycnn.backend.epsilon() == 1e-7
    pycnn.backend.set_floatx("float32")
    pycnn.backend.set_image_data_format("channels_last")
    for call in (
        lambda: pycnn.backend.set_floatx("float16"),
        lambda: pycnn.backend.set_image_data_format("first"),
    ):
        with pytest.raises(ValueError, match=r"not supported|expected 'channels_last' or 'channels_first'"):
            call()


def test_config(capsys, restore_threads):
    pycnn.show_config()
    text = capsys.readouterr().out
    assert pycnn.__version__ in text
    assert pycnn.config.get_isa() in text
    pycnn.config.set_num_threads(2)
    assert pycnn.config.get_num_threads() == 2
    for bad in (0, -1, 1.5, "2"):
        with pytest.raises((TypeError, ValueError), match="threads"):
            pycnn.config.set_num_threads(bad)
    assert pycnn.config.get_num_threads() == 2
    with pytest.raises(ValueError, match="sse"):
        pycnn.config.set_isa("sse")
    pycnn.config.set_isa(pycnn.config.get_isa())


def test_version():
    assert pycnn._core.config()["version"] == pycnn.__version__
