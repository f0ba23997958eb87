"""Further attributes and methods of Keras' models, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pycnn.core.layer import Layer
from pycnn.core.refusal import refused

_JAX = "all state is in variables, which `get_weights` and `set_weights` read and write"
_NEVER_CALLED = ("make_train_function", "make_test_function", "make_predict_function")


class ModelInterface(Layer):
    """Base of models."""

    export = refused(
        "export",
        "`save('model.safetensors')` writes what programs in C++ and C load (pycnn.h), without Python",
    )
    quantize = refused(
        "quantize", "weights are float32; compile_inference() or `dtype='mixed_bfloat16'` make models faster"
    )
    get_quantization_layer_structure = refused("get_quantization_layer_structure", "there is no `quantize`")
    jax_state_sync = refused("jax_state_sync", _JAX)
    compute_loss_and_updates = refused("compute_loss_and_updates", _JAX)
    stateless_compute_loss = refused("stateless_compute_loss", _JAX)
    get_state_tree = refused("get_state_tree", "`save` keeps everything, `get_weights` gives the arrays")
    set_state_tree = refused("set_state_tree", "`load_model` reads everything, `set_weights` takes arrays")
    fit_generator = refused("fit_generator", "`fit` takes generators")
    evaluate_generator = refused("evaluate_generator", "`evaluate` takes generators")
    predict_generator = refused("predict_generator", "`predict` takes generators")
    predict_classes = refused("predict_classes", "use numpy.argmax(model.predict(x), axis=-1)")
    predict_proba = refused("predict_proba", "use `predict`")

    # What `compile` was given; all three have no effect.
    run_eagerly = False
    jit_compile: Any = "auto"
    steps_per_execution = 1

    def __init__(self, **kwargs: Any) -> None:
        for name in _NEVER_CALLED:
            if getattr(type(self), name) is not getattr(ModelInterface, name):
                raise NotImplementedError(
                    f"{type(self).__name__} overrides `{name}`, which nothing calls; override `train_step`, "
                    f"`test_step`, `predict_step` or `compute_loss`"
                )
        super().__init__(**kwargs)

    def overrides(self, method: str) -> bool:
        """Whether a subclass has a method of its own: `train_step`, `compute_loss`, …"""
        return not getattr(getattr(type(self), method), "is_default", False)

    def make_train_function(self, force: bool = False) -> Callable[[Iterator[Any]], Any]:
        """What does `train_step` with the next batch of an iterator; `fit` needs no such call.

        Args:
            force: has no effect.
        """
        return lambda iterator: self.train_step(next(iterator))  # type: ignore[attr-defined]

    def make_test_function(self, force: bool = False) -> Callable[[Iterator[Any]], Any]:
        """What does `test_step` with the next batch of an iterator; `evaluate` needs no such call."""
        return lambda iterator: self.test_step(next(iterator))  # type: ignore[attr-defined]

    def make_predict_function(self, force: bool = False) -> Callable[[Iterator[Any]], Any]:
        """What does `predict_step` with the next batch of an iterator; `predict` needs no such call."""
        return lambda iterator: self.predict_step(next(iterator))  # type: ignore[attr-defined]
