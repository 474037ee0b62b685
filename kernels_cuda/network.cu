// The pixel of a rank in each window, by a network of minima and maxima in registers.
//
// Windows of neighbouring outputs hold mostly the same pixels. A thread takes a tile of outputs:
// what all its windows hold, the core, is sorted once, and so is each row and each column that only
// some of them hold, but for the corners. Then the tile is halved: the core of a half is the core,
// merged with the columns, or rows, that all windows of that half hold; and so on, down to a single
// output (Adams, ACM Trans. Graph. 40, 2021; Sugy, SIGGRAPH 2025). Pixels that cannot have the rank
// any more are forgotten on the way (sorting.cuh).
//
// Small integers go two to a register, one from the upper half of the block's rows and one from the
// lower half, so that all of the above is done to both at once.
//
// Macros, beside those of tile.cuh and sorting.cuh:
//   ROWS, COLUMNS  of a window
//   SPACING        scalars between neighbouring pixels along x
//   LEAD           loaded scalars before the first pixel, so that loads begin aligned
//   LANES          pixels in a register: 2 of 8 or 16 bits, or 1
//   TALL, WIDE     outputs of a tile: powers of two, no larger than the window
//   BLOCKS         that a multiprocessor is to hold: a thread may have the fewer registers
//   Y              tiles of a thread, one below the other, in each lane
#include "tile.cuh"
#include "sorting.cuh"

constexpr int THREADS_Y = 8;
constexpr int X = 4;  // outputs of a thread along x
constexpr int LANE_ROWS = THREADS_Y * Y * TALL;
constexpr int TILE_HEIGHT = LANES * LANE_ROWS;
// A thread's outputs are of one channel.
constexpr int GROUPS = 32 / SPACING, TILE_WIDTH = GROUPS * X * SPACING;
constexpr int VECTOR_OR_X = VECTOR > X ? VECTOR : X;
constexpr int PITCH = rounded_up(LEAD + TILE_WIDTH + (COLUMNS - 1) * SPACING, VECTOR_OR_X);

// ---------------------------------------------------------------------------- pixels in registers

#if LANES == 2 && (defined(GPUCONV_ON_CPU) || __CUDA_ARCH__ >= 900)
#define TOGETHER 2
// Two in a word; those of 8 bits stand in both bytes of their half, which keeps their order.
struct Value {
    unsigned word;
};
constexpr bool is_signed = (PIXEL)-1 < (PIXEL)1;
INLINE Value least(Value a, Value b) {
    return {is_signed ? __vmins2(a.word, b.word) : __vminu2(a.word, b.word)};
}
INLINE Value most(Value a, Value b) {
    return {is_signed ? __vmaxs2(a.word, b.word) : __vmaxu2(a.word, b.word)};
}
INLINE SUM in_lane(Value value, int lane) { return (SUM)(value.word >> 16 * lane); }
INLINE Value paired(unsigned upper, unsigned lower, int i) {
    const int bytes = sizeof(PIXEL) == 1 ? 0x4400 + 0x1111 * i : 0x5410 + 0x2222 * i;
    return {__byte_perm(upper, lower, bytes)};
}
#else
// One at a time: devices before that compare no halves of words.
#define TOGETHER 1
#if LANES == 2
typedef int Value;
#else
typedef SUM Value;
#endif
INLINE SUM in_lane(Value value, int) { return (SUM)value; }
#endif

// The pixels that a thread sees, from its first window's first on.
struct Pixels {
    const SUM *tile;

