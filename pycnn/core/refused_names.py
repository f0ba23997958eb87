"""Keras' names that there are not, by the package as users call it, and what to use instead.

The documentation's page about the differences to Keras is made from this table.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(*groups: tuple[str, str]) -> Mapping[str, str]:
    """Advice by name, from names in one string and the advice that they have in common."""
    return {name: advice for names, advice in groups for name in names.split()}


_BEFORE = "compute it with NumPy, and give the result to an Input"
_COMPLEX = "there are no complex numbers; compute it with NumPy, and give the result to an Input"
_COMPOSE = "make it of the functions of keras.ops that there are, or call NumPy in a keras.layers.PythonStep"
_CONSTANT = "make the array with NumPy: functions of keras.ops take arrays next to symbols"
_CONTROL = "networks are fixed; Python's own `if` and `for` decide while `call` is traced"
_FLOAT32 = "weights are float32; `dtype='mixed_bfloat16'` and compile_inference() make models faster"
_FOREIGN = "keras.layers.PythonStep calls a function of arrays in the midst of a network"
_INDEXING = "use indices x[:, a:b], keras.ops.take, concatenate, stack, flip, reshape and transpose"
_LINALG = "compute it with numpy.linalg before, or in a keras.layers.PythonStep"
_NETWORK_IMAGES = "Dataset.map or keras.layers.PythonStep calls a function of arrays that does it"
_NUMBERS = "compute it with NumPy before, or with keras.ops in a layer of your own"
_NOT_IMAGES = "data sets are made of images; give `fit` arrays, a PyDataset or a generator of your own"
_ONE_CPU = "models run on the cores of one CPU; keras.config.set_num_threads says on how many"
_ONE_BY_ONE = "map over it, or use Dataset.from_generator"
_OPTIONS = "there are none: elements come in their order, by pycnn's own threads"
_READ = "read the file in Python, and give Dataset.from_generator or from_tensor_slices what is in it"
_SEQUENCES = "there are no recurrent layers; convolutions along the steps take sequences"
_SETTING = "there is nothing to set; leave the call out"
_SORTING = "compute it with NumPy before or after, or in a keras.layers.PythonStep"
_STATE = "all state is in variables, which `get_weights` and `set_weights` read and write"
_TABLES = "the data sets are images; read this one with NumPy or scikit-learn"
_THREE_AXES = "images have two axes; reshape, or use the layer for two axes along each of them"
_WORDS = "make numbers of the data with NumPy before, and give them to an Input"

REFUSED: Mapping[str, Mapping[str, str]] = {
    "keras": _table(
        ("Function", "use keras.Model(inputs, outputs)"),
        ("Operation", "derive from keras.layers.Layer"),
        ("FloatDTypePolicy dtype_policies", "use keras.DTypePolicy, and keras.config.set_dtype_policy"),
        ("Quantizer quantizers", _FLOAT32),
        ("RematScope remat", "the core computes again by itself what is cheaper than to keep"),
        ("StatelessScope SymbolicScope", _STATE),
        ("device distribution", _ONE_CPU),
        ("distillation", "override `compute_loss` or `train_step` of a Model, and call the teacher there"),
        (
            "export",
            "`model.export('model.onnx')` writes ONNX, `model.save('model.safetensors')` what C++ loads",
        ),
        ("legacy", "use today's names of keras.layers, keras.losses, ..."),
        ("name_scope", "give layers and models a `name`"),
        ("src", "use the public names"),
        ("tree", "go through lists and dicts with Python's own functions"),
        ("visualization", "draw with Matplotlib; pycnn.explain draws how networks work"),
    ),
    "keras.callbacks": _table(
        ("OrbaxCheckpoint", "use callbacks.ModelCheckpoint, or callbacks.BackupAndRestore to go on"),
        ("RemoteMonitor", "send the logs from the on_epoch_end of a callbacks.LambdaCallback"),
    ),
    "keras.config": _table(
        ("set_backend", "the core is the only backend; leave the call out"),
        ("disable_flash_attention enable_flash_attention is_flash_attention_enabled", _SETTING),
        ("disable_interactive_logging enable_interactive_logging", "give `fit` the `verbose` that you want"),
        ("is_interactive_logging_enabled", "give `fit` the `verbose` that you want"),
        ("disable_traceback_filtering enable_traceback_filtering is_traceback_filtering_enabled", _SETTING),
        ("enable_unsafe_deserialization", "nothing in a file is executed; write lambdas with `def`"),
        ("is_nnx_enabled", _SETTING),
        ("max_epochs set_max_epochs", "give `fit` the `epochs`"),
        ("max_steps_per_epoch set_max_steps_per_epoch", "give `fit` the `steps_per_epoch`"),
    ),
    "keras.datasets": _table(
        ("boston_housing california_housing imdb reuters", _TABLES),
    ),
    "keras.initializers": _table(
        ("STFT STFTInitializer stft", "there are no complex numbers; give the kernel as a Constant"),
    ),
    "keras.layers": _table(
        ("Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell RNN", _SEQUENCES),
        ("SimpleRNN SimpleRNNCell StackedRNNCells", _SEQUENCES),
        (
            "AdditiveAttention Attention GroupQueryAttention MultiHeadAttention",
            "a layer of your own makes it of keras.ops.matmul and keras.layers.Softmax",
        ),
        (
            "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveMaxPooling1D AdaptiveMaxPooling2D",
            "use AveragePooling and MaxPooling with a pool_size of the input's size, or the global ones",
        ),
        ("AdaptiveAveragePooling3D AdaptiveMaxPooling3D AveragePooling3D AvgPool3D Conv3D", _THREE_AXES),
        ("Conv3DTranspose Convolution3D Convolution3DTranspose Cropping3D", _THREE_AXES),
        ("GlobalAveragePooling3D GlobalAvgPool3D GlobalMaxPool3D GlobalMaxPooling3D", _THREE_AXES),
        ("MaxPool3D MaxPooling3D UpSampling3D ZeroPadding3D", _THREE_AXES),
        ("HashedCrossing Hashing IntegerLookup StringLookup TextVectorization", _WORDS),
        ("CategoryEncoding Discretization MelSpectrogram STFTSpectrogram", _NUMBERS),
        ("FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper", _FOREIGN),
        ("CLAHE ContrastLimitedAdaptiveHistogramEqualization MaxNumBoundingBoxes", _NETWORK_IMAGES),
        ("Pipeline RandomElasticTransform RandomGaussianBlur RandomPerspective", _NETWORK_IMAGES),
        ("Masking", "masks are not passed on; multiply by one, and give Softmax one as `mask`"),
        ("ReversibleEmbedding", "use Embedding, and keras.ops.matmul with its weight `embeddings`"),
    ),
    "keras.losses": _table(
        ("CTC ctc", "there are no recurrent layers, and nothing aligns sequences; use Keras for it"),
    ),
    "keras.mixed_precision": _table(
        (
            "LossScaleOptimizer",
            "gradients are float32, and no loss needs to be scaled; use the inner optimizer",
        ),
    ),
    "keras.ops": _table(
        ("adaptive_average_pool adaptive_max_pool", "use average_pool and max_pool with sizes of your own"),
        ("dot_product_attention", "make it of matmul and softmax"),
        ("ctc_decode ctc_loss", "there are no recurrent layers, and nothing aligns sequences"),
        ("linalg nn numpy", "the functions are in keras.ops itself"),
        ("multi_hot", "use one_hot and max"),
        ("angle conj conjugate fft fft2 ifft2 imag irfft isreal istft polar real rfft stft", _COMPLEX),
        ("view_as_complex view_as_real", _COMPLEX),
        ("arccosh arcsinh arctan2 arctanh sinc i0 hypot", _COMPOSE),
        ("cbrt erfc erfinv logaddexp2 ldexp nextafter", _COMPOSE),
        ("fabs fmax fmin fmod heaviside psnr ptp select", _COMPOSE),
        ("allclose isneginf isposinf signbit isin in_top_k", _COMPOSE),
        ("array empty empty_like identity copy diagflat tri vander", _CONSTANT),
        ("bartlett blackman hamming hanning kaiser geomspace logspace meshgrid", _CONSTANT),
        ("bitwise_and bitwise_invert bitwise_left_shift bitwise_not bitwise_or", _BEFORE),
        ("bitwise_right_shift bitwise_xor left_shift right_shift gcd lcm", _BEFORE),
        ("bincount digitize histogram nonzero searchsorted unique unravel_index", _BEFORE),
        ("argpartition argsort sort top_k median percentile quantile", _SORTING),
        ("nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin", _SORTING),
        ("nanpercentile nanprod nanquantile nanstd nansum nanvar", _SORTING),
        ("corrcoef correlate cumprod diff trapezoid", _SORTING),
        ("cholesky cholesky_inverse det eig eigh inv logdet lstsq lu_factor matrix_rank", _LINALG),
        ("pinv qr slogdet solve solve_triangular svd", _LINALG),
        ("cdist cross inner kron outer vdot", "make it of matmul, einsum and sum"),
        ("associative_scan cond fori_loop map scan switch vectorize vectorized_map while_loop", _CONTROL),
        ("custom_gradient", "gradients are those of the functions that `call` is made of"),
        ("jvp", "there are gradients only: keras.GradientTape and keras.ops.gradient"),
        ("append array_split dsplit dstack hsplit vsplit", _INDEXING),
        ("fold unfold extract_sequences rearrange", _INDEXING),
        ("slice_update scatter scatter_update", _INDEXING),
        ("segment_max segment_min segment_prod segment_sum", _INDEXING),
        ("dtype view saturate_cast", "results are float32; use cast for whole numbers in float32"),
    ),
    "keras.optimizers": _table(
        (
            "LossScaleOptimizer",
            "gradients are float32, and no loss needs to be scaled; use the inner optimizer",
        ),
        (
            "MultiOptimizer OptimizerMap",
            "use one optimizer for all weights, or a `train_step` that applies several",
        ),
        ("ScheduleFreeAdamW", "use AdamW with a schedule of `keras.optimizers.schedules`"),
    ),
    "keras.preprocessing": _table(
        ("sequence", "keras.utils.pad_sequences is there"),
        ("text_dataset_from_directory timeseries_dataset_from_array", _NOT_IMAGES),
    ),
    "keras.saving": _table(
        ("KerasFileEditor", "load the model, change its weights with `set_weights`, and save it"),
    ),
    "keras.utils": _table(
        ("FeatureSpace audio_dataset_from_directory", _NOT_IMAGES),
        ("text_dataset_from_directory timeseries_dataset_from_array", _NOT_IMAGES),
        ("Config", "use a dict or a dataclass"),
        ("bounding_boxes", "compute with arrays of corners"),
        (
            "disable_interactive_logging enable_interactive_logging is_interactive_logging_enabled",
            "give `fit` the `verbose` that you want",
        ),
        ("is_keras_tensor", "use isinstance(x, keras.KerasTensor)"),
        ("legacy", "use today's names of keras.utils"),
        ("get_source_inputs", "use model.inputs"),
        ("model_to_dot", "use utils.plot_model, which draws without Graphviz"),
        ("split_dataset", "cut the arrays, or give fit `validation_split`"),
        ("standardize_dtype", "arrays between layers are float32"),
    ),
    "tf.data": _table(
        ("FixedLengthRecordDataset TFRecordDataset TextLineDataset", _READ),
        ("Iterator", "iterate over the dataset itself"),
        ("Options", _OPTIONS),
    ),
    "tf.data.Dataset": _table(
        ("bucket_by_sequence_length", "it is made for images: resize them by `map`, and use `batch`"),
        ("group_by_window", _ONE_BY_ONE),
        ("load", "use keras.utils.image_dataset_from_directory, or np.load and from_tensor_slices"),
        ("options with_options", _OPTIONS),
        ("padded_batch ragged_batch", "resize the images by `map`, and use `batch`"),
        ("random", "use Dataset.range(n).map(f) with a generator of NumPy"),
        ("rejection_resample", "give fit `class_weight` or sample weights"),
        ("save", "use np.savez of the arrays"),
        ("snapshot", "use `cache()`"),
        ("sparse_batch", "use `batch`"),
    ),
}
