"""Layers of Keras that pycnn does not have, and what does their work."""

from __future__ import annotations

_RECURRENT = "there are no recurrent layers; convolutions along the steps take sequences"
_ATTENTION = "a layer of your own makes it of keras.ops.matmul and keras.layers.Softmax"
_WORDS = "make numbers of the data with NumPy before, and give them to an Input"
_NUMBERS = "compute it with NumPy before, or with keras.ops in a layer of your own"
_IMAGES = "Dataset.map or keras.layers.PythonStep calls a function of arrays that does it"
_FOREIGN = "keras.layers.PythonStep calls a function of arrays in the midst of a network"

_INSTEAD = {
    name: instead
    for names, instead in (
        (
            "Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell RNN SimpleRNN",
            _RECURRENT,
        ),
        ("SimpleRNNCell StackedRNNCells", _RECURRENT),
        ("AdditiveAttention Attention GroupQueryAttention MultiHeadAttention", _ATTENTION),
        ("HashedCrossing Hashing IntegerLookup StringLookup TextVectorization", _WORDS),
        ("CategoryEncoding Discretization MelSpectrogram STFTSpectrogram", _NUMBERS),
        ("FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper", _FOREIGN),
        ("CLAHE MaxNumBoundingBoxes Pipeline RandomElasticTransform RandomGaussianBlur", _IMAGES),
        ("RandomPerspective", _IMAGES),
        ("Masking", "masks are not passed on; multiply by one, and give Softmax one as `mask`"),
        ("ReversibleEmbedding", "use Embedding, and keras.ops.matmul with its weight `embeddings`"),
        ("SpectralNormalization", "a kernel_constraint of your own can divide by the largest singular value"),
    )
    for name in names.split()
}


def missing(name: str) -> AttributeError:
    """The error for a layer that there is not."""
    instead = _INSTEAD.get(name)
    if instead is None:
        return AttributeError(f"module 'pycnn.layers' has no attribute {name!r}")
    return AttributeError(f"keras.layers.{name} is not available in pycnn: {instead}")
