// Correlation by Fourier transforms, tile by tile (overlap-save). In the spectrum a correlation is
// one product per pixel, whatever the size of the kernel.
//
// Tiles of the image that overlap by the kernel's footprint are gathered into a batch, a library
// transforms the batch, its spectrum is multiplied with the kernel's, the library transforms it
// back, and those sums of each tile are scattered to the output over which the tile did not wrap
// around. Strides are taken at the end: of sums that were computed all the same.
//
// A pixel that is NaN or Inf would make NaN of its whole tile. So it is gathered as 0, and the cell
// of ROWS x 32 positions that it lies in is marked: where a footprint meets a marked cell, the sum
// is taken by definition.
//
// A block of 32 x 8 threads takes a column and ROWS rows to a thread, AT_ONCE of them at a time: a
// warp takes a cell.
//
// Macros, beside those of tile.cuh (EDGES and WEIGHTS are 0):
//   STAGE  one of those below: the kernel that is compiled
//   WHOLE  1: sums are integers, and are rounded to these
#define GATHER 1
#define MULTIPLY 2
#define SCATTER 3

#include "tile.cuh"

constexpr int ROWS = 16, AT_ONCE = 8;
typedef SUM Numbers[AT_ONCE];

// The tiles that are in the batch.
struct Tiles {
    int first, count;   // of all planes
    int down, across;   // tiles of a plane
    int height, width;  // outputs of a tile
    int rows, columns;  // positions of a tile, as many as are transformed
};

// What `gather` and `scatter` are given beside the arrays.
struct Work {
    Call call;
    Tiles tiles;
};

// The place of a tile.
struct Place {
    int plane, y, x;  // of its first output

    INLINE Place(const Tiles &tiles, int number) {
        const unsigned all = tiles.first + number, line = all / tiles.across;
        x = (all - line * tiles.across) * tiles.width;
        plane = line / tiles.down;
        y = (line - plane * tiles.down) * tiles.height;
    }
};

// The cells of a tile, row by row.
struct Cells {
    unsigned char *marked;  // 1: NaN or Inf is there
    int columns;

    INLINE Cells(unsigned char *all, const Tiles &tiles, int number)
        : marked(all), columns((tiles.columns + 31) / 32) {
        marked += (long long)number * ((tiles.rows + ROWS - 1) / ROWS) * columns;
    }

    // Whether any is marked of those that these positions meet, both ends included. Of all threads
    // that ask, number `mine` of `sharing` looks at every so manieth.
    INLINE bool any(int top, int left, int bottom, int right, int mine = 0, int sharing = 1) const {
        const int first = top / ROWS * columns + left / 32;
        const int wide = right / 32 - left / 32 + 1, high = bottom / ROWS - top / ROWS + 1;
        bool found = false;
#pragma unroll 1
        for (int i = mine; i < high * wide; i += sharing)
            found |= marked[first + i / wide * columns + i % wide];
        return found;
    }
};

// 0 times Inf or NaN is NaN: one test for all.
INLINE bool all_finite(const Numbers &numbers) {
    SUM none = 0;
#pragma unroll
    for (int i = 0; i < AT_ONCE; ++i) none = fused(numbers[i], 0, none);
    return none == 0;
}

#if STAGE == GATHER
// Read AT_ONCE pixels, one below the other, that may lie in the border: the first `count`, and 0 for
// the rest.
INLINE void read_any(const Plane &plane, int y, int x, int count, Numbers &numbers) {
#pragma unroll
    for (int i = 0; i < AT_ONCE; ++i) numbers[i] = i < count ? plane.at(y + i, x) : 0;
}

// Positions of a tile that its outputs need, along an axis.
INLINE int needed(int outputs, int stride, int taps, int dilation) {
    return (outputs - 1) * stride + (taps - 1) * dilation + 1;
}

