"""Image kernels by name, and what applies one to pictures: blur, sharpen, emboss, edges.

Example:
    >>> import numpy as np
    >>> from pycnn import filters
    >>> image = np.array([[0, 0, 9, 9]] * 3, np.uint8)
    >>> filters.apply(image, "box_blur", mode="nearest")[1].tolist()
    [0, 3, 6, 9]
"""

from pycnn.filters.applying import MODES, apply, apply_to_file
from pycnn.filters.kernels import DESCRIPTIONS, NAMES, box, gaussian, get

__all__ = ["DESCRIPTIONS", "MODES", "NAMES", "apply", "apply_to_file", "box", "gaussian", "get"]
