// The order of pixels: which of two is the least. A NaN is neither, and both are NaN then, so that
// a window that has one gives NaN: in a network there is a way from each pixel to the result.
#pragma once

#include "pixel.cuh"

#ifdef GPUCONV_ON_CPU
INLINE float least(float a, float b) { return a < b || a != a ? a : b; }
INLINE float most(float a, float b) { return a > b || a != a ? a : b; }
#else
// By instructions that keep what is subnormal, as a comparison with -ftz does not.
#define FIRST_BY(NAME, INSTRUCTION, NOT_A_NUMBER)                       \
    INLINE float NAME(float a, float b) {                               \
        float first;                                                    \
        asm(INSTRUCTION " %0, %1, %2;" : "=f"(first) : "f"(a), "f"(b)); \
        return NOT_A_NUMBER ? a + b : first;                            \
    }
#if __CUDA_ARCH__ >= 800
FIRST_BY(least, "min.NaN.f32", false)
FIRST_BY(most, "max.NaN.f32", false)
#else
FIRST_BY(least, "min.f32", a != a || b != b)
FIRST_BY(most, "max.f32", a != a || b != b)
#endif
#undef FIRST_BY
#endif

INLINE double least(double a, double b) { return a < b || a != a ? a : b; }
INLINE double most(double a, double b) { return a > b || a != a ? a : b; }

// Integers of any size.
template <typename T>
INLINE T least(T a, T b) {
    return a < b ? a : b;
}
template <typename T>
INLINE T most(T a, T b) {
    return a < b ? b : a;
}
