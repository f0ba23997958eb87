"""ExecuTorch on XNNPACK: inference of whole networks only, exported from PyTorch with the shape fixed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from common import (  # type: ignore
    CHECKED,
    THREADS,
    Prepared,
    Unsupported,
    classes,
    data,
    network_of,
    serve,
)
from torch_peer import model  # type: ignore

TOLERANCE = 1e-4  # how far probabilities may be from PyTorch's


def version() -> str:
    try:
        return str(import_module("executorch.version").__version__)
    except ImportError as error:
        raise ImportError(f"{error}; install it with: pip install executorch") from error


class Compiled:
    """A module for arrays of the shape of x."""

    def __init__(self, net: Any, x: Any) -> None:
        torch: Any = import_module("torch")
        exir: Any = import_module("executorch.exir")
        xnnpack: Any = import_module("executorch.backends.xnnpack.partition.xnnpack_partitioner")
        bindings: Any = import_module("executorch.extension.pybindings.portable_lib")
        runtime: Any = import_module("executorch.runtime")
        exported = torch.export.export(net, (x,))
        lowered = exir.to_edge_transform_and_lower(exported, partitioner=[xnnpack.XnnpackPartitioner()])
        bindings._unsafe_reset_threadpool(THREADS)
        # Kept alive here: the method reads its memory.
        self.program = runtime.Runtime.get().load_program(lowered.to_executorch().buffer)
        self.method = self.program.load_method("forward")

    def __call__(self, x: Any) -> Any:
        return self.method.execute([x])[0]


def prepare(job: dict[str, Any]) -> Prepared:
    if job["kind"] != "infer":
        raise Unsupported("inference of whole networks only")
    version()
    torch: Any = import_module("torch")
    network, batch = network_of(job), int(job["batch"])
    last = torch.nn.Sigmoid() if classes(network) == 1 else torch.nn.Softmax(1)
    net = torch.nn.Sequential(model(network), last).eval()
    # A copy in the order of (n, c, h, w): where c is 1, other strides pass for it, and XNNPACK goes by them.
    images = torch.from_numpy(data(job)[0]).permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)
    x = images[:batch]
    compiled = Compiled(net, x)

    def run(calls: int) -> None:
        for _ in range(calls):
            compiled(x)

    checked = range(0, CHECKED, batch)
    found = np.concatenate([compiled(images[i : i + batch]).numpy() for i in checked])[:CHECKED]
    with torch.inference_mode():
        apart = float(np.abs(found - net(images[:CHECKED]).numpy()).max())
    if not apart <= TOLERANCE:
        raise ValueError(f"probabilities are {apart:.1e} from PyTorch's; expected at most {TOLERANCE:.0e}")
    return Prepared(run, [found])


if __name__ == "__main__":
    serve("executorch", version, prepare)
