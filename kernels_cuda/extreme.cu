// The least or the largest pixels of rectangles.
//
// Along either axis the extreme of 2 pixels is that of two neighbours, that of 4 of two such pairs,
// and so on; and that of any window the one of two that overlap. All positions of a tile take such
// a step at once, from one half of shared memory to the other.
//
// Macros, beside those of tile.cuh:
//   LARGEST  1: the largest; 0: the least
//   X, Y     output columns and rows of a tile
// Dynamic shared memory: twice the tile.
#include "tile.cuh"
#include "order.cuh"

constexpr int THREADS_Y = 8;

INLINE SUM extreme_of(SUM a, SUM b) { return LARGEST ? most(a, b) : least(a, b); }

// Two tiles, of which one is read and one written.
struct Tiles {
    SUM *from, *to;
    int pitch;

    // Make of windows of some pixels along an axis windows of `more` pixels more: neighbours are
    // `cells` apart, and so many rows and columns are needed.
    INLINE void widen(int more, int cells, int rows, int columns) {
        const int other = more * cells, step = THREADS_Y * pitch;
        for (int c = threadIdx.x; c < columns; c += 32) {
            int at = threadIdx.y * pitch + c;
#pragma unroll 4
            for (int r = threadIdx.y; r < rows; r += THREADS_Y) {
                to[at] = extreme_of(from[at], from[at + other]);
                at += step;
            }
        }
        SUM *written = to;
        to = from;
        from = written;
        __syncthreads();
    }

    // Make windows of `taps` pixels of single ones.
    template <typename Needed>
    INLINE void widen_to(int taps, int cells, const Needed &needed) {
        int made = 1;
        while (made < taps) {
            const int more = min(made, taps - made);
            made += more;
            needed(more, cells, taps - made);
        }
    }
};

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, 4) extreme(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * X;
    const int spacing = g.dilation_x;
    const int all_rows = Y + g.rows - 1, pitch = X + (g.columns - 1) * spacing;
    SUM *first = reinterpret_cast<SUM *>(shared);
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * Y < g.out_height; y += gridDim.y) {
            const int top = y * Y;
            const Window window = {g.offset_y + top, g.offset_x + left, all_rows, pitch, 1, 1};
            load<THREADS_Y>(plane, window, first, pitch);
            __syncthreads();
            Tiles tiles = {first, first + all_rows * pitch, pitch};
            tiles.widen_to(g.columns, spacing, [&](int more, int cells, int still) {
                tiles.widen(more, cells, all_rows, X + still * spacing);
            });
            tiles.widen_to(g.rows, pitch, [&](int more, int cells, int still) {
                tiles.widen(more, cells, Y + still, X);
            });
            for (int r = threadIdx.y; r < min(Y, g.out_height - top); r += THREADS_Y)
                for (int c = threadIdx.x; c < min(X, g.out_width - left); c += 32)
                    write<1>(plane_out + (top + r) * g.out_row + (left + c) * out_column(g), g, 1,
                             {tiles.from[r * pitch + c]});
            __syncthreads();  // the tile is still being read
        }
    }
}
