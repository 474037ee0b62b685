// Dense correlation of bytes with small integer weights: exact, four products in one instruction.
//
// As in dense.cu a block of 32 x 8 threads loads a tile into shared memory and each thread sums
// X columns x Y rows of outputs; but the tile holds the bytes as they are, and where four taps
// stand side by side, four bytes meet four weights. Taps further apart have weights of 0 between.
//
// Macros, beside those of tile.cuh:
//   ROWS, COLUMNS  taps, weights of 0 between taps among them
//   VECTOR         0, 1, 4, 8 or 16
//   LEAD           loaded bytes before the first tap, so that loads begin aligned
//   Y              output rows of a thread
//   PRODUCT        1: sums are divided by multiplying with the reciprocal, as the host has found
//                  that no result is another for it; never with an EPILOGUE
// WEIGHTS is the number of words that hold four weights each.
#include "tile.cuh"

constexpr int X = 8;
constexpr int THREADS_Y = 8, THREADS = 32 * THREADS_Y;
constexpr int TILE_WIDTH = 32 * X, TILE_HEIGHT = THREADS_Y * Y, TILE_ROWS = TILE_HEIGHT + ROWS - 1;

// Bytes that a thread moves at once into the tile.
constexpr int UNIT = VECTOR > 4 ? VECTOR : 4;
constexpr int PITCH = rounded_up(LEAD + TILE_WIDTH + COLUMNS - 1, UNIT > X ? UNIT : X);
// Bytes of the tile, behind which there is room for a row of results of each warp.
constexpr int TILE = rounded_up(TILE_ROWS * PITCH, 16);

// The window of a thread begins at a multiple of X; SHIFT bytes on stands its first tap.
constexpr int SHIFT = LEAD % X;
constexpr int WINDOW = rounded_up(SHIFT + X + COLUMNS - 1, X) / 4;
// Words that the taps of a kernel row take.
constexpr int WORDS = (COLUMNS + 3) / 4;

// Four of the eight bytes of two words, from any of the first four on.
INLINE unsigned int four_from(unsigned int low, unsigned int high, int first) {
    return __byte_perm(low, high, 0x3210 + first * 0x1111);
}

// ---------------------------------------------------------------------------- loading

// Where rows begin anywhere, the aligned words are read that hold four bytes: so far beyond them.
constexpr int BEYOND_LEFT = VECTOR > 1 ? 0 : 3, BEYOND_RIGHT = VECTOR > 1 ? 0 : 4;

INLINE Pack<PIXEL, UNIT> taken(const PIXEL *from) {
#if VECTOR > 1
    return loaded<PIXEL, UNIT>(from);
#else
    const int beyond = (unsigned long long)from % 4;
    const unsigned int *words = reinterpret_cast<const unsigned int *>(from - beyond);
    Pack<PIXEL, UNIT> pack;
    pack.whole = four_from(words[0], words[1], beyond);
    return pack;
#endif
}

INLINE int thread_of_block() { return threadIdx.y * 32 + threadIdx.x; }

// A tile in the image: the threads take some whole rows at a time, but for the few units at the end
// of each row, one to a thread.
INLINE void load_inside(const Plane &plane, int top, int left, PIXEL *tile) {
    constexpr int units = TILE_WIDTH / UNIT, rows = THREADS / units;
    constexpr int rest = (PITCH - TILE_WIDTH) / UNIT, all = TILE_ROWS * rest;
    constexpr int divisor = rest > 0 ? rest : 1;
    const int row = thread_of_block() / units, column = thread_of_block() % units * UNIT;
    const PIXEL *first = plane.pixels + top * plane.row + left;
    const PIXEL *from = first + row * plane.row + column;
    PIXEL *cells = tile + row * PITCH + column;
#pragma unroll
    for (int r = 0; r < TILE_ROWS; r += rows) {
        if (r + rows <= TILE_ROWS || r + row < TILE_ROWS) stored(cells + r * PITCH, taken(from));
        from += rows * plane.row;
    }
    static_assert(all <= THREADS, "a unit for each thread is enough");
    const unsigned i = thread_of_block(), r = i / divisor, c = TILE_WIDTH + i % divisor * UNIT;
    if (i < all) stored(tile + r * PITCH + c, taken(first + r * plane.row + c));
}

