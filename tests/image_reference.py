"""Augmentation of one image in NumPy and float64: the specification of the core's."""

import numpy as np


def pixel(i, n, mode):
    """The pixel of an axis of length n in place of the integer i (-1: the constant)."""
    if mode == "constant":
        return i if 0 <= i < n else -1
    if mode == "wrap":
        return i % n
    if mode == "reflect":
        return min(i % (2 * n), 2 * n - 1 - i % (2 * n))
    if mode == "mirror" and n > 1:
        return min(i % (2 * n - 2), 2 * n - 2 - i % (2 * n - 2))
    return min(max(i, 0), n - 1)


def affine(x, matrix, order, mode, cval, size=None):
    """y[i, j] = x at (m[0] i + m[1] j + m[2], m[3] i + m[4] j + m[5]), x (h, w, c)."""
    h, w, c = x.shape
    y = np.empty((*(size or (h, w)), c))
    inner = "nearest" if mode == "constant" else mode

    def at(i, j):
        return x[pixel(i, h, inner), pixel(j, w, inner)]

    for i, j in np.ndindex(y.shape[:2]):
        a, b = matrix.reshape(2, 3) @ (i, j, 1)
        if mode == "constant" and not (-1e-5 <= a <= h - 1 + 1e-5 and -1e-5 <= b <= w - 1 + 1e-5):
            y[i, j] = cval
        elif order == 0:
            y[i, j] = at(int(np.floor(a + 0.5)), int(np.floor(b + 0.5)))
        else:
            p, q = int(np.floor(a)), int(np.floor(b))
            fy, fx = a - p, b - q
            upper = (1 - fx) * at(p, q) + fx * at(p, q + 1)
            lower = (1 - fx) * at(p + 1, q) + fx * at(p + 1, q + 1)
            y[i, j] = (1 - fy) * upper + fy * lower
    return y
