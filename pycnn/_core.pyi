"""The C++ core. Arrays are C-contiguous float32 unless a line says otherwise; shapes leave the batch axis out
of everything a Graph is told and have it first in every array. Wrong shapes and values raise ValueError."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

# --- this build and this machine -------------------------------------------------------------------------------
def config() -> dict[str, Any]:
    """version, compiler, build_type, isas_built, isas_available, isa_active, exact, threads, threads_reason, openmp."""

def set_isa(name: str) -> None:
    """Use the kernels of this ISA for everything created from now on. RuntimeError where the CPU lacks it."""

def set_exact(exact: bool) -> None:
    """Whether convolutions are direct sums only: for all networks and operations, from their next call on."""

def get_num_threads() -> int: ...
def set_num_threads(threads: int) -> None: ...
def measure_fma_peak(seconds: float) -> float:
    """Measured GFLOP/s of independent fused multiply-adds in registers, all threads together."""

class Conv2DTrial:
    """One direction of a convolution (forward, backward_input or backward_weight) on square maps, by any of its
    algorithms: tile 0 is direct sums, m Winograd's F(m x m, kernel x kernel)."""

    def __init__(
        self, size: int, c: int, k: int, kernel: int, same: bool, direction: str, precision: str = "float32"
    ) -> None: ...
    def tiles(self) -> list[int]:
        """The algorithms that exist for it."""

    def chosen(self, costs: Sequence[float] | None = None) -> int:
        """The one that the model of the cost chooses, with its own costs of each kind of work or these."""

    def work(self, tile: int) -> list[float]:
        """How much of each kind of work there is: as Conv2DCost in cpp/kernels/conv2d/cost.h."""

    def measure(self, tile: int, seconds: float) -> float:
        """Seconds of an image, the best of all measured for so long, with a 32nd of the packing of weights."""

# --- single operations (padding is (top, bottom, left, right)) ---------------------------------------------------
def conv2d_forward(
    x: F32, w: F32, b: F32 | None, strides: tuple[int, int], padding: tuple[int, int, int, int],
    pad_value: float, dilation: tuple[int, int], groups: int, precision: str = "float32",
) -> F32:
    """precision: float32, or bfloat16 for products of rounded operands, as in Graph.conv2d."""

