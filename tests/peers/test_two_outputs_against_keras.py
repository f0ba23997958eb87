"""A network with two inputs and two outputs, a layer and a loss of one's own: ten steps beside Keras."""

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def squeeze_and_excite(module):
    """A layer that scales channels by what two small products make of their means."""

    class SqueezeAndExcite(module.layers.Layer):
        def build(self, input_shape):
            channels = input_shape[-1]
            self.down = self.add_weight(shape=(channels, channels // 2), initializer="ones", name="down")
            self.up = self.add_weight(shape=(channels // 2, channels), initializer="ones", name="up")

        def call(self, x):
            mean = module.ops.mean(x, axis=(1, 2))
            hidden = module.ops.maximum(module.ops.matmul(mean, self.down), 0.0)
            gate = 1 / (1 + module.ops.exp(-module.ops.matmul(hidden, self.up)))
            return x * module.ops.expand_dims(module.ops.expand_dims(gate, 1), 1)

    return SqueezeAndExcite


def smooth_distance(module):
    """A loss: sqrt(1 + d^2) - 1 of the differences, its mean over all but the first axis."""

    def loss(y_true, y_pred):
        difference = y_true - y_pred
        return module.ops.mean(module.ops.sqrt(1 + difference * difference) - 1, axis=-1)

    return loss


def network(module):
    k = module.layers
    image, facts = module.Input((10, 9, 3), name="image"), module.Input((4,), name="facts")
    x = k.Conv2D(8, 3, activation="relu", name="conv")(image)
    x = squeeze_and_excite(module)(name="excite")(x)
    x = k.Flatten(name="flat")(k.MaxPooling2D(2, name="pool")(x))
    both = k.Concatenate(name="join")([x, k.Dense(6, activation="tanh", name="dense")(facts)])
    kind = k.Dense(5, activation="softmax", name="kind")(both)
    size = k.Dense(2, name="size")(both)
    model = module.Model({"image": image, "facts": facts}, {"kind": kind, "size": size})
    model.compile(
        module.optimizers.SGD(0.05),
        loss={"kind": "sparse_categorical_crossentropy", "size": smooth_distance(module)},
        loss_weights={"kind": 1.0, "size": 0.3},
        metrics={"kind": ["accuracy"]},
    )
    return model


def test_ten_steps(rng):
    ours, theirs = network(pycnn), network(keras)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    weights = [0.3 * normal(rng, *w.shape) for w in theirs.get_weights()]
    for model in (ours, theirs):
        model.set_weights(weights)
    n = 12
    x = {"image": normal(rng, 10 * n, 10, 9, 3), "facts": normal(rng, 10 * n, 4)}
    y = {"kind": rng.integers(0, 5, 10 * n), "size": normal(rng, 10 * n, 2)}
    for step in range(10):
        part = slice(step * n, (step + 1) * n)
        batch = [{name: array[part] for name, array in arrays.items()} for arrays in (x, y)]
        found, expected = (model.train_on_batch(*batch, return_dict=True) for model in (ours, theirs))
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * max(1.0, np.abs(other).max()))
    found, expected = ours.predict(x, verbose=0), theirs.predict(x, verbose=0)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-4)
    history = [
        model.fit(x, y, batch_size=n, epochs=2, shuffle=False, verbose=0).history for model in (ours, theirs)
    ]
    assert history[0].keys() == history[1].keys()
    for name, values in history[1].items():
        np.testing.assert_allclose(history[0][name], values, rtol=1e-4, err_msg=name)
