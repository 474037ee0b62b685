// Non-local means: the image against itself, shifted, one shift after another.
//
// For each shift a block adds up the squared differences of its pixels over patches: first down
// columns, a thread taking X rows of one, then along rows, a lane taking a row, and a warp X
// columns of it. Between the two the sums lie in shared memory, in one of two buffers, so that a
// barrier for each shift is enough. What a thread adds up in the end, weights and pixels, stays in
// registers over all shifts: nothing is added by two threads, and results are the same each time.
//
// Macros, beside those of tile.cuh:
//   PATCH     rows and columns of a patch; 0: the call says it, X at least
//   X         outputs of a thread
//   CHANNELS  channels, 1 to 4; 0: the call says it
//   OWN       1: a thread keeps the pixels that it compares with all others in registers
//   PITCH     pixels of a row in shared memory, an odd number, so that those of a column lie in
//             different banks; 0: there is no room, and pixels are read from the image each time
//   SPARED    1: differences that noise makes are not counted
//   BLOCKS    blocks whose registers a multiprocessor must have room for
#define JOINT 1
#define PATCHES 1
#include "tile.cuh"

#define WARPS 8
#define HEIGHT 32         // output rows of a block, one for each lane
#define WIDE (WARPS * X)  // columns that are added up at once
#define BUFFERS (PATCH ? 2 : 1)

// Channels whose results are made at once; of more, the weights are made again.
#define KEPT (CHANNELS ? CHANNELS : 4)

// Sums that have pixels in common from which they are made: a power of two, as X is.
#define GROUP (PATCH == 0 || PATCH >= X ? X : PATCH > 7 ? 8 : PATCH > 3 ? 4 : PATCH > 1 ? 2 : 1)

// ---------------------------------------------------------------------------- pixels

// The pixels of a block, the first at (0, 0).
struct Source {
#if PITCH
    const SUM *tile;
    int size;  // of a channel

    INLINE SUM at(int channel, int row, int column) const {
        return tile[channel * size + row * PITCH + column];
    }
#else
    Plane plane;
    long long step;  // from a channel to the next
    int top, left;

    INLINE SUM at(int channel, int row, int column) const {
        Plane moved = plane;
        moved.pixels += channel * step;
        return moved.at(top + row, left + column);
    }
#endif
};

// ---------------------------------------------------------------------------- sums over patches

// Sums of `count` neighbours each, N of them: what all N have in common, and from there to both
// ends. Nothing is taken away again, so nothing drifts, and NaN stays in the windows that hold it.
template <int N, typename Value>
INLINE void windows(int count, const Value &value, SUM *sums) {
    SUM common = value(N - 1);
#pragma unroll
    for (int i = N; i < count; ++i) common += value(i);
    sums[N - 1] = common;
    SUM end = 0;
#pragma unroll
    for (int k = N - 2; k >= 0; --k) {
        end = k == N - 2 ? value(k) : end + value(k);
        sums[k] = end + common;
    }
#pragma unroll
    for (int k = 1; k < N; ++k) {
        end = k == 1 ? value(count) : end + value(count + k - 1);
        sums[k] += end;
    }
}

// The X sums of a thread.
template <typename Value>
INLINE void patches(int patch, const Value &value, SUM (&sums)[X]) {
#pragma unroll
    for (int first = 0; first < X; first += GROUP)
        windows<GROUP>(patch, [&](int i) { return value(first + i); }, sums + first);
}

// What a thread compares: X rows of a column.
struct Column {
    int row, column;
#if OWN
    SUM own[CHANNELS][X + PATCH - 1];

    INLINE void keep(const Source &source, int search) {
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c)
#pragma unroll
            for (int i = 0; i < X + PATCH - 1; ++i)
                own[c][i] = source.at(c, row + search + i, column + search);
    }
