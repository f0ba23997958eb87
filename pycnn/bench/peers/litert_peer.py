"""LiteRT (TensorFlow Lite on XNNPACK): inference of whole networks only, with the shape fixed."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from common import CHECKED, THREADS, Prepared, Unsupported, data, network_of, serve  # type: ignore
from keras_network import keras_model  # type: ignore


def version() -> str:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return str(import_module("tensorflow").__version__)


class Interpreter:
    """One array's inference."""

    def __init__(self, network: Any, x: Any) -> None:
        tf: Any = import_module("tensorflow")
        net = keras_model(tf.keras, network, len(x))
        model = tf.lite.TFLiteConverter.from_keras_model(net).convert()
        self.x = x
        self.interpreter = tf.lite.Interpreter(model_content=model, num_threads=THREADS)  # on XNNPACK
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]

    def infer(self) -> None:
        self.interpreter.set_tensor(self.input, self.x)
        self.interpreter.invoke()


def prepare(job: dict[str, Any]) -> Prepared:
    if job["kind"] != "infer":
        raise Unsupported("inference of whole networks only")
    version()
    x, network = data(job)[0], network_of(job)
    checked, timed = Interpreter(network, x[:CHECKED]), Interpreter(network, x[: int(job["batch"])])
    checked.infer()

    def run(calls: int) -> None:
        for _ in range(calls):
            timed.infer()

    return Prepared(run, [checked.interpreter.get_tensor(checked.output)])


if __name__ == "__main__":
    serve("litert", version, prepare)
