// Sums in SciPy's order, tap after tap, each product and each sum rounded for itself: its bits.
//
// A block of 32 x 8 threads makes 32 columns and 8 Y rows of outputs, from a tile in shared memory;
// or from the image itself, where the taps are too far apart for a tile. Which taps there are, in
// which order, says a list behind the border tables: row and column of each. None has a weight of
// 0, so no pixel is read that does not count.
//
// Macros, beside those of tile.cuh:
//   Y     output rows of a thread
//   TILE  1: there is a tile
//   FOLD  1: to the pixel under a tap that under its mirror image is added, before they are
//         weighed; -1: it is subtracted; 0: there are no pairs. The tap in the middle is alone.
#define ORDERED 1
#include "tile.cuh"

constexpr int THREADS_Y = 8;
constexpr int TILE_WIDTH = 32, TILE_HEIGHT = THREADS_Y * Y;

// The pixels that the taps of a thread's outputs lie over.
struct Pixels {
#if TILE
    const SUM *cells;  // that under the first tap of the first output
    int pitch;
#else
    const Plane &plane;
    int top, left;  // the position of that pixel
#endif
    int below;  // rows between outputs

    // The pixel of output number i at a distance from its first tap.
    INLINE SUM at(int i, int y, int x) const {
#if TILE
        return cells[(i * below + y) * pitch + x];
#else
        return plane.at(top + i * below + y, left + x);
#endif
    }
};

INLINE void sum_taps(const Pixels &pixels, const Call &call, const SUM *weights, const int *taps,
                     SUM (&sums)[Y]) {
    const Geometry &g = call.geometry;
#pragma unroll 1
    for (int tap = 0; tap < g.taps; ++tap) {
        const int row = taps[2 * tap] * g.dilation_y, column = taps[2 * tap + 1] * g.dilation_x;
        const int other_row = (g.rows - 1) * g.dilation_y - row;
        const int other_column = (g.columns - 1) * g.dilation_x - column;
        const bool pair = FOLD && (other_row != row || other_column != column);
        const SUM weight = WEIGHT(tap);
#pragma unroll
        for (int i = 0; i < Y; ++i) {
            SUM pixel = pixels.at(i, row, column);
            if (pair) pixel = rounded_sum(pixel, FOLD * pixels.at(i, other_row, other_column));
            const SUM product = rounded_product(pixel, weight);
            // Not added to 0, which would make 0 of -0.
            sums[i] = tap == 0 ? product : rounded_sum(sums[i], product);
        }
    }
}

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, 2) ordered(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int *taps = EDGE_TABLE + g.before_y + g.after_y + g.before_x + g.after_x;
    const int left = blockIdx.x * TILE_WIDTH, x = left + threadIdx.x;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int block = blockIdx.y; block * TILE_HEIGHT < g.out_height; block += gridDim.y) {
            const int top = block * TILE_HEIGHT;
            const int source_y = g.offset_y + top * g.stride_y;
            const int source_x = g.offset_x + left * g.stride_x;
#if TILE
            SUM *tile = reinterpret_cast<SUM *>(shared);
            const int rows = (TILE_HEIGHT - 1) * g.stride_y + (g.rows - 1) * g.dilation_y + 1;
            const int columns = (TILE_WIDTH - 1) * g.stride_x + (g.columns - 1) * g.dilation_x + 1;
            load<THREADS_Y>(plane, {source_y, source_x, rows, columns, 1, 1}, tile, columns);
            __syncthreads();
            const int first = threadIdx.y * g.stride_y * columns + threadIdx.x * g.stride_x;
            const Pixels pixels{tile + first, columns, THREADS_Y * g.stride_y};
#else
            const Pixels pixels{plane, source_y + (int)threadIdx.y * g.stride_y,
                                source_x + (int)threadIdx.x * g.stride_x, THREADS_Y * g.stride_y};
#endif
            SUM sums[Y] = {};
            sum_taps(pixels, call, weights, taps, sums);
#pragma unroll
            for (int i = 0; i < Y; ++i) {
                const int y = top + threadIdx.y + i * THREADS_Y;
                if (y < g.out_height && x < g.out_width)
                    write<1>(plane_out + y * g.out_row + x * out_column(g), g, 1, {sums[i]});
            }
#if TILE
            __syncthreads();  // the tile is still being read
#endif
        }
    }
}
