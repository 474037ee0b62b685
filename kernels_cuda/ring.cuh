// Separable correlation through shared memory: the kernel of separable.cu for any number of taps.
//
// A block makes STRIP columns, a step of rows at a time: it loads the rows that the step adds,
// filters them, and puts the results into a ring, from which the columns are summed. Of the rows
// filtered before, the ring holds those that are still to be read.
//
// Dynamic shared memory is a tile and a ring for each term: in SUMs
//     32 * pitch + TERMS * 128 * (rounded_up(rows - 1, 4) + 32)
// with pitch = rounded_up(LEAD + 128 + (rounded_up(columns, 4) - 1) * SPACING, max(4, VECTOR)).
#pragma once

constexpr int COLUMNS_EACH = 4;  // neighbouring outputs of a thread
constexpr int ROWS_EACH = 4;
constexpr int THREADS_Y = 8;
constexpr int STRIP = 32 * COLUMNS_EACH, STEP = THREADS_Y * ROWS_EACH;

// Taps are taken four at a time: what is read for them is shared by the outputs of a thread.
constexpr int TAPS = 4;
constexpr int SHIFT = LEAD % COLUMNS_EACH;
constexpr int UNIT = VECTOR > COLUMNS_EACH ? VECTOR : COLUMNS_EACH;
constexpr int WINDOW = rounded_up(SHIFT + COLUMNS_EACH + (TAPS - 1) * SPACING, COLUMNS_EACH);

typedef SUM Sums[ROWS_EACH][COLUMNS_EACH];
typedef Pack<SUM, COLUMNS_EACH> Quad;

// The ring in groups of ROWS_EACH rows, so that a thread writes a group and reads whole groups, and
// has to think of the ring's end only between them.
struct Ring {
    SUM *cells;
    int groups;

    INLINE Ring(SUM *cells, const Geometry &g)
        : cells(cells), groups(rounded_up(g.rows - 1, ROWS_EACH) / ROWS_EACH + THREADS_Y) {}

    INLINE int before(int group, int by) const {
        const int earlier = group - by;
        return earlier < 0 ? earlier + groups : earlier;
    }

    INLINE int after(int group, int by) const {
        const int later = group + by;
        return later >= groups ? later - groups : later;
    }

    // Where a thread's columns of a group begin.
    INLINE SUM *at(int term, int group) const {
        return cells + (term * groups + group) * (ROWS_EACH * STRIP) + threadIdx.x * COLUMNS_EACH;
    }
};

// What the next TAPS taps read too: it is kept in registers, as shared memory is slower than sums.
constexpr int KEPT = WINDOW > TAPS * SPACING ? WINDOW - TAPS * SPACING : 0;
typedef SUM Windows[ROWS_EACH][WINDOW];

template <int FIRST, int STOP>
INLINE void fetch(const SUM *tile, int pitch, Windows &windows) {
#pragma unroll
    for (int y = 0; y < ROWS_EACH; ++y)
#pragma unroll
        for (int i = FIRST; i < STOP; i += COLUMNS_EACH) {
            const Quad quad = loaded<SUM, COLUMNS_EACH>(tile + y * pitch + i);
#pragma unroll
            for (int x = 0; x < COLUMNS_EACH; ++x) windows[y][i + x] = quad.each[x];
        }
}

// Add up to TAPS taps of a row filter, from tap `first` on; WHOLE says that there are TAPS.
template <bool WHOLE>
INLINE void filter_taps(const SUM *tile, int pitch, const Call &call, const SUM *weights, int row,
                        int first, Windows &windows, Sums &sums) {
    const int columns = call.geometry.columns;
    fetch<KEPT, WINDOW>(tile + first * SPACING, pitch, windows);
#pragma unroll
    for (int j = 0; j < TAPS; ++j) {
        if (!WHOLE && first + j >= columns) break;
        const SUM weight = WEIGHT(row + first + j);
#pragma unroll
        for (int y = 0; y < ROWS_EACH; ++y)
#pragma unroll
            for (int x = 0; x < COLUMNS_EACH; ++x)
                sums[y][x] = fused(weight, windows[y][SHIFT + x + j * SPACING], sums[y][x]);
    }
#pragma unroll
    for (int y = 0; y < ROWS_EACH; ++y)
#pragma unroll
        for (int i = 0; i < KEPT; ++i) windows[y][i] = windows[y][i + TAPS * SPACING];
}

// Filter a thread's rows of the tile into its group of the ring.
INLINE void filter_rows(const SUM *tile, int pitch, const Call &call, const SUM *weights,
                        const Ring &ring, int group) {
    const Geometry &g = call.geometry;
    const SUM *mine =
        tile + threadIdx.y * ROWS_EACH * pitch + threadIdx.x * COLUMNS_EACH + (LEAD - SHIFT);
#pragma unroll 1
    for (int t = 0; t < TERMS; ++t) {
        const int row = t * (g.rows + g.columns) + g.rows;
        Sums sums = {};
        Windows windows;
        fetch<0, KEPT>(mine, pitch, windows);
        int first = 0;
#pragma unroll 2
        for (; first + TAPS <= g.columns; first += TAPS)
            filter_taps<true>(mine, pitch, call, weights, row, first, windows, sums);
        if (first < g.columns)
            filter_taps<false>(mine, pitch, call, weights, row, first, windows, sums);
        SUM *cells = ring.at(t, group);
#pragma unroll
        for (int y = 0; y < ROWS_EACH; ++y) {
            Quad quad;
#pragma unroll
            for (int x = 0; x < COLUMNS_EACH; ++x) quad.each[x] = sums[y][x];
            stored(cells + y * STRIP, quad);
        }
    }
}

