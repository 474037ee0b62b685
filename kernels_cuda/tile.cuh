// A call: its geometry, border tables and weights, and the loading of a tile into shared memory.
//
// Along x a row is a run of scalars: the C interleaved channels of a colour image are C scalars a
// pixel, taps C scalars apart, and nothing below knows of channels.
//
// Macros:
//   VECTOR   scalars that one load moves: a power of two (rows and their starts are aligned to it),
//            or 1 (neighbours in x are neighbours in memory), or 0 (any strides)
//   STORE    the same for the output, 1 or more meaning that stores may be that wide
//   EDGES    entries that the border tables of a call have room for
//   WEIGHTS  weights that a call has room for; 0: tables and weights lie in device memory
//   GUARD    1: a sum that is not finite is taken again by definition, as a weight of 0 must not
//            make NaN of a pixel that it is not to read
//   MASKED   1: pixels have weights (masked.cu); 0 where it is not defined
//   ORDERED  1: taps are added in an order (ordered.cu); 0 where it is not defined
//   RANKED   1: pixels of a rank are selected under a footprint of runs (runs.cuh); 0 where it is
//            not defined
//   BANK     1: there are several kernels (bank.cu); 0 where it is not defined
//   JOINT    1: channels are filtered together; 0 where it is not defined
//   PATCHES  1: patches are compared (nl_means.cu); 0 where it is not defined
//   EPILOGUE 1: each result is worked on before it is stored; 0 where it is not defined
#pragma once

#include "pixel.cuh"
#include "border.cuh"

// Axes of a batch, slowest first.
#define AXES 3

#if EPILOGUE
// What is done to each result: clip(abs(scale * result + offset)), as gpuconv/epilogue.py has it.
struct Epilogue {
    SUM scale, offset, low, high;
    int absolute;

    // NaN is neither below nor above a limit, so it stays NaN.
    INLINE SUM of(SUM result) const {
        const SUM moved = rounded_sum(rounded_product(result, scale), offset);
        const SUM size = absolute ? abs(moved) : moved;
        return size < low ? low : size > high ? high : size;
    }
};
#endif

struct Geometry {
    // Elements from one plane, row and column to the next: 64 bits, as images may be larger than
    // 2^31 elements. Within a tile 32 bits do.
    long long image_plane[AXES], image_row, image_column;
    long long out_plane[AXES], out_row, out_column;
    int planes[AXES];
    int height, width;          // of the image
    int out_height, out_width;  // of the output
    int rows, columns;          // taps
    int offset_y, offset_x;     // position in the image of tap (0, 0) of output (0, 0)
    int stride_y, stride_x;     // positions between outputs
    int dilation_y, dilation_x; // positions between taps
    int before_y, after_y, before_x, after_x;  // entries of the border tables
    int piece_rows, piece_columns;  // taps whose tile fits into shared memory at once
    int step_y, step_x;         // positions between rows and between columns of a tile
    int segment;                // output rows that a block makes
    SUM cval, divisor, reciprocal;
#if EPILOGUE
    Epilogue epilogue;
#endif
#if MASKED
    // Of the weights of pixels; the sum of the kernel's; and a sum of weights that counts as none.
    long long mask_plane[AXES], mask_row, mask_column;
    SUM gain, least;
#endif
#if ORDERED
    int taps;
#endif
#if RANKED
    int rank;  // of the pixel that is wanted, counted from the least, 0
    int runs;  // of the footprint's pixels along x
#endif
#if BANK
    long long out_filter;  // elements from one filter's responses to the next's
    int filters;
#endif
#if JOINT
    long long image_channel, out_channel;  // elements from one channel to the next
    int channels;
#endif
#if PATCHES
    int patch, search;  // rows and columns of a patch; most rows and columns from one to another
#endif
};

// Everything that a launch needs beside the arrays travels by value: calls on other threads and
// streams cannot disturb it, and the compiler reads weights as constants.
struct Call {
    Geometry geometry;
#if WEIGHTS
    int edges[EDGES];     // of y, then of x
    SUM weights[WEIGHTS];
#endif
};

