// Sums of columns that move down an image: the sums along y of box.cu.
#pragma once

constexpr int PACK = VECTOR > 1 ? VECTOR : 1;
constexpr int PACKS = rounded_up(LEAD + X, PACK) / PACK;

// ---------------------------------------------------------------------------- numbers

#if BITS
// Integers that wrap: a sum that has moved is right again, if it fits.
#if BITS == 32
typedef unsigned int Part;
typedef int Signed;
#else
typedef unsigned long long Part;
typedef long long Signed;
#endif

INLINE SUM sum_of(Part part) { return (SUM)(Signed)part; }
INLINE Part part_of(SUM cval) { return (Part)(Signed)cval; }

template <int N>
INLINE Part part_in(const Pack<PIXEL, N> &pack, int i) {
    return (Part)pack.each[i];
}

struct Moving {
    Part sum;

    INLINE void reset() { sum = 0; }
    INLINE void add(Part entering) { sum += entering; }
    INLINE void move(Part entering, Part leaving) { sum += entering - leaving; }
    INLINE Part value() const { return sum; }
};

INLINE unsigned not_finite(const Moving (&)[X]) { return 0; }
#else
typedef SUM Part;

INLINE SUM sum_of(Part part) { return part; }
INLINE Part part_of(SUM cval) { return cval; }

template <int N>
INLINE Part part_in(const Pack<PIXEL, N> &pack, int i) {
    return number_in(pack, i);
}

// A sum and what rounding has taken from it (Knuth's TwoSum, The Art of Computer Programming 2,
// 4.2.2): so the rows that have long left a window leave no trace.
struct Moving {
    SUM sum, rest;

    INLINE void reset() { sum = rest = 0; }

    INLINE void add(SUM entering) {
        const SUM next = sum + entering, added = next - sum;
        rest += (sum - (next - added)) + (entering - added);
        sum = next;
    }

    INLINE void move(SUM entering, SUM leaving) {
        add(entering);
        add(-leaving);
    }

    INLINE SUM value() const { return sum + rest; }
};

// 0 times Inf or NaN is NaN: one test for all.
INLINE unsigned not_finite(const Moving (&sums)[X]) {
    SUM none = 0;
#pragma unroll
    for (int i = 0; i < X; ++i) none = fused(sums[i].sum, 0, none);
    if (none == 0) return 0;
    unsigned wrong = 0;  // a bit each
#pragma unroll
    for (int i = 0; i < X; ++i) wrong |= (unsigned)!is_finite(sums[i].sum) << i;
    return wrong;
}
#endif

typedef Part Parts[X];

// ---------------------------------------------------------------------------- rows

// What a thread needs of a row, as it comes from memory.
struct Raw {
    Pack<PIXEL, PACK> packs[PACKS];
    unsigned blank;  // scalars that are cval, a bit each
};

// Reads the chunks of a thread.
struct Reader {
    const Plane &plane;
    int x;           // of the first scalar that is loaded
    bool inside;     // whether all are in the image
    unsigned blank;  // scalars that are cval in every row

    INLINE Reader(const Plane &plane, int x)
        : plane(plane), x(x), inside(plane.x.inside(x, x + PACKS * PACK - 1)), blank(0) {
        if (inside) return;
#pragma unroll
        for (int i = 0; i < X; ++i)
            if (plane.x.source(x + LEAD + i) < 0) blank |= 1u << i;
    }

    INLINE long long column() const {
#if VECTOR
        return 1;
#else
        return plane.column;
#endif
    }

    INLINE void read(int y, Raw &raw) const {
        const int source = plane.y.source(y);
        raw.blank = source < 0 ? ~0u : blank;
        if (source < 0) return;
        const PIXEL *row = plane.pixels + source * plane.row;
        if (inside) {
            row += x * column();
#pragma unroll
            for (int i = 0; i < PACKS; ++i)
                raw.packs[i] = loaded<PIXEL, PACK>(row + i * PACK * column());
        } else {
#pragma unroll
            for (int i = 0; i < PACKS; ++i) raw.packs[i] = pack_at(row, x + i * PACK);
        }
    }

    INLINE Pack<PIXEL, PACK> pack_at(const PIXEL *row, int first) const {
        Pack<PIXEL, PACK> pack;
#pragma unroll
        for (int i = 0; i < PACK; ++i) {
            // Where cval will stand, any pixel will do.
            const int source = max(plane.x.source(first + i), 0);
            pack.each[i] = row[source * column()];
        }
        return pack;
    }

    INLINE void fill(unsigned blank, Parts &parts) const {
        const Part cval = part_of(plane.cval);
#pragma unroll
        for (int i = 0; i < X; ++i)
            if (blank >> i & 1) parts[i] = cval;
    }

    INLINE void numbers(const Raw &raw, Parts &parts) const {
#pragma unroll
        for (int i = 0; i < X; ++i)
            parts[i] = part_in(raw.packs[(LEAD + i) / PACK], (LEAD + i) % PACK);
#if FILLED
        if (raw.blank != 0) fill(raw.blank, parts);
#endif
#if MARKS
#pragma unroll
        for (int i = 0; i < X; ++i)
            if (is_finite(parts[i])) parts[i] = 0;
#endif
    }
};

// The sums of a thread, over the rows of the window that begins at row `y`.
struct Columns {
    // Rows that are on their way from memory together when sums are taken from the start.
    static constexpr int at_once = 2;
    const Reader reader;
    const int rows;
    int y;
    // Sums that are to be taken from the start, a bit each; others go on, as what rounds them may
    // not depend on a neighbour that a part of an image may lack.
    unsigned wrong;
    Moving sums[X];
    Raw entering, leaving;  // for the next step

    INLINE Columns(const Plane &plane, int rows, int y, int x)
        : reader(plane, x), rows(rows), y(y), wrong(0) {}

    // Take sums from the start: ALL, or those that are wrong.
    template <bool ALL>
    INLINE void start() {
#pragma unroll
        for (int i = 0; i < X; ++i)
            if (ALL || wrong >> i & 1) sums[i].reset();
#pragma unroll 1
        for (int k = 0; k < rows; k += at_once) {
            Raw raw[at_once];
#pragma unroll
            for (int j = 0; j < at_once; ++j)
                if (k + j < rows) reader.read(y + k + j, raw[j]);
#pragma unroll
            for (int j = 0; j < at_once; ++j)
                if (k + j < rows) add<ALL>(raw[j]);
        }
#if !BITS
        // What rounding took from a sum that is not finite is no number.
#pragma unroll
        for (int i = 0; i < X; ++i)
            if (!is_finite(sums[i].sum)) sums[i].rest = 0;
#endif
    }

    template <bool ALL>
    INLINE void add(const Raw &raw) {
        Parts parts;
        reader.numbers(raw, parts);
#pragma unroll
        for (int i = 0; i < X; ++i)
            if (ALL || wrong >> i & 1) sums[i].add(parts[i]);
    }

    INLINE void read_ahead() {
        reader.read(y + rows, entering);
        reader.read(y, leaving);
    }

    INLINE void step() {
        Parts in, out;
        reader.numbers(entering, in);
        reader.numbers(leaving, out);
#pragma unroll
        for (int i = 0; i < X; ++i) sums[i].move(in[i], out[i]);
        wrong = not_finite(sums);
        ++y;
    }
};
