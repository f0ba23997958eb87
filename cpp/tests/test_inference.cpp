// A prepared call against Network::predict.
#include "engine/inference.h"

#include <stdexcept>

#include "tests/networks.h"

namespace pycnn::testing {

TEST(inference_gives_the_bits_of_predict) {
  for (const int threads : {1, 3}) {
    const Threads use(threads);
    for (const int64_t samples : {1, 2, 17, 300}) {
      const auto network = make_network(kernels, deck_layers());
      const Inference call(*network, samples);
      CHECK_EQUAL(reinterpret_cast<uintptr_t>(call.input()) % 64 + reinterpret_cast<uintptr_t>(call.output()) % 64, 0u,
                  "aligned");
      const Floats x = random_floats(samples * network->input_shape().size(), 3, -1, 1);
      for (const float factor : {1.0f, 0.5f}) {  // weights that change are seen
        for (int64_t i = 0; i < network->parameters().size(0); ++i) network->parameters().weights(0)[i] *= factor;
        network->parameters().touch();
        const Floats expected = predict(*network, x);
        std::memcpy(call.input(), x.data(), x.size() * sizeof(float));
        call();
        CHECK(same_bits(Floats(call.output(), call.output() + expected.size()), expected));
        Guarded out(static_cast<int64_t>(expected.size()));
        call(x.data(), out.data());
        CHECK(out.intact() && same_bits(out.values(), expected));
      }
    }
  }
}

TEST(inference_takes_bytes) {
  const auto network = make_network(kernels, deck_layers());
  const Inference call(*network, 2, SourceType::kUint8);
  const int64_t n = 2 * network->input_shape().size();
  Floats x;
  for (int64_t i = 0; i < n; ++i) {
    static_cast<uint8_t*>(call.input())[i] = static_cast<uint8_t>(i % 5);
    x.push_back(static_cast<float>(i % 5));
  }
  call();
  const Floats expected = predict(*network, x);
  CHECK(same_bits(Floats(call.output(), call.output() + expected.size()), expected));
}

TEST(inference_needs_a_sample) {
  const auto network = make_network(kernels, deck_layers());
  for (const int64_t samples : {0, -3}) {
    bool refused = false;
    try {
      Inference(*network, samples);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    CHECK(refused);
  }
  bool refused = false;
  try {
    Inference(*network, int64_t{1} << 60);
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  CHECK(refused);
}

}  // namespace pycnn::testing
