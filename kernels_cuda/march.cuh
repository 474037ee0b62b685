// Separable correlation in registers: the kernel of separable.cu for short columns.
//
// A thread makes X neighbouring columns. It filters a row into X numbers, and pushes them into the
// sums of the ROWS output rows that they are part of. It needs neither shared memory nor a barrier:
// what its neighbours read too is in L1.
#pragma once

constexpr int THREADS = 128;
constexpr int TAPS = ROWS + COLUMNS;

// What a thread needs of a row, in PACKS loads of PACK scalars.
constexpr int PACK = VECTOR > 1 ? VECTOR : 1;
constexpr int WINDOW = rounded_up(LEAD + X + (COLUMNS - 1) * SPACING, PACK);
constexpr int PACKS = WINDOW / PACK;

// The same as it comes from memory: it waits so in registers while rows before it are filtered.
struct Raw {
    Pack<PIXEL, PACK> packs[PACKS];
    bool beyond;  // the row is all cval
};

typedef SUM Numbers[WINDOW];
typedef SUM Values[TERMS][X];  // a filtered row
typedef SUM Sums[ROWS][X];     // the outputs under way, oldest first

// Elements between neighbours in x.
#if VECTOR
INLINE constexpr long long column(const Plane &) { return 1; }
#else
INLINE long long column(const Plane &plane) { return plane.column; }
#endif

INLINE void read(const Plane &plane, const PIXEL *from, Raw &raw) {
#pragma unroll
    for (int i = 0; i < PACKS; ++i)
        raw.packs[i] = loaded<PIXEL, PACK>(from + i * PACK * column(plane));
}

INLINE void convert(const Raw &raw, Numbers &numbers) {
#pragma unroll
    for (int i = 0; i < WINDOW; ++i) numbers[i] = number_in(raw.packs[i / PACK], i % PACK);
}

// Reads the rows of a thread one after another, in warps that need no border. `ahead` rows are on
// their way from memory while one is filtered; `unrolled` rows share the cost of the loop.
struct Inside {
    static constexpr int ahead = 2, unrolled = 4;
    static constexpr bool whole = true;  // no column is beyond the output
    const Plane &plane;
    const PIXEL *from;

    // The first row will be y, the first column is x.
    INLINE Inside(const Plane &plane, int y, int x)
        : plane(plane),
          from(plane.pixels + y * plane.row + x * column(plane)) {}

    INLINE void next(Raw &raw) {
        read(plane, from, raw);
        from += plane.row;
    }

    INLINE void numbers(const Raw &raw, Numbers &numbers) const { convert(raw, numbers); }
};

// The same in warps that do. A row is looked up once; along x only those loads that leave the
// image are taken apart. cval may be no PIXEL, so it comes in when pixels become numbers.
struct Border {
    static constexpr int ahead = 1, unrolled = 1;  // few need it, all wait for its compiler
    static constexpr bool whole = false;
    const Plane &plane;
    int y, x;
    bool inside;                      // all columns of this thread
    unsigned blank[WINDOW / 32 + 1];  // columns that are cval in every row, a bit each

    INLINE Border(const Plane &plane, int y, int x)
        : plane(plane),
          y(y),
          x(x),
          inside(plane.x.inside(x, x + WINDOW - 1)),
          blank{} {
        if (inside) return;
#pragma unroll
        for (int i = 0; i < WINDOW; ++i)
            if (plane.x.source(x + i) < 0) blank[i / 32] |= 1u << i % 32;
    }

    INLINE void next(Raw &raw) {
        const int source = plane.y.source(y++);
        raw.beyond = source < 0;
        if (raw.beyond) return;
        const PIXEL *row = plane.pixels + source * plane.row;
        if (inside) {
            read(plane, row + x * column(plane), raw);
            return;
        }
#pragma unroll
        for (int i = 0; i < PACKS; ++i) raw.packs[i] = pack_at(row, x + i * PACK);
    }

    INLINE Pack<PIXEL, PACK> pack_at(const PIXEL *row, int first) const {
        if (plane.x.inside(first, first + PACK - 1))
            return loaded<PIXEL, PACK>(row + first * column(plane));
        Pack<PIXEL, PACK> pack;
#pragma unroll
        for (int i = 0; i < PACK; ++i) {
            // Where cval will stand, any pixel will do.
            const int source = max(plane.x.source(first + i), 0);
            pack.each[i] = row[source * column(plane)];
        }
        return pack;
    }

    INLINE void numbers(const Raw &raw, Numbers &numbers) const {
        convert(raw, numbers);
        if (inside && !raw.beyond) return;
#pragma unroll
        for (int i = 0; i < WINDOW; ++i)
            if (raw.beyond || blank[i / 32] >> i % 32 & 1) numbers[i] = plane.cval;
    }
};

