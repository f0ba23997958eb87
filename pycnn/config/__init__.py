"""This build, this machine, and the settings of the process."""

from pycnn.config.report import show_config
from pycnn.config.settings import get_exact, get_isa, get_num_threads, set_exact, set_isa, set_num_threads
from pycnn.core.data_format import image_data_format, set_image_data_format
from pycnn.core.lazy import names_from
from pycnn.core.policy import dtype_policy, set_dtype_policy
from pycnn.core.session import backend, epsilon, floatx, set_epsilon, set_floatx

__all__ = [
    "backend",
    "dtype_policy",
    "epsilon",
    "floatx",
    "get_exact",
    "get_isa",
    "get_num_threads",
    "image_data_format",
    "set_dtype_policy",
    "set_epsilon",
    "set_exact",
    "set_floatx",
    "set_image_data_format",
    "set_isa",
    "set_num_threads",
    "show_config",
]

__getattr__, __dir__ = names_from(__name__, __all__)
