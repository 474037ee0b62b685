// The pixel of a rank under a footprint of any shape, of any type: by bisection.
//
// The result lies between the least and the largest pixel. Those that are not above the middle of
// the two are counted: then it is known on which side the result is, and that side begins, or ends,
// with a pixel. So it takes few rounds where pixels are few, and never more than a pixel has bits.
//
// Pixels are compared as integers: floats by their bits, so that nothing is flushed to zero, and
// NaN is above all.
//
// Macros, beside those of tile.cuh:
//   SPACING  scalars between neighbouring pixels along x
//   TILED    1: the pixels of a block are in shared memory; 0: windows are too large for that
//   Y        outputs of a thread, THREADS_Y rows apart
#include "runs.cuh"

constexpr int THREADS_Y = 8, TILE_HEIGHT = THREADS_Y * Y;

// ---------------------------------------------------------------------------- order

template <int BYTES>
struct Integer {
    typedef int type;
};
template <>
struct Integer<8> {
    typedef long long type;
};
typedef Integer<sizeof(SUM)>::type Key;

constexpr bool is_float = (SUM)0.5 != 0, is_small = sizeof(SUM) < 4;
constexpr bool is_signed = (SUM)-1 < (SUM)1;
constexpr Key SIGN = (Key)1 << (8 * sizeof(Key) - 2) << 1, MOST = ~SIGN;
constexpr Key INFINITE = sizeof(SUM) == 8 ? (Key)0x7ff0000000000000 : (Key)0x7f800000;

// In the order of the pixels that have these bits. Both zeros are 0.
INLINE Key ordered(Key bits) {
    if (!is_float) return is_signed ? bits : bits ^ SIGN;
    const Key size = bits & MOST;
    if (size > INFINITE) return MOST;
    return bits == size ? size : -size;
}

INLINE SUM pixel_of(Key key) {
    if constexpr (is_small) return (SUM)key;
    union {
        Key bits;
        SUM pixel;
    } both;
    if (!is_float)
        both.bits = ordered(key);
    else
        both.bits = key == (key & MOST) ? key : -key | SIGN;
    return both.pixel;
}

INLINE Key key_of(SUM pixel) {
    if constexpr (is_small) return (Key)pixel;
    union {
        SUM pixel;
        Key bits;
    } both;
    both.pixel = pixel;
    return ordered(both.bits);
}

// ---------------------------------------------------------------------------- windows

#if TILED
template <bool SMALL>
struct Cell {
    typedef Key type;
};
template <>
struct Cell<true> {
    typedef SUM type;
};
typedef Cell<is_small>::type Stored_key;

// A window in a tile of keys.
struct Pixels {
    const Stored_key *cells;
    int pitch;

    // Call use(key) for a run's pixels.
    template <typename Use>
    INLINE void each(const Run &run, const Use &use) const {
        const Stored_key *at = cells + run.row * pitch + run.first * SPACING;
#pragma unroll 4
        for (int left = run.stop - run.first; left > 0; --left) {
            use((Key)*at);
            at += SPACING;
        }
    }
};

// Make keys of the pixels of a tile.
INLINE void make_keys(unsigned char *shared, int count) {
    if (is_small || (!is_float && is_signed)) return;
    Key *cells = reinterpret_cast<Key *>(shared);
    for (int i = threadIdx.y * 32 + threadIdx.x; i < count; i += 32 * THREADS_Y)
        cells[i] = ordered(cells[i]);
    __syncthreads();
}
#else
// A window in the image, the first pixel at (top, left).
struct Pixels {
    const Plane &plane;
    int top, left;

    template <typename Use>
    INLINE void each(const Run &run, const Use &use) const {
        for (int c = run.first; c < run.stop; ++c)
            use(key_of(plane.at(top + run.row, left + c * SPACING)));
    }
};
#endif

INLINE Key selected(const Pixels &pixels, const int *runs, int count, int rank) {
    const auto each = [&](const auto &use) {
        for (int i = 0; i < count; ++i) pixels.each(Run(runs, i), use);
    };
    Key low = MOST, high = SIGN;
    each([&](Key key) {
        low = low > key ? key : low;
        high = key > high ? key : high;
    });
    if (is_float && high == MOST) return high;
    while (low != high) {
        const Key middle = low + (Key)(((unsigned long long)high - (unsigned long long)low) >> 1);
        Key below = low, above = high;
        int not_above = 0;
        each([&](Key key) {
            if (key > middle) {
                above = above > key ? key : above;
            } else {
                ++not_above;
                below = key > below ? key : below;
            }
        });
        if (not_above > rank)
            high = below;
        else
            low = above;
    }
    return low;
}

// ---------------------------------------------------------------------------- the kernel

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, 4) select(RANK_ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * 32, x = left + threadIdx.x;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * TILE_HEIGHT < g.out_height; y += gridDim.y) {
            const int top = y * TILE_HEIGHT;
#if TILED
            const int across = 32 + (g.columns - 1) * SPACING;
            const Window window = {
                g.offset_y + top, g.offset_x + left, TILE_HEIGHT + g.rows - 1, across, 1, 1};
            load<THREADS_Y>(plane, window, reinterpret_cast<SUM *>(shared), across);
            __syncthreads();
            make_keys(shared, window.rows * across);
#endif
            for (int i = threadIdx.y; i < TILE_HEIGHT; i += THREADS_Y) {
                const int row = top + i;
                if (row >= g.out_height || x >= g.out_width) continue;
#if TILED
                const auto *cells = reinterpret_cast<const Stored_key *>(shared);
                const Pixels pixels = {cells + i * across + threadIdx.x, across};
#else
                const Pixels pixels = {plane, g.offset_y + row, g.offset_x + x};
#endif
                const SUM found = pixel_of(selected(pixels, runs, g.runs, g.rank));
                write<1>(plane_out + row * g.out_row + x * out_column(g), g, 1, {found});
            }
            __syncthreads();  // the tile is still being read
        }
    }
}
