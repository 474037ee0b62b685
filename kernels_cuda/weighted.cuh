// Pixels that have weights of their own: what masked.cu, weigh.cu and normalise.cu share.
//
// A result is gain * sum(w m x) / sum(w m), with weights w of the kernel, m of the pixels, and with
// gain = sum(w), so that it is the plain sum(w x) where every pixel counts as 1. A pixel of weight
// 0 does not exist, whatever it holds. The border is that of image and mask; what it fills in
// counts as 1. gpuconv/masks.py says the same.
//
// Macros, beside those of tile.cuh:
//   MASK        the type that weights of pixels are read as
//   UNWEIGHTED  1: there is no mask, and all pixels count as 1
//   IGNORE_NAN  1: a pixel that is NaN has the weight 0
#pragma once

#define MASKED 1
#include "tile.cuh"

// m x and m; or their sums under the taps of a kernel.
struct Both {
    SUM product, weight;
};

INLINE Both weighted(SUM pixel, SUM weight) {
#if IGNORE_NAN
    if (pixel != pixel) return {0, 0};
#endif
    return {weight == 0 ? 0 : weight * pixel, weight};
}

// A plane of the image, and of its mask.
struct Weighted {
    Plane plane;
    const MASK *mask;
    long long row, column;

    INLINE Weighted(const Plane &plane, const MASK *mask, const Geometry &g)
        : plane(plane), mask(mask), row(g.mask_row), column(g.mask_column) {}

    // The pixel at any position, border included.
    INLINE Both at(int position_y, int position_x) const {
        const int i = plane.y.source(position_y), j = plane.x.source(position_x);
        if (i < 0 || j < 0) return weighted(plane.cval, 1);
#if VECTOR
        const SUM pixel = number(plane.pixels[i * plane.row + j]);
#else
        const SUM pixel = number(plane.pixels[i * plane.row + j * plane.column]);
#endif
#if UNWEIGHTED
        return weighted(pixel, 1);
#elif VECTOR
        return weighted(pixel, number(mask[i * row + j]));
#else
        return weighted(pixel, number(mask[i * row + j * column]));
#endif
    }
};

// Both sums by definition: no pixel is read but under a weight that is not 0.
template <typename Taps>
INLINE Both defined(const Weighted &source, const Geometry &g, const Taps &taps, int y, int x) {
    const int top = g.offset_y + y * g.stride_y, left = g.offset_x + x * g.stride_x;
    Both sums = {0, 0};
#pragma unroll 1
    for (int i = 0; i < g.rows; ++i)
#pragma unroll 1
        for (int j = 0; j < g.columns; ++j) {
            const SUM weight = taps(i * g.columns + j);
            if (weight == 0) continue;
            const Both at = source.at(top + i * g.dilation_y, left + j * g.dilation_x);
            sums.product = fused(weight, at.product, sums.product);
            sums.weight = fused(weight, at.weight, sums.weight);
        }
    return sums;
}

// Correctly rounded where nothing is tiny or huge: CUDA's own quotient calls a subroutine for that,
// and spills registers for it. The correction is that of `divided`.
INLINE float quotient(float a, float b) {
#ifdef GPUCONV_ON_CPU
    return a / b;
#else
    float nearly;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(nearly) : "f"(b));
    const float reciprocal = fmaf(fmaf(-b, nearly, 1.0f), nearly, nearly);
    const float first = a * reciprocal;
    return fmaf(fmaf(-first, b, a), reciprocal, first);
#endif
}
INLINE double quotient(double a, double b) { return a / b; }

INLINE float nan_of(float) { return __int_as_float(0x7fffffff); }
INLINE double nan_of(double) { return __longlong_as_double(0x7fffffffffffffffLL); }

// The result before the kernel's division; NaN, which is 0 as an integer, where no pixel counts.
INLINE SUM normalised(const Both &sums, const Geometry &g) {
    if (!(abs(sums.weight) > g.least)) return nan_of(sums.weight);
    // The second factor is 1 where all pixels count as 1: an integer is then what it would be.
    return rounded_product(sums.product, quotient(g.gain, sums.weight));
}