#endif

    // The squared difference of the pixel in row i and of that `down` and `right` from the first it
    // is compared with, over all channels.
    INLINE SUM squared(const Source &source, const Geometry &g, int i, int down, int right) const {
        SUM sum = 0;
#pragma unroll
        for (int c = 0; c < (CHANNELS ? CHANNELS : g.channels); ++c) {
#if OWN
            const SUM mine = own[c][i];
#else
            const SUM mine = source.at(c, row + g.search + i, column + g.search);
#endif
            const SUM difference = mine - source.at(c, row + down + i, column + right);
            sum = c == 0 ? difference * difference : fused(difference, difference, sum);
        }
        return sum;
    }

    // Write the sums of X patches' columns.
    INLINE void add_up(const Source &source, const Geometry &g, int down, int right, SUM *sums,
                       int pitch) const {
        SUM found[X];
#if PATCH
        SUM squares[X + PATCH - 1];
#pragma unroll
        for (int i = 0; i < X + PATCH - 1; ++i) squares[i] = squared(source, g, i, down, right);
        patches(PATCH, [&](int i) { return squares[i]; }, found);
#else
        patches(g.patch, [&](int i) { return squared(source, g, i, down, right); }, found);
#endif
#pragma unroll
        for (int k = 0; k < X; ++k) sums[(row + k) * pitch + column] = found[k];
    }
};

// ---------------------------------------------------------------------------- weights

// 2 to the power of a number that is not above 0, or NaN.
INLINE float power_of_two(float exponent) {
#ifdef GPUCONV_ON_CPU
    return exp2f(exponent);
#else
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(exponent));
    return power;
#endif
}
INLINE double power_of_two(double exponent) { return exp2(exponent); }

// The weight of a patch for what its difference from another is. NaN is not above 0, and stays.
INLINE SUM weight_of(SUM difference, SUM factor, SUM spared) {
#if SPARED
    const SUM exponent = fused(difference, factor, spared);
    return power_of_two(exponent > 0 ? 0 : exponent);
#else
    return power_of_two(difference * factor);
#endif
}

// ---------------------------------------------------------------------------- the kernel

// What a thread makes of X neighbours in a row: the weighed mean of how others differ from them.
// Of what pixels have in common nothing is lost, however many are added up.
struct Means {
    int row, column;  // of the first of the neighbours
    SUM weight[X], moved[KEPT][X];
#if CHANNELS == 1
    SUM kept[X];  // of more channels they would take more registers than there are
#endif

    INLINE Means(const Source &source, int row, int column)
        : row(row), column(column), weight(), moved() {
#if CHANNELS == 1
#pragma unroll
        for (int i = 0; i < X; ++i) kept[i] = source.at(0, row, column + i);
#endif
    }

    INLINE SUM own(const Source &source, int channel, int i) const {
#if CHANNELS == 1
        return kept[i];
#else
        return source.at(channel, row, column + i);
#endif
    }

    // Add the pixels that a shift leads to, from each neighbour `down` and `right`.
    INLINE void add(const Source &source, const SUM (&differences)[X], SUM factor, SUM spared,
                    int first, int channels, int down, int right) {
#pragma unroll
        for (int i = 0; i < X; ++i) {
            const SUM w = weight_of(differences[i], factor, spared);
            weight[i] += w;
#pragma unroll
            for (int c = 0; c < KEPT; ++c)
                if (CHANNELS || first + c < channels) {
                    const SUM there = source.at(first + c, row + down, column + right + i);
                    moved[c][i] = fused(w, there - own(source, first + c, i), moved[c][i]);
                }
        }
    }
};

// The sums over patches of X neighbours in a row, from the sums of their columns.
INLINE void along(const SUM *sums, int patch, SUM (&found)[X]) {
#if PATCH
    constexpr int at_once = 16 / sizeof(SUM), count = rounded_up(X + PATCH - 1, at_once);
    SUM columns[count];
#pragma unroll
    for (int i = 0; i < count; i += at_once) {
        const Pack<SUM, at_once> some = loaded<SUM, at_once>(sums + i);
#pragma unroll
        for (int j = 0; j < at_once; ++j) columns[i + j] = some.each[j];
    }
    patches(PATCH, [&](int i) { return columns[i]; }, found);
#else
    patches(patch, [&](int i) { return sums[i]; }, found);
#endif
}

