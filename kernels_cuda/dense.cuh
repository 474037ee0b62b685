// Sums over all taps from tiles in shared memory: what dense.cu, masked.cu and bank.cu share.
//
// A block makes a tile of outputs. Each of its threads makes X columns x Y rows of them: it sums
// several rows at once in registers, so that a pixel read from shared memory meets many weights and
// a weight many pixels. `first` is where the weights of the kernel begin among those of a call.
//
// Macros, beside those of tile.cuh:
//   ROWS, COLUMNS  taps, unrolled at compile time; 0: at run time, from geometry
//   SPACING        scalars between neighbouring taps along x; 0: strides and dilations are data
//   LEAD           loaded scalars before the first tap, so that loads begin aligned
//   Y              output rows of a thread
#pragma once

#include "tile.cuh"

constexpr int X = 4;
constexpr int THREADS_Y = Y == 16 ? 4 : 8;
constexpr int TILE_WIDTH = 32 * X, TILE_HEIGHT = THREADS_Y * Y;

// Output rows that a thread sums at once. Sixteen would take 1 to 6 % fewer instructions (make
// static), and twice the time to compile.
constexpr int AT_ONCE = ROWS && Y > 8 ? 8 : Y;

typedef SUM Sums[AT_ONCE][X];

// The window of a thread begins at a multiple of X; SHIFT scalars on stands its first tap.
constexpr int SHIFT = LEAD % X;
constexpr int UNIT = VECTOR > X ? VECTOR : X;

// N numbers from shared memory, X at a time; both are multiples of X.
template <int N>
INLINE void fetch(const SUM *cells, SUM (&window)[N]) {
#pragma unroll
    for (int i = 0; i < N; i += X) {
        const Pack<SUM, X> pack = loaded<SUM, X>(cells + i);
#pragma unroll
        for (int j = 0; j < X; ++j) window[i + j] = pack.each[j];
    }
}

#if ROWS
// ---------------------------------------------------------------------------- unrolled

constexpr int REACH = (COLUMNS - 1) * SPACING;
constexpr int PITCH = rounded_up(LEAD + TILE_WIDTH + REACH, UNIT);
constexpr int WINDOW = rounded_up(SHIFT + X + REACH, X);

// Sum AT_ONCE rows of outputs, of which the first is made from the row at `cells` and those after
// it.
INLINE void sum_rows(const SUM *cells, const Call &call, const SUM *weights, int first,
                     Sums &sums) {
#pragma unroll
    for (int r = 0; r < AT_ONCE + ROWS - 1; ++r) {
        SUM window[WINDOW];
        fetch(cells + r * PITCH, window);
#pragma unroll
        for (int k = 0; k < ROWS; ++k) {
            const int y = r - k;
            if (y < 0 || y >= AT_ONCE) continue;
#pragma unroll
            for (int l = 0; l < COLUMNS; ++l)
#pragma unroll
                for (int x = 0; x < X; ++x) {
                    const SUM weight = WEIGHT(first + k * COLUMNS + l);
                    const SUM pixel = window[SHIFT + x + l * SPACING];
                    // Also the first, or a sum of nothing but 0 would have another sign than in
                    // kernels that begin with 0.
                    sums[y][x] = fused(weight, pixel, k || l ? sums[y][x] : 0);
                }
        }
    }
}

// First output column of a thread, and the distance to the next.
INLINE int column_of(int x) { return threadIdx.x * X + x; }

#else
// ---------------------------------------------------------------------------- at run time
// The kernel is walked in pieces whose tile fits into shared memory; sums stay in registers.

#if SPACING
// Taps are taken MANY at a time, as what is loaded for them is shared by X outputs; the last of a
// row FEW at a time. Kernel rows are taken TOGETHER, as a row of pixels that is loaded once then
// meets several: else passes through shared memory would take longer than the sums.
constexpr int MANY = 8, FEW = 4;
// Weights of memory, and not of the call itself, take registers of their own: there are too few.
constexpr int TOGETHER = WEIGHTS ? 2 : 1;

// Add up to TAPS taps of each of DEEP kernel rows, the first of which lies over `cells`; WHOLE says
// that there are TAPS, else `count` are.
template <int DEEP, int TAPS, bool WHOLE>
INLINE void add_taps(const SUM *cells, int pitch, const Call &call, const SUM *weights, int first,
                     int count, Sums &sums) {
    SUM taps[DEEP][TAPS];
#pragma unroll
    for (int i = 0; i < DEEP * TAPS; ++i) {
        const int k = i / TAPS, j = i % TAPS;
        const bool there = WHOLE || j < count;
        taps[k][j] = there ? WEIGHT(first + k * call.geometry.columns + j) : 0;
    }
#pragma unroll
    for (int r = 0; r < Y + DEEP - 1; ++r) {
        SUM window[rounded_up(SHIFT + X + (TAPS - 1) * SPACING, X)];
        fetch(cells + r * pitch, window);
#pragma unroll
        for (int k = 0; k < DEEP; ++k) {
            const int y = r - k;
            if (y < 0 || y >= Y) continue;
#pragma unroll
            for (int j = 0; j < TAPS; ++j)
                if (WHOLE || j < count)
#pragma unroll
                    for (int x = 0; x < X; ++x)
                        sums[y][x] = fused(taps[k][j], window[SHIFT + x + j * SPACING], sums[y][x]);
        }
    }
}

