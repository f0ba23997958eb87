"""Files as `torch.save` writes them, made without PyTorch."""

import collections
import io
import pickle
import sys
import types
import zipfile
from unittest import mock

import numpy as np

STORAGES = {"f4": "FloatStorage", "f2": "HalfStorage", "f8": "DoubleStorage", "i8": "LongStorage"}


class Tensor:
    """A view of a row of numbers: offset and strides count numbers."""

    def __init__(self, array, storage="0", offset=0, shape=None, strides=None, kind=None):
        self.row = np.ascontiguousarray(array).reshape(-1)
        self.storage, self.offset = storage, offset
        self.shape = np.shape(array) if shape is None else shape
        self.strides = contiguous(self.shape) if strides is None else strides
        self.kind = STORAGES[self.row.dtype.str[1:]] if kind is None else kind


def contiguous(shape):
    return tuple(int(np.prod(shape[i + 1 :], dtype=int)) for i in range(len(shape)))


def tensors(arrays):
    """Arrays by name as tensors, each with a storage of its own."""
    return {name: Tensor(array, str(i)) for i, (name, array) in enumerate(arrays.items())}


def fake_torch():
    """The modules whose names such files have, with nothing in them but these names."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_device_tensor"):
        function = types.FunctionType((lambda *a: None).__code__, {"__name__": "torch._utils"}, name)
        function.__module__, function.__qualname__ = "torch._utils", name
        setattr(utils, name, function)
    for name in (*STORAGES.values(), "BFloat16Storage", "ComplexFloatStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    return {"torch": torch, "torch._utils": utils}


class _Pickler(pickle.Pickler):
    def __init__(self, file, protocol, torch):
        super().__init__(file, protocol)
        self.torch = torch

    def persistent_id(self, thing):
        if isinstance(thing, _Storage):
            kind = getattr(self.torch, thing.tensor.kind)
            return ("storage", kind, thing.tensor.storage, "cpu", len(thing.tensor.row))
        return None

    def reducer_override(self, thing):
        if isinstance(thing, Tensor):
            rebuild, hooks = self.torch._utils._rebuild_tensor_v2, collections.OrderedDict()
            arguments = (_Storage(thing), thing.offset, thing.shape, thing.strides, False, hooks)
            return rebuild, arguments
        return NotImplemented


class _Storage:
    def __init__(self, tensor):
        self.tensor = tensor


def description(thing, protocol=2):
    """The content of data.pkl."""
    file, modules = io.BytesIO(), fake_torch()
    with mock.patch.dict(sys.modules, modules):
        _Pickler(file, protocol, modules["torch"]).dump(thing)
    return file.getvalue()


def content(thing, *, pickled=None, protocol=2, compression=zipfile.ZIP_STORED, byteorder="little"):
    """A whole file: of a dict of Tensors, or of `thing` with other instructions."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("file/data.pkl", description(thing, protocol) if pickled is None else pickled)
        archive.writestr("file/byteorder", byteorder)
        found = thing.values() if isinstance(thing, dict) else ()
        rows = {each.storage: each.row for each in found if isinstance(each, Tensor)}
        for key, row in rows.items():
            archive.writestr(f"file/data/{key}", row.tobytes())
        archive.writestr("file/version", "3\n")
    return file.getvalue()