// Any tile, through the border tables; only units that are not wholly in the image go byte by byte.
INLINE void load_edge(const Plane &plane, int top, int left, PIXEL *tile) {
    constexpr int units = PITCH / UNIT;
#pragma unroll 1
    for (int i = thread_of_block(); i < TILE_ROWS * units; i += THREADS) {
        const int r = i / units, c = i % units * UNIT, column = left + c;
        const int source = plane.y.source(top + r);
        PIXEL *cells = tile + r * PITCH + c;
#if VECTOR
        if (source >= 0 && plane.x.inside(column - BEYOND_LEFT, column + UNIT - 1 + BEYOND_RIGHT)) {
            stored(cells, taken(plane.pixels + source * plane.row + column));
            continue;
        }
#endif
#pragma unroll 1
        for (int j = 0; j < UNIT; ++j) cells[j] = (PIXEL)plane.at(top + r, column + j);
    }
}

INLINE void load(const Plane &plane, int top, int left, PIXEL *tile) {
#if VECTOR
    if (plane.y.inside(top, top + TILE_ROWS - 1) &&
        plane.x.inside(left - BEYOND_LEFT, left + PITCH - 1 + BEYOND_RIGHT)) {
        load_inside(plane, top, left, tile);
        return;
    }
#endif
    load_edge(plane, top, left, tile);
}

// ---------------------------------------------------------------------------- summing

// Four bytes and four signed weights, multiplied and added to a sum.
INLINE int dot(unsigned int bytes, unsigned int weights, int sum) {
#ifdef GPUCONV_ON_CPU
    for (int i = 0; i < 32; i += 8) sum += (PIXEL)(bytes >> i) * (signed char)(weights >> i);
    return sum;
#else
    constexpr bool is_signed = (PIXEL)-1 < 0;
    int more;
    if constexpr (is_signed)
        asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(more) : "r"(bytes), "r"(weights), "r"(sum));
    else
        asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(more) : "r"(bytes), "r"(weights), "r"(sum));
    return more;
#endif
}

// How far into an aligned word the taps of an output begin. If as many words as taps fill hold them
// all, these are taken as they are, with weights moved as far; else words are put together that
// begin with the taps, and this is 0.
INLINE constexpr int moved(int x) {
    return (SHIFT + x) % 4 + COLUMNS <= 4 * WORDS ? (SHIFT + x) % 4 : 0;
}

typedef unsigned int Taps[X][WORDS];

// The words that the taps of X outputs in a row of the tile take.
INLINE void fetch(const PIXEL *cells, Taps &taps) {
    unsigned int window[WINDOW];
#pragma unroll
    for (int i = 0; i < WINDOW; i += 2) {
        const uint2 pair = loaded<PIXEL, 8>(cells + 4 * i).whole;
        window[i] = pair.x;
        window[i + 1] = pair.y;
    }
#pragma unroll
    for (int x = 0; x < X; ++x)
#pragma unroll
        for (int j = 0; j < WORDS; ++j) {
            const int first = SHIFT + x - moved(x) + 4 * j, word = first / 4;
            taps[x][j] = first % 4 ? four_from(window[word], window[word + 1], first % 4)
                                   : window[word];
        }
}

// The weights travel in the place of numbers of type SUM.
INLINE unsigned int four_weights(const Call &call, int k, int moved, int j) {
    return __float_as_uint(call.weights[(k * 4 + moved) * WORDS + j]);
}

// ---------------------------------------------------------------------------- writing

// Integers of at most 16 bits: the hardware saturates two sums and packs them, bytes below others.
template <typename T>
struct Small {
    static constexpr bool is = false;
};

#define SMALL(T, LEAST, MOST, INSTRUCTION)                                                \
    template <>                                                                           \
    struct Small<T> {                                                                     \
        static constexpr bool is = true;                                                  \
        static constexpr int least = LEAST, most = MOST;                                  \
        static INLINE unsigned int two(int high, int low, unsigned int others) {          \
            asm(INSTRUCTION : "=r"(others) : "r"(high), "r"(low), "r"(others));           \
            return others;                                                                \
        }                                                                                 \
    };
SMALL(unsigned char, 0, 255, "cvt.pack.sat.u8.s32.b32 %0, %1, %2, %3;")
SMALL(signed char, -128, 127, "cvt.pack.sat.s8.s32.b32 %0, %1, %2, %3;")
SMALL(unsigned short, 0, 65535, "cvt.pack.sat.u16.s32 %0, %1, %2;")
SMALL(short, -32768, 32767, "cvt.pack.sat.s16.s32 %0, %1, %2;")
#undef SMALL

template <typename T>
INLINE Pack<T, X> stored_integers(const int (&sums)[X]) {
    Pack<T, X> pack = {};
#if WRAP
#pragma unroll
    for (int x = 0; x < X; ++x) pack.each[x] = (T)sums[x];
#elif defined(GPUCONV_ON_CPU)
    for (int x = 0; x < X; ++x)
        pack.each[x] = (T)min(max(sums[x], Small<T>::least), Small<T>::most);
#else
#pragma unroll
    for (int x = X - 2; x >= 0; x -= 2) {
        unsigned int &word = pack.words[x * sizeof(T) / 4];
        word = Small<T>::two(sums[x + 1], sums[x], word);
    }
#endif
    return pack;
}

