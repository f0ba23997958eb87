// Padding that convolutions take over: the text of small graphs before and after, the same values and gradients.
#include "tests/passes/pass_case.h"

namespace pycnn::testing {
namespace {

struct Case : PassCase {
  int x = v.input({5, 6, 3});

  int pad(int of, const Padding& padding, float value = 0.0f, PadMode mode = PadMode::kConstant) {
    return v.add(Pad2DNode{padding, mode, value}, {of});
  }
  int conv(int of, const Conv2DNode& node = {}) {
    return v.add(node, {of, v.parameter({3, 2, 3, 4}), v.parameter({4})});
  }
  void check(const KernelTable& kernels, const char* name) const {
    PassCase::check(merge_padding, kernels, name);
    Values trained = v;
    std::vector<int> losses;
    for (const int node : kept) losses.push_back(trained.sum(trained.weighted(node)));
    check_values(kernels, name, trained.graph, kept, losses);
  }
};

const std::string kInput = "%0 = input() dtype=float32 : batch of (5, 6, 3)  \"input 0\"\n";

// The lines of the weights and the convolution of node `at`, with what the pass may change.
std::string conv_lines(int at, const std::string& of, const std::string& changed, const std::string& shape) {
  const auto text = [](int i) { return std::to_string(i); };
  return "%" + text(at - 2) + " = parameter() variable=0 : (3, 2, 3, 4)  \"weight " + text(at - 2) + "\"\n%" +
         text(at - 1) + " = parameter() variable=1 : (4,)  \"weight " + text(at - 1) + "\"\n%" + text(at) +
         " = conv2d(" + of + ", %" + text(at - 2) + ", %" + text(at - 1) + ") " + changed +
         " precision=float32 : batch of " + shape + "  \"node " + text(at) + "\"\n";
}

}  // namespace

TEST(merge_padding_into_a_convolution) {
  Case c;
  c.kept = {c.conv(c.pad(c.x, {1, 0, 2, 3}), {{2, 1}, {}, {}})};
  c.want =
      kInput +
      conv_lines(4, "%0", "strides=(2, 1) dilation=(1, 1) padding=(1, 0, 2, 3) pad_value=0 groups=1", "(2, 10, 4)") +
      "outputs %4\n";
  c.check(kernels, "one");

  // A row of padding over another, and that of the convolution itself; all with one value.
  Case chain;
  Conv2DNode padded;
  padded.padding = {0, 1, 1, 0};
  padded.pad_value = 2.0f;
  chain.kept = {chain.conv(chain.pad(chain.pad(chain.x, {1, 1, 1, 1}, 2.0f), {0, 3, 0, 1}, 2.0f), padded)};
  chain.want =
      kInput +
      conv_lines(5, "%0", "strides=(1, 1) dilation=(1, 1) padding=(1, 5, 2, 2) pad_value=2 groups=1", "(9, 9, 4)") +
      "outputs %5\n";
  chain.check(kernels, "chain");
}

TEST(merge_padding_only_where_it_is_the_same) {
  Case value;  // of another value than the convolution's own
  Conv2DNode padded;
  padded.padding = {1, 1, 1, 1};
  value.kept = {value.conv(value.pad(value.x, {1, 1, 1, 1}, 3.0f), padded)};
  value.want = text_of(value.v.graph, value.kept);
  value.check(kernels, "value");

  Case mode;
  mode.kept = {mode.conv(mode.pad(mode.x, {1, 1, 1, 1}, 0.0f, PadMode::kReflect))};
  mode.want = text_of(mode.v.graph, mode.kept);
  mode.check_text(merge_padding, "mode");

  Case shared;  // somebody else reads it
  const int pad = shared.pad(shared.x, {1, 0, 0, 1});
  shared.kept = {shared.conv(pad), pad};
  shared.want = text_of(shared.v.graph, shared.kept);
  shared.check(kernels, "shared");
}

// The gradient by what is padded needs it.
TEST(merge_padding_keeps_what_gradients_are_by) {
  Case c;
  const int pad = c.pad(c.x, {1, 0, 0, 1});
  c.kept = {c.v.gradient(c.v.map(MapOp::kSquare, {c.conv(pad)}), pad)};
  c.want = text_of(c.v.graph, c.kept);
  c.PassCase::check(merge_padding, kernels, "gradient");
}

}  // namespace pycnn::testing
