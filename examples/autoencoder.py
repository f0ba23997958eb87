"""A picture in 32 numbers and back: `python examples/autoencoder.py [PICTURE.png] [EPOCHS]`.

Convolutions and a dense layer press pictures of Fashion-MNIST into a short code, transposed convolutions
draw them again. Their mean squared error on test pictures must be far below that of the average picture.
"""

import sys

import numpy as np
from PIL import Image

import pycnn as keras
from pycnn import layers

path = sys.argv[1] if len(sys.argv) > 1 else "autoencoder.png"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
keras.utils.set_random_seed(0)

(x, _), (xt, _) = keras.datasets.fashion_mnist.load_data()
x, xt = x.reshape(-1, 28, 28, 1) / 255, xt.reshape(-1, 28, 28, 1) / 255

encoder = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(32),
    ],
    name="encoder",
)
decoder = keras.Sequential(
    [
        keras.Input((32,)),
        layers.Dense(7 * 7 * 32, activation="relu"),
        layers.Reshape((7, 7, 32)),
        layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
    ],
    name="decoder",
)
picture = keras.Input((28, 28, 1))
model = keras.Model(picture, decoder(encoder(picture)), name="autoencoder")
model.compile("adam", "mse")
model.fit(x, x, batch_size=128, epochs=epochs, validation_data=(xt, xt))

error = model.evaluate(xt, xt, verbose=0)
average = float(np.mean((xt - x.mean(0)) ** 2))
print(f"mean squared error {error:.4f}; of the average picture {average:.4f}")

rows = np.stack([xt[:12, :, :, 0], model.predict(xt[:12], verbose=0)[..., 0]])
sheet = (255 * rows.transpose(0, 2, 1, 3).reshape(2 * 28, 12 * 28)).astype(np.uint8)
Image.fromarray(sheet).resize((12 * 56, 2 * 56), Image.Resampling.NEAREST).save(path)
print(f"pictures and what came back: {path}")
