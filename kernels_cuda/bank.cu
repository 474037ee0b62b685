// Several filters over one image, of which each pixel is read once: a block loads the pixels that
// any filter needs for its tile of outputs, and sums over them as dense.cu does, filter by filter.
//
// The weights of a call are, for each filter in turn, those of the rectangle of taps that holds all
// filters, row by row, then its divisor and 1/divisor.
//
// Macros, beside those of dense.cuh and reduction.cuh:
//   FILTERS  how many, where ROWS is not 0; else geometry says it
//   DIVIDE   how responses are divided
#define BANK 1
#include "dense.cuh"
#include "reduction.cuh"

// Where the weights of a filter begin.
INLINE int weights_of(const Geometry &g, int filter) {
#if ROWS
    return filter * (ROWS * COLUMNS + 2);
#else
    return filter * (g.rows * g.columns + 2);
#endif
}

INLINE SUM response_of(const Call &call, const SUM *weights, int filter, SUM sum) {
    const int behind = weights_of(call.geometry, filter + 1);
    return divided(sum, WEIGHT(behind - 2), WEIGHT(behind - 1));
}

// The filters whose sums have the output at (y, x), by definition.
INLINE SUM by_definition(const Plane &plane, const Call &call, const SUM *weights, int first,
                         int last, int y, int x) {
    SUM reduced = 0;
#pragma unroll 1
    for (int f = first; f <= last; ++f) {
        const int taps = weights_of(call.geometry, f);
        const auto tap = [&](int i) { return WEIGHT(taps + i); };
        const SUM sum = defined(plane, call.geometry, tap, y, x);
        const SUM response = response_of(call, weights, f, sum);
        if (REDUCE)
            reduced = f == first ? first_response(response) : with_response(reduced, response);
        else
            reduced = response;
    }
    return REDUCE ? reduced_all(reduced) : reduced;
}

// Write the outputs of a thread, the first of which is at (top, left).
INLINE void write_all(const Geometry &g, RESULT *out, int top, int left, const Sums &outputs) {
    RESULT *target = out + top * g.out_row + left * out_column(g);
#pragma unroll
    for (int y = 0; y < AT_ONCE; ++y) {
        if (top + y >= g.out_height) return;
        write(target, g, g.out_width - left, outputs[y]);
        target += g.out_row;
    }
}

#if GUARD
// Take those outputs again whose bit is set.
INLINE void write_again(const Plane &plane, const Call &call, const SUM *weights, RESULT *out,
                        int first, int last, int top, int left, unsigned wrong) {
    const Geometry &g = call.geometry;
    for (; wrong; wrong &= wrong - 1) {
        const int i = __ffs(wrong) - 1, row = top + i / X, column = left + i % X;
        if (row >= g.out_height || column >= g.out_width) continue;
        const SUM output = by_definition(plane, call, weights, first, last, row, column);
        write<1>(out + row * g.out_row + column * out_column(g), g, 1, {output});
    }
}

INLINE unsigned not_finite(const Sums &sums) {
    unsigned wrong = 0;
#pragma unroll
    for (int i = 0; i < X * AT_ONCE; ++i) wrong |= (unsigned)!is_finite(sums[i / X][i % X]) << i;
    return wrong;
}
#endif

// Make the outputs of a thread, whose taps begin at `cells`.
INLINE void make_outputs(const Plane &plane, const Call &call, const SUM *weights, RESULT *out,
                         const SUM *cells, int pitch, int top, int left) {
    const Geometry &g = call.geometry;
#if ROWS
    constexpr int filters = FILTERS, at_once = FILTERS;
#else
    const int filters = g.filters;
    constexpr int at_once = 1;
#endif
    Sums outputs;
    unsigned wrong = 0;
#pragma unroll at_once
    for (int f = 0; f < filters; ++f) {
#if ROWS
        Sums sums;
        sum_rows(cells, call, weights, weights_of(g, f), sums);
#else
        Sums sums = {};
        sum_piece(cells, pitch, call, weights, weights_of(g, f), g.rows, g.columns, sums);
#endif
#if GUARD
        wrong |= not_finite(sums);
#endif
#pragma unroll
        for (int i = 0; i < X * AT_ONCE; ++i) {
            const SUM response = response_of(call, weights, f, sums[i / X][i % X]);
            SUM &output = outputs[i / X][i % X];
            if (REDUCE)
                output = f == 0 ? first_response(response) : with_response(output, response);
            else
                output = response;
        }
#if REDUCE == REDUCE_NOT
        write_all(g, out + f * g.out_filter, top, left, outputs);
#if GUARD
        write_again(plane, call, weights, out + f * g.out_filter, f, f, top, left, wrong);
        wrong = 0;
#endif
#endif
    }
#if REDUCE
#pragma unroll
    for (int i = 0; i < X * AT_ONCE; ++i)
        outputs[i / X][i % X] = reduced_all(outputs[i / X][i % X]);
    write_all(g, out, top, left, outputs);
#if GUARD
    write_again(plane, call, weights, out, 0, filters - 1, top, left, wrong);
#endif
#endif
}

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, 2) bank(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    SUM *tile = reinterpret_cast<SUM *>(shared);
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * TILE_WIDTH;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * TILE_HEIGHT < g.out_height; y += gridDim.y) {
            const int top = y * TILE_HEIGHT, mine = threadIdx.y * Y;
#if ROWS
            constexpr int rows = TILE_HEIGHT + ROWS - 1, pitch = PITCH;
            const SUM *cells = tile + mine * pitch + threadIdx.x * X + (LEAD - SHIFT);
#else
            const int rows = TILE_HEIGHT + g.rows - 1;
            const int pitch =
                rounded_up(LEAD + TILE_WIDTH + (rounded_up(g.columns, FEW) - 1) * SPACING, UNIT);
            const SUM *cells = tile;  // sum_piece finds the thread's place itself
#endif
            const Window window = {g.offset_y + top, g.offset_x + left - LEAD, rows, pitch, 1, 1};
            load<THREADS_Y>(plane, window, tile, pitch);
            __syncthreads();
            make_outputs(plane, call, weights, plane_out, cells, pitch, top + mine,
                         left + column_of(0));
            __syncthreads();  // the tile is still being read
        }
    }
}