def conv2d_backward_input(
    dy: F32, w: F32, input_shape: tuple[int, int, int, int], strides: tuple[int, int],
    padding: tuple[int, int, int, int], dilation: tuple[int, int], groups: int, precision: str = "float32",
) -> F32: ...
def conv2d_backward_weight(
    x: F32, dy: F32, kernel_size: tuple[int, int], strides: tuple[int, int],
    padding: tuple[int, int, int, int], pad_value: float, dilation: tuple[int, int], groups: int,
) -> F32: ...
def max_pool2d_forward(
    x: F32, pool_size: tuple[int, int], strides: tuple[int, int], padding: tuple[int, int, int, int]
) -> F32: ...
def max_pool2d_backward(
    x: F32, dy: F32, pool_size: tuple[int, int], strides: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> F32: ...
def average_pool2d_forward(
    x: F32, pool_size: tuple[int, int], strides: tuple[int, int], padding: tuple[int, int, int, int],
    count_padding: bool,
) -> F32: ...
def average_pool2d_backward(
    dy: F32, input_shape: tuple[int, int, int, int], pool_size: tuple[int, int], strides: tuple[int, int],
    padding: tuple[int, int, int, int], count_padding: bool,
) -> F32: ...
def pad2d_forward(x: F32, padding: tuple[int, int, int, int], mode: str, value: float) -> F32: ...
def pad2d_backward(dy: F32, padding: tuple[int, int, int, int], mode: str) -> F32: ...
def matmul(a: F32, b: F32) -> F32:
    """(m, k) @ (k, n)."""

def dense_forward(x: F32, w: F32, b: F32 | None, precision: str = "float32") -> F32: ...
def dense_backward_input(dy: F32, w: F32, precision: str = "float32") -> F32: ...
def dense_backward_weight(x: F32, dy: F32) -> F32: ...
def bias_gradient(dy: F32) -> F32:
    """The sum of dy over all axes but the last."""

def activation_forward(
    name: str, x: F32, alpha: float = 0.0, max_value: float = ..., threshold: float = 0.0
) -> F32:
    """name: linear, relu, leaky_relu, elu, selu, gelu, gelu_tanh, silu, sigmoid, tanh, softplus, softsign,
    hard_sigmoid, hard_silu, mish, exponential. Any shape."""

def activation_backward(
    name: str, x: F32, dy: F32, alpha: float = 0.0, max_value: float = ..., threshold: float = 0.0
) -> F32: ...
def maxout_forward(x: F32, pieces: int) -> F32:
    """(..., units * pieces) -> (..., units): the maximum over groups of `pieces` neighbouring channels."""

def maxout_backward(x: F32, dy: F32, pieces: int) -> F32: ...
def softmax_forward(x: F32) -> F32:
    """Over the last axis."""

def softmax_backward(y: F32, dy: F32) -> F32: ...
def log_softmax_forward(x: F32) -> F32: ...
def log_softmax_backward(y: F32, dy: F32) -> F32: ...
def loss_forward_backward(
    name: str, x: F32, labels: NDArray[np.int32] | None, targets: F32 | None, from_logits: bool
) -> tuple[F32, F32]:
    """Loss of each row of x (rows, columns), and its gradient by x. name as in Network.compile."""

def batch_norm_forward(
    x: F32, gamma: F32 | None, beta: F32 | None, epsilon: float
) -> tuple[F32, F32, F32]:
    """Over all axes but the last: y, mean, biased variance."""

def batch_norm_inference(
    x: F32, gamma: F32 | None, beta: F32 | None, mean: F32, variance: F32, epsilon: float
) -> F32: ...
def batch_norm_backward(
    x: F32, dy: F32, gamma: F32 | None, mean: F32, variance: F32, epsilon: float
) -> tuple[F32, F32, F32]:
    """dx, dgamma, dbeta."""

def dropout(x: F32, rate: float, seed: int) -> F32: ...

# --- images ------
def random_uniforms(seed: int, epoch: int, samples: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(samples, count) numbers in [0, 1), each of which depends on seed, epoch, its sample and its column only."""

def image_matrices(
    parameters: NDArray[np.float64], height: int, width: int, swap_center: bool = False
) -> NDArray[np.float64]:
    """(n, 6) for augment_images, of (n, 8): theta, tx, ty, shear, zx, zy, flip_horizontal, flip_vertical."""

def augment_images(
    x: NDArray[Any], rows: NDArray[np.int64] | None, matrices: NDArray[np.float64],
    channel_shifts: NDArray[Any] | None = None, brightness: NDArray[Any] | None = None,
    size: tuple[int, int] | None = None, order: int = 1, fill_mode: str = "nearest", cval: float = 0.0,
    scale: float = 1.0, center: bool = False, normalize: bool = False,
    feature_scale: NDArray[Any] | None = None, feature_shift: NDArray[Any] | None = None,
) -> F32:
    """The images x[rows] (uint8 or float32): kernels/image/image.h has the meaning of all arguments. The pixel (i, j)
    is x at (m[0] i + m[1] j + m[2], m[3] i + m[4] j + m[5]). fill_mode: nearest, constant, reflect, mirror, wrap
    (period n), wrap_ends (period n - 1)."""

def filter_images(
    x: NDArray[Any], weights: F32, row: F32 | None, rows: NDArray[np.int64], columns: NDArray[np.int64],
    strides: tuple[int, int], fill: float, bytes: bool,
) -> NDArray[Any]:
    """Images (uint8 or float32) under a matrix, or under a column and a row whose product it is: (n, oh, ow, c), uint8
    if `bytes`, else float32. rows, columns: of x, for those of the padded images; -1 for `fill`."""

# --- networks ------------------------------------------------------------------------------------------------
class File:
    """A file that stays open, for what is read of it later on: until it is written or gets another size.

    OSError where it cannot be kept open.
    """

    def __init__(self, descriptor: int, name: str) -> None: ...

class Variable:
    """A weight: float32 memory of fixed shape, zero at first, that any number of networks read."""

    def __init__(self, name: str, shape: Sequence[int], trainable: bool = True) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change it, unless a network says otherwise."""

    @property
    def value(self) -> F32:
        """A writable view. Call `touch` after writing. OSError where a file no longer has the values."""

    @property
    def value_to_overwrite(self) -> F32:
        """The same for who writes all of it: what is still in a file is not read."""

    @property
    def in_file(self) -> bool:
        """Whether the values are still in a file only."""

    def leave_in(self, file: File, offset: int) -> None:
        """Leaves the values, float32, in a file until somebody needs them in memory.

        ValueError where there are values already, or the file ends before these.
        """

    @property
    def version(self) -> int:
        """Grows with each `touch` and each training step."""

    def touch(self) -> None: ...

class Graph:
    """What a network is. Every method adds a node and returns its number; `name` is used in error messages.

    A node is a value. Either every sample has one of its own, or there is one for all: parameters, constants, and what
    is computed from them alone. Shapes leave the batch axis out."""

    def __init__(self) -> None: ...
    def input(self, shape: Sequence[int], name: str = "input", dtype: str = "float32") -> int:
        """dtype: float32, uint8 or int32, what samples are when they arrive; the network computes in float32."""

    def parameter(self, variable: Variable) -> int:
        """The node of a variable; the same one for the same variable."""

    def constant(self, values: F32, *, name: str = "constant") -> int: ...
    def conv2d(
        self, x: int, kernel: int, bias: int | None = None, *, strides: tuple[int, int] = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0), pad_value: float = 0.0,
        dilation: tuple[int, int] = (1, 1), groups: int = 1, precision: str = "float32", name: str = "conv2d",
    ) -> int:
        """kernel (kh, kw, c / groups, filters), bias (filters,). A depthwise convolution is groups = c; Keras' kernel
        (kh, kw, c, multiplier) is the same memory with filters = c * multiplier. precision: float32, or bfloat16, to
        which the operands of products are rounded; depthwise convolutions and the sparse backward passes of a max-pool
        stay float32."""

    def dense(
        self, x: int, kernel: int, bias: int | None = None, *, precision: str = "float32", name: str = "dense"
    ) -> int:
        """On the last axis. kernel (in, units), bias (units,). precision: as in conv2d, but the weight gradient is
        float32."""

    def activation(
        self, x: int, kind: str, *, alpha: float = 0.0, max_value: float = ..., threshold: float = 0.0,
        name: str = "activation",
    ) -> int: ...
    def softmax(self, x: int, *, name: str = "softmax") -> int: ...
    def log_softmax(self, x: int, *, name: str = "log_softmax") -> int: ...
    def maxout(self, x: int, *, pieces: int, name: str = "maxout") -> int: ...
    def max_pool2d(
        self, x: int, *, pool_size: tuple[int, int], strides: tuple[int, int],
        padding: tuple[int, int, int, int] = (0, 0, 0, 0), name: str = "max_pool2d",
    ) -> int: ...
    def average_pool2d(
        self, x: int, *, pool_size: tuple[int, int], strides: tuple[int, int],
        padding: tuple[int, int, int, int] = (0, 0, 0, 0), count_padding: bool = False, name: str = "average_pool2d",
    ) -> int: ...
    def reshape(self, x: int, shape: Sequence[int], *, name: str = "reshape") -> int: ...
    def dropout(self, x: int, *, rate: float, always: bool = False, name: str = "dropout") -> int:
        """always: in inference too."""

    def uniform(self, shape: Sequence[int], *, batched: bool = True, name: str = "uniform") -> int:
        """Random numbers in [0, 1), other ones in each step, in inference too. batched: whether every sample has its
        own."""

    def batch_norm(
        self, x: int, gamma: int | None, beta: int | None, mean: int, variance: int, *, momentum: float = 0.99,
        epsilon: float = 1e-3, frozen: bool = False, always: bool = False, name: str = "batch_normalization",
    ) -> int:
        """Over the last axis. mean and variance are parameters, which a training step moves. frozen: they are used in
        training too, and stay. always: the batch's statistics are used in inference too."""

    def pad2d(
        self, x: int, *, padding: tuple[int, int, int, int], mode: str = "constant", value: float = 0.0,
        name: str = "pad2d",
    ) -> int:
        """mode: constant, reflect or edge."""

    def add(self, x: Sequence[int], *, name: str = "add") -> int:
        """Values of one shape."""

    def concat(self, x: Sequence[int], *, axis: int = -1, name: str = "concatenate") -> int:
        """Along one axis of a sample."""

    def map(self, x: Sequence[int], code: Sequence[tuple[Any, ...]], *, name: str = "map") -> int:
        """An expression, element by element, of values whose shapes broadcast as in NumPy, aligned at the last axis.

        code: instructions (operation, registers...). Registers 0 to len(x) - 1 are the operands, instruction i writes
        register len(x) + i, and the last one is the result. ('constant', value) reads none; ('where', a, b, c) is
        b where a is not 0, else c; ('activation', register, kind, alpha, max_value, threshold). The others, of one or
        two registers, are listed in MapOp in cpp/kernels/tensor/tensor.h."""

    def reduce(
        self, x: int, kind: str, *, outer: int, n: int, inner: int, shape: Sequence[int], name: str = "reduce"
    ) -> int:
        """x, seen as (outer, n, inner), to (outer, inner), then of the shape. kind: sum, mean, max, min, prod, argmax,
        argmin, any, all."""

    def strided(
        self, x: int, *, shape: Sequence[int], offset: int, strides: Sequence[int], name: str = "strided"
    ) -> int:
        """A copy of a view of x: y[i, ...] = x.flat[offset + sum of i_k strides_k]. Strides may be 0 or negative."""

    def scatter(
        self, x: int, *, shape: Sequence[int], offset: int, strides: Sequence[int], fill: float = 0.0,
        name: str = "scatter",
    ) -> int:
        """The other way round: y.flat[offset + sum of i_k strides_k] = x[i, ...], everything else is `fill`."""

    def matmul(
        self, a: int, b: int, *, transpose_a: bool = False, transpose_b: bool = False, name: str = "matmul"
    ) -> int:
        """(..., m, k) @ (..., k, n), or of their transposes: leading axes are equal, or one has none."""

    def take(self, x: int, index: int, *, axis: int, name: str = "take") -> int:
        """x at the places `index` of an axis of a sample. Negative ones count from the end; others are clamped."""

    def batch_reduce(self, x: int, *, mean: bool, name: str = "batch_reduce") -> int:
        """The mean or sum over the samples: one value for all."""

    def stop_gradient(self, x: int, *, name: str = "stop_gradient") -> int: ...
    def gradient(self, of: int, by: int, *, name: str = "gradient") -> int:
        """The gradient by `by` of the sum of all values of `of`."""

    def host(
        self, x: Sequence[int], *, shape: Sequence[int], forward: Callable[[list[F32], bool], Any],
        backward: Callable[[list[F32], F32, F32], Sequence[Any]] | None = None, name: str = "host",
    ) -> int:
        """A function of Python, called once a batch: forward(inputs, training) returns the output, and
        backward(inputs, output, gradient) the gradients by the inputs, None where there is none. Arrays are views, with
        the batch axis first where there is one. Without `backward` nothing before it can be differentiated."""

    def shape(self, node: int) -> tuple[int, ...]:
        """Without the batch axis."""

    def is_batched(self, node: int) -> bool:
        """Whether every sample has a value of its own."""

    def node(self, node: int) -> tuple[str, str, list[int], tuple[int, ...], bool]:
        """Operation, name, inputs, shape, and whether it has a batch axis."""

    def __len__(self) -> int:
        """Number of nodes."""

    @property
    def variables(self) -> list[Variable]:
        """In the order in which they were added: a network's parameters have these numbers."""

    def json(self, outputs: Sequence[int], output_names: Sequence[str], array_names: Sequence[str]) -> str:
        """The description that programs in C++ and C load; the arrays of `variables` have these names there."""

    def text(self, outputs: Sequence[int]) -> str:
        """The nodes that outputs need, one a line: the same graph has the same text."""

class Optimizer:
    """An optimizer's settings, and its state of each variable. It belongs to no network: those that train the same
    variables share it.

    kind: none, sgd (momentum, nesterov), adagrad (initial_accumulator_value, epsilon), adadelta (rho, epsilon), rmsprop
    (rho, momentum, epsilon, centered), adam (beta_1, beta_2, epsilon, amsgrad), adamax and nadam (beta_1, beta_2,
    epsilon), lion (beta_1, beta_2), ftrl (learning_rate_power, initial_accumulator_value, l1_regularization_strength,
    l2_regularization_strength, l2_shrinkage_regularization_strength, beta); each: weight_decay."""

    def __init__(self, kind: str, options: dict[str, float] = ...) -> None: ...
    def configure(self, kind: str, options: dict[str, float]) -> None:
        """Other settings from the next step on; ValueError where they need other state and there is some already."""

    @property
    def iterations(self) -> int:
        """Steps done; may be set."""

    @iterations.setter
    def iterations(self, value: int) -> None: ...
    @property
    def slot_names(self) -> list[str]:
        """Names of the state arrays (momentum, velocity, ...)."""

    @property
    def slot_groups(self) -> list[list[str]]:
        """The same names in groups: of several variables, the arrays of a group alternate in Keras' order."""

    def state(self, variable: Variable, name: str) -> F32:
        """A writable view of that state array of a variable."""

    def set_decays(self, variable: Variable, decays: bool) -> None:
        """Whether weight decay makes a variable smaller; it does unless told otherwise."""

    def apply(self, variables: Sequence[Variable], gradients: Sequence[Any], learning_rate: float) -> None:
        """A step by gradients that the caller brings, one for each variable."""

class Network:
    """A graph with what runs it. One call at a time computes; others wait.

    Samples `x`, targets `y`, weights and outputs are lists: one array for each of the graph's inputs, in the order in
    which they were added, and so on; None for what is not needed. x: float32, float64 or uint8 (n, *input_shape)."""

    def __init__(self, graph: Graph, outputs: Sequence[int]) -> None: ...
    @property
    def inputs(self) -> list[int]:
        """The input nodes."""

    @property
    def outputs(self) -> list[int]:
        """The output nodes."""

    def input_shape(self, number: int = 0) -> tuple[int, ...]: ...
    def output_shape(self, number: int = 0) -> tuple[int, ...]: ...
    @property
    def graph(self) -> Graph:
        """A view of the network's own copy. Its `variables` are the parameters."""

    @property
    def optimizer(self) -> Optimizer | None:
        """The one given to `compile`."""

    def gradient(self, index: int) -> F32:
        """A view of the gradient by parameter `index` after compute_gradients; writable before apply_gradients.
        A whole step does not write those of large dense layers, which it updates where they are made."""

    @property
    def gradients(self) -> F32:
        """A view of all gradients as one array, with the gaps that alignment leaves, which are zero."""

    def is_trainable(self, index: int) -> bool: ...
    def set_trainable(self, index: int, trainable: bool) -> None:
        """A parameter that is not trainable is left alone by this network's optimizer."""

    def compile(
        self, *, losses: Sequence[tuple[int, str, bool, float, int]],
        metrics: Sequence[tuple[int, str, float, int]] = ..., optimizer: Optimizer | None = None,
    ) -> None:
        """losses: (node, kind, from_logits, weight, target); what is minimized is their sum, each times its weight.
        kind: sparse_categorical_crossentropy, categorical_crossentropy, binary_crossentropy, mean_squared_error, or
        value where the node's values are losses themselves. target: its number in `y` and `weight`; -1 for a value
        without one. metrics: (node, kind, threshold of binary accuracy, target), kind being
        sparse_categorical_accuracy, categorical_accuracy, binary_accuracy or value. optimizer: None where weights
        stay."""

    def set_seed(self, seed: int) -> None:
        """The seed of dropout; the step count is mixed in."""

    def plan_for(self, threads: int) -> None:
        """Cuts the work as for so many threads, however many there are; 0: for those that there are."""

    def train_step(
        self, x: Sequence[NDArray[Any] | None], y: Sequence[NDArray[Any] | None], index: NDArray[np.integer[Any]] | None,
        weight: Sequence[NDArray[Any] | None], learning_rate: float, out: Sequence[F32 | None] | None = None,
    ) -> tuple[float, list[float], list[float]]:
        """One optimizer step on the samples x[index] (all where index is None), targets y[index], sample weights
        weight[index]. y: int32 labels (n, ...) for sparse terms, else float32 (n, *shape of the node); weight (n,), may
        be empty. Returns what is minimized, the loss of each term (sum of weighted losses / samples) and the metrics.
        Gradients are of the first. out, where given, gets the outputs of the samples."""

    def train_steps(
        self, x: Sequence[NDArray[Any] | None], y: Sequence[NDArray[Any] | None], index: NDArray[np.integer[Any]],
        weight: Sequence[NDArray[Any] | None], learning_rate: float, each: int,
    ) -> list[tuple[float, list[float], list[float]]]:
        """What as many calls of train_step do and return, of `each` samples of index at a time, the last one of those
        that are left."""

    def test_step(
        self, x: Sequence[NDArray[Any] | None], y: Sequence[NDArray[Any] | None], index: NDArray[np.integer[Any]] | None,
        weight: Sequence[NDArray[Any] | None], out: Sequence[F32 | None] | None = None,
    ) -> tuple[float, list[float], list[float]]:
        """The same figures in inference mode; nothing changes."""

    def compute_gradients(
        self, x: Sequence[NDArray[Any] | None], y: Sequence[NDArray[Any] | None], index: NDArray[np.integer[Any]] | None,
        weight: Sequence[NDArray[Any] | None], out: Sequence[F32 | None] | None = None,
    ) -> tuple[float, list[float], list[float]]:
        """A training step without its last part: the gradients are in `gradient` and `gradients`, to look at and to
        change, and `apply_gradients` makes the optimizer's step."""

    def apply_gradients(self, learning_rate: float) -> None: ...
    def predict(
        self, x: Sequence[NDArray[Any] | None], out: Sequence[F32 | None], training: bool = False
    ) -> None:
        """out[i] (n, *output_shape(i)) = output i; (*output_shape(i)) where it has no batch axis. training: as in a
        training step: dropout, statistics of the batch, and moving ones that move."""

    def profile_train_step(
        self, x: Sequence[NDArray[Any] | None], y: Sequence[NDArray[Any] | None], index: NDArray[np.integer[Any]] | None,
        weight: Sequence[NDArray[Any] | None], learning_rate: float, runs: int = 1,
    ) -> list[dict[str, Any]]:
        """train_step, `runs` times, and where the time of each went: threads, seconds, samples; rows of (layer, phase,
        algorithm, seconds of all threads together, floating-point operations counted as direct sums, bytes estimated),
        phase being forward, backward, update or packing; fused, pairs of a node without rows and the one whose rows it
        is part of ('' where it computes nothing); stages, pairs of a name and pairs (pieces, seconds of each); and
        memory, the bytes that the network then has for weights, packed_weights, activations, threads, gradients and
        optimizer."""

    def profile_predict(
        self, x: Sequence[NDArray[Any] | None], out: Sequence[F32 | None], runs: int = 1
    ) -> list[dict[str, Any]]:
        """predict, `runs` times, and where the time of each went, as in profile_train_step."""

    def summary_of_plan(self, training: bool, batch: int) -> str:
        """The compiled plan as text: stages, fused operations, algorithms, memory."""

class PreparedCall:
    """A network made ready for batches of one size and dtype (float32, uint8 or float64), with arrays of its own.
    Weights that change later are seen."""

    def __init__(self, network: Network, samples: int, dtype: str = "float32") -> None: ...
    @property
    def input(self) -> Any:
        """The array that samples may be written to; a list where the network has several inputs."""

    @property
    def output(self) -> Any:
        """The array of the result; a list where the network has several outputs."""

    def __call__(self, x: Any = None, out: Any = None) -> Any:
        """The network on x (None: `input`), written to `out` (None: `output`) and returned; lists where there are
        several. Nothing is converted: TypeError or ValueError for an array of another shape or dtype, one that is not
        C-contiguous, or a read-only or overlapping `out`."""
