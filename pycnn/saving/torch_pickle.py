"""What `torch.save` keeps in `data.pkl`, read by an interpreter that can call nothing.

Python's pickle runs what a file says. Here the few instructions that describe dicts of tensors build dicts,
lists, tuples, numbers, texts and `Tensor`s; every other instruction and every other name is an error.
Source of the instructions: Lib/pickletools.py of Python; of the names: torch/_utils.py and torch/storage.py.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

# The types of storages, by the names of number formats in safetensors files.
_STORAGES = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8",
    "ByteStorage": "U8", "BoolStorage": "BOOL",
}  # fmt: skip
_MOST_AXES = 32


class UnreadableError(ValueError):
    """The instructions are damaged, or ask for something else than dicts of tensors."""


class Storage(NamedTuple):
    """Numbers in one row, in a file of their own within the archive."""

    number_format: str
    key: str  # the name of that file
    size: int  # in numbers


class Tensor(NamedTuple):
    """Some numbers of a storage; offset and strides count numbers. All of them lie within the storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Name(NamedTuple):
    """A name of a Python module, which is looked up nowhere but in tables here."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:100]


def read(content: bytes) -> Any:
    """The object that the instructions describe.

    Raises:
        UnreadableError: if they are damaged, or describe something else than dicts of tensors.
    """
    machine = _Machine(content)
    try:
        return machine.run()
    except (IndexError, KeyError, UnicodeDecodeError):
        raise UnreadableError(f"damaged at byte {machine.position:,} of its description") from None


class _Machine:
    """The stack, the memo and the position of an interpreter."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        while (code := self.take(1)) != b".":
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                raise UnreadableError(
                    f"instruction {code!r} of pickle, which no dict of tensors needs, is not run"
                )
            instruction(self)
        return self.stack.pop()

    # --- arguments ------------------------------------------------------------------------------------------
    def take(self, count: int) -> bytes:
        part = self.content[self.position : self.position + count]
        if len(part) < count:
            raise IndexError
        self.position += count
        return part

    def unsigned(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def signed(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little", signed=True)

    def line(self) -> str:
        end = self.content.find(b"\n", self.position)
        if end < 0:
            raise IndexError
        return self.take(end + 1 - self.position)[:-1].decode()

    # --- instructions ---------------------------------------------------------------------------------------
    def push(self, thing: Any) -> None:
        self.stack.append(thing)

    def mark(self) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        found, self.stack = self.stack, self.outer.pop()
        return found

    def push_tuple(self, length: int) -> None:
        if length > len(self.stack):
            raise IndexError
        begin = len(self.stack) - length
        self.stack[begin:] = [tuple(self.stack[begin:])]

    def protocol(self) -> None:
        if not 2 <= (version := self.unsigned(1)) <= 5:
            raise UnreadableError(f"protocol {version} of pickle; expected 2 to 5")

    def stacked_name(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise UnreadableError("a name is no text")
        self.push(_Name(module, name))

    def memoize(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise UnreadableError("items of something that is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, (str, int)):
                raise UnreadableError(f"a dict's key is a {_kind(key)}; expected a text or an integer")
            target[key] = value

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise UnreadableError("elements of something that is no list")
        target.extend(items)

    def storage(self) -> None:
        match self.stack.pop():
            case ("storage", _Name("torch", name), str(key), str(), int(size)) if name in _STORAGES:
                if not 0 <= size < 1 << 48:
                    raise UnreadableError(f"a storage of {size} numbers")
                self.push(Storage(_STORAGES[name], key, size))
            case ("storage", _Name() as name, *_):
                raise UnreadableError(f"a storage of type {name}; expected one of {', '.join(_STORAGES)}")
            case thing:
                raise UnreadableError(f"a reference to a {_kind(thing)}; expected one to a storage")

    def call(self) -> None:
        """Only functions of `_CALLS`, which make nothing but the objects here."""
        arguments, name = self.stack.pop(), self.stack.pop()
        function = _CALLS.get(name) if isinstance(name, _Name) else None
        if function is None:
            called = str(name) if isinstance(name, _Name) else f"a {_kind(name)}"
            raise UnreadableError(
                f"it asks for a call of {called}, which is not run: expected a dict of tensors alone, what "
                f"torch.save(model.state_dict(), path) writes"
            )
        self.push(function(arguments))

    def set_state(self) -> None:
        """Of an OrderedDict: its attributes, such as versions of modules, which nothing here asks for."""
        state = self.stack.pop()
        if not isinstance(self.stack[-1], dict) or not isinstance(state, dict):
            raise UnreadableError(f"a {_kind(self.stack[-1])} with a state of its own")


def _kind(thing: Any) -> str:
    """For messages: never the thing itself, as lists that hold each other have endless texts."""
    return str(thing) if isinstance(thing, _Name) else type(thing).__name__.strip("_").lower()


# --- what may be called -------------------------------------------------------------------------------------
def _ordered_dict(arguments: Any) -> dict[Any, Any]:
    if arguments not in ((), ([],)):
        raise UnreadableError("an OrderedDict made of something else than nothing")
    return {}


def _tensor(arguments: Any) -> Tensor:
    match arguments:
        case (Storage() as storage, int(offset), tuple(shape), tuple(strides), bool(), *_):
            return _checked(Tensor(storage, offset, shape, strides))
    raise UnreadableError("a tensor without storage, offset, shape and strides")


def _checked(tensor: Tensor) -> Tensor:
    numbers = (tensor.offset, *tensor.shape, *tensor.strides)
    if not all(type(number) is int and 0 <= number < 1 << 48 for number in numbers):
        raise UnreadableError("a tensor whose offset, shape or strides are no sizes")
    if len(tensor.shape) != len(tensor.strides) or len(tensor.shape) > _MOST_AXES:
        raise UnreadableError(f"a tensor with {len(tensor.shape)} axes and {len(tensor.strides)} strides")
    steps = zip(tensor.shape, tensor.strides, strict=True)
    end = tensor.offset + (
        sum((length - 1) * step for length, step in steps) + 1 if 0 not in tensor.shape else 0
    )
    if end > tensor.storage.size:
        raise UnreadableError(
            f"a tensor that ends at number {end:,} of storage {tensor.storage.key!r:.50}, which has "
            f"{tensor.storage.size:,}"
        )
    return tensor


def _parameter(arguments: Any) -> Tensor:
    match arguments:
        case (Tensor() as tensor, bool(), _):
            return tensor
    raise UnreadableError("a parameter without a tensor")


_CALLS: dict[_Name, Callable[[Any], Any]] = {
    _Name("collections", "OrderedDict"): _ordered_dict,
    _Name("torch._utils", "_rebuild_tensor_v2"): _tensor,
    _Name("torch._utils", "_rebuild_parameter"): _parameter,
}
_INSTRUCTIONS: dict[bytes, Callable[[_Machine], object]] = {
    b"\x80": _Machine.protocol,
    b"\x95": lambda m: m.take(8),  # the length of a frame
    b"(": _Machine.mark,
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"K": lambda m: m.push(m.unsigned(1)),
    b"M": lambda m: m.push(m.unsigned(2)),
    b"J": lambda m: m.push(m.signed(4)),
    b"\x8a": lambda m: m.push(m.signed(m.unsigned(1))),
    b"G": lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    b"X": lambda m: m.push(m.take(m.unsigned(4)).decode()),
    b"\x8c": lambda m: m.push(m.take(m.unsigned(1)).decode()),
    b"}": lambda m: m.push({}),
    b"]": lambda m: m.push([]),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m.since_mark())),
    b"\x85": lambda m: m.push_tuple(1),
    b"\x86": lambda m: m.push_tuple(2),
    b"\x87": lambda m: m.push_tuple(3),
    b"c": lambda m: m.push(_Name(m.line(), m.line())),
    b"\x93": _Machine.stacked_name,
    b"q": lambda m: m.memoize(m.unsigned(1)),
    b"r": lambda m: m.memoize(m.unsigned(4)),
    b"\x94": lambda m: m.memoize(len(m.memo)),
    b"h": lambda m: m.push(m.memo[m.unsigned(1)]),
    b"j": lambda m: m.push(m.memo[m.unsigned(4)]),
    b"Q": _Machine.storage,
    b"R": _Machine.call,
    b"b": _Machine.set_state,
    b"s": _Machine.set_item,
    b"u": lambda m: m.set_items(m.since_mark()),
    b"a": lambda m: m.append([m.stack.pop()]),
    b"e": lambda m: m.append(m.since_mark()),
}
