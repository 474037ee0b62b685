// What lies outside the image. A border mode is data: for each position outside, the index of the
// pixel that stands there, or -1 for cval. The tables come from gpuconv/border.py; nothing here
// knows a mode.
#pragma once

// One axis of the image, and the tables of the positions just before and just after it.
struct Edge {
    int size;          // positions inside
    int before;        // positions in the table before 0 ...
    int after;         // ... and from `size` on
    const int *table;  // `before` entries, then `after` entries

    // The pixel that stands at `position`; -1 for cval, and beyond the tables, which no output
    // needs.
    INLINE int source(int position) const {
        if ((unsigned)position < (unsigned)size) return position;
        const int entry = position < 0 ? position + before : position - size + before;
        const bool known = position < 0 ? entry >= 0 : entry < before + after;
        return known ? table[entry] : -1;
    }

    INLINE bool inside(int first, int last) const { return first >= 0 && last < size; }
};
