// The bilateral filter (gpuconv/neighbourhood/bilateral.py says what it is), from tiles in shared
// memory: one for each of the channels, whose distance counts as one.
//
// An exponential takes as long as eight other instructions: a multiprocessor makes 16 in a clock,
// where it issues 128 others (CUDA C++ Programming Guide, arithmetic instructions). All else that a
// tap of grey needs, five instructions and its part of a load, hides behind that. A table of the
// weights of bytes would not be faster: 32 lanes that look up entries of their own meet three or
// four in one bank, which is twelve to sixteen clocks of a quarter of a multiprocessor, not eight.
//
// Macros, beside those of tile.cuh:
//   RADIUS    of the window, unrolled at compile time; 0: at run time, from geometry
//   CHANNELS  that are filtered together, 1 to 4; bilateral_many.cu takes more
//   Y         output rows of a thread
#define JOINT 1
#include "tile.cuh"
#include "likeness.cuh"

// Output columns of a thread, side by side, and threads of a block along y.
constexpr int X = 4, THREADS_Y = 8;
constexpr int TILE_WIDTH = 32 * X, TILE_HEIGHT = THREADS_Y * Y;

// The weighed mean of X pixels: what they are moved by, times the weights, and the weights.
struct Means {
    SUM own[CHANNELS][X], moved[CHANNELS][X], total[X];
};

// Numbers of N columns from each of the tiles, four at a time.
template <int N>
INLINE void fetch(const SUM *cells, int size, SUM (&window)[CHANNELS][N]) {
#pragma unroll
    for (int c = 0; c < CHANNELS; ++c)
#pragma unroll
        for (int i = 0; i < N; i += X) {
            const Pack<SUM, X> pack = loaded<SUM, X>(cells + c * size + i);
#pragma unroll
            for (int j = 0; j < X; ++j) window[c][i + j] = pack.each[j];
        }
}

// Add a pixel of the window to each mean: the first to number `from` of the columns fetched.
template <int N>
INLINE void weigh(const SUM (&window)[CHANNELS][N], int from, SUM scale, SUM space, Means &means) {
#pragma unroll
    for (int x = 0; x < X; ++x) {
        SUM difference[CHANNELS], distance = 0;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            difference[c] = window[c][from + x] - means.own[c][x];
            distance = c ? distance + abs(difference[c]) : abs(difference[c]);
        }
        const SUM weight = likeness(distance, scale, space);
        means.total[x] += weight;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c)
            means.moved[c][x] = fused(weight, difference[c], means.moved[c][x]);
    }
}

// Load a window of each channel; `size` numbers lie between their tiles.
INLINE void load_channels(Plane plane, const Geometry &g, const Window &window, SUM *tile,
                          int size) {
#if VECTOR < 2
    // In the image, of interleaved channels for one, all of a pixel are read together.
    if (window.inside(plane) && distance(plane.column) <= distance(plane.row)) {
        const PIXEL *first = plane.pixels + window.top * plane.row + window.left * plane.column;
        for (int r = threadIdx.y; r < window.rows; r += THREADS_Y)
            for (int x = threadIdx.x; x < window.columns; x += 32) {
                const PIXEL *from = first + r * plane.row + x * plane.column;
#pragma unroll
                for (int c = 0; c < CHANNELS; ++c)
                    tile[c * size + r * window.columns + x] = number(from[c * g.image_channel]);
            }
        return;
    }
#endif
    for (int c = 0; c < CHANNELS; ++c) {
        load<THREADS_Y>(plane, window, tile + c * size, window.columns);
        plane.pixels += g.image_channel;
    }
}

// Write the means at (row, column) and right of it.
INLINE void finish(const Geometry &g, RESULT *out, int row, int column, const Means &means) {
    if (row >= g.out_height || column >= g.out_width) return;
    RESULT *to = out + row * g.out_row + column * out_column(g);
#pragma unroll
    for (int c = 0; c < CHANNELS; ++c) {
        SUM results[X];
#pragma unroll
        for (int x = 0; x < X; ++x)
            results[x] = means.own[c][x] + means.moved[c][x] / means.total[x];
        write(to + c * g.out_channel, g, g.out_width - column, results);
    }
}

#if RADIUS
// ---------------------------------------------------------------------------- unrolled

// A tile begins PAD columns before the first output, so that loads are aligned.
constexpr int PAD = rounded_up(RADIUS, X), PITCH = TILE_WIDTH + 2 * PAD;
constexpr int ROWS = TILE_HEIGHT + 2 * RADIUS, SIZE = ROWS * PITCH;

// Weigh the window of X outputs, whose first row and column lie at `cells`.
INLINE void weigh_window(const SUM *cells, const Call &call, const SUM *weights, Means &means) {
    const SUM scale = WEIGHT(0);
#pragma unroll
    for (int y = -RADIUS; y <= RADIUS; ++y) {
        SUM window[CHANNELS][X + 2 * PAD];
        fetch(cells + (y + RADIUS) * PITCH, SIZE, window);
#pragma unroll
        for (int x = -RADIUS; x <= RADIUS; ++x)
            if (x * x + y * y <= RADIUS * RADIUS && (x || y))
                weigh(window, PAD + x, scale, WEIGHT(1 + x * x + y * y), means);
    }
}

