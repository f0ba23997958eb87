"""Features of frozen models, computed once."""

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers


def network(*more, trainable=False):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(),
            *more,
            layers.GlobalAveragePooling2D(),
        ]
    )
    model.trainable = trainable
    return model


def test_same_as_the_frozen_layers_in_training(rng, tmp_path):
    """A top that learns on them learns what it would learn on top of the network."""
    base, x, y = network(), rng.normal(size=(20, 6, 6, 2)), rng.integers(0, 2, 20)
    tops = [
        keras.Sequential([keras.Input((3,)), layers.Dense(1, kernel_initializer="ones")]) for _ in range(2)
    ]
    whole = keras.Sequential([base, tops[0]])
    for model in (whole, tops[1]):
        model.compile(keras.optimizers.SGD(0.1), "mse")
    features = base.precompute_features(x, cache_dir=tmp_path / "kept")
    np.testing.assert_array_equal(features, base.predict(x))
    whole.fit(x, y, epochs=3, shuffle=False, verbose=0)
    tops[1].fit(features, y, epochs=3, shuffle=False, verbose=0)
    for one, other in zip(tops[0].get_weights(), tops[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_kept_on_disk(rng, tmp_path, monkeypatch):
    base, x = network(), rng.normal(size=(5, 6, 6, 2)).astype(np.float32)
    features = base.precompute_features(x, tmp_path)
    (path,) = tmp_path.iterdir()
    computed = []
    monkeypatch.setattr(base, "predict", lambda x, verbose: computed.append(len(x)) or features)
    np.testing.assert_array_equal(base.precompute_features(x, tmp_path), features)
    assert computed == []
    base.precompute_features(x + 1, tmp_path)  # other data
    base.set_weights([2 * weight for weight in base.get_weights()])
    base.precompute_features(x, tmp_path)  # other weights
    assert computed == [5, 5]
    assert len(list(tmp_path.iterdir())) == 3
    path.write_bytes(path.read_bytes()[:-7])  # damaged: computed again
    base.set_weights([weight / 2 for weight in base.get_weights()])
    base.precompute_features(x, tmp_path)
    assert computed == [5, 5, 5]
    assert np.load(path).shape == (5, 3)


def test_refused():
    x = np.zeros((2, 6, 6, 2))
    with pytest.raises(ValueError, match=r"are trained.*conv2d.*trainable = False"):
        network(trainable=True).precompute_features(x)
    with pytest.raises(ValueError, match="draws at random"):
        network(layers.Dropout(0.5)).precompute_features(x)
    with pytest.raises(ValueError, match="draws at random"):
        network(layers.GaussianNoise(0.5)).precompute_features(x)
    with pytest.raises(TypeError, match="expected an array"):
        network().precompute_features([x])
    with pytest.raises(ValueError, match="shape"):
        network().precompute_features(x[:, :5])