// The same in the image.
INLINE void read_inside(const Plane &plane, int y, int x, Numbers &numbers) {
#if VECTOR
    const PIXEL *from = plane.pixels + y * plane.row + x;
#else
    const PIXEL *from = plane.pixels + y * plane.row + x * plane.column;
#endif
#pragma unroll
    for (int i = 0; i < AT_ONCE; ++i) {
        numbers[i] = number(*from);
        from += plane.row;
    }
}

// Make those 0 that are not finite, and return whether there are any.
INLINE bool cleaned(Numbers &numbers) {
    if (all_finite(numbers)) return false;
#pragma unroll
    for (int i = 0; i < AT_ONCE; ++i)
        if (!is_finite(numbers[i])) numbers[i] = 0;
    return true;
}

extern "C" __global__ void __launch_bounds__(256, 4)
    gather(const PIXEL *__restrict__ image, const int *__restrict__ edges, SUM *__restrict__ batch,
           unsigned char *__restrict__ marked, const __grid_constant__ Work work) {
    const Geometry &g = work.call.geometry;
    const Tiles &tiles = work.tiles;
    const int first = blockIdx.x * 32, column = first + threadIdx.x;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    for (int t = blockIdx.z; t < tiles.count; t += gridDim.z) {
        const Place place(tiles, t);
        // What no output needs is 0, as what lies there differs between an image and a part of it,
        // and would be in the last bits of the sums; and so are tiles that only fill the batch.
        const bool exists = place.plane < planes;
        const int height = min(tiles.height, g.out_height - place.y);
        const int width = min(tiles.width, g.out_width - place.x);
        const int rows = exists ? needed(height, g.stride_y, g.rows, g.dilation_y) : 0;
        const int columns = exists ? needed(width, g.stride_x, g.columns, g.dilation_x) : 0;
        const Plane plane(image + plane_offset(g.image_plane, g.planes, exists ? place.plane : 0),
                          g, edges);
        const int top = g.offset_y + place.y * g.stride_y, left = g.offset_x + place.x * g.stride_x;
        for (int y = blockIdx.y * 8 + threadIdx.y; y * ROWS < tiles.rows; y += gridDim.y * 8) {
            const Window cell = {top + y * ROWS, left + first, ROWS, 32, 1, 1};
            const bool inside =
                y * ROWS + ROWS <= rows && first + 32 <= columns && cell.inside(plane);
            SUM *to = batch + ((long long)t * tiles.rows + y * ROWS) * tiles.columns + column;
            bool wrong = false;
#pragma unroll 1
            for (int i = 0; i < ROWS; i += AT_ONCE) {
                Numbers numbers;
                if (inside)
                    read_inside(plane, cell.top + i, left + column, numbers);
                else
                    read_any(plane, opaque(cell.top + i), left + column,
                             column < columns ? rows - y * ROWS - i : 0, numbers);
#if GUARD
                wrong |= cleaned(numbers);
#endif
#pragma unroll
                for (int k = 0; k < AT_ONCE; ++k) {
                    if (column < tiles.columns && y * ROWS + i + k < tiles.rows) *to = numbers[k];
                    to += tiles.columns;
                }
            }
#if GUARD
            wrong = __any_sync(0xffffffff, wrong);
            const Cells cells(marked, tiles, t);
            if (threadIdx.x == 0) cells.marked[y * cells.columns + blockIdx.x] = wrong;
#endif
        }
    }
}
#endif

#if STAGE == MULTIPLY
struct alignas(2 * sizeof(SUM)) Complex {
    SUM real, imaginary;
};

