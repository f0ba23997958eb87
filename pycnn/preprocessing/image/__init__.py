"""Pictures, and their augmentation: Keras' `preprocessing.image`."""

from pycnn.preprocessing.image.affine import apply_affine_transform
from pycnn.preprocessing.image.arrays import NumpyArrayIterator
from pycnn.preprocessing.image.checking import FolderReport, check_folder
from pycnn.preprocessing.image.contact_sheet import contact_sheet
from pycnn.preprocessing.image.dataframe import DataFrameIterator
from pycnn.preprocessing.image.directory import DirectoryIterator
from pycnn.preprocessing.image.generator import ImageDataGenerator
from pycnn.preprocessing.image.iterator import Iterator
from pycnn.preprocessing.image.resizing import smart_resize
from pycnn.preprocessing.image.values import (
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)
from pycnn.utils.images import array_to_img, img_to_array, load_img, save_img

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "FolderReport",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "check_folder",
    "contact_sheet",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]
