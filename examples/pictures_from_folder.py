"""Hearts or suns, learnt from a folder of pictures: `python examples/pictures_from_folder.py [OPTIONS]`.

It draws pictures of two kinds into a folder, a subfolder each: a heart or a sun of any size, colour, place
and angle amid other things, on an uneven ground, blurred, noisy, as JPEG. Then it does what courses do: pairs
of convolution and max-pooling, Flatten, Dense, a sigmoid; RMSprop; pictures that an ImageDataGenerator reads
from the folder, turned, shifted, zoomed and mirrored at random. It ends with the accuracy on pictures that
were held out, a sheet of those that it got wrong or was least sure of, and a model for `pycnn predict`; with
an error where it learnt too little.

As it is, with 4,000 pictures of 300 x 300 pixels, it takes some minutes and has to reach 95 %;
`--pictures 800 --size 64 --epochs 14 --least 0.7` takes some seconds.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import pycnn as keras
from pycnn import layers
from pycnn.preprocessing.image import ImageDataGenerator

KINDS = ("hearts", "suns")


# --- pictures -----------------------------------------------------------------------------------------------
def outline(kind):
    """The outline of a heart or a sun around (0, 0), at most 1 away from it: (points, 2)."""
    if kind == "suns":
        angle = np.arange(18) * math.pi / 9
        radius = np.where(np.arange(18) % 2 == 0, 1.0, 0.5)
        return np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1)
    t = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, y + 2.5], 1) / 17


def clouds(size, cells, rng):
    """Smooth noise: (size, size, 3), from 0 to 1."""
    coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), np.float32) / 255


def ground(size, rng):
    """Two colours that go over into each other, clouds and grain: an image."""
    down, right = np.mgrid[0:size, 0:size] / size
    angle = rng.uniform(0, 2 * math.pi)
    share = (0.5 + (down - 0.5) * math.sin(angle) + (right - 0.5) * math.cos(angle)).clip(0, 1)[..., None]
    colours = rng.uniform(30, 225, (2, 1, 1, 3))
    pixels = colours[0] * share + colours[1] * (1 - share)
    pixels += 70 * (clouds(size, int(rng.integers(3, 7)), rng) - 0.5)
    pixels += 30 * (clouds(size, int(rng.integers(15, 30)), rng) - 0.5)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def add_clutter(image, rng):
    """Ellipses, bars, triangles and lines of any colours."""
    draw, size = ImageDraw.Draw(image), image.width
    for _ in range(int(rng.integers(2, 7))):
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        x, y = rng.uniform(0, size, 2)
        w, h = rng.uniform(0.03, 0.14, 2) * size
        form = rng.integers(4)
        if form == 0:
            draw.ellipse([x - w, y - h, x + w, y + h], fill=colour)
        elif form == 3:
            draw.line([x, y, *rng.uniform(0, size, 2)], fill=colour, width=max(int(0.02 * size), 1))
        else:
            angle = rng.uniform(0, 2 * math.pi) + np.arange(5 - form) * 2 * math.pi / (5 - form)
            corners = np.stack([x + w * np.cos(angle), y + h * np.sin(angle)], 1)
            draw.polygon([tuple(corner) for corner in corners], fill=colour)


def add_thing(image, kind, rng):
    """A heart or a sun with light from one side and an edge of another colour; nothing lies upon it."""
    size = image.width
    radius = rng.uniform(0.24, 0.4) * size
    angle, squeezed = rng.uniform(0, 2 * math.pi), rng.uniform(0.75, 1.0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = (outline(kind) * [squeezed, 1.0]) @ turn * radius + rng.uniform(radius, size - radius, 2)
    corners = [tuple(point) for point in points]
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    inside = np.asarray(mask, bool)
    under = np.asarray(image, np.float32)[inside].mean(0)
    colour = rng.uniform(0, 255, 3)
    while np.abs(colour - under).sum() < 220:  # it can be seen
        colour = rng.uniform(0, 255, 3)
    down, right = np.mgrid[0:size, 0:size] / size - 0.5
    light = rng.uniform(-1, 1, 2)
    pixels = colour + 130 * (light[0] * down + light[1] * right)[..., None]
    thing = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        edge = tuple(int(c) for c in rng.integers(0, 256, 3))
        ImageDraw.Draw(thing).line([*corners, corners[0]], fill=edge, width=max(int(0.015 * size), 1))
    image.paste(thing, mask=mask)


def picture(kind, size, rng):
    """One picture, as a camera would see it."""
    image = ground(size, rng)
    add_clutter(image, rng)
    add_thing(image, kind, rng)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.008) * size))
    pixels = np.asarray(image, np.float32) + rng.normal(0, rng.uniform(2, 10), (size, size, 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def draw_folder(folder, count, size, rng):
    """Draws `count` pictures, half of them of each kind."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for i in range(count // 2):
            image = picture(kind, size, rng)
            image.save(folder / kind / f"{kind}-{i:05}.jpg", quality=int(rng.integers(60, 95)))