INLINE void filter_row(const Call &call, const SUM *weights, const Numbers &numbers,
                       Values &values) {
#pragma unroll
    for (int t = 0; t < TERMS; ++t)
#pragma unroll
        for (int x = 0; x < X; ++x) {
            SUM sum = 0;
#pragma unroll
            for (int l = 0; l < COLUMNS; ++l)
                sum = fused(WEIGHT(t * TAPS + ROWS + l), numbers[LEAD + x + l * SPACING], sum);
            values[t][x] = sum;
        }
}

// Add a row to the outputs under way; the oldest is then finished. That all move up by one place
// costs nothing: a fused multiply-add may write where it does not read.
INLINE void push(const Call &call, const SUM *weights, const Values &values, Sums &sums) {
#pragma unroll
    for (int t = 0; t < TERMS; ++t)
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
            const SUM weight = WEIGHT(t * TAPS + ROWS - 1 - i);
#pragma unroll
            for (int x = 0; x < X; ++x) {
                const SUM moved = i + 1 < ROWS ? sums[i + 1][x] : 0;
                sums[i][x] = fused(weight, values[t][x], t ? sums[i][x] : moved);
            }
        }
}

// A thread on its way down.
template <typename Reader>
struct March {
    static constexpr int ahead = Reader::ahead, unrolled = Reader::unrolled;
    Reader reader;
    Raw raw[ahead];
    Sums sums;
    RESULT *target;  // of the row that is finished next

    // Filter `unrolled` rows. They finish row `y` and those after it, which are written from row
    // `top` on.
    INLINE void rows(const Call &call, const SUM *weights, int y, int left, int top) {
        const Geometry &g = call.geometry;
        const bool wanted = y >= top;
#pragma unroll
        for (int i = 0; i < unrolled; ++i) {
            Numbers numbers;
            Values values;
            reader.numbers(raw[i % ahead], numbers);
            filter_row(call, weights, numbers, values);
            reader.next(raw[i % ahead]);
            push(call, weights, values, sums);
            if (wanted)
                write_guarded(target, reader.plane, call, weights, TERMS * TAPS, y + i, left,
                              Reader::whole ? X : g.out_width - left, sums[0]);
            target += g.out_row;
        }
    }
};

// The rows that are filtered before one is finished: ROWS - 1, and as many as make a round whole.
template <typename Reader>
INLINE constexpr int warm_up() {
    return rounded_up(ROWS - 1, Reader::unrolled);
}

// Make the rows from `top` to before `stop` of the X columns from `left` on.
template <typename Reader>
INLINE void march_down(const Plane &plane, const Call &call, const SUM *weights, RESULT *out,
                       int top, int stop, int left) {
    const Geometry &g = call.geometry;
    int y = top - warm_up<Reader>();
    March<Reader> march = {Reader(plane, g.offset_y + y + ROWS - 1, g.offset_x + left - LEAD),
                           {},
                           {},
                           out + y * g.out_row + left * out_column(g)};
#pragma unroll
    for (int i = 0; i < Reader::ahead; ++i) march.reader.next(march.raw[i]);
#pragma unroll 1
    for (; y < stop; y += Reader::unrolled) march.rows(call, weights, y, left, top);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) march(ARGUMENTS) {
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int strip = blockIdx.x * THREADS * X, left = strip + threadIdx.x * X;
    if (left >= g.out_width) return;
    // As nothing is shared, each warp decides for itself whether it needs the border along x.
    constexpr int columns = 32 * X;
    const int first = strip + threadIdx.x / 32 * columns;
    const int first_x = g.offset_x + first - LEAD, last_x = first_x + columns - X + WINDOW - 1;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        const bool inside_x = plane.x.inside(first_x, last_x) && first + columns <= g.out_width;
        for (int s = blockIdx.y; s * g.segment < g.out_height; s += gridDim.y) {
            const int top = s * g.segment, outputs = min(g.segment, g.out_height - top);
            // Inside, all that is read must exist: what warms up, and what is read ahead too.
            const int first_y = g.offset_y + top + ROWS - 1 - warm_up<Inside>();
            const int last_y = g.offset_y + top + outputs - 1 + ROWS - 1 + Inside::ahead;
            const bool inside =
                inside_x && outputs % Inside::unrolled == 0 && plane.y.inside(first_y, last_y);
            const int stop = top + outputs;
            if (inside)  // opaque, or the compiler keeps another counter of rows
                march_down<Inside>(plane, call, weights, plane_out, top, opaque(stop), left);
            else
                march_down<Border>(plane, call, weights, plane_out, top, stop, left);
        }
    }
}
