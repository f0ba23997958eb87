// pycnn for C++ programs that use a trained model: a file that Python's `model.save("digits.safetensors")` wrote.
//
//   const pycnn::Model model = pycnn::Model::load("digits.safetensors");
//   std::vector<float> x(28 * 28), y(10);
//   model.predict(x.data(), 1, y.data());                        // one sample
//   for (const auto& guess : model.classify(x.data(), 3))        // the three most probable classes
//     std::cout << guess.name << " " << guess.probability << "\n";
//
// and for the least time a call, with arrays that are made once:
//
//   const pycnn::PreparedCall<float> call = model.prepare(1);
//   std::copy(x.begin(), x.end(), call.input());
//   call();                                                      // call.output() has the result
//
// Arrays are dense, samples first, in the order of Python's: images are (samples, height, width, channels). A model
// takes float or uint8_t; bytes are taken as the numbers 0 to 255, as Python's uint8 arrays are.
//
// Errors are exceptions: std::invalid_argument where a call's arguments are wrong, std::runtime_error where a file or
// the CPU is, std::bad_alloc. Arrays are trusted to be as long as said. A Model may be used by several threads; one at
// a time computes. Programs that build and train networks in C++ include <pycnn/network.h>, those in C
// <pycnn/pycnn_c.h>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pycnn {

// An input or an output of a model.
struct TensorInfo {
  std::string name;
  std::vector<int64_t> shape;  // of one sample: without the batch axis
  std::string dtype;           // "float32"

  int64_t size() const {  // values of one sample
    int64_t n = 1;
    for (const int64_t dim : shape) n *= dim;
    return n;
  }
};

struct Prediction {
  int64_t label;      // the number of the class
  std::string name;   // empty where the model has no names of its classes
  float probability;  // the model's output for it
};

// A model and its arrays for batches of one size, which copies share. T is float or uint8_t.
template <class T>
class PreparedCall {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, uint8_t>, "a model takes float or uint8_t");

 public:
  PreparedCall(const PreparedCall&) = default;
  PreparedCall& operator=(const PreparedCall&) = default;

  int64_t samples() const;
  // On cache lines, zero at first; of one input or output, by its index in Model::inputs() or outputs().
  T* input(size_t index = 0) const;
  float* output(size_t index = 0) const;

  void operator()() const;  // from the inputs to the outputs
  // The same from and to other arrays, where the model has one input and one output.
  void operator()(const T* x, float* y) const;

 private:
  friend class Model;
  struct Impl;
  explicit PreparedCall(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// Copies of a Model and the calls that it prepared share one network, which lives as long as any of them.
class Model {
 public:
  Model(const Model&) = default;
  Model& operator=(const Model&) = default;

  // With `lazy` most weights stay in the file, and memory has them once, in the form that kernels read. The file stays
  // open; it may be replaced or deleted, but not written in place: a call that then needs weights anew, as it has
  // another batch size, throws std::runtime_error.
  static Model load(const std::string& path, bool lazy = false);
  static Model from_bytes(const void* file, size_t bytes);  // of a file in memory, which is copied

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  const std::vector<std::string>& class_names() const;  // empty where the file has none

  // The outputs for `samples` samples, at least 1. The first two need a model with one input and one output; the
  // others take an array for each input and each output, in their order.
  void predict(const float* x, int64_t samples, float* y) const;
  void predict(const uint8_t* x, int64_t samples, float* y) const;
  void predict(const std::vector<const float*>& inputs, int64_t samples, const std::vector<float*>& outputs) const;
  void predict(const std::vector<const uint8_t*>& inputs, int64_t samples, const std::vector<float*>& outputs) const;

  // The `top` classes of one sample with the largest outputs, largest first; fewer where there are fewer. Needs a model
  // with one input, and with one output of at least two values.
  std::vector<Prediction> classify(const float* x, int64_t top = 1) const;
  std::vector<Prediction> classify(const uint8_t* x, int64_t top = 1) const;

  // All that can be done before the first call is done here.
  template <class T = float>
  PreparedCall<T> prepare(int64_t samples) const;

  struct Impl;
  explicit Model(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}  // of the implementation

 private:
  std::shared_ptr<Impl> impl_;
};

// Threads that a call may use: at first OMP_NUM_THREADS, or the cores that this process may use.
int num_threads();
void set_num_threads(int threads);  // at least 1

const char* version();  // "0.1.0"

}  // namespace pycnn
