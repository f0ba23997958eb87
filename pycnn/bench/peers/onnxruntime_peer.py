"""ONNX Runtime: inference of whole networks only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from application import CLASSES, onnx_file, pictures  # type: ignore
from common import (  # type: ignore
    CHECKED,
    MEMORY,
    THREADS,
    Prepared,
    Unsupported,
    classes,
    data,
    network_of,
    serve,
)
from onnx_network import onnx_network  # type: ignore


def version() -> str:
    library = import_module("onnxruntime")
    import_module("onnx")
    return str(library.__version__)


def session_of(model: Any) -> Any:
    """For a file's content or its path."""
    ort: Any = import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bound(session: Any, x: Any, units: int) -> Prepared:
    """Calls with arrays of their own: nothing is allocated or copied in them."""
    ort: Any = import_module("onnxruntime")
    binding = session.io_binding()
    binding.bind_ortvalue_input(session.get_inputs()[0].name, ort.OrtValue.ortvalue_from_numpy(x))
    out = ort.OrtValue.ortvalue_from_shape_and_type([len(x), units], np.float32)
    binding.bind_ortvalue_output(session.get_outputs()[0].name, out)

    def run(calls: int) -> None:
        for _ in range(calls):
            session.run_with_iobinding(binding)

    run(1)
    return Prepared(run, [out.numpy()])


def prepare(job: dict[str, Any]) -> Prepared:
    if job["kind"] != "infer":
        raise Unsupported("inference of whole networks only")
    if "files" in job:
        version()
        MEMORY.begin()
        return bound(session_of(onnx_file(job)), pictures(job)[0], CLASSES)
    session = session_of(onnx_network(network_of(job)))
    x = np.ascontiguousarray(data(job)[0].transpose(0, 3, 1, 2))
    timed = bound(session, x[: int(job["batch"])], classes(network_of(job)))
    return Prepared(timed.run, session.run(None, {"x": x[:CHECKED]}))


if __name__ == "__main__":
    serve("onnxruntime", version, prepare)