// Elements from a row of sums to the next: 4 more than a multiple of 8, so that the 8 lanes that
// read 16 bytes each at a time, a row each, find them in different banks.
INLINE constexpr int pitch_of(int patch) { return rounded_up(WIDE + patch - 1, 8) + 4; }

// Filter the block whose first output is at (top, left): channels `first` and after.
INLINE void filter(const Source &source, const Call &call, const SUM *weights, RESULT *out,
                   SUM *sums, int top, int left, int width, int first) {
    const Geometry &g = call.geometry;
    const int patch = PATCH ? PATCH : g.patch, pitch = pitch_of(patch);
    constexpr int across = WIDE / 32;  // warps that stand side by side over columns
    Column column;
    column.row = threadIdx.y / across * X;
    column.column = threadIdx.y % across * 32 + threadIdx.x;
#if OWN
    column.keep(source, g.search);
#endif
    const int row = threadIdx.x, begin = threadIdx.y * X, middle = patch / 2;
    const int center = g.search + middle;
    Means means(source, row + center, begin + center);
    int buffer = 0;
    for (int down = 0; down <= 2 * g.search; ++down)
#pragma unroll 1
        for (int right = 0; right <= 2 * g.search; ++right) {
            SUM *some = sums + buffer;
#if PATCH
            column.add_up(source, g, down, right, some, pitch);
            buffer = HEIGHT * pitch - buffer;
#else
            for (Column next = column; next.column < WIDE + patch - 1; next.column += WIDE)
                next.add_up(source, g, down, right, some, pitch);
#endif
            __syncthreads();
            SUM differences[X];
            along(some + row * pitch + begin, patch, differences);
            means.add(source, differences, WEIGHT(0), WEIGHT(1), first, g.channels,
                      down - g.search, right - g.search);
            if (BUFFERS == 1) __syncthreads();  // the sums are still being read
        }
    if (top + row >= g.out_height) return;
    RESULT *target = out + (top + row) * g.out_row;
#pragma unroll
    for (int i = 0; i < X; ++i) {
        const int x = left + begin + i;
        if (begin + i >= width || x >= g.out_width) break;
#pragma unroll
        for (int c = 0; c < KEPT; ++c)
            if (CHANNELS || first + c < g.channels)
                write<1>(target + (first + c) * g.out_channel + x * out_column(g), g, 1,
                         {means.own(source, first + c, i) + means.moved[c][i] / means.weight[i]});
    }
}

extern "C" __global__ void __launch_bounds__(32 * WARPS, BLOCKS) nl_means(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    SUM *sums = reinterpret_cast<SUM *>(shared);
    const Geometry &g = call.geometry;
    const int patch = PATCH ? PATCH : g.patch;
    const int room = BUFFERS * HEIGHT * pitch_of(patch);
    const int width = PATCH ? WIDE - PATCH + 1 : WIDE, left = blockIdx.x * width;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
#if PATCH
    // Lanes whose outputs do not exist read sums that are not there.
    for (int i = threadIdx.y * 32 + threadIdx.x; i < room; i += 32 * WARPS) sums[i] = 0;
#endif
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * HEIGHT < g.out_height; y += gridDim.y) {
            const int top = y * HEIGHT, y_source = g.offset_y + top, x_source = g.offset_x + left;
#if PITCH
            const int tall = HEIGHT + g.rows - 1, across = WIDE + g.columns - 1;
            const Source source = {sums + room, tall * PITCH};
            for (int c = 0; c < g.channels; ++c) {
                Plane moved = plane;
                moved.pixels += c * g.image_channel;
                load<WARPS>(moved, {y_source, x_source, tall, across, 1, 1},
                            sums + room + c * source.size, PITCH);
            }
#else
            const Source source = {plane, g.image_channel, y_source, x_source};
#endif
            __syncthreads();
            for (int first = 0; first < g.channels; first += KEPT) {
                filter(source, call, weights, plane_out, sums, top, left, width, first);
                __syncthreads();  // pixels and sums are still being read
            }
        }
    }
}