// Add one group of row results to the sums. Row y of a thread ends with row y of its own group; the
// group `back` rows before has for it, in its row i, the tap that is back + y - i from the last.
// WHOLE says that all of these are taps.
template <bool WHOLE>
INLINE void add_group(const SUM *cells, const Call &call, const SUM *weights, int column, int back,
                      Sums &sums) {
    const int rows = call.geometry.rows;
    const auto is_tap = [&](int from_last) {
        return WHOLE || (from_last >= 0 && from_last < rows);
    };
    SUM taps[2 * ROWS_EACH - 1];
#pragma unroll
    for (int j = 0; j < 2 * ROWS_EACH - 1; ++j) {
        const int from_last = back + j - (ROWS_EACH - 1);
        taps[j] = is_tap(from_last) ? WEIGHT(column + rows - 1 - from_last) : 0;
    }
#pragma unroll
    for (int i = 0; i < ROWS_EACH; ++i) {
        if (!WHOLE && back - i >= rows) continue;  // that row's place may be taken already
        const Quad quad = loaded<SUM, COLUMNS_EACH>(cells + i * STRIP);
#pragma unroll
        for (int y = 0; y < ROWS_EACH; ++y)
            if (is_tap(back + y - i))
#pragma unroll
                for (int x = 0; x < COLUMNS_EACH; ++x)
                    sums[y][x] = fused(taps[y - i + ROWS_EACH - 1], quad.each[x], sums[y][x]);
    }
}

// Sum the columns of a thread's outputs, which end with the rows of `group`.
INLINE void sum_columns(const Ring &ring, const Call &call, const SUM *weights, int group,
                        Sums &sums) {
    const Geometry &g = call.geometry;
#pragma unroll 1
    for (int t = 0; t < TERMS; ++t) {
        const int column = t * (g.rows + g.columns);
        // From top to bottom, as `march` does, so that both round alike. Of the topmost groups and
        // of the thread's own only some rows are taken.
        int back = rounded_up(g.rows - 1, ROWS_EACH), at = ring.before(group, back / ROWS_EACH);
        for (; back > 0 && back + ROWS_EACH > g.rows; back -= ROWS_EACH, at = ring.after(at, 1))
            add_group<false>(ring.at(t, at), call, weights, column, back, sums);
        for (; back > 0; back -= ROWS_EACH, at = ring.after(at, 1))
            add_group<true>(ring.at(t, at), call, weights, column, back, sums);
        add_group<false>(ring.at(t, at), call, weights, column, 0, sums);
    }
}

// Finish and write the outputs of a thread, the first in row `top` and column `left`, as far as row
// `last`.
INLINE void finish(const Plane &plane, const Call &call, const SUM *weights, RESULT *out, int top,
                   int left, int last, Sums &sums) {
    const Geometry &g = call.geometry;
#pragma unroll
    for (int y = 0; y < ROWS_EACH; ++y) {
        if (top + y > last) return;
        RESULT *target = out + (top + y) * g.out_row + left * out_column(g);
        write_guarded(target, plane, call, weights, TERMS * (g.rows + g.columns), top + y, left,
                      g.out_width - left, sums[y]);
    }
}

// Make `outputs` rows of a strip, from row `top` and column `left` on.
INLINE void march_down(const Plane &plane, const Call &call, const SUM *weights, RESULT *out,
                       SUM *shared, int top, int left, int outputs) {
    const Geometry &g = call.geometry;
    const int pitch =
        rounded_up(LEAD + STRIP + (rounded_up(g.columns, TAPS) - 1) * SPACING, UNIT);
    const Ring ring(shared + STEP * pitch, g);
    // The rows before the first output that finishes: rows - 1, and in whole groups.
    const int warm_up = rounded_up(g.rows - 1, ROWS_EACH);
    const int first_y = g.offset_y + top + g.rows - 1 - warm_up;
    int group = threadIdx.y;  // of the thread, in the ring
    for (int made = -warm_up; made < outputs;) {
        // A step is either of the warm-up or of outputs, and has only the groups that are needed.
        const int rows = min(STEP, rounded_up(made < 0 ? -made : outputs - made, ROWS_EACH));
        const bool mine = threadIdx.y * ROWS_EACH < rows;
        const Window window = {
            first_y + warm_up + made, g.offset_x + left - LEAD, rows, pitch, 1, 1};
        load<THREADS_Y>(plane, window, shared, pitch);
        __syncthreads();  // the tile is loaded, and what the ring is about to lose has been summed
        if (mine) filter_rows(shared, pitch, call, weights, ring, group);
        __syncthreads();  // the ring is written, and the tile is read
        if (made >= 0 && mine) {
            Sums sums = {};
            sum_columns(ring, call, weights, group, sums);
            finish(plane, call, weights, out, top + made + threadIdx.y * ROWS_EACH,
                   left + threadIdx.x * COLUMNS_EACH, top + outputs - 1, sums);
        }
        group = ring.after(group, rows / ROWS_EACH);
        made += rows;
    }
}

// Three blocks to a multiprocessor where their registers let them.
constexpr int BLOCKS = sizeof(SUM) == 4 && SPACING == 1 ? 3 : 2;

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, BLOCKS) ring(ARGUMENTS) {
    extern __shared__ __align__(16) unsigned char shared[];
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * STRIP;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int s = blockIdx.y; s * g.segment < g.out_height; s += gridDim.y) {
            const int top = s * g.segment, outputs = min(g.segment, g.out_height - top);
            march_down(plane, call, weights, plane_out, reinterpret_cast<SUM *>(shared), top, left,
                       outputs);
        }
    }
}