// Sums that nothing divides go into small integers as they are. Others begin with the bits of the
// float 1.5 x 2^23, whose last bit counts 1: so they are made floats by a subtraction alone.
#if EPILOGUE
constexpr bool AS_INTEGERS = false;
#else
constexpr bool AS_INTEGERS = DIVIDE == DIVIDE_NOT && Small<RESULT>::is;
#endif
constexpr int FIRST_SUM = AS_INTEGERS ? 0 : 0x4b400000;

INLINE SUM result(const Geometry &g, int sum) {
    const SUM number = __int_as_float(sum) - 12582912.0f;
    return PRODUCT ? number * g.reciprocal : result_of(number, g);
}

template <typename T>
INLINE Pack<T, X> finished(const Geometry &g, const int (&sums)[X]) {
    if constexpr (AS_INTEGERS) {
        return stored_integers<T>(sums);
    } else {
        SUM each[X];
#pragma unroll
        for (int x = 0; x < X; ++x) each[x] = result(g, sums[x]);
        return results<T>(each);
    }
}

// Write a row of results of which `count` are left, the first at `to`. By way of shared memory, so
// that neighbouring threads write neighbouring results.
INLINE void write_some(const Geometry &g, RESULT *to, int count, RESULT *cells,
                       const Pack<RESULT, X> &results) {
    stored(cells + threadIdx.x * X, results);
    __syncwarp();
#pragma unroll 1
    for (int i = threadIdx.x; i < min(count, TILE_WIDTH); i += 32)
        to[i * out_column(g)] = cells[i];
    __syncwarp();  // the next row goes there, too
}

// Write the results of a warp, of which `height` rows and `width` columns are left.
INLINE void write_rows(const Geometry &g, RESULT *out, int height, int width, bool whole,
                       RESULT *cells, const Pack<RESULT, X> (&rows)[Y]) {
#if STORE > 1
    if (whole) {
        out += threadIdx.x * X;
#pragma unroll
        for (int y = 0; y < Y; ++y) {
            stored(out, rows[y]);
            out += g.out_row;
        }
        return;
    }
#endif
#pragma unroll
    for (int y = 0; y < Y; ++y)
        if (y < height) write_some(g, out + y * g.out_row, width, cells, rows[y]);
}

// ---------------------------------------------------------------------------- the kernel

INLINE void sum_tile(const Call &call, const PIXEL *tile, Pack<RESULT, X> (&rows)[Y]) {
    const PIXEL *row = tile + threadIdx.y * (Y * PITCH) + threadIdx.x * X + (LEAD - SHIFT);
    int sums[Y][X];
#pragma unroll
    for (int r = 0; r < Y + ROWS - 1; ++r) {
        Taps taps;
        fetch(row + r * PITCH, taps);
#pragma unroll
        for (int k = 0; k < ROWS; ++k) {
            const int y = r - k;
            if (y < 0 || y >= Y) continue;
#pragma unroll
            for (int x = 0; x < X; ++x) {
                if (k == 0) sums[y][x] = FIRST_SUM;
#pragma unroll
                for (int j = 0; j < WORDS; ++j)
                    sums[y][x] = dot(taps[x][j], four_weights(call, k, moved(x), j), sums[y][x]);
            }
        }
        const int done = r - (ROWS - 1);
        if (done >= 0) rows[done] = finished<RESULT>(call.geometry, sums[done]);
    }
}

// Wider results take registers of which a third block would leave too few.
constexpr int BLOCKS = sizeof(RESULT) > 1 ? 2 : 3;

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) dense_bytes(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    PIXEL *tile = reinterpret_cast<PIXEL *>(shared);
    RESULT *cells = reinterpret_cast<RESULT *>(shared + TILE) + threadIdx.y * TILE_WIDTH;
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * TILE_WIDTH;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z) + left * out_column(g);
        for (int y = blockIdx.y; y * TILE_HEIGHT < g.out_height; y += gridDim.y) {
            const int top = y * TILE_HEIGHT, first = top + threadIdx.y * Y;
            load(plane, g.offset_y + top, g.offset_x + left - LEAD, tile);
            __syncthreads();
            Pack<RESULT, X> rows[Y];
            sum_tile(call, tile, rows);
            const int height = g.out_height - top, width = g.out_width - left;
            const bool whole = TILE_HEIGHT <= height && TILE_WIDTH <= width;
            write_rows(g, plane_out + first * g.out_row, g.out_height - first, width, whole, cells,
                       rows);
            __syncthreads();  // the tile is still being read
        }
    }
}
