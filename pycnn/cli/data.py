"""Fashion-MNIST for the commands: the data, and where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pycnn.datasets.sources import Data

__all__ = ["load"]


def load(folder: str | None) -> tuple[Data, str]:
    """Loads the data set from `--data`, or from where it is found.

    Args:
        folder: the value of --data.

    Returns:
        The data as load_data returns it, and where it came from, for people.

    Raises:
        FileNotFoundError, ValueError: as load_data does; messages name the option instead of the argument.
    """
    from pycnn.datasets import fashion_mnist

    try:
        data = fashion_mnist.load_data(data_dir=folder)
        source = fashion_mnist.find(data_dir=folder)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(str(error).replace("data_dir", "--data", 1)) from error
    return data, "the sample inside pycnn" if source.kind == "download" else source.location
