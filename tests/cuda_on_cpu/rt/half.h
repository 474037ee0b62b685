// float16 by its bits: what the kernels do with inline PTX on a GPU (kernels_cuda/pixel.cuh).
#pragma once

static inline float cpu_widened(unsigned short half) {
  const unsigned sign = (unsigned)(half >> 15) << 31, exponent = half >> 10 & 31;
  const unsigned mantissa = half & 1023;
  if (exponent == 0) {
    const float size = (float)mantissa * 0x1p-24f;
    return sign ? -size : size;
  }
  const unsigned wide = exponent == 31 ? 255 : exponent + 127 - 15;
  return __uint_as_float(sign | wide << 23 | mantissa << 13);
}

// Rounded half to even, as cvt.rn does; NaN is 0x7fff.
static inline unsigned short cpu_narrowed(double wide) {
  const unsigned short sign = signbit(wide) ? 0x8000 : 0;
  const double size = fabs(wide);
  if (size != size) return 0x7fff;
  if (size >= 65520.0) return sign | 0x7c00;
  if (size < 0x1p-14) return sign | (unsigned short)rint(size * 0x1p24);
  const int exponent = (int)(__double_as_longlong(size) >> 52) - 1023;
  // 2^(10 - exponent): scales to [1024, 2048], where the integers are what float16 can hold.
  const double scale = __longlong_as_double((long long)(1023 + 10 - exponent) << 52);
  // A mantissa that rounds up to 2048 carries into the exponent, as it must.
  return sign | (unsigned short)((exponent + 15 << 10) + ((int)rint(size * scale) - 1024));
}
static inline unsigned short cpu_narrowed(float wide) { return cpu_narrowed((double)wide); }
