// How Winograd's work on an image is cut into pieces: panels of output channels, and rows of tiles.
#pragma once

#include "kernels/conv2d/cost.h"
#include "kernels/gemm/pack.h"

namespace pycnn::PYCNN_ISA {

// Panels and rows of tiles of every image.
struct WinogradPart {
  int64_t panel_begin, panel_end, row_begin, row_end;
};

namespace {

// From so many tiles on, neighbouring pieces are panels of the same rows: half of a large image's pieces read half of
// its inputs, half of a small one's all rows and half of the weights.
constexpr int64_t kTilesByRows = 32;
constexpr int64_t kMaxTileBlocks = 8;

// Of odd tiles a pool needs whole images.
PYCNN_INLINE int64_t winograd_row_blocks(const Conv2D& s, int m) {
  return m % 2 == 1 ? 1 : min(kMaxTileBlocks, winograd_tile_rows(s, m));
}

PYCNN_INLINE int64_t winograd_pieces(const Conv2D& s, int m) { return panels_of(s.k) * winograd_row_blocks(s, m); }

// body(part) for as few parts as make up the pieces [begin, end).
template <class Body>
PYCNN_INLINE void for_winograd_parts(const Conv2D& s, int m, int64_t begin, int64_t end, const Body& body) {
  const bool by_rows = winograd_tiles(s, m) >= kTilesByRows;
  const int64_t rows = winograd_tile_rows(s, m), blocks = winograd_row_blocks(s, m),
                inner = by_rows ? panels_of(s.k) : blocks;
  while (begin < end) {
    const int64_t outer = begin / inner, first = begin % inner;
    const int64_t outers = first == 0 ? max(1, (end - begin) / inner) : 1;
    const int64_t last = min(inner, first + end - begin);
    const int64_t row_begin = by_rows ? outer : first, row_end = by_rows ? outer + outers : last;
    WinogradPart part;
    part.panel_begin = by_rows ? first : outer;
    part.panel_end = by_rows ? last : outer + outers;
    part.row_begin = row_begin * rows / blocks;
    part.row_end = row_end * rows / blocks;
    body(part);
    begin += outers * (last - first);
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
