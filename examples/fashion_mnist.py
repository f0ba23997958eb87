"""A convolutional network learns Fashion-MNIST: `python examples/fashion_mnist.py [EPOCHS]`.

The program is Keras' except for its import. It ends with an error where the network did not learn.
"""

import sys

import pycnn as keras

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
keras.utils.set_random_seed(0)

(x, y), (xt, yt) = keras.datasets.fashion_mnist.load_data()
enough = (
    0.88 if len(x) == 60_000 else 0.6
)  # test accuracy; less where only the sample in the package is there
x, xt = x.reshape(-1, 28, 28, 1) / 255, xt.reshape(-1, 28, 28, 1) / 255

model = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(64, 3, activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Conv2D(64, 3, activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Flatten(),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dense(10, activation="softmax"),
])  # fmt: skip
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()
model.fit(x, y, epochs=epochs, validation_data=(xt, yt))

_, accuracy = model.evaluate(xt, yt, verbose=0)
names = keras.datasets.fashion_mnist.class_names
for image, label in zip(xt[:5], yt[:5], strict=True):
    probabilities = model.predict(image[None], verbose=0)[0]
    best = probabilities.argmax()
    print(f"{names[label]:12} seen as {names[best]:12} with probability {probabilities[best]:.3f}")
print(f"test accuracy {accuracy:.4f}")
if accuracy < enough:
    sys.exit(f"test accuracy is below {enough}")