// A thread takes one frequency, of all tiles or of every so manieth.
extern "C" __global__ void __launch_bounds__(256)
    multiply(const Complex *__restrict__ kernel, Complex *__restrict__ spectra,
             const __grid_constant__ Tiles tiles) {
    const long long frequencies = (long long)tiles.rows * (tiles.columns / 2 + 1);
    const long long i = blockIdx.x * 256ll + threadIdx.x;
    if (i >= frequencies) return;
    const Complex k = kernel[i];
    for (int t = blockIdx.y; t < tiles.count; t += gridDim.y) {
        Complex *at = spectra + t * frequencies + i;
        const Complex s = *at;
        *at = {fused(s.real, k.real, -s.imaginary * k.imaginary),
               fused(s.real, k.imaginary, s.imaginary * k.real)};
    }
}
#endif

#if STAGE == SCATTER
// Read AT_ONCE sums, `step` apart, of which the first `count` are wanted.
INLINE void read_sums(const SUM *from, long long step, int count, Numbers &sums) {
#pragma unroll
    for (int i = 0; i < AT_ONCE; ++i) {
        sums[i] = i < count ? *from : 0;
#if WHOLE
        sums[i] = rint(sums[i]);
#endif
        from += step;
    }
}

extern "C" __global__ void __launch_bounds__(256, 4)
    scatter(const PIXEL *__restrict__ image, RESULT *__restrict__ out,
            const SUM *__restrict__ batch, const SUM *__restrict__ weights,
            const int *__restrict__ edges, unsigned char *__restrict__ marked,
            const __grid_constant__ Work work) {
    const Geometry &g = work.call.geometry;
    const Tiles &tiles = work.tiles;
    const int reach_y = (g.rows - 1) * g.dilation_y, reach_x = (g.columns - 1) * g.dilation_x;
    const int first = blockIdx.x * 32, column = first + threadIdx.x;
    for (int t = blockIdx.z; t < tiles.count; t += gridDim.z) {
        const Place place(tiles, t);
        const int height = min(tiles.height, g.out_height - place.y);
        const int width = min(tiles.width, g.out_width - place.x);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, place.plane);
        const SUM *tile = batch + (long long)t * tiles.rows * tiles.columns;
        for (int i = blockIdx.y * 8 + threadIdx.y; i * ROWS < height; i += gridDim.y * 8) {
            const int row = i * ROWS, rows = min(ROWS, height - row);
#if GUARD
            const Cells cells(marked, tiles, t);
            const int right = min(first + 32, width);
            const bool doubtful = __any_sync(
                0xffffffff, cells.any(row * g.stride_y, first * g.stride_x,
                                      (row + rows - 1) * g.stride_y + reach_y,
                                      (right - 1) * g.stride_x + reach_x, threadIdx.x, 32));
#endif
            if (column >= width) continue;
            const int y = place.y + row, x = place.x + column;
            const long long step = (long long)g.stride_y * tiles.columns;
            const SUM *from = tile + row * step + column * g.stride_x;
            RESULT *to = plane_out + y * g.out_row + x * out_column(g);
            bool finite = true;
#pragma unroll 1
            for (int k = 0; k < rows; k += AT_ONCE) {
                Numbers sums;
                read_sums(from + k * step, step, rows - k, sums);
                RESULT *next = to + k * g.out_row;
#pragma unroll
                for (int l = 0; l < AT_ONCE; ++l) {
                    if (k + l < rows) write<1>(next, g, 1, {sums[l]});
                    next += g.out_row;
                }
                finite &= all_finite(sums);
            }
#if GUARD
            // Finite pixels, too, can be so large that their spectrum is not finite.
            if (!doubtful && finite) continue;
            const Plane plane(image + plane_offset(g.image_plane, g.planes, place.plane), g, edges);
            const auto taps = [&](int tap) { return weights[tap]; };
#pragma unroll 1
            for (int k = 0; k < rows; ++k) {
                const int top = (row + k) * g.stride_y, left = column * g.stride_x;
                if (is_finite(from[k * step]) &&
                    !cells.any(top, left, top + reach_y, left + reach_x))
                    continue;
                write<1>(to + k * g.out_row, g, 1, {defined(plane, g, taps, y + k, x)});
            }
#endif
        }
    }
}
#endif
