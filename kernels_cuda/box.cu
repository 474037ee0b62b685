// Sums over a window of equal weights, in one pass over memory, at a cost that hardly grows with
// the window: along y a sum moves down the image, along x it is put together from sums of chunks.
//
// A block owns a strip of the image. Each of its threads has X neighbouring scalars of a row, a
// chunk, and keeps the sums of the window's rows over them. A step down adds the row that enters
// and subtracts the row that leaves: both come from memory, the second from the caches. Then the
// chunks meet in shared memory: the sum along x of a window is the end of one chunk, whole chunks,
// and the beginning of one or two more. Along x nothing is ever subtracted.
//
// Along y, integers come out exactly. Floats carry what rounding takes from them in a second
// number. Where a sum is not finite, as a NaN cannot be subtracted again, it is taken anew.
//
// Dynamic shared memory is in Parts
//     2 * blockDim.x * (CHUNK + SPACING)
//
// Macros, beside those of tile.cuh:
//   BITS     of the integers that are summed, of which no window has more; 0: sums are SUMs
//   SPACING  scalars between neighbouring taps along x; taps along y are neighbours
//   LEAD     loaded scalars before the first tap, so that loads begin aligned:
//            offset_x modulo VECTOR
//   X        scalars of a thread, a multiple of SPACING and VECTOR
//   THREADS  of a block, at most
//   FILLED   1: cval stands outside the image
//   MARKS    1: all that is finite counts as 0, so that sums say what else a window holds
// The one weight is the column's times the row's.
#include "tile.cuh"

constexpr int PIXELS = X / SPACING;  // of a chunk
constexpr int CHUNK = X + 1 - X % 2;  // odd, so that neighbours' chunks lie in other banks

// Results that are stored at once: up to 32 bytes.
INLINE constexpr int piece(int most) { return X % most == 0 ? most : piece(most / 2); }
constexpr int PIECE = piece(sizeof(RESULT) > 4 ? 4 : 8);

#include "moving.cuh"

// ---------------------------------------------------------------------------- along x

// Where scalar i stands, of the chunks that begin there.
INLINE int cell(int i) { return i < X ? i : i + (CHUNK - X); }

// A row of a block: its chunks, and the sum of each for each of the interleaved channels.
struct Row {
    Part *cells, *totals;

    INLINE Row(Part *shared, int number) {
        cells = shared + number * blockDim.x * (CHUNK + SPACING);
        totals = cells + blockDim.x * CHUNK;
    }

    // Make of each number of a chunk the sum from it to the chunk's end.
    INLINE void put(Parts &parts) const {
#pragma unroll
        for (int i = 0; i < X; ++i) cells[threadIdx.x * CHUNK + i] = parts[i];
#pragma unroll
        for (int i = X - SPACING - 1; i >= 0; --i) parts[i] += parts[i + SPACING];
#pragma unroll
        for (int i = 0; i < SPACING; ++i) totals[i * blockDim.x + threadIdx.x] = parts[i];
    }

    // The sums over windows of so many pixels that begin in the thread's chunk; `sums` are those to
    // the end of the chunk, or of the window if it does not leave the chunk.
    INLINE void sum(int pixels, Parts &sums) const {
        const int chunks = (pixels - 1) / PIXELS, rest = (pixels - 1) % PIXELS;
        if (chunks == 0) {
            sum_few(pixels, sums);
            return;
        }
        Part beyond[SPACING];
#pragma unroll
        for (int c = 0; c < SPACING; ++c)
            beyond[c] = sum_totals(totals + c * blockDim.x + threadIdx.x, chunks);
        const Part *last = cells + (threadIdx.x + chunks) * CHUNK;
        for (int i = 0; i < rest; ++i)
#pragma unroll
            for (int c = 0; c < SPACING; ++c) beyond[c] += last[i * SPACING + c];
        // From some window on, the last pixel is in the chunk after that.
        const Part *ends = last + rest * SPACING, *further = ends + (CHUNK - X);
#pragma unroll
        for (int i = 0; i < X; ++i) {
            beyond[i % SPACING] += (i + rest * SPACING < X ? ends : further)[i];
            sums[i] += beyond[i % SPACING];
        }
    }

    // The sum of the chunks after the first and before number `stop`.
    static INLINE Part sum_totals(const Part *totals, int stop) {
        Part sum = 0;
#pragma unroll 4
        for (int k = 1; k < stop; ++k) sum += totals[k];
        return sum;
    }

    // The same for windows that are no longer than a chunk.
    INLINE void sum_few(int pixels, Parts &sums) const {
        const Part *first = cells + threadIdx.x * CHUNK;
#pragma unroll
        for (int i = 0; i < X; ++i) {
            sums[i] = 0;
            for (int k = 0; k < pixels; ++k) sums[i] += first[cell(i + k * SPACING)];
        }
    }
};

// ---------------------------------------------------------------------------- outputs

// Write the sums of windows that begin at (y, x), x in steps of one: a stride leaves some out.
INLINE void finish(const Call &call, const SUM *weights, RESULT *row, int x, const Parts &parts) {
    const Geometry &g = call.geometry;
    SUM sums[X];
#pragma unroll
    for (int i = 0; i < X; ++i) sums[i] = WEIGHT(0) * sum_of(parts[i]);
    if (g.stride_x == 1) {
#pragma unroll
        for (int i = 0; i < X; i += PIECE) {
            SUM piece[PIECE];
#pragma unroll
            for (int j = 0; j < PIECE; ++j) piece[j] = sums[i + j];
            write(row + (x + i) * out_column(g), g, g.out_width - x - i, piece);
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < X; ++i) {
        const int column = (x + i) / g.stride_x;
        if ((x + i) % g.stride_x == 0 && column < g.out_width)
            write<1>(row + column * out_column(g), g, 1, {sums[i]});
    }
}

// Make the rows from `top` to before `stop` of the strip from `left` on.
INLINE void march_down(const Plane &plane, const Call &call, const SUM *weights, RESULT *out,
                       Part *shared, int top, int stop, int left, int reach) {
    const Geometry &g = call.geometry;
    const int x = left + threadIdx.x * X;
    Columns columns(plane, g.rows, g.offset_y + top * g.stride_y, g.offset_x + x - LEAD);
    columns.start<true>();
    int between = 0;  // rows to go to the next output, as a stride leaves some out
    for (int y = top;;) {
        if (columns.wrong) columns.start<false>();
        columns.read_ahead();
        if (between == 0) {
            Parts parts;
#pragma unroll
            for (int i = 0; i < X; ++i) parts[i] = columns.sums[i].value();
            // Two rows take turns, so that one barrier is enough.
            const Row row(shared, y % 2);
            row.put(parts);
            __syncthreads();
            if (threadIdx.x + reach < blockDim.x && x <= (g.out_width - 1) * g.stride_x) {
                row.sum(g.columns, parts);
                finish(call, weights, out + y * g.out_row, x, parts);
            }
            if (++y == stop) break;
            between = g.stride_y;
        }
        --between;
        columns.step();
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) box(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    // Windows that begin in the last chunks leave the block.
    const int reach = (g.columns - 1 + PIXELS - 1) / PIXELS;
    const int left = blockIdx.x * (blockDim.x - reach) * X;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int s = blockIdx.y; s * g.segment < g.out_height; s += gridDim.y) {
            const int top = s * g.segment, stop = min(top + g.segment, g.out_height);
            march_down(plane, call, weights, plane_out, reinterpret_cast<Part *>(shared), top, stop,
                       left, reach);
            __syncthreads();  // the last row is still being read
        }
    }
}
