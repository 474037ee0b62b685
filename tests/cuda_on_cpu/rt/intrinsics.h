// CUDA's arithmetic functions, with CUDA's results where C++ leaves them undefined.
#pragma once

extern "C" {
#define CUDA_ON_CPU_UNARY(name) double name(double) noexcept; float name##f(float) noexcept;
CUDA_ON_CPU_UNARY(ceil) CUDA_ON_CPU_UNARY(cos) CUDA_ON_CPU_UNARY(exp) CUDA_ON_CPU_UNARY(exp2)
CUDA_ON_CPU_UNARY(fabs) CUDA_ON_CPU_UNARY(floor) CUDA_ON_CPU_UNARY(log) CUDA_ON_CPU_UNARY(log2)
CUDA_ON_CPU_UNARY(nearbyint) CUDA_ON_CPU_UNARY(rint) CUDA_ON_CPU_UNARY(round)
CUDA_ON_CPU_UNARY(sin) CUDA_ON_CPU_UNARY(sqrt) CUDA_ON_CPU_UNARY(tan) CUDA_ON_CPU_UNARY(trunc)
#define CUDA_ON_CPU_BINARY(name)                                                                   \
  double name(double, double) noexcept; float name##f(float, float) noexcept;
CUDA_ON_CPU_BINARY(atan2) CUDA_ON_CPU_BINARY(copysign) CUDA_ON_CPU_BINARY(fmax)
CUDA_ON_CPU_BINARY(fmin) CUDA_ON_CPU_BINARY(fmod) CUDA_ON_CPU_BINARY(hypot)
CUDA_ON_CPU_BINARY(pow)
double fma(double, double, double) noexcept;
float fmaf(float, float, float) noexcept;
double ldexp(double, int) noexcept;
float ldexpf(float, int) noexcept;
int abs(int) noexcept __attribute__((const));
void *memcpy(void *, const void *, size_t) noexcept;
void *memset(void *, int, size_t) noexcept;
}

static inline float ceil(float a) { return ceilf(a); }
static inline float fabs(float a) { return fabsf(a); }
static inline float floor(float a) { return floorf(a); }
static inline float rint(float a) { return rintf(a); }
static inline float sqrt(float a) { return sqrtf(a); }
static inline float fma(float a, float b, float c) { return fmaf(a, b, c); }
static inline float abs(float a) { return fabsf(a); }
static inline double abs(double a) { return fabs(a); }
static inline long abs(long a) { return a < 0 ? -a : a; }
static inline long long abs(long long a) { return a < 0 ? -a : a; }

#define CUDA_ON_CPU_MIN_MAX(type, first, second)                                                   \
  static inline type min(first a, second b) { return (type)a < (type)b ? (type)a : (type)b; }      \
  static inline type max(first a, second b) { return (type)a < (type)b ? (type)b : (type)a; }
CUDA_ON_CPU_MIN_MAX(int, int, int)
CUDA_ON_CPU_MIN_MAX(unsigned, unsigned, unsigned)
CUDA_ON_CPU_MIN_MAX(unsigned, int, unsigned)
CUDA_ON_CPU_MIN_MAX(unsigned, unsigned, int)
CUDA_ON_CPU_MIN_MAX(long, long, long)
CUDA_ON_CPU_MIN_MAX(unsigned long, unsigned long, unsigned long)
CUDA_ON_CPU_MIN_MAX(long long, long long, long long)
CUDA_ON_CPU_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }

static inline bool isfinite(float a) { return __builtin_isfinite(a); }
static inline bool isfinite(double a) { return __builtin_isfinite(a); }
static inline bool isinf(float a) { return __builtin_isinf(a); }
static inline bool isinf(double a) { return __builtin_isinf(a); }
static inline bool isnan(float a) { return __builtin_isnan(a); }
static inline bool isnan(double a) { return __builtin_isnan(a); }
static inline bool signbit(float a) { return __builtin_signbit(a); }
static inline bool signbit(double a) { return __builtin_signbit(a); }

static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
static inline float __saturatef(float a) { return fminf(fmaxf(a, 0.0f), 1.0f); }
static inline float rsqrtf(float a) { return 1.0f / sqrtf(a); }
static inline float __cosf(float a) { return cosf(a); }
static inline float __expf(float a) { return expf(a); }
static inline float __logf(float a) { return logf(a); }
static inline float __powf(float a, float b) { return powf(a, b); }
static inline float __sinf(float a) { return sinf(a); }

// Conversions to integers saturate. NaN becomes 0 in 32 bits, and the top bit alone in 64.
namespace cuda_on_cpu {
template <class Integer, class Real>
static inline Integer saturated(Real a, Integer least, Integer most, Integer nan) {
  // Exact: 2^31, 2^32, 2^63 and 2^64 as reals, where (Real)most would round up to them anyway.
  const Real limit = (Real)(most / 2 + 1) * 2;
  if (a != a) return nan;
  if (a >= limit) return most;
  if (a < (Real)least) return least;
  return (Integer)a;
}
constexpr long long LEAST = -0x7fffffffffffffffLL - 1;
template <class Real> static inline int to_int(Real a) {
  // NaN becomes 0 only from a float (PTX ISA, cvt).
  return saturated<int>(a, -0x7fffffff - 1, 0x7fffffff, sizeof(Real) == 4 ? 0 : -0x7fffffff - 1);
}
template <class Real> static inline unsigned to_unsigned(Real a) {
  return saturated<unsigned>(a, 0, 0xffffffffu, sizeof(Real) == 4 ? 0 : 0x80000000u);
}
template <class Real> static inline long long to_long(Real a) {
  return saturated<long long>(a, LEAST, 0x7fffffffffffffffLL, LEAST);
}
template <class Real> static inline unsigned long long to_unsigned_long(Real a) {
  return saturated<unsigned long long>(a, 0, ~0ull, 1ull << 63);
}
}  // namespace cuda_on_cpu

