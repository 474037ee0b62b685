// How the responses of several filters become one.
//
// Macro: REDUCE is one of these.
#pragma once

#include "tile.cuh"

#define REDUCE_NOT 0        // every response is an output
#define REDUCE_MAGNITUDE 1  // the root of the sum of squares
#define REDUCE_MAX 2        // the largest; NaN if any is
#define REDUCE_SUM 3
#define REDUCE_DIRECTION 4  // of two responses, x and y, the angle of the vector (x, y)

INLINE SUM first_response(SUM response) {
    return REDUCE == REDUCE_MAGNITUDE ? response * response : response;
}

INLINE SUM with_response(SUM reduced, SUM response) {
#if REDUCE == REDUCE_MAGNITUDE
    return fused(response, response, reduced);
#elif REDUCE == REDUCE_MAX
    return response > reduced || response != response ? response : reduced;
#elif REDUCE == REDUCE_DIRECTION
    // To add 0 makes 0 of -0, beside which atan2 would tell left from left.
    return atan2(response + 0, reduced + 0);
#else
    return reduced + response;
#endif
}

INLINE SUM reduced_all(SUM reduced) {
    return REDUCE == REDUCE_MAGNITUDE ? sqrt(reduced) : reduced;
}
