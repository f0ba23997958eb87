// A graph before a pass, and the lines of its text after it.
#pragma once

#include "passes/passes.h"
#include "tests/values.h"

namespace pycnn::testing {

struct PassCase {
  Values v;
  std::vector<int> kept;
  std::string want;

  void check_text(void (*pass)(Graph&, const std::vector<int>&), const std::string& name) const {
    Graph changed = v.graph;
    pass(changed, kept);
    const std::string text = text_of(changed, kept);
    if (text != want) fail(__FILE__, __LINE__, name, ": the text is\n", text, "not\n", want);
    pass(changed, kept);
    CHECK(text_of(changed, kept) == text);  // nothing is left to do
  }
  void check(void (*pass)(Graph&, const std::vector<int>&), const KernelTable& kernels, const std::string& name) const {
    check_text(pass, name);
    // As it was written, which the reference computes, and as it runs.
    const auto network = make_values_network(kernels, v.graph, kept);
    const Inputs inputs(*network, 3);
    const Reference reference(network->graph(), inputs.x, 3);
    const std::vector<Floats> got = predict_all(*network, inputs.batch());
    for (size_t k = 0; k < kept.size(); ++k) check_all_near(got[k], reference.value(kept[k]), name);
  }
};

}  // namespace pycnn::testing