    // Where SPACING is 1, whole words are read, and the compiler reads each once.
    INLINE Value at(int row, int column) const {
#if SPACING == 1 && TOGETHER == 2
        constexpr int in_word = 4 / sizeof(SUM);
        const int shifted = column + LEAD % X;
        const SUM *word = tile - LEAD % X + row * PITCH + shifted / in_word * in_word;
        const Pack<SUM, in_word> upper = loaded<SUM, in_word>(word);
        const Pack<SUM, in_word> lower = loaded<SUM, in_word>(word + LANE_ROWS * PITCH);
        return paired(upper.words[0], lower.words[0], shifted % in_word);
#elif TOGETHER == 2
        const SUM *upper = tile + row * PITCH + column * SPACING;
        return paired(upper[0], upper[LANE_ROWS * PITCH], 0);
#elif SPACING == 1
        const int shifted = column + LEAD % X;
        const SUM *word = tile - LEAD % X + row * PITCH + shifted / X * X;
        return loaded<SUM, X>(word).each[shifted % X];
#else
        return tile[row * PITCH + column * SPACING];
#endif
    }
};

// ---------------------------------------------------------------------------- tiles of outputs

// Of a block, one below the other, in each lane.
constexpr int TILES = LANES / TOGETHER * Y * THREADS_Y;

typedef Value Outputs[TALL][X];

// H x W outputs whose first is number (I, J) of the thread.
template <int H, int W>
struct Core {
    static constexpr int tall = ROWS - H + 1, wide = COLUMNS - W + 1;

    Sorted<Value, tall * wide> inner;
    // Beside it and above it, H - 1 and W - 1 on either side; an array has at least one element.
    Sorted<Value, tall> left[W], right[W];
    Sorted<Value, wide> above[H], below[H];
};

template <int I, int J, int H, int W>
INLINE void halve(const Pixels &pixels, const Core<H, W> &core, Outputs &outputs);

// The left half (SIDE 0) or the right half (SIDE 1) of a tile.
template <int SIDE, int I, int J, int H, int W>
INLINE void half_across(const Pixels &pixels, const Core<H, W> &core, Outputs &outputs) {
    constexpr int half = W / 2, entering = J + (SIDE ? COLUMNS : half - 1);
    Core<H, half> part;
    if constexpr (SIDE == 0)
        part.inner = merged(core.inner, joined<half, half - 1>(core.left));
    else
        part.inner = merged(core.inner, joined<half>(core.right));
#pragma unroll
    for (int c = 0; c < half - 1; ++c) {
        part.left[c] = core.left[SIDE * half + c];
        part.right[c] = core.right[SIDE * half + c];
    }
#pragma unroll
    for (int r = 0; r < H - 1; ++r) {
        const auto upper = [&](int c) { return pixels.at(I + r, entering + c); };
        const auto lower = [&](int c) { return pixels.at(I + ROWS + r, entering + c); };
        part.above[r] = merged(core.above[r], sorted<Value, half>(upper));
        part.below[r] = merged(core.below[r], sorted<Value, half>(lower));
    }
    halve<I, J + SIDE * half>(pixels, part, outputs);
}

// The upper half (SIDE 0) or the lower half (SIDE 1) of a tile.
template <int SIDE, int I, int J, int H, int W>
INLINE void half_down(const Pixels &pixels, const Core<H, W> &core, Outputs &outputs) {
    constexpr int half = H / 2, entering = I + (SIDE ? ROWS : half - 1);
    Core<half, W> part;
    if constexpr (SIDE == 0)
        part.inner = merged(core.inner, joined<half, half - 1>(core.above));
    else
        part.inner = merged(core.inner, joined<half>(core.below));
#pragma unroll
    for (int r = 0; r < half - 1; ++r) {
        part.above[r] = core.above[SIDE * half + r];
        part.below[r] = core.below[SIDE * half + r];
    }
#pragma unroll
    for (int c = 0; c < W - 1; ++c) {
        const auto first = [&](int r) { return pixels.at(entering + r, J + c); };
        const auto last = [&](int r) { return pixels.at(entering + r, J + COLUMNS + c); };
        part.left[c] = merged(core.left[c], sorted<Value, half>(first));
        part.right[c] = merged(core.right[c], sorted<Value, half>(last));
    }
    halve<I + SIDE * half, J>(pixels, part, outputs);
}

