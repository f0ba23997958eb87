// Trains a small convolutional network on 28x28 images and predicts with it, all in C++.
//
//   deck                                            draws its own images: bars at ten angles
//   deck train-images-idx3-ubyte train-labels-idx1-ubyte      reads MNIST, or anything else in its format
#include <pycnn/network.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>

using namespace pycnn;

constexpr int64_t kPixels = 28 * 28, kClasses = 10, kBatch = 128;

struct Samples {
  std::vector<uint8_t> pixels;  // one byte each: the network takes them as they are
  std::vector<int32_t> labels;
};

Samples draw_bars(int count, std::mt19937& random) {
  std::uniform_real_distribution<float> offset(-6, 6), noise(0, 60);
  Samples samples;
  for (int i = 0; i < count; ++i) {
    const int label = static_cast<int>(random() % kClasses);
    const float angle = 3.14159f / kClasses * static_cast<float>(label), from_centre = offset(random);
    for (int y = 0; y < 28; ++y)
      for (int x = 0; x < 28; ++x) {
        const float d = (x - 13.5f) * std::sin(angle) - (y - 13.5f) * std::cos(angle) - from_centre;
        samples.pixels.push_back(static_cast<uint8_t>(noise(random) + 190 * std::exp(-d * d / 4)));
      }
    samples.labels.push_back(label);
  }
  return samples;
}

// An IDX file is a magic number, the sizes of its axes as big-endian words, and bytes.
std::vector<uint8_t> read_idx(const std::string& path, size_t axes) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() < 4 + 4 * axes || bytes[2] != 8 || bytes[3] != axes)
    throw std::runtime_error(path + " is not an IDX file of bytes with " + std::to_string(axes) + " axes");
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(4 + 4 * axes));
  return bytes;
}

Samples read_samples(const std::string& images, const std::string& labels) {
  const std::vector<uint8_t> numbers = read_idx(labels, 1);
  Samples read{read_idx(images, 3), {numbers.begin(), numbers.end()}};
  if (numbers.size() < 10) throw std::runtime_error("there are too few images to learn from");
  if (read.pixels.size() != numbers.size() * kPixels) throw std::runtime_error("images must be 28x28, one a label");
  for (int label : numbers)
    if (label >= kClasses) throw std::runtime_error("labels must lie in 0 to 9");
  return read;
}

// Every layer names its inputs and returns its number; weights are inputs too, which add_conv2d and add_dense make.
Network build_network() {
  Graph graph;
  int x = graph.add("pixels", InputNode{}, {}, {{28, 28, 1}});
  const auto add = [&](const char* name, const Attributes& layer) { x = graph.add(name, layer, {x}); };
  const ActivationNode relu{{ActivationKind::kRelu}};
  const Pool2DNode max_pool{false, {2, 2}, {2, 2}, {}};
  x = add_scale_shift(graph, "to [0, 1]", x, 1 / 255.0f, 0);
  x = add_conv2d(graph, "convolution 1", x, 64, {3, 3});
  add("relu 1", relu), add("pool 1", max_pool);
  x = add_conv2d(graph, "convolution 2", x, 64, {3, 3});
  add("relu 2", relu), add("pool 2", max_pool);
  x = graph.add("flat", ReshapeNode{}, {x}, {{graph.node(x).shape.size()}});
  x = add_dense(graph, "dense 1", x, 128), add("relu 3", relu);
  x = add_dense(graph, "dense 2", x, kClasses), add("classes", SoftmaxNode{});
  return Network(graph, {x});
}

// Weights start at zero. Glorot and Bengio's uniform distribution suits kernels; biases stay as they are.
void initialize(Parameters& parameters, std::mt19937& random) {
  for (int p = 0; p < parameters.count(); ++p) {
    const std::vector<int64_t>& dims = parameters.variable(p).dims();
    if (dims.size() < 2) continue;
    const int64_t fan_in = parameters.size(p) / dims.back(), fan_out = parameters.size(p) / dims[dims.size() - 2];
    const float limit = std::sqrt(6.0f / static_cast<float>(fan_in + fan_out));
    std::uniform_real_distribution<float> weight(-limit, limit);
    std::generate_n(parameters.weights(p), parameters.size(p), [&] { return weight(random); });
  }
  parameters.touch();  // says that weights have changed
}

int main(int argc, char** argv) try {
  std::mt19937 random(1);
  const Samples samples = argc > 2 ? read_samples(argv[1], argv[2]) : draw_bars(8192, random);
  Network network = build_network();
  initialize(network.parameters(), random);

  Objective objective;
  objective.losses = {{network.outputs()[0], LossKind::kSparseCategoricalCrossentropy}};
  objective.metrics = {{network.outputs()[0], MetricKind::kSparseCategoricalAccuracy}};
  OptimizerSpec adam;
  adam.kind = OptimizerKind::kAdam;
  network.compile(objective, std::make_shared<Optimizer>(adam));
  std::printf("%d threads (%s), %s\n", num_threads(), default_threads_reason().c_str(), active_kernels().isa);

  // The last tenth is for testing. A batch is an index into the rest, in a new order each epoch.
  const int64_t count = static_cast<int64_t>(samples.labels.size()), training = count - count / 10;
  std::vector<int64_t> order(samples.labels.size());
  std::iota(order.begin(), order.end(), 0);
  Batch batch;
  batch.inputs = {{samples.pixels.data(), SourceType::kUint8}};
  batch.targets = {{samples.labels.data()}};
  for (int epoch = 1; epoch <= 3; ++epoch) {
    std::shuffle(order.begin(), order.begin() + training, random);
    double loss = 0, correct = 0;
    for (int64_t i = 0; i < training; i += batch.samples) {
      batch.index = order.data() + i;
      batch.samples = std::min(kBatch, training - i);
      const StepResult step = network.train_step(batch, 0.001f);
      loss += step.loss * static_cast<double>(batch.samples);
      correct += step.metrics[0] * static_cast<double>(batch.samples);
    }
    const double n = static_cast<double>(training);
    std::printf("epoch %d: loss %.4f, accuracy %.4f\n", epoch, loss / n, correct / n);
  }
  batch.index = order.data() + training;
  batch.samples = count - training;
  std::printf("on images it has not seen: accuracy %.4f\n", network.test_step(batch).metrics[0]);

  // One of them, by a call that is prepared once and then takes as little time as can be. (Network::predict reads and
  // writes wherever a Batch says.)
  const Inference one(network, 1, SourceType::kUint8);
  const int64_t sample = order[static_cast<size_t>(training)];
  std::copy_n(samples.pixels.data() + sample * kPixels, kPixels, static_cast<uint8_t*>(one.input()));
  one();
  const float* best = std::max_element(one.output(), one.output() + kClasses);
  std::printf("one of them is a %d with probability %.3f; its label is %d\n", static_cast<int>(best - one.output()),
              *best, samples.labels[static_cast<size_t>(sample)]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
