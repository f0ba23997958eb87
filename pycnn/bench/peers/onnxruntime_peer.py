"""ONNX Runtime: inference of whole networks only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from common import CHECKED, THREADS, Prepared, Unsupported, classes, data, network_of, serve  # type: ignore
from onnx_network import onnx_network  # type: ignore


def version() -> str:
    library = import_module("onnxruntime")
    import_module("onnx")
    return str(library.__version__)


def prepare(job: dict[str, Any]) -> Prepared:
    if job["kind"] != "infer":
        raise Unsupported("inference of whole networks only")
    ort: Any = import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    model = onnx_network(network_of(job))
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    x = np.ascontiguousarray(data(job)[0].transpose(0, 3, 1, 2))
    part, units = x[: int(job["batch"])], classes(network_of(job))
    binding = session.io_binding()  # arrays of its own: nothing is allocated or copied in a call
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(part))
    out = ort.OrtValue.ortvalue_from_shape_and_type([len(part), units], np.float32)
    binding.bind_ortvalue_output("y", out)

    def run(calls: int) -> None:
        for _ in range(calls):
            session.run_with_iobinding(binding)

    return Prepared(run, session.run(None, {"x": x[:CHECKED]}))


if __name__ == "__main__":
    serve("onnxruntime", version, prepare)
