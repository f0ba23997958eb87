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

    quantize = refused(
        "quantize", "weights are float32; compile_inference() or `dtype='mixed_bfloat16'` make models faster"
    )
    get_quantization_layer_structure = refused("get_quantization_layer_structure", "there is no `quantize`")
    jax_state_sync = refused("jax_state_sync", _JAX)
    compute_loss_and_updates = refused("compute_loss_and_updates", _JAX)
    stateless_compute_loss = refused("stateless_compute_loss", _JAX)
    get_state_tree = refused("get_state_tree", "`save` keeps everything, `get_weights` gives the arrays")
    set_state_tree = refused("set_state_tree", "`load_model` reads everything, `set_weights` takes arrays")
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

    def export(self, filepath: Any, format: str = "onnx", verbose: bool | None = None, **kwargs: Any) -> None:
        """Writes the model's inference to an ONNX file, for other runtimes.

        Inputs and outputs have pycnn's names and shapes, images (batch, height, width, channels); float32 is
        computed, also where the model computes in bfloat16. Needs `pip install 'pycnn[onnx]'`. Programs in
        C++ and C load what `save('model.safetensors')` writes.

        Args:
            filepath: of the file.
            format: 'onnx'.
            verbose: whether to say what was written; None: it is said.
            kwargs: Keras' further arguments, none of which means anything here, are refused.

        Raises:
            ValueError: for another format, a model without weights, or one too large for the format (2 GB).
            NotImplementedError: for what ONNX cannot say, such as a step in Python: it is named.
            ImportError: where the package onnx is not installed.
            OSError: if the file cannot be written; then there is none.

        Example:
            >>> import pycnn as keras
            >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
            >>> model.export("model.bin", format="tf_saved_model")
            Traceback (most recent call last):
            ValueError: format='tf_saved_model' is not supported; expected 'onnx'. Keras exports ...
        """
        from pycnn.saving import in_onnx

        if format != "onnx":
            raise ValueError(
                f"format={format!r} is not supported; expected 'onnx'. Keras exports other formats of what "
                "it loads from save('model.keras')"
            )
        if kwargs:
            raise ValueError(f"The following argument(s) are not supported: {list(kwargs)}")
        path = in_onnx.export_model(self, filepath)
        if verbose is None or verbose:
            print(f"Saved artifact at '{path}'.")

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
