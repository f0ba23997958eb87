"""The callback that writes what TensorBoard shows: TensorBoard."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.callbacks.base import Callback, Logs
from pycnn.core.arguments import as_int
from pycnn.core.outline import outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINS = 30  # of a histogram
_MOST_IMAGES = 3  # of one weight


class TensorBoard(Callback):
    """Writes event files for TensorBoard, with the package `tensorboardX`.

    `log_dir/train` gets `epoch_<name>` of each epoch and its learning rate, `log_dir/validation` the same of
    the validation, and `evaluation_<name>_vs_iterations` of each evaluation.

    Args:
        log_dir: folder of the event files.
        histogram_freq: epochs from one histogram of each weight to the next; 0 for none.
        write_graph: whether there is a picture of the layers and what goes from one to the other.
        write_images: whether weights are written as images, too, as often as the histograms.
        write_steps_per_second: whether the number of steps in a second is written.
        update_freq: 'epoch'; or 'batch' or a number of batches after which `batch_<name>` is written, too.
        profile_batch: only 0.
        embeddings_freq: only 0.
        embeddings_metadata: only None.

    Raises:
        ImportError: if `tensorboardX` is not installed.
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> board = keras.callbacks.TensorBoard("logs", histogram_freq=1)  # doctest: +SKIP
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: None = None,
    ) -> None:
        super().__init__()
        if profile_batch:
            raise ValueError(
                f"TensorBoard: `profile_batch` is not supported; expected 0, not {profile_batch!r}. "
                f"`model.profile` tells where the time goes"
            )
        if embeddings_freq or embeddings_metadata is not None:
            raise ValueError(
                "TensorBoard: `embeddings_freq` and `embeddings_metadata` are not supported; "
                "expected 0 and None"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = as_int("TensorBoard: histogram_freq", histogram_freq, 0)
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq: str | int = "epoch"
        if update_freq != "epoch":
            self.update_freq = (
                1 if update_freq == "batch" else as_int("TensorBoard: update_freq", update_freq, 1)
            )
        self._writers: dict[str, Any] = {}
        self._batches = 0
        self._summary = _summary()

    # --- what is written where ------------------------------------------------------------------------------
    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            from tensorboardX import FileWriter

            self._writers[part] = FileWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    def _scalar(self, part: str, tag: str, value: Any, step: int) -> None:
        if np.ndim(value) == 0:
            self._writer(part).add_summary(self._summary.scalar(tag, float(value)), step)

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    # --- moments --------------------------------------------------------------------------------------------
    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches = 0
        if self.write_graph:
            self._write_graph()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch_start, self._steps_before = time.perf_counter(), self._batches

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.update_freq == "epoch" or self._batches % int(self.update_freq):
            return
        if self.write_steps_per_second:
            rate = 1.0 / max(time.perf_counter() - self._batch_start, 1e-9)
            self._scalar("train", "batch_steps_per_second", rate, self._batches)
        for name, value in (logs or {}).items():
            self._scalar("train", f"batch_{name}", value, self._batches)

    def on_test_end(self, logs: Logs | None = None) -> None:
        step = self.model.optimizer.iterations
        for name, value in (logs or {}).items():
            self._scalar("validation", f"evaluation_{name}_vs_iterations", value, step)
        for writer in self._writers.values():
            writer.flush()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        values = dict(logs or {})
        for name, value in values.items():
            if name.startswith("val_"):
                self._scalar("validation", f"epoch_{name.removeprefix('val_')}", value, epoch)
        train = {name: value for name, value in values.items() if not name.startswith("val_")}
        train["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._epoch_start, 1e-9)
            train["steps_per_second"] = (self._batches - self._steps_before) / seconds
        for name, value in train.items():
            self._scalar("train", f"epoch_{name}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    # --- weights and layers ---------------------------------------------------------------------------------
    def _write_weights(self, epoch: int) -> None:
        writer = self._writer("train")
        for variable in self.model.weights:
            values = variable.numpy()
            finite = values[np.isfinite(values)]
            if finite.size:
                tag = f"{variable.path}/histogram"
                writer.add_summary(self._summary.histogram(tag, finite, _BINS), epoch)
            if self.write_images:
                for i, image in enumerate(_images(values)[:_MOST_IMAGES]):
                    tag = f"{variable.path}/image/{i}"
                    writer.add_summary(self._summary.image(tag, image, dataformats="HW"), epoch)

    def _write_graph(self) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.graph_pb2 import GraphDef
        from tensorboardX.proto.node_def_pb2 import NodeDef

        boxes = outline(self.model)
        nodes = [
            NodeDef(name=box.name, op=box.kind, input=[boxes[i].name for i in box.origins]) for box in boxes
        ]
        self._writer("train").add_event(Event(graph_def=GraphDef(node=nodes).SerializeToString()))


def _summary() -> Any:
    """tensorboardX's functions that make summaries."""
    try:
        from tensorboardX import summary
    except ImportError as error:
        raise ImportError(
            "callbacks.TensorBoard needs the package tensorboardX: pip install 'pycnn[tensorboard]'"
        ) from error
    return summary


def _images(weight: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """A weight as pictures of values from 0 to 1: a kernel's planes, or one picture, lying down."""
    planes = np.squeeze(weight)
    if planes.ndim == 0 or planes.ndim > 3:
        return []
    if planes.ndim == 1:
        planes = planes[:, None]
    elif planes.ndim == 2 and planes.shape[0] > planes.shape[1]:
        planes = planes.T
    planes = planes[None] if planes.ndim == 2 else planes.transpose(2, 0, 1)
    return list(np.clip(planes, 0.0, 1.0))