#define CUDA_ON_CPU_ROUNDINGS(prefix, real, to, convert)                                           \
  static inline auto prefix##2##to##_rn(real a) { return cuda_on_cpu::convert(rint(a)); }          \
  static inline auto prefix##2##to##_rz(real a) { return cuda_on_cpu::convert(a); }                \
  static inline auto prefix##2##to##_rd(real a) { return cuda_on_cpu::convert(floor(a)); }         \
  static inline auto prefix##2##to##_ru(real a) { return cuda_on_cpu::convert(ceil(a)); }
CUDA_ON_CPU_ROUNDINGS(__float, float, int, to_int)
CUDA_ON_CPU_ROUNDINGS(__float, float, uint, to_unsigned)
CUDA_ON_CPU_ROUNDINGS(__float, float, ll, to_long)
CUDA_ON_CPU_ROUNDINGS(__float, float, ull, to_unsigned_long)
CUDA_ON_CPU_ROUNDINGS(__double, double, int, to_int)
CUDA_ON_CPU_ROUNDINGS(__double, double, uint, to_unsigned)
CUDA_ON_CPU_ROUNDINGS(__double, double, ll, to_long)
CUDA_ON_CPU_ROUNDINGS(__double, double, ull, to_unsigned_long)

static inline float __int2float_rn(int a) { return (float)a; }
static inline float __uint2float_rn(unsigned a) { return (float)a; }
static inline double __int2double_rn(int a) { return a; }
static inline double __uint2double_rn(unsigned a) { return a; }
static inline double __ll2double_rn(long long a) { return (double)a; }
static inline double __ull2double_rn(unsigned long long a) { return (double)a; }
static inline float __double2float_rn(double a) { return (float)a; }

namespace cuda_on_cpu {
template <class To, class From> static inline To bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "a bit cast keeps the size");
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}
}  // namespace cuda_on_cpu
static inline int __float_as_int(float a) { return cuda_on_cpu::bits<int>(a); }
static inline unsigned __float_as_uint(float a) { return cuda_on_cpu::bits<unsigned>(a); }
static inline float __int_as_float(int a) { return cuda_on_cpu::bits<float>(a); }
static inline float __uint_as_float(unsigned a) { return cuda_on_cpu::bits<float>(a); }
static inline long long __double_as_longlong(double a) { return cuda_on_cpu::bits<long long>(a); }
static inline double __longlong_as_double(long long a) { return cuda_on_cpu::bits<double>(a); }

static inline int __clz(int a) { return a ? __builtin_clz(a) : 32; }
static inline int __ffs(int a) { return __builtin_ffs(a); }
static inline int __ffsll(long long a) { return __builtin_ffsll(a); }
static inline int __popc(unsigned a) { return __builtin_popcount(a); }
static inline int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
static inline unsigned __umulhi(unsigned a, unsigned b) {
  return (unsigned)((unsigned long long)a * b >> 32);
}

// Each nibble of `select` names a byte of y:x; its top bit asks for that byte's sign instead.
static inline unsigned __byte_perm(unsigned x, unsigned y, unsigned select) {
  const unsigned long long bytes = (unsigned long long)y << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned nibble = select >> 4 * i & 15;
    unsigned byte = (unsigned)(bytes >> 8 * (nibble & 7)) & 255;
    if (nibble & 8) byte = byte & 128 ? 255 : 0;
    result |= byte << 8 * i;
  }
  return result;
}

// Two halves of a word, each for itself.
#define CUDA_ON_CPU_HALVES(name, item, better)                                                     \
  static inline unsigned name(unsigned a, unsigned b) {                                            \
    unsigned result = 0;                                                                           \
    for (int i = 0; i < 32; i += 16) {                                                             \
      const item x = (item)(a >> i), y = (item)(b >> i);                                           \
      result |= (unsigned)(unsigned short)(x better y ? x : y) << i;                               \
    }                                                                                              \
    return result;                                                                                 \
  }
CUDA_ON_CPU_HALVES(__vminu2, unsigned short, <) CUDA_ON_CPU_HALVES(__vmaxu2, unsigned short, >)
CUDA_ON_CPU_HALVES(__vmins2, short, <) CUDA_ON_CPU_HALVES(__vmaxs2, short, >)

// The sum wraps on the hardware, so it is done in unsigned.
static inline unsigned __dp4a(unsigned a, unsigned b, unsigned sum) {
  for (int i = 0; i < 32; i += 8) sum += (a >> i & 255) * (b >> i & 255);
  return sum;
}
static inline int __dp4a(int a, int b, int sum) {
  unsigned wrapped = (unsigned)sum;
  for (int i = 0; i < 32; i += 8)
    wrapped += (unsigned)((signed char)(a >> i) * (signed char)(b >> i));
  return (int)wrapped;
}

template <class T> static inline T __ldg(const T *address) { return *address; }
template <class T> static inline T __ldcs(const T *address) { return *address; }
template <class T> static inline void __stcs(T *address, T value) { *address = value; }