// The weight of the pixel itself: 1, but NaN where one of its channels is not finite.
INLINE SUM own_weight(const Means &means, int x) {
    SUM weight = 1;
#pragma unroll
    for (int c = 0; c < CHANNELS; ++c) weight += means.own[c][x] - means.own[c][x];
    return weight;
}

INLINE void filter(const Plane &plane, const Call &call, const SUM *weights, RESULT *out, int top,
                   int left, SUM *tile) {
    const Geometry &g = call.geometry;
    const int source = g.offset_x + RADIUS + left;
    load_channels(plane, g, {g.offset_y + top, source - PAD, ROWS, PITCH, 1, 1}, tile, SIZE);
    __syncthreads();
#pragma unroll 1
    for (int row = threadIdx.y; row < TILE_HEIGHT; row += THREADS_Y) {
        const SUM *cells = tile + row * PITCH + threadIdx.x * X;
        Means means = {};
        fetch(cells + RADIUS * PITCH + PAD, SIZE, means.own);
#pragma unroll
        for (int x = 0; x < X; ++x) means.total[x] = own_weight(means, x);
        weigh_window(cells, call, weights, means);
        finish(g, out, top + row, left + threadIdx.x * X, means);
    }
}

#else
// ---------------------------------------------------------------------------- at run time
// The window is walked in pieces whose tiles fit into shared memory; means stay in registers.

// Weigh X columns of the window's row y, from column x on: those of the disk, which reaches `half`
// columns to either side.
INLINE void weigh_columns(const SUM *cells, int size, const Call &call, const SUM *weights, int y,
                          int x, int half, Means &means) {
    SUM window[CHANNELS][2 * X];
    fetch(cells, size, window);
#pragma unroll
    for (int j = 0; j < X; ++j)
        if (x + j >= -half && x + j <= half)
            weigh(window, j, WEIGHT(0), WEIGHT(1 + (x + j) * (x + j) + y * y), means);
}

// Weigh rows x columns of the window, the first of them `y` and `x` from its middle, of which
// `cells` is the first number that the thread needs.
INLINE void weigh_piece(const SUM *cells, int pitch, int size, const Call &call,
                        const SUM *weights, int rows, int columns, int y, int x, Means &means) {
    const int radius = call.geometry.rows / 2;
#pragma unroll 1
    for (const int stop = y + rows; y < stop; ++y, cells += pitch) {
        // Never one too many: float32 holds what stands under the root, for radii below 2^11.
        const int half = (int)sqrt((float)(radius * radius - y * y));
        const int stop_x = min(x + columns, half + 1);
        // From a multiple of X on.
#pragma unroll 1
        for (int i = max(x, -half & -X); i < stop_x; i += X)
            weigh_columns(cells + i - x, size, call, weights, y, i, half, means);
    }
}

INLINE void filter(const Plane &plane, const Call &call, const SUM *weights, RESULT *out, int top,
                   int left, SUM *tile) {
    const Geometry &g = call.geometry;
    const int radius = g.rows / 2, pad = rounded_up(radius, X), row = top + threadIdx.y;
    const int source = g.offset_x + radius + left;
    Means means = {};
    Plane channel = plane;
#pragma unroll
    for (int c = 0; c < CHANNELS; ++c) {
#pragma unroll
        for (int x = 0; x < X; ++x)
            means.own[c][x] =
                channel.at(g.offset_y + radius + row, source + threadIdx.x * X + x);
        channel.pixels += g.image_channel;
    }
    for (int k = 0; k < g.rows; k += g.piece_rows)
        for (int l = 0; l < 2 * pad + X; l += g.piece_columns) {
            const int rows = min(g.piece_rows, g.rows - k);
            const int columns = min(g.piece_columns, 2 * pad + X - l);
            const int pitch = TILE_WIDTH + columns, size = (TILE_HEIGHT + rows - 1) * pitch;
            if (k || l) __syncthreads();  // the last piece's tile is still being read
            const Window window = {g.offset_y + top + k, source - pad + l, TILE_HEIGHT + rows - 1,
                                   pitch, 1, 1};
            load_channels(plane, g, window, tile, size);
            __syncthreads();
            weigh_piece(tile + threadIdx.y * pitch + threadIdx.x * X, pitch, size, call, weights,
                        rows, columns, k - radius, l - pad, means);
        }
    finish(g, out, row, left + threadIdx.x * X, means);
}
#endif

// ---------------------------------------------------------------------------- the kernel

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, sizeof(SUM) == 4 ? 2 : 1)
bilateral(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    SUM *tile = reinterpret_cast<SUM *>(shared);
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * TILE_HEIGHT < g.out_height; y += gridDim.y) {
            filter(plane, call, weights, plane_out, y * TILE_HEIGHT, blockIdx.x * TILE_WIDTH, tile);
            __syncthreads();  // the tile is still being read
        }
    }
}