# --- learning -----------------------------------------------------------------------------------------------
def network(size):
    """Pairs of convolution and max-pooling until the maps are small, then a classifier of two kinds."""
    model = keras.Sequential([keras.Input((size, size, 3))])
    filters, side = 16, size
    while side > 12:
        model.add(layers.Conv2D(min(filters, 64), 3, activation="relu", kernel_initializer="he_normal"))
        model.add(layers.MaxPooling2D(2))
        filters, side = 2 * filters, (side - 2) // 2
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def learn(folder, size, epochs, batch_size):
    """The trained network and the batches of held-out pictures."""
    changed = ImageDataGenerator(
        rescale=1 / 255, rotation_range=40, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.2,
        horizontal_flip=True, vertical_flip=True, fill_mode="reflect", validation_split=0.2,
    )  # fmt: skip
    unchanged = ImageDataGenerator(rescale=1 / 255, validation_split=0.2)
    common = {"target_size": (size, size), "class_mode": "binary", "batch_size": batch_size}
    pictures = changed.flow_from_directory(folder, subset="training", seed=1, **common)
    held_out = unchanged.flow_from_directory(folder, subset="validation", shuffle=False, **common)

    model = network(size)
    model.summary()
    model.compile(keras.optimizers.RMSprop(1e-3), "binary_crossentropy", metrics=["accuracy"])
    slower = keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3 if epoch < 0.7 * epochs else 2e-4)
    model.fit(pictures, epochs=epochs, validation_data=held_out, callbacks=[slower], verbose=2)
    return model, held_out


def for_pictures(model, names):
    """The network for pixels from 0 to 255, with a probability for each class, for `pycnn predict`."""
    inputs = keras.Input(model.input_shape[1:])
    second = model(layers.Rescaling(1 / 255)(inputs))
    whole = keras.Model(inputs, layers.Concatenate()([1 - second, second]))
    whole.class_names = list(names)
    return whole


def draw_hardest(path, held_out, probabilities, count=40):
    """A sheet of the pictures that the network got wrong, titled in red, or was least sure of."""
    of_true = np.where(held_out.classes == 1, probabilities, 1 - probabilities)
    edge, columns = 150, 8
    rows = -(-min(count, held_out.n) // columns)
    sheet = Image.new("RGB", (columns * edge, rows * (edge + 16)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, i in enumerate(np.argsort(of_true)[:count]):
        x, y = place % columns * edge, place // columns * (edge + 16)
        with Image.open(held_out.filepaths[i]) as image:
            sheet.paste(image.resize((edge - 4, edge - 4)), (x, y + 14))
        says = KINDS[int(probabilities[i] > 0.5)]
        sure = max(probabilities[i], 1 - probabilities[i])
        draw.text((x, y), f"{says}, {sure:.0%} sure", fill="red" if of_true[i] <= 0.5 else "black")
    sheet.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("hearts-and-suns"), help="where all is written")
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--size", type=int, default=300, help="height and width in pixels, at least 32")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=0.95, help="accuracy that has to be reached")
    options = parser.parse_args()

    keras.utils.set_random_seed(options.seed)
    pictures = options.folder / "pictures"
    if pictures.exists():
        raise SystemExit(f"{pictures} is there already: remove it, or name another --folder")
    draw_folder(pictures, options.pictures, options.size, np.random.default_rng(options.seed))
    model, held_out = learn(pictures, options.size, options.epochs, options.batch_size)
    probabilities = model.predict(held_out, verbose=0)[:, 0]
    accuracy = float(np.mean(held_out.classes == (probabilities > 0.5)))
    draw_hardest(options.folder / "hardest.png", held_out, probabilities)
    for_pictures(model, held_out.class_indices).save(options.folder / "model.safetensors")
    print(f"{' or '.join(KINDS)}: accuracy {accuracy:.3f} on {held_out.n} pictures that were held out")
    print(
        f"see {options.folder / 'hardest.png'}; try `pycnn predict {options.folder / 'model.safetensors'} …`"
    )
    if accuracy < options.least:
        raise SystemExit(f"not learnt: expected at least {options.least}")


if __name__ == "__main__":
    main()