#if WEIGHTS
#define WEIGHT(i) call.weights[i]
#define EDGE_TABLE call.edges
#else
#define WEIGHT(i) weights[i]
#define EDGE_TABLE edges
#endif

// The arguments of every kernel; those that an instance does not use are null.
#define ARGUMENTS                                                                              \
    const PIXEL *__restrict__ image, RESULT *__restrict__ out, const SUM *__restrict__ before, \
        const SUM *__restrict__ weights, const int *__restrict__ edges,                        \
        const __grid_constant__ Call call

// Offset of plane z of a batch.
INLINE long long plane_offset(const long long (&step)[AXES], const int (&planes)[AXES], int z) {
    if (planes[1] * planes[2] == 1) return z * step[0];
    const int last = z % planes[2], rest = z / planes[2];
    return last * step[2] + rest % planes[1] * step[1] + rest / planes[1] * step[0];
}

// One plane of the image, with its border.
struct Plane {
    const PIXEL *pixels;
    long long row, column;
    Edge y, x;
    SUM cval;

    INLINE Plane(const PIXEL *pixels, const Geometry &g, const int *table)
        : pixels(pixels), row(g.image_row), column(g.image_column),
          y{g.height, g.before_y, g.after_y, table},
          x{g.width, g.before_x, g.after_x, table + g.before_y + g.after_y}, cval(g.cval) {}

    // The pixel at any position, border included.
    INLINE SUM at(int position_y, int position_x) const {
        const int i = y.source(position_y), j = x.source(position_x);
        if (i < 0 || j < 0) return cval;
#if VECTOR
        return number(pixels[i * row + j]);
#else
        return number(pixels[i * row + j * column]);
#endif
    }
};

INLINE long long distance(long long step) { return step < 0 ? -step : step; }

// ---------------------------------------------------------------------------- loading

#if VECTOR > 1
// Write numbers to shared memory, four at a time.
INLINE void put(SUM *cells, const Pack<PIXEL, VECTOR> &pack) {
#if AS_IS
    if constexpr (sizeof(SUM) == sizeof(PIXEL)) {
        stored(reinterpret_cast<PIXEL *>(cells), pack);
        return;
    }
#endif
    constexpr int at_once = VECTOR < 4 ? VECTOR : 4;
#pragma unroll
    for (int i = 0; i < VECTOR; i += at_once) {
        Pack<SUM, at_once> some;
#pragma unroll
        for (int j = 0; j < at_once; ++j) some.each[j] = number_in(pack, i + j);
        stored(cells + i, some);
    }
}
#endif

// What a block loads: rows x columns positions, the first at (top, left).
struct Window {
    int top, left, rows, columns;
    int step_y, step_x;  // positions between rows and between columns

    INLINE bool inside(const Plane &plane) const {
        return plane.y.inside(top, top + (rows - 1) * step_y) &&
               plane.x.inside(left, left + (columns - 1) * step_x);
    }
};

#if VECTOR > 1
// A window in the image: a warp takes a row, 32 vectors of it at a time; the few vectors that are
// left over of each row are then dealt to all threads.
template <int THREADS_Y>
INLINE void load_inside(const Plane &plane, const Window &window, SUM *tile, int pitch) {
    constexpr int threads = 32 * THREADS_Y;
    const int vectors = window.columns / VECTOR, whole = vectors & ~31, rest = vectors & 31;
    const PIXEL *first = plane.pixels + window.top * plane.row + window.left;
    // Unrolled where the compiler knows the window, so that all loads are under way at once.
    for (int v = 0; v < whole; v += 32) {
        const PIXEL *from = first + threadIdx.y * plane.row + (v + threadIdx.x) * VECTOR;
        SUM *cells = tile + threadIdx.y * pitch + (v + threadIdx.x) * VECTOR;
#pragma unroll
        for (int r = 0; r < window.rows; r += THREADS_Y) {
            if (r + THREADS_Y <= window.rows || r + threadIdx.y < window.rows)
                put(cells + r * pitch, loaded<PIXEL, VECTOR>(from));
            from += THREADS_Y * plane.row;
        }
    }
    if (rest == 0) return;
    const int thread = threadIdx.y * 32 + threadIdx.x, all = window.rows * rest;
#pragma unroll
    for (int begin = 0; begin < all; begin += threads) {
        const unsigned i = begin + thread, r = i / rest, v = (whole + i % rest) * VECTOR;
        if (begin + threads <= all || i < all)
            put(tile + r * pitch + v, loaded<PIXEL, VECTOR>(first + r * plane.row + v));
    }
}
#endif

