#include <pycnn/pycnn.h>

namespace pycnn {

const char* version() { return PYCNN_VERSION; }

}  // namespace pycnn