// Add DEEP kernel rows.
template <int DEEP>
INLINE void add_rows(const SUM *cells, int pitch, const Call &call, const SUM *weights, int first,
                     int columns, Sums &sums) {
    int l = 0;
#pragma unroll 1
    for (; l + MANY <= columns; l += MANY)
        add_taps<DEEP, MANY, true>(cells + l * SPACING, pitch, call, weights, first + l, MANY,
                                   sums);
#pragma unroll 1
    for (; l < columns; l += FEW)
        add_taps<DEEP, FEW, false>(cells + l * SPACING, pitch, call, weights, first + l,
                                   columns - l, sums);
}

INLINE void sum_piece(const SUM *tile, int pitch, const Call &call, const SUM *weights, int first,
                      int rows, int columns, Sums &sums) {
    const SUM *cells = tile + threadIdx.y * Y * pitch + threadIdx.x * X + (LEAD - SHIFT);
#pragma unroll 1
    for (; rows >= TOGETHER; rows -= TOGETHER) {
        add_rows<TOGETHER>(cells, pitch, call, weights, first, columns, sums);
        cells += TOGETHER * pitch;
        first += TOGETHER * call.geometry.columns;
    }
    if (TOGETHER == 2 && rows) add_rows<1>(cells, pitch, call, weights, first, columns, sums);
}

INLINE int column_of(int x) { return threadIdx.x * X + x; }

#else
// Strides and dilations are data: every pixel is read for itself, by neighbouring threads from
// places `stride` apart.
INLINE int column_of(int x) { return threadIdx.x + 32 * x; }

INLINE void sum_piece(const SUM *tile, int pitch, const Call &call, const SUM *weights, int first,
                      int rows, int columns, Sums &sums) {
    const Geometry &g = call.geometry;
    const int stride_y = g.stride_y / g.step_y, stride_x = g.stride_x / g.step_x;
    const int dilation_y = g.dilation_y / g.step_y, dilation_x = g.dilation_x / g.step_x;
    for (int k = 0; k < rows; ++k)
        for (int l = 0; l < columns; ++l) {
            const SUM weight = WEIGHT(first + k * g.columns + l);
#pragma unroll
            for (int y = 0; y < Y; ++y) {
                const int row = (threadIdx.y * Y + y) * stride_y + k * dilation_y;
#pragma unroll
                for (int x = 0; x < X; ++x) {
                    const int column = column_of(x) * stride_x + l * dilation_x;
                    sums[y][x] = fused(weight, tile[row * pitch + column], sums[y][x]);
                }
            }
        }
}
#endif

// Rows or columns of the tile that `outputs` outputs and `taps` taps need.
INLINE int extent(int outputs, int stride, int taps, int dilation, int step) {
    return ((outputs - 1) * stride + (taps - 1) * dilation) / step + 1;
}

// Take the kernel in pieces whose tile fits into shared memory: `load_tile` loads the tile of a
// window, `sum_tile` sums rows x columns taps over it, the first of them number `first`.
template <typename Load, typename Sum>
INLINE void for_pieces(const Geometry &g, int top, int left, Load load_tile, Sum sum_tile) {
    for (int k = 0; k < g.rows; k += g.piece_rows)
        for (int l = 0; l < g.columns; l += g.piece_columns) {
            const int rows = min(g.piece_rows, g.rows - k);
            const int columns = min(g.piece_columns, g.columns - l);
            Window window = {top + k * g.dilation_y, left + l * g.dilation_x - LEAD,
                             extent(TILE_HEIGHT, g.stride_y, rows, g.dilation_y, g.step_y),
                             extent(TILE_WIDTH, g.stride_x, columns, g.dilation_x, g.step_x),
                             g.step_y, g.step_x};
#if SPACING
            // What is read for the last taps is FEW taps wide.
            window.columns = rounded_up(
                LEAD + TILE_WIDTH + (rounded_up(columns, FEW) - 1) * SPACING, UNIT);
#endif
            if (k || l) __syncthreads();  // the last piece's tile is still being read
            load_tile(window);
            __syncthreads();
            sum_tile(window, k * g.columns + l, rows, columns);
        }
}
#endif