template <int I, int J, int H, int W>
INLINE void halve(const Pixels &pixels, const Core<H, W> &core, Outputs &outputs) {
    if constexpr (H == 1 && W == 1) {
        outputs[I][J] = core.inner.at[0];
    } else if constexpr (W >= H) {
        half_across<0, I, J>(pixels, core, outputs);
        half_across<1, I, J>(pixels, core, outputs);
    } else {
        half_down<0, I, J>(pixels, core, outputs);
        half_down<1, I, J>(pixels, core, outputs);
    }
}

// Make the outputs of a tile, the first of which is number J along x.
template <int J>
INLINE void make_tile(const Pixels &pixels, Outputs &outputs) {
    typedef Core<TALL, WIDE> Whole;
    Whole core;
    Sorted<Value, Whole::tall> columns[Whole::wide];
#pragma unroll
    for (int c = 0; c < COLUMNS + WIDE - 1; ++c) {
        const auto column = [&](int r) { return pixels.at(TALL - 1 + r, J + c); };
        auto &list = c < WIDE - 1   ? core.left[c]
                     : c < COLUMNS ? columns[c - (WIDE - 1)]
                                   : core.right[c - COLUMNS];
        list = sorted<Value, Whole::tall>(column);
    }
    core.inner = joined<Whole::wide>(columns);
#pragma unroll
    for (int r = 0; r < TALL - 1; ++r) {
        const auto upper = [&](int c) { return pixels.at(r, J + WIDE - 1 + c); };
        const auto lower = [&](int c) { return pixels.at(ROWS + r, J + WIDE - 1 + c); };
        core.above[r] = sorted<Value, Whole::wide>(upper);
        core.below[r] = sorted<Value, Whole::wide>(lower);
    }
    halve<0, J>(pixels, core, outputs);
    if constexpr (J + WIDE < X) make_tile<J + WIDE>(pixels, outputs);
}

// ---------------------------------------------------------------------------- the kernel

// Write the outputs of a tile, the first of them at (row, column), in each lane.
INLINE void write_outputs(const Geometry &g, RESULT *out, int row, int column,
                          const Outputs &outputs) {
#pragma unroll
    for (int i = 0; i < TOGETHER * TALL; ++i) {
        const int lane = i / TALL, at = row + lane * LANE_ROWS + i % TALL;
        if (at >= g.out_height) continue;
        RESULT *to = out + at * g.out_row + column * out_column(g);
        SUM values[X];
#pragma unroll
        for (int x = 0; x < X; ++x) values[x] = in_lane(outputs[i % TALL][x], lane);
#if SPACING == 1
        write(to, g, g.out_width - column, values);
#else
#pragma unroll
        for (int x = 0; x < X; ++x)
            write<1>(to + x * SPACING, g, g.out_width - column - x * SPACING, {values[x]});
#endif
    }
}

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, BLOCKS)
network(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    SUM *tile = reinterpret_cast<SUM *>(shared);
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * TILE_WIDTH;
    const int group = threadIdx.x / SPACING, channel = threadIdx.x % SPACING;
    const int first = group * X * SPACING + channel;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * TILE_HEIGHT < g.out_height; y += gridDim.y) {
            const int top = y * TILE_HEIGHT;
            const Window window = {g.offset_y + top, g.offset_x + left - LEAD,
                                   TILE_HEIGHT + ROWS - 1, PITCH, 1, 1};
            load<THREADS_Y>(plane, window, tile, PITCH);
            __syncthreads();
            if (group < GROUPS) {
#pragma unroll 1
                for (int i = threadIdx.y; i < TILES; i += THREADS_Y) {
                    const Pixels pixels = {tile + i * TALL * PITCH + LEAD + first};
                    Outputs outputs;
                    make_tile<0>(pixels, outputs);
                    write_outputs(g, plane_out, top + i * TALL, left + first, outputs);
                }
            }
            __syncthreads();  // the tile is still being read
        }
    }
}
