"""Names of packages: found when they are used, told to type checkers, or refused with what to use instead."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import pycnn as keras
from pycnn.core.refusal import Refused
from pycnn.core.refused_names import REFUSED

PACKAGES = [
    module.name
    for module in pkgutil.iter_modules(keras.__path__)
    if module.ispkg and module.name not in ("bench", "cli", "core", "sklearn", "tf")
]
NAMES = [(package, name) for package, names in REFUSED.items() for name in names]


def of_users(package):
    """The package or class that users call so."""
    found = keras
    for part in package.split(".")[1:]:
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("package", sorted(REFUSED))
def test_refused_names(package):
    owner = of_users(package)
    assert not set(REFUSED[package]) & set(dir(owner))
    for name, advice in REFUSED[package].items():
        refused = getattr(owner if inspect.ismodule(owner) else owner.range(3), name)
        assert isinstance(refused, Refused), name
        for use in (refused, lambda refused=refused: refused.x, lambda refused=refused: derived(refused)):
            with pytest.raises(NotImplementedError) as raised:
                use()
            assert str(raised.value) == f"{package}.{name} is not supported: {advice}"
        assert not isinstance(3, refused)
        assert not issubclass(int, refused)


def derived(base):
    class Own(base):
        pass

    return Own


def test_refused_names_in_descriptions_and_strings():
    describe = {"module": "keras.layers", "class_name": "LSTM", "config": {}}
    for make, message in (
        (lambda: keras.layers.deserialize(describe), r"keras\.layers\.LSTM is not supported: .*recurrent"),
        (lambda: keras.saving.deserialize_keras_object(describe), r"keras\.layers\.LSTM is not supported"),
        (lambda: keras.losses.get("ctc"), r"keras\.losses\.CTC is not supported"),
        (lambda: keras.losses.deserialize(describe | {"class_name": "CTC"}), "CTC is not supported"),
        (lambda: keras.optimizers.get("multioptimizer"), "MultiOptimizer is not supported: use one"),
        (lambda: keras.optimizers.deserialize(describe | {"class_name": "OptimizerMap"}), "OptimizerMap is"),
    ):
        with pytest.raises(ValueError, match=message):
            make()

    class LSTM(keras.layers.Layer):
        pass

    with keras.saving.custom_object_scope({"LSTM": LSTM}):
        assert isinstance(keras.layers.deserialize(describe), LSTM)


@pytest.mark.parametrize("package", PACKAGES)
def test_names_of_a_package(package):
    module = importlib.import_module(f"pycnn.{package}")
    for name in module.__all__:
        assert getattr(module, name) is not None, name
    assert set(module.__all__) <= set(dir(module))
    for name in ("no_such_name", "_private"):
        with pytest.raises(AttributeError, match=f"{module.__name__}' has no attribute '{name}'"):
            getattr(module, name)


@pytest.mark.parametrize(
    "package",
    ["activations", "callbacks", "constraints", "datasets", "initializers", "layers", "losses", "metrics",
     "models", "optimizers", "regularizers"],
)  # fmt: skip
def test_type_checkers_are_told_all_names(package):
    module = importlib.import_module(f"pycnn.{package}")
    imported = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                assert isinstance(statement, ast.ImportFrom)
                imported |= {alias.name: statement.module for alias in statement.names}
    assert set(imported) == set(module.__all__)
    for name, home in imported.items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name), name


def test_modules_are_imported_when_they_are_used():
    program = """if True:
        import sys
        import pycnn as keras
        def loaded(): return {name for name in sys.modules if name.startswith("pycnn.")}
        assert len(loaded()) < 30, loaded()
        assert keras.layers.AvgPool2D is keras.layers.AveragePooling2D
        assert keras.layers.deserialize({"class_name": "Dropout", "config": {"rate": 0.5}}).rate == 0.5
        assert "pycnn.losses.crossentropy" not in loaded() and "pycnn.models.model" not in loaded()
        weight = keras.Variable(initializer="ones", shape=(2,))
        assert keras.saving.serialize_keras_object(keras.activations.relu) == "relu"
        config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [], "name": "s"}}
        assert keras.saving.deserialize_keras_object(config).name == "s"
        from pycnn.layers import *
        from pycnn import *
        assert Dense is layers.Dense and LayerNormalization.__name__ == "LayerNormalization"
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
