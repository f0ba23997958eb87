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

# --- networks ------------------------------------------------------------------------------------------------
class Graph:
    """What a network is. Every method adds a node and returns its number; `name` is used in error messages."""

    def __init__(self) -> None: ...
    def input(self, shape: Sequence[int], name: str = "input") -> int: ...
    def conv2d(
        self, x: int, *, filters: int, kernel_size: tuple[int, int], strides: tuple[int, int] = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0), pad_value: float = 0.0,
        dilation: tuple[int, int] = (1, 1), groups: int = 1, use_bias: bool = True, precision: str = "float32",
        name: str = "conv2d",
    ) -> int:
        """Parameters: kernel (kh, kw, c / groups, filters), bias (filters,). A depthwise convolution is
        groups = c; Keras' kernel (kh, kw, c, multiplier) is the same memory with filters = c * multiplier. precision:
        float32, or bfloat16, to which the operands of products are rounded; depthwise convolutions and the sparse
        backward passes behind a max-pool stay float32."""

    def dense(
        self, x: int, *, units: int, use_bias: bool = True, precision: str = "float32", name: str = "dense"
    ) -> int:
        """On the last axis. Parameters: kernel (in, units), bias (units,). precision: as in conv2d, but
        the weight gradient is float32."""

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
    def dropout(self, x: int, *, rate: float, name: str = "dropout") -> int: ...
    def batch_norm(
        self, x: int, *, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        frozen: bool = False, name: str = "batch_normalization",
    ) -> int:
        """Over the last axis. Parameters: gamma, beta (as asked for), moving_mean, moving_variance (these two not
        trainable). frozen: moving statistics in training too."""

    def pad2d(
        self, x: int, *, padding: tuple[int, int, int, int], mode: str = "constant", value: float = 0.0,
        name: str = "pad2d",
    ) -> int: ...
    def scale_shift(self, x: int, *, scale: float, shift: float, name: str = "rescaling") -> int: ...
    def add(self, x: Sequence[int], *, name: str = "add") -> int: ...
    def multiply(self, x: Sequence[int], *, name: str = "multiply") -> int: ...
    def concat(self, x: Sequence[int], *, name: str = "concatenate") -> int:
        """Along the last axis."""

    def reuse(self, parameters: Sequence[int]) -> None:
        """Nodes that are added next take these parameters, one after the other, instead of new ones."""

    def shape(self, node: int) -> tuple[int, ...]:
        """Without the batch axis."""

class Network:
    """A graph with its parameters, all zero at first, and what runs it. One call at a time computes; others wait."""

    def __init__(self, graph: Graph, output: int) -> None: ...
    @property
    def input_shape(self) -> tuple[int, ...]: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def parameter_count(self) -> int: ...
    def parameter_node(self, index: int) -> int:
        """The graph node that parameter `index` belongs to; parameters are numbered in order of nodes, and within
        a node as the Graph method lists them."""

    def parameter_name(self, index: int) -> str:
        """kernel, bias, gamma, beta, moving_mean or moving_variance."""

    def parameter(self, index: int) -> F32:
        """A writable view in Keras' layout. Call `touch` after writing."""

    def gradient(self, index: int) -> F32:
        """A read-only view of the gradient of the last training step."""

    def touch(self) -> None: ...
    def is_trainable(self, index: int) -> bool: ...
    def set_trainable(self, index: int, trainable: bool) -> None:
        """A parameter that is not trainable is left alone by the optimizer."""

    def compile(
        self, *, loss: str, from_logits: bool = False, metric: str = "none", optimizer: str = "none",
        options: dict[str, float] = ...,
    ) -> None:
        """loss: sparse_categorical_crossentropy, categorical_crossentropy, binary_crossentropy, mean_squared_error.
        metric (counted as `correct`): none, sparse_categorical_accuracy, categorical_accuracy, binary_accuracy.
        optimizer: none, sgd (momentum, nesterov), rmsprop (rho, momentum, epsilon, centered), adam (beta_1, beta_2,
        epsilon, amsgrad); each: weight_decay. Starts the optimizer's state anew when the optimizer or an option changes."""

    def set_seed(self, seed: int) -> None:
        """The seed of dropout; the step count is mixed in."""

    def train_step(
        self, x: NDArray[Any], y: NDArray[Any], index: NDArray[np.int64] | None, weight: F32 | None,
        learning_rate: float,
    ) -> tuple[float, float]:
        """One optimizer step on the samples x[index] (all where index is None), labels y[index], sample weights
        weight[index]. x: float32, float64 or uint8 (n, *input_shape); y: int32 labels (n, ...) for the sparse
        loss, else float32 (n, *output_shape). Returns the batch's mean loss (sum of weighted losses / samples) and its
        `correct`: the mean of the metric. Gradients are of that mean loss."""

    def test_step(
        self, x: NDArray[Any], y: NDArray[Any], index: NDArray[np.int64] | None, weight: F32 | None
    ) -> tuple[float, float]:
        """The same figures in inference mode; nothing changes."""

    def predict(self, x: NDArray[Any], out: F32) -> None:
        """out (n, *output_shape) = the network on x (n, *input_shape; float32, float64 or uint8)."""

    def profile_train_step(
        self, x: NDArray[Any], y: NDArray[Any], index: NDArray[np.int64] | None, weight: F32 | None,
        learning_rate: float, runs: int = 1,
    ) -> list[dict[str, Any]]:
        """train_step, `runs` times, and where the time of each went: threads, seconds, samples; rows of (layer, phase,
        algorithm, seconds of all threads together, floating-point operations counted as direct sums, bytes estimated),
        phase being forward, backward, update or packing; and fused, pairs of a node without rows and the one whose rows
        it is part of ('' where it computes nothing)."""

    def profile_predict(self, x: NDArray[Any], out: F32, runs: int = 1) -> list[dict[str, Any]]:
        """predict, `runs` times, and where the time of each went, as in profile_train_step."""

    @property
    def iterations(self) -> int:
        """Optimizer steps done; may be set."""

    @iterations.setter
    def iterations(self, value: int) -> None: ...
    @property
    def optimizer_slots(self) -> list[str]:
        """Names of the optimizer's state arrays (momentum, velocity, ...)."""

    def optimizer_slot(self, name: str, index: int) -> F32:
        """A writable view of that state for parameter `index`."""

    def summary_of_plan(self, training: bool, batch: int) -> str:
        """The compiled plan, for people: stages, fused operations, algorithms, memory."""

class PreparedCall:
    """A network made ready for batches of one size and dtype (float32, uint8 or float64), with arrays of its own.
    Weights that change later are seen. `claim`, if given, is called now and whenever `weights_moved` has been."""

    def __init__(
        self, network: Network, samples: int, dtype: str = "float32", claim: Callable[[], None] | None = None
    ) -> None: ...
    @property
    def input(self) -> NDArray[Any]: ...
    @property
    def output(self) -> F32: ...
    def __call__(self, x: NDArray[Any] | None = None, out: F32 | None = None) -> F32:
        """The network on x (None: `input`), written to `out` (None: `output`) and returned. Nothing is converted:
        TypeError or ValueError for an array of another shape or dtype, one that is not C-contiguous, or a read-only
        or overlapping `out`."""

def weights_moved() -> None:
    """Says that the weights of some network have moved to another one."""
