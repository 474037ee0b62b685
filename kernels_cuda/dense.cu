// Dense correlation from a tile in shared memory.
//
// A block loads the pixels that its tile of outputs needs, waits at a barrier, and sums them.
//
// Macros, beside those of dense.cuh:
//   ADD  1: `before` holds sums of this shape that these are added to
#include "dense.cuh"

// ---------------------------------------------------------------------------- the kernel

// Write sums, the first at `target`, of a block all of whose outputs exist.
INLINE void write_whole(const Geometry &g, RESULT *target, const Sums &sums) {
#pragma unroll
    for (int y = 0; y < AT_ONCE; ++y) {
#if ROWS || SPACING
        write(target, g, X, sums[y]);
#else
#pragma unroll
        for (int x = 0; x < X; ++x) write<1>(target + 32 * x * out_column(g), g, 1, {sums[y][x]});
#endif
        target += g.out_row;
    }
}

// Write the sum of one output, if that exists.
INLINE void write_one(const Geometry &g, RESULT *out, int row, int column, SUM sum) {
    if (row < g.out_height && column < g.out_width)
        write<1>(out + row * g.out_row + column * out_column(g), g, 1, {sum});
}

// Finish the sums of a thread, whose first output is in row `top`, and write them.
INLINE void finish(const Plane &plane, const Call &call, const SUM *weights, RESULT *out,
                   const SUM *before, bool whole, int top, int left, Sums &sums) {
    const Geometry &g = call.geometry;
#if ADD
#pragma unroll
    for (int i = 0; i < X * AT_ONCE; ++i) {
        const int row = top + i / X, column = left + column_of(i % X);
        if (row < g.out_height && column < g.out_width)
            sums[i / X][i % X] += before[(long long)row * g.out_width + column];
    }
#endif
    if (whole) {
        write_whole(g, out + top * g.out_row + (left + column_of(0)) * out_column(g), sums);
    } else {
#pragma unroll
        for (int i = 0; i < X * AT_ONCE; ++i)
            write_one(g, out, top + i / X, left + column_of(i % X), opaque(sums[i / X][i % X]));
    }
#if GUARD
    unsigned wrong = 0;  // a bit for each output to take again
#pragma unroll
    for (int i = 0; i < X * AT_ONCE; ++i) wrong |= (unsigned)!is_finite(sums[i / X][i % X]) << i;
    const auto taps = [&](int i) { return WEIGHT(i); };
    for (; wrong; wrong &= wrong - 1) {
        const int i = __ffs(wrong) - 1, row = top + i / X, column = left + column_of(i % X);
        write_one(g, out, row, column, defined(plane, g, taps, row, column));
    }
#endif
}

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, 2) dense(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    SUM *tile = reinterpret_cast<SUM *>(shared);
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * TILE_WIDTH;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        const SUM *plane_before = before + (long long)z * g.out_height * g.out_width;
        for (int y = blockIdx.y; y * TILE_HEIGHT < g.out_height; y += gridDim.y) {
            const int top = y * TILE_HEIGHT, mine = threadIdx.y * Y;
            const int source_y = g.offset_y + top * g.stride_y;
            const int source_x = g.offset_x + left * g.stride_x;
            const bool whole =
                left + TILE_WIDTH <= g.out_width && top + TILE_HEIGHT <= g.out_height;
#if ROWS
            const Window window = {source_y, source_x - LEAD, TILE_HEIGHT + ROWS - 1, PITCH, 1, 1};
            load<THREADS_Y>(plane, window, tile, PITCH);
            __syncthreads();
            const SUM *cells = tile + mine * PITCH + threadIdx.x * X + (LEAD - SHIFT);
#pragma unroll 1
            for (int first = 0; first < Y; first += AT_ONCE) {
                Sums sums;
                sum_rows(cells + first * PITCH, call, weights, 0, sums);
                finish(plane, call, weights, plane_out, plane_before, whole, top + mine + first,
                       left, sums);
            }
#else
            Sums sums = {};
            for_pieces(
                g, source_y, source_x,
                [&](const Window &window) {
                    load<THREADS_Y>(plane, window, tile, window.columns);
                },
                [&](const Window &window, int first, int rows, int columns) {
                    sum_piece(tile, window.columns, call, weights, first, rows, columns, sums);
                });
            finish(plane, call, weights, plane_out, plane_before, whole, top + mine, left, sums);
#endif
            __syncthreads();  // the tile is still being read
        }
    }
}
