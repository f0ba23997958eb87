// Says what a model takes and gives, and classifies a picture:
//
//   classify pycnn-out/deck.safetensors picture.pgm      an 8-bit PGM ("P5") of the model's height and width
#include <pycnn/pycnn.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

std::vector<uint8_t> read_pgm(const char* path, const std::vector<int64_t>& shape) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int64_t width = 0, height = 0, largest = 0;
  file >> magic >> width >> height >> largest;
  if (!file || magic != "P5" || largest != 255) throw std::runtime_error(std::string(path) + " is no 8-bit PGM file");
  if (shape.size() != 3 || shape[0] != height || shape[1] != width || shape[2] != 1)
    throw std::runtime_error(std::string(path) + " has another size than the model's input");
  std::vector<uint8_t> pixels(static_cast<size_t>(width * height));
  file.get();  // the one white space after the numbers
  file.read(reinterpret_cast<char*>(pixels.data()), width * height);
  if (!file) throw std::runtime_error(std::string(path) + " ends too early");
  return pixels;
}

void print(const char* what, const pycnn::TensorInfo& tensor) {
  std::printf("%s '%s': (samples", what, tensor.name.c_str());
  for (const int64_t n : tensor.shape) std::printf(", %lld", static_cast<long long>(n));
  std::printf(") %s\n", tensor.dtype.c_str());
}

int main(int argc, char** argv) try {
  if (argc != 3) throw std::invalid_argument("usage: classify MODEL.safetensors PICTURE.pgm");
  const pycnn::Model model = pycnn::Model::load(argv[1]);
  for (const auto& input : model.inputs()) print("input", input);
  for (const auto& output : model.outputs()) print("output", output);
  for (const auto& name : model.class_names()) std::printf("class '%s'\n", name.c_str());

  const std::vector<uint8_t> pixels = read_pgm(argv[2], model.inputs()[0].shape);
  for (const auto& guess : model.classify(pixels.data(), 3))
    std::printf("%5.1f %%  %lld %s\n", 100 * guess.probability, static_cast<long long>(guess.label),
                guess.name.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
