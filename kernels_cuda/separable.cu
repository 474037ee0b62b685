// Separable correlation in one pass over memory: rows are filtered, and their results filtered down
// the columns, before they leave the chip. A kernel of K x K taps costs 2 K multiplications a pixel
// and one read and one write, where two passes need two of each.
//
// A kernel is a sum of TERMS products, column x row. For each term in turn the weights are those of
// the column, then those of the row; with GUARD all weights of the kernel, row by row, follow.
//
// A block owns a strip of the image and walks down it. `march` keeps the walk in registers, `ring`,
// for kernels that are too long for that, in shared memory.
//
// Macros, beside those of tile.cuh:
//   TERMS          products that are summed
//   ROWS, COLUMNS  taps of `march`, unrolled at compile time; 0: `ring`, with taps from geometry
//   SPACING        scalars between neighbouring taps along x; taps along y are neighbours
//   LEAD           loaded scalars before the first tap, so that loads begin aligned:
//                  offset_x modulo VECTOR
//   X              neighbouring outputs of a thread of `march`, a multiple of VECTOR
#include "tile.cuh"

// Write the sums of N neighbouring outputs, from (y, x) on, of which the first `count` exist. Those
// that are not finite are then taken again by definition; `taps` is where the weights of the whole
// kernel begin.
template <int N>
INLINE void write_guarded(RESULT *to, const Plane &plane, const Call &call, const SUM *weights,
                          int taps, int y, int x, int count, const SUM (&sums)[N]) {
    const Geometry &g = call.geometry;
    write(to, g, count, sums);
#if GUARD
    // 0 times Inf or NaN is NaN: one test for all.
    SUM none = 0;
#pragma unroll
    for (int i = 0; i < N; ++i) none = fused(sums[i], 0, none);
    if (none == 0) return;
    unsigned wrong = 0;  // a bit for each output to take again
#pragma unroll
    for (int i = 0; i < N; ++i) wrong |= (unsigned)(i < count && !is_finite(sums[i])) << i;
    const auto tap = [&](int i) { return WEIGHT(taps + i); };
    for (; wrong; wrong &= wrong - 1) {
        const int i = __ffs(wrong) - 1;
        write<1>(to + i * out_column(g), g, 1, {defined(plane, g, tap, y, x + i)});
    }
#endif
}

#if ROWS
#include "march.cuh"
#else
#include "ring.cuh"
#endif
