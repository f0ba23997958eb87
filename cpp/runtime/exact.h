// Whether results are to be computed in the plain way even where a faster one rounds more coarsely.
#pragma once

namespace pycnn {

// If so, convolutions are direct sums; if not, the shapes that gain from it use Winograd's form. At first what
// PYCNN_EXACT says (0 or 1; std::invalid_argument for anything else), else false. Holds for all networks and single
// operations from their next call on.
bool exact();
void set_exact(bool exact);

}  // namespace pycnn
