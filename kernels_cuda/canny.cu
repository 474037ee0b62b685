// Canny's edges, of slopes along x and y: pixels on a ridge of the magnitude, and those of them
// that lead, from neighbour to neighbour, to a strong one. In the NumPy engine this is
// gpuconv/backends/host/canny.py, whose results these are.
//
// A block has 32 x 8 threads. Arrays are contiguous, and of one plane. Macros: those of pixel.cuh;
// STAGE is one of those below, COUNTED 1 if some pixels cannot be edges.
#include "pixel.cuh"

#define RIDGES 1
#define SPREAD 2

// What a pixel is.
#define NOTHING 0
#define WEAK 1
#define STRONG 2

struct Picture {
    int height, width;
    SUM low, high;  // magnitudes from which a pixel is weak, and strong
};

#if STAGE == RIDGES
INLINE SUM length(SUM x, SUM y) {
    return sqrt(rounded_sum(rounded_product(y, y), rounded_product(x, x)));
}

INLINE unsigned char kind_of(const SUM *x, const SUM *y, const Picture &picture) {
    const SUM mine = length(*x, *y);
    if (!(mine >= picture.low)) return NOTHING;  // NaN too
    // The gradient points between the neighbour along the steeper axis and one on a diagonal.
    const SUM steep = abs(*y), flat = abs(*x);
    const bool upright = steep > flat;
    const SUM share = upright ? flat / steep : steep / flat;
    const long long straight = upright ? picture.width : 1;
    const long long aside = upright ? 1 : picture.width;
    const long long diagonal = straight + ((*x > 0) == (*y > 0) ? aside : -aside);
#pragma unroll
    for (int side = 1; side > -2; side -= 2) {
        const SUM near = length(x[side * straight], y[side * straight]);
        const SUM far = length(x[side * diagonal], y[side * diagonal]);
        const SUM between =
            rounded_sum(rounded_product(far, share), rounded_product(near, 1 - share));
        if (!(between <= mine)) return NOTHING;
    }
    return mine >= picture.high ? STRONG : WEAK;
}

extern "C" __global__ void __launch_bounds__(256, 4)
    ridges(const SUM *__restrict__ x, const SUM *__restrict__ y,
           const unsigned char *__restrict__ counts, unsigned char *__restrict__ kinds,
           unsigned *__restrict__ changes, const __grid_constant__ Picture picture) {
    const int column = blockIdx.x * 32 + threadIdx.x;
    if (column >= picture.width) return;
    for (int row = blockIdx.y * 8 + threadIdx.y; row < picture.height; row += gridDim.y * 8) {
        const long long i = (long long)row * picture.width + column;
        const bool framed = row == 0 || column == 0 || row == picture.height - 1 ||
                            column == picture.width - 1;
#if COUNTED
        const bool possible = !framed && counts[i];
#else
        const bool possible = !framed;
#endif
        kinds[i] = possible ? kind_of(x + i, y + i, picture) : NOTHING;
        if (i == 0) *changes = 0;
    }
}
#endif

#if STAGE == SPREAD
// Outputs of a block: a tile, in which strong pixels spread until nothing changes. What has come to
// its edge goes on in the next launch, from the tiles beside it.
#define SIDE 32

INLINE bool touches_strong(const unsigned char (&tile)[SIDE + 2][SIDE + 2], int row, int column) {
    bool found = false;
#pragma unroll
    for (int i = 0; i < 9; ++i)
        found |= tile[row - 1 + i / 3][column - 1 + i % 3] == STRONG;
    return found;
}

// Let pixels of a tile become strong; return whether one of the thread's own did.
INLINE bool spread_in(unsigned char (&tile)[SIDE + 2][SIDE + 2]) {
    const int column = threadIdx.x + 1;
    unsigned all = 0;
    while (true) {
        unsigned found = 0;
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const int row = threadIdx.y + 8 * k + 1;
            const bool grows = tile[row][column] == WEAK && touches_strong(tile, row, column);
            found |= (unsigned)grows << k;
        }
        if (!__syncthreads_or(found)) return all;
#pragma unroll
        for (int k = 0; k < 4; ++k)
            if (found >> k & 1) tile[threadIdx.y + 8 * k + 1][column] = STRONG;
        all |= found;
        __syncthreads();
    }
}

// `changes` counts the threads that found something new.
extern "C" __global__ void __launch_bounds__(256)
    spread(const unsigned char *__restrict__ before, unsigned char *__restrict__ after,
           unsigned *__restrict__ changes, const __grid_constant__ Picture picture) {
    __shared__ unsigned char tile[SIDE + 2][SIDE + 2];
    const int left = blockIdx.x * SIDE - 1, column = left + threadIdx.x + 1;
    for (int top = blockIdx.y * SIDE - 1; top + 1 < picture.height; top += gridDim.y * SIDE) {
        for (int i = threadIdx.y * 32 + threadIdx.x; i < (SIDE + 2) * (SIDE + 2); i += 256) {
            const int y = top + i / (SIDE + 2), x = left + i % (SIDE + 2);
            const bool inside = (unsigned)y < (unsigned)picture.height &&
                                (unsigned)x < (unsigned)picture.width;
            tile[i / (SIDE + 2)][i % (SIDE + 2)] =
                inside ? before[(long long)y * picture.width + x] : NOTHING;
        }
        __syncthreads();
        if (spread_in(tile)) atomicAdd(changes, 1u);
        for (int row = threadIdx.y + 1; row < SIDE + 1; row += 8)
            if (top + row < picture.height && column < picture.width)
                after[(long long)(top + row) * picture.width + column] =
                    tile[row][threadIdx.x + 1];
        __syncthreads();  // the tile is still being read
    }
}
#endif
