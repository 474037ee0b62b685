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

// Reads the rows of a thread one after another, in blocks that need no border. `ahead` rows are on
// their way from memory while one is filtered; `unrolled` rows share the cost of the loop.
struct Inside {
    static constexpr int ahead = 2, unrolled = 4;
    static constexpr bool whole = true;  // the block makes no column beyond the output
    const Plane &plane;
    const PIXEL *from;
    long long step;

    // The first row will be y, the first column is x.
    INLINE Inside(const Plane &plane, int y, int x)
        : plane(plane),
          from(plane.pixels + (y - 1) * plane.row + x * column(plane)),
          step(plane.row) {}

    INLINE void next(Raw &raw) {
        from += step;
        read(plane, from, raw);
    }

    // From now on, the next row is the same again.
    INLINE void stay() { step = 0; }

    INLINE void numbers(const Raw &raw, Numbers &numbers) const { convert(raw, numbers); }
};

// The same in blocks that do. A row is looked up once; along x only those loads that leave the
// image are taken apart. cval may be no PIXEL, so it comes in when pixels become numbers.
struct Border {
    static constexpr int ahead = 2, unrolled = 2;
    static constexpr bool whole = false;
    const Plane &plane;
    int y, x, step;
    bool inside;                      // all columns of this thread
    unsigned blank[WINDOW / 32 + 1];  // columns that are cval in every row, a bit each

    INLINE Border(const Plane &plane, int y, int x)
        : plane(plane),
          y(y - 1),
          x(x),
          step(1),
          inside(plane.x.inside(x, x + WINDOW - 1)),
          blank{} {
        if (inside) return;
#pragma unroll
        for (int i = 0; i < WINDOW; ++i)
            if (plane.x.source(x + i) < 0) blank[i / 32] |= 1u << i % 32;
    }

    INLINE void next(Raw &raw) {
        y += step;
        const int source = plane.y.source(y);
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

    INLINE void stay() { step = 0; }

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

// Make `outputs` rows, from row `top` on, of the X columns from `left` on. None is read in vain
// where outputs + ROWS - 1 is a multiple of Reader::unrolled.
template <typename Reader>
INLINE void march_down(const Plane &plane, const Call &call, const SUM *weights, RESULT *out,
                       int top, int left, int outputs) {
    constexpr int ahead = Reader::ahead, unrolled = Reader::unrolled;
    const Geometry &g = call.geometry;
    // The first rows finish nothing: ROWS - 1, and as many as make the loop come out even.
    int made = outputs - rounded_up(outputs + ROWS - 1, unrolled);
    Reader reader(plane, g.offset_y + top + made + ROWS - 1, g.offset_x + left - LEAD);
    RESULT *target = out + (top + made) * g.out_row + left * out_column(g);
    Raw raw[ahead];
#pragma unroll
    for (int i = 0; i < ahead; ++i) reader.next(raw[i]);
    Sums sums = {};
    for (; made < outputs; made += unrolled) {
#pragma unroll
        for (int i = 0; i < unrolled; ++i) {
            Numbers numbers;
            Values values;
            reader.numbers(raw[i % ahead], numbers);
            filter_row(call, weights, numbers, values);
            // The last rows have none to come: they read again what is in L1, as that costs less
            // than to ask every load whether it is wanted.
            if (i == unrolled - ahead && made + unrolled >= outputs) reader.stay();
            reader.next(raw[i % ahead]);
            push(call, weights, values, sums);
            if (made + i >= 0)
                write_guarded(target, plane, call, weights, TERMS * TAPS, top + made + i, left,
                              Reader::whole ? X : g.out_width - left, sums[0]);
            target += g.out_row;
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) march(ARGUMENTS) {
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int strip = blockIdx.x * THREADS * X, left = strip + threadIdx.x * X;
    if (left >= g.out_width) return;
    const int first_x = g.offset_x + strip - LEAD, last_x = first_x + THREADS * X - X + WINDOW - 1;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        const bool inside_x = plane.x.inside(first_x, last_x) && strip + THREADS * X <= g.out_width;
        for (int s = blockIdx.y; s * g.segment < g.out_height; s += gridDim.y) {
            const int top = s * g.segment, outputs = min(g.segment, g.out_height - top);
            const int last_y = g.offset_y + top + outputs - 1 + ROWS - 1;
            const int first_y = last_y + 1 - rounded_up(outputs + ROWS - 1, Inside::unrolled);
            if (inside_x && plane.y.inside(first_y, last_y))
                march_down<Inside>(plane, call, weights, plane_out, top, left, outputs);
            else
                march_down<Border>(plane, call, weights, plane_out, top, left, outputs);
        }
    }
}
