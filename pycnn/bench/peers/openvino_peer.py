"""OpenVINO: inference of whole networks only, in float32 (form bf16: in bfloat16), with the shape fixed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from application import onnx_file, pictures  # type: ignore
from common import (  # type: ignore
    CHECKED,
    FORM,
    MEMORY,
    THREADS,
    Prepared,
    Unsupported,
    data,
    network_of,
    serve,
)
from onnx_network import onnx_network  # type: ignore


def version() -> str:
    library = import_module("openvino")
    import_module("onnx")
    return str(library.__version__)


class Request:
    """Inference on one array, by a file's content or its path. It keeps what OpenVINO only refers to."""

    def __init__(self, model: bytes | str, x: Any) -> None:
        openvino: Any = import_module("openvino")
        self.x = np.ascontiguousarray(x)
        self.core = openvino.Core()
        self.core.set_property("CPU", {"INFERENCE_NUM_THREADS": THREADS})
        net = self.core.read_model(model)
        net.reshape(list(x.shape))
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": FORM or "f32"}
        self.compiled = self.core.compile_model(net, "CPU", settings)
        self.request = self.compiled.create_infer_request()
        self.input = openvino.Tensor(self.x, shared_memory=True)
        self.request.set_input_tensor(self.input)
        self.infer = self.request.infer

    def run(self, calls: int) -> None:
        """So many times."""
        for _ in range(calls):
            self.infer()


def prepare(job: dict[str, Any]) -> Prepared:
    if job["kind"] != "infer":
        raise Unsupported("inference of whole networks only")
    if "files" in job:
        version()
        MEMORY.begin()
        request = Request(onnx_file(job), pictures(job)[0])
        request.infer()
        return Prepared(request.run, [request.request.get_output_tensor().data.copy()])
    x, model = np.ascontiguousarray(data(job)[0].transpose(0, 3, 1, 2)), onnx_network(network_of(job))
    checked, timed = Request(model, x[:CHECKED]), Request(model, x[: int(job["batch"])])
    checked.infer()
    return Prepared(timed.run, [checked.request.get_output_tensor().data.copy()])


if __name__ == "__main__":
    serve("openvino", version, prepare)
