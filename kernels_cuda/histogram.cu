// The pixel of a rank under large footprints of small integers, by counting.
//
// A warp makes a segment of a row. It keeps a histogram of the window, which moves along x: pixels
// that leave are taken away, those that enter added, a run of the footprint to a lane. The level
// that has the rank moves with it, as many bins as it must (Huang, Yang and Tang, IEEE Trans. ASSP
// 27, 1979). Pixels of 16 bits have a histogram of their upper bytes, and one of the lower bytes of
// those whose upper byte is the result's; that one is made anew where the upper byte changes.
//
// Macros, beside those of tile.cuh:
//   SEGMENT  pixels that a warp makes, of each channel
// Dynamic shared memory: where each run is left and entered; the histograms of each warp; the tile.
#include "runs.cuh"

constexpr int WARPS = 8, BINS = 256, LEVELS = sizeof(SUM);
constexpr bool is_signed = (SUM)-1 < (SUM)1;
constexpr int SIGN = is_signed ? 1 << (8 * LEVELS - 1) : 0;
constexpr unsigned EVERYONE = 0xffffffff;

// How many pixels of a window have each value of a byte; and of which value one is sought.
struct Histogram {
    int *bins;
    int level, below;  // a value, and how many are less

    INLINE void clear() {
        for (int i = threadIdx.x; i < BINS; i += 32) bins[i] = 0;
        level = below = 0;
        __syncwarp();
    }

    // Move to the value of the pixel number `rank`.
    INLINE void find(int rank) {
        __syncwarp();  // pixels are still being counted
        while (below > rank) below -= bins[--level];
        while (below + bins[level] <= rank) below += bins[level++];
        __syncwarp();
    }

    // Count a pixel, of those lanes that have one, before anything is found.
    INLINE void begin(bool have, int value) {
        if (have) atomicAdd(bins + value, 1);
    }

    // Count a pixel that enters (1), or no longer count one that leaves (-1).
    INLINE void add(bool have, int value, int count) {
        below += count * __popc(__ballot_sync(EVERYONE, have && value < level));
        if (have) atomicAdd(bins + value, count);
    }
};

// A warp's window.
struct Moving {
    const SUM *first;  // its first pixel
    const int2 *ends;  // of each run: where it begins and where it is over
    int runs, columns, spacing;

    INLINE int value(int offset) const { return (int)first[offset] ^ SIGN; }

    // Call use(have, value) for all pixels, those of 32 runs at a time: all lanes, as often.
    template <typename Use>
    INLINE void each(const Use &use) const {
        for (int i = threadIdx.x; i - (int)threadIdx.x < runs; i += 32) {
            const int2 end = i < runs ? ends[i] : make_int2(0, 0);
            int at = end.x;
            for (int c = 0; c < columns; ++c) {
                const bool have = at < end.y;
                use(have, have ? value(at) : 0);
                at += spacing;
            }
        }
    }

    // Move by a pixel, and call use(have, value, -1) for those that leave, with 1 for those that
    // enter.
    template <typename Use>
    INLINE void move(const Use &use) {
        for (int i = threadIdx.x; i - (int)threadIdx.x < runs; i += 32) {
            const bool have = i < runs;
            const int2 end = have ? ends[i] : make_int2(0, 0);
            const int leaving = have ? value(end.x) : 0, entering = have ? value(end.y) : 0;
            use(have, leaving, -1);
            use(have, entering, 1);
        }
        first += spacing;
    }
};

// Make `count` pixels of a channel; lane i is given number i of each 32 with put(i, value).
template <typename Put>
INLINE void march(Moving window, int *bins, int rank, int count, const Put &put) {
    Histogram upper = {bins, 0, 0}, lower = {bins + BINS, 0, 0};
    int upper_byte = -1;  // of the pixels that `lower` counts
    const auto of_upper = [&](int value) { return LEVELS == 1 ? value : value >> 8 & 255; };
    upper.clear();
    window.each([&](bool have, int value) { upper.begin(have, of_upper(value) & 255); });
    for (int i = 0; i < count; ++i) {
        upper.find(rank);
        int found = upper.level;
        if constexpr (LEVELS == 2) {
            if (upper.level != upper_byte) {
                upper_byte = upper.level;
                lower.clear();
                window.each([&](bool have, int value) {
                    lower.begin(have && of_upper(value) == upper_byte, value & 255);
                });
            }
            lower.find(rank - upper.below);
            found = found << 8 | lower.level;
        }
        put(i, (SUM)(found ^ SIGN));
        if (i + 1 < count)
            window.move([&](bool have, int value, int sign) {
                upper.add(have, of_upper(value) & 255, sign);
                if constexpr (LEVELS == 2)
                    lower.add(have && of_upper(value) == upper_byte, value & 255, sign);
            });
    }
}

extern "C" __global__ void __launch_bounds__(32 * WARPS, 4) histogram(RANK_ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2], spacing = g.dilation_x;
    // An odd number of words, so that the pixels of a column lie in different banks.
    constexpr int in_word = 4 / sizeof(SUM);
    const int columns = (SEGMENT + g.columns - 1) * spacing;
    const int pitch = (columns / in_word | 1) * in_word + 2 * in_word;
    int2 *ends = reinterpret_cast<int2 *>(shared);
    int *bins = reinterpret_cast<int *>(ends + g.runs);
    SUM *tile = reinterpret_cast<SUM *>(bins + WARPS * LEVELS * BINS);
    for (int i = threadIdx.y * 32 + threadIdx.x; i < g.runs; i += 32 * WARPS) {
        const Run run(runs, i);
        ends[i] = make_int2(run.row * pitch + run.first * spacing,
                            run.row * pitch + run.stop * spacing);
    }
    const int left = blockIdx.x * SEGMENT * spacing;
    const int count = min(SEGMENT, (g.out_width - left) / spacing);
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * WARPS < g.out_height; y += gridDim.y) {
            const int row = y * WARPS + threadIdx.y;
            const Window window = {g.offset_y + y * WARPS, g.offset_x + left, WARPS + g.rows - 1,
                                   columns, 1, 1};
            load<WARPS>(plane, window, tile, pitch);
            __syncthreads();
            for (int channel = 0; channel < spacing && row < g.out_height; ++channel) {
                const Moving moving = {tile + threadIdx.y * pitch + channel, ends, g.runs,
                                       g.columns, spacing};
                RESULT *to = plane_out + row * g.out_row + (left + channel) * out_column(g);
                SUM mine = 0;  // of the last 32
                march(moving, bins + threadIdx.y * LEVELS * BINS, g.rank, count,
                      [&](int i, SUM found) {
                          if (i % 32 == threadIdx.x) mine = found;
                          const int at = i / 32 * 32 + threadIdx.x;
                          if ((i % 32 == 31 || i == count - 1) && at <= i)
                              write<1>(to + at * spacing * out_column(g), g, 1, {mine});
                      });
            }
            __syncthreads();  // the tile is still being read
        }
    }
}
