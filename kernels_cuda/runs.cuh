// Footprints of any shape: runs of pixels along x, (row, first, stop), in device memory.
#pragma once

#include "tile.cuh"

#define RANK_ARGUMENTS                                                                         \
    const PIXEL *__restrict__ image, RESULT *__restrict__ out, const int *__restrict__ runs,   \
        const SUM *__restrict__ weights, const int *__restrict__ edges,                        \
        const __grid_constant__ Call call

struct Run {
    int row, first, stop;

    INLINE Run(const int *runs, int i)
        : row(runs[3 * i]), first(runs[3 * i + 1]), stop(runs[3 * i + 2]) {}
};