// Any window, a pixel at a time, through the border tables.
template <int THREADS_Y>
INLINE void load_any(const Plane &plane, Window window, SUM *tile, int pitch) {
    window.top = opaque(window.top);
    window.left = opaque(window.left);
#if VECTOR == 0
    // Where neighbours in y are nearer in memory, as in a transposed image, a warp goes down.
    if (distance(plane.row) < distance(plane.column)) {
        for (int c = threadIdx.y; c < window.columns; c += THREADS_Y)
            for (int r = threadIdx.x; r < window.rows; r += 32)
                tile[r * pitch + c] =
                    plane.at(window.top + r * window.step_y, window.left + c * window.step_x);
        return;
    }
#endif
    for (int r = threadIdx.y; r < window.rows; r += THREADS_Y)
        for (int c = threadIdx.x; c < window.columns; c += 32)
            tile[r * pitch + c] =
                plane.at(window.top + r * window.step_y, window.left + c * window.step_x);
}

template <int THREADS_Y>
INLINE void load(const Plane &plane, const Window &window, SUM *tile, int pitch) {
#if VECTOR > 1
    if (window.inside(plane)) {
        load_inside<THREADS_Y>(plane, window, tile, pitch);
        return;
    }
#endif
    load_any<THREADS_Y>(plane, window, tile, pitch);
}

// ---------------------------------------------------------------------------- storing

INLINE constexpr int rounded_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

#if !AS_IS
INLINE bool is_finite(SUM sum) { return sum - sum == 0; }

// The sum by definition: no pixel is read but under a weight that is not 0. `taps` are the weights
// of the whole kernel, row by row.
template <typename Taps>
INLINE SUM defined(const Plane &plane, const Geometry &g, const Taps &taps, int y, int x) {
    const int top = g.offset_y + y * g.stride_y, left = g.offset_x + x * g.stride_x;
    SUM sum = 0;
#pragma unroll 1
    for (int i = 0; i < g.rows; ++i)
#pragma unroll 1
        for (int j = 0; j < g.columns; ++j) {
            const SUM weight = taps(i * g.columns + j);
            if (weight != 0)
                sum = fused(weight, plane.at(top + i * g.dilation_y, left + j * g.dilation_x), sum);
        }
    return sum;
}
#endif

// What is stored for a sum.
INLINE SUM result_of(SUM sum, const Geometry &g) {
    const SUM quotient = divided(sum, g.divisor, g.reciprocal);
#if EPILOGUE
    return g.epilogue.of(quotient);
#else
    return quotient;
#endif
}

// Write the sums of N neighbouring outputs, of which the first `count` exist, at `to` and after.
template <int N>
INLINE void write(RESULT *to, const Geometry &g, int count, const SUM (&sums)[N]) {
    SUM finished[N];
#pragma unroll
    for (int i = 0; i < N; ++i) finished[i] = result_of(sums[i], g);
    const Pack<RESULT, N> pack = results<RESULT>(finished);
#if STORE > 1
    if (count >= N) {
        stored(to, pack);
        return;
    }
#endif
#pragma unroll
    for (int i = 0; i < N; ++i)
        if (i < count) {
#if STORE
            to[i] = pack.each[i];
#else
            to[i * g.out_column] = pack.each[i];
#endif
        }
}

// Elements between neighbouring outputs in x.
#if STORE
INLINE constexpr long long out_column(const Geometry &) { return 1; }
#else
INLINE long long out_column(const Geometry &g) { return g.out_column; }
#endif
