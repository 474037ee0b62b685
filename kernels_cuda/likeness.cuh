// How much a pixel counts that is near, and alike: what the kernels of the bilateral filter share.
#pragma once

#include "tile.cuh"

#ifdef GPUCONV_ON_CPU
INLINE float power_of_two(float exponent) { return exp2f(exponent); }
#else
// Good to two units in the last place (PTX ISA, ex2.approx.ftz.f32).
INLINE float power_of_two(float exponent) {
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(exponent));
    return power;
}
#endif
INLINE double power_of_two(double exponent) { return exp2(exponent); }

// The weight of a pixel that differs by `distance`, `space` being the logarithm of what it has by
// where it lies; logarithms are of base 2, and `scale` makes of a distance the root of such a one.
INLINE SUM likeness(SUM distance, SUM scale, SUM space) {
    const SUM scaled = distance * scale;
    return power_of_two(fused(-scaled, scaled, space));
}
