"""Small image data sets, with the names that Keras gives them.

Each is looked for in this order, and the first place that has it is used:

1. the folder in the argument `data_dir` or, without one, in the environment variable `PYCNN_DATA`. A folder
   that is named must have the data: nothing else is tried, so that a typing error never trains on other data;
2. the user's cache: `$KERAS_HOME/datasets` where that is set, else `$XDG_CACHE_HOME/pycnn` or
   `~/.cache/pycnn`, `~/Library/Caches/pycnn` on macOS, `%LOCALAPPDATA%\\pycnn` on Windows. Every file there
   is checked against its published SHA-256 before it is used;
3. the folder of the operating system's package (`dataset-fashion-mnist` on Debian and Ubuntu);
4. the hosts that publish it: downloaded into the cache;
5. the sample inside this package (Fashion-MNIST only: 3,000 training and 1,000 test images).

One line on stderr tells when something is downloaded, and when the sample is used.
"""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from

if TYPE_CHECKING:
    from pycnn.datasets import cifar10, cifar100, fashion_mnist, mnist

__all__ = ["cifar10", "cifar100", "fashion_mnist", "mnist"]

__getattr__, __dir__ = names_from(__name__, __all__, submodules=__all__)
