"""What a convolution does to a picture: blur, sharpen, emboss and edges, each by a kernel of nine numbers.

`python examples/image_kernels.py [FILE.png]` writes the pictures side by side. A network learns such kernels
by itself.
"""

import sys

import numpy as np
from PIL import Image

from pycnn import ops
from pycnn.datasets import fashion_mnist

KERNELS = {
    "blur": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
    "edges": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}
MAGNIFIED = 8  # pixels for each of the picture's
GAP = 8


def filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The picture (h, w), 0 to 255, under a kernel (3, 3); its border is repeated outwards."""
    x = image[None, :, :, None]
    w = kernel[:, :, None, None]
    y = ops.conv2d(x, w, padding="same", padding_mode="edge")
    return np.clip(y[0, :, :, 0], 0, 255)


def collage() -> dict[str, np.ndarray]:
    """Four test images as one picture, and that picture under each kernel."""
    (_, _), (images, labels) = fashion_mnist.load_data()
    chosen = [images[np.flatnonzero(labels == label)[0]] for label in (9, 2, 8, 3)]
    picture = np.block([[chosen[0], chosen[1]], [chosen[2], chosen[3]]]).astype(np.float32)
    return {"original": picture, **{name: filtered(picture, kernel) for name, kernel in KERNELS.items()}}


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else "image_kernels.png"
    pictures = collage()
    height, width = (MAGNIFIED * size for size in pictures["original"].shape)
    sheet = np.full((height, len(pictures) * (width + GAP) - GAP), 255, np.uint8)
    for i, picture in enumerate(pictures.values()):
        left = i * (width + GAP)
        sheet[:, left : left + width] = np.kron(np.rint(picture), np.ones((MAGNIFIED, MAGNIFIED)))
    Image.fromarray(sheet).save(path)
    print(f"{path}: {', '.join(pictures)}")


if __name__ == "__main__":
    main()
