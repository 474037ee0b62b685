// How a pixel becomes a number, and how a sum becomes a pixel: the rules of gpuconv/dtypes.py.
//
// Macros: PIXEL, RESULT and SUM are the types that are read, written and summed in; DIVIDE says how
// a sum is divided; WRAP whether integers are cut off and wrapped; 0 where it is not defined. Where
// AS_IS is 1 nothing is summed: SUM is the type of pixels (float for half), and results are pixels
// as they are; 0 where it is not defined.
#pragma once

#define INLINE __device__ __forceinline__

// Returns its argument, which the compiler then knows nothing of: so it cannot compute ahead, for
// all tiles, what only few of them need.
#ifdef GPUCONV_ON_CPU
template <typename T>
INLINE T opaque(T value) {
    return value;
}
#else
INLINE int opaque(int value) {
    asm volatile("" : "+r"(value));
    return value;
}
INLINE float opaque(float value) {
    asm volatile("" : "+f"(value));
    return value;
}
INLINE double opaque(double value) {
    asm volatile("" : "+d"(value));
    return value;
}
#endif

// A float16 by its bits. With it instead of cuda_fp16.h a kernel compiles in half the time.
struct half {
    unsigned short bits;
};

INLINE float widened(half h) {
#ifdef GPUCONV_ON_CPU
    return cpu_widened(h.bits);
#else
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(h.bits));
    return wide;
#endif
}

INLINE half narrowed(float wide) {
#ifdef GPUCONV_ON_CPU
    return {cpu_narrowed(wide)};
#else
    half h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(wide));
    return h;
#endif
}

INLINE half narrowed(double wide) {
#ifdef GPUCONV_ON_CPU
    return {cpu_narrowed(wide)};
#else
    half h;
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(h.bits) : "d"(wide));
    return h;
#endif
}

// ---------------------------------------------------------------------------- reading

template <typename T>
INLINE SUM number(T pixel) {
    return (SUM)pixel;
}

INLINE SUM number(half pixel) { return (SUM)widened(pixel); }

// ---------------------------------------------------------------------------- writing
// Integers are rounded half to even and saturated, once; NaN becomes 0. The conversions of the
// hardware do all of that from float to 32 bits, and all but the NaN from double or to 64 bits,
// where NaN is the top bit (PTX ISA, cvt). With WRAP it is wrap.cuh that says what they are.

template <typename T>
struct Stored;

#if AS_IS
INLINE void keep(float pixel, half &stored) { stored = narrowed(pixel); }
template <typename T>
INLINE void keep(T pixel, T &stored) {
    stored = pixel;
}

template <typename T>
struct Stored {
    static INLINE T of(SUM pixel) {
        T stored;
        keep(pixel, stored);
        return stored;
    }
};
#else
INLINE int rounded(float sum) {
#ifdef GPUCONV_ON_CPU
    return __float2int_rn(sum);
#else
    // Not the intrinsic, as with -ftz this is another instruction, which is not fused with packing.
    int whole;
    asm("cvt.rni.s32.f32 %0, %1;" : "=r"(whole) : "f"(sum));
    return whole;
#endif
}

INLINE int rounded(double sum) { return sum != sum ? 0 : __double2int_rn(sum); }

#define STORED_FLOAT(T, EXPRESSION)                       \
    template <>                                           \
    struct Stored<T> {                                    \
        static INLINE T of(SUM sum) { return EXPRESSION; } \
    };
#define STORED_SMALL(T, LOW, HIGH) STORED_FLOAT(T, (T)min(max(rounded(sum), LOW), HIGH))

#if !WRAP
STORED_SMALL(unsigned char, 0, 255)
STORED_SMALL(signed char, -128, 127)
STORED_SMALL(unsigned short, 0, 65535)
STORED_SMALL(short, -32768, 32767)
STORED_FLOAT(int, rounded(sum))
STORED_FLOAT(unsigned int, sum != sum ? 0 : __double2uint_rn(sum))
STORED_FLOAT(long long, sum != sum ? 0 : __double2ll_rn(sum))
STORED_FLOAT(unsigned long long, sum != sum ? 0 : __double2ull_rn(sum))
#endif
STORED_FLOAT(half, narrowed(sum))
STORED_FLOAT(float, (float)sum)
STORED_FLOAT(double, (double)sum)

#undef STORED_SMALL
#undef STORED_FLOAT
#endif

// ---------------------------------------------------------------------------- dividing

INLINE float fused(float a, float b, float c) { return fmaf(a, b, c); }
INLINE double fused(double a, double b, double c) { return fma(a, b, c); }

// Rounded each for itself, which a compiler may not fuse: so that a result is the CPU engine's.
INLINE float rounded_product(float a, float b) { return __fmul_rn(a, b); }
INLINE double rounded_product(double a, double b) { return __dmul_rn(a, b); }
INLINE float rounded_sum(float a, float b) { return __fadd_rn(a, b); }
INLINE double rounded_sum(double a, double b) { return __dadd_rn(a, b); }

#define DIVIDE_NOT 0     // the divisor is 1
#define DIVIDE_FINITE 1  // sums are finite
#define DIVIDE_ANY 2     // sums may be infinite, and stay so

// The quotient, correctly rounded, so that a tie between two integers stays one. `reciprocal` is
// 1/divisor, rounded; the product with it may be off by one unit in the last place, which
// Markstein's correction (IBM J. Res. Dev. 34, 1990) takes back.
INLINE SUM divided(SUM sum, SUM divisor, SUM reciprocal) {
#if DIVIDE == DIVIDE_NOT
    return sum;
#else
    const SUM nearly = sum * reciprocal;
    const SUM quotient = fused(fused(-nearly, divisor, sum), reciprocal, nearly);
    return DIVIDE == DIVIDE_FINITE || quotient == quotient ? quotient : nearly;
#endif
}

// ---------------------------------------------------------------------------- several at once

// The integer type that holds N bytes: what one load or store moves.
template <int N>
struct Bytes;
template <>
struct Bytes<1> {
    typedef unsigned char type;
};
template <>
struct Bytes<2> {
    typedef unsigned short type;
};
template <>
struct Bytes<4> {
    typedef unsigned int type;
};
template <>
struct Bytes<8> {
    typedef uint2 type;
};
template <>
struct Bytes<16> {
    typedef uint4 type;
};
struct alignas(16) Two16 {
    uint4 low, high;
};
template <>
struct Bytes<32> {
    typedef Two16 type;
};

// N pixels that are loaded or stored at once.
template <typename T, int N>
union Pack {
    typename Bytes<N * sizeof(T)>::type whole;
    T each[N];
    unsigned int words[(N * sizeof(T) + 3) / 4];
};

template <typename T, int N>
INLINE Pack<T, N> loaded(const T *from) {
    Pack<T, N> pack;
    pack.whole = *reinterpret_cast<const decltype(pack.whole) *>(from);
    return pack;
}

template <typename T, int N>
INLINE void stored(T *to, Pack<T, N> pack) {
    *reinterpret_cast<decltype(pack.whole) *>(to) = pack.whole;
}

// Pixel i of a pack as a number. Pixels smaller than a word are taken out of words by instructions
// made for that; left to itself, the compiler needs half as many again, slow ones among them.

template <typename T, int N>
INLINE SUM number_in(const Pack<T, N> &pack, int i) {
    return number(pack.each[i]);
}

#if !defined(GPUCONV_ON_CPU) && !AS_IS
// A byte n behind the exponent of 2^23, 0x4b0000nn, is the float 2^23 + n. `bytes` says from where
// the four bytes of it are taken: 0 to 3 are of the word, 4 to 7 of the constant.
INLINE float behind_exponent(unsigned int word, int bytes, float zero) {
    return __uint_as_float(__byte_perm(word, 0x4b000000, bytes)) - (8388608.0f + zero);
}

// Signed bytes are counted from -128, so that they too are not negative.
#define BYTE_IN(T, SIGNS, ZERO)                                                           \
    template <int N>                                                                      \
    INLINE SUM number_in(const Pack<T, N> &pack, int i) {                                 \
        if constexpr (sizeof(SUM) > 4 || N % 4) return number(pack.each[i]);              \
        return behind_exponent(pack.words[i / 4] ^ SIGNS, 0x7550 + i % 4, ZERO);          \
    }
BYTE_IN(unsigned char, 0, 0)
BYTE_IN(signed char, 0x80808080, 128)
#undef BYTE_IN

template <int N>
INLINE SUM number_in(const Pack<half, N> &pack, int i) {
    if constexpr (N % 2) return number(pack.each[i]);
    float low, high;
    asm("{.reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h;}"
        : "=f"(low), "=f"(high)
        : "r"(pack.words[i / 2]));
    return i % 2 ? high : low;
}
#endif

// Sums as small integers, a word of them at once: the hardware rounds, saturates and packs two in
// one instruction.
template <typename T>
struct Word {
    static constexpr int count = 0;  // no such instruction: one by one
};

#if WRAP
#include "wrap.cuh"
#endif

#if !defined(GPUCONV_ON_CPU) && !AS_IS
#define WORD_OF_FOUR(T, TYPE)                                                              \
    template <>                                                                            \
    struct Word<T> {                                                                       \
        static constexpr int count = 4;                                                    \
        static INLINE unsigned int of(const SUM *sums) {                                   \
            unsigned int high, word;                                                       \
            asm("cvt.pack.sat." TYPE ".s32.b32 %0, %1, %2, 0;"                             \
                : "=r"(high)                                                               \
                : "r"(rounded(sums[3])), "r"(rounded(sums[2])));                           \
            asm("cvt.pack.sat." TYPE ".s32.b32 %0, %1, %2, %3;"                            \
                : "=r"(word)                                                               \
                : "r"(rounded(sums[1])), "r"(rounded(sums[0])), "r"(high));                \
            return word;                                                                   \
        }                                                                                  \
    };
#define WORD_OF_TWO(T, TYPE)                                                               \
    template <>                                                                            \
    struct Word<T> {                                                                       \
        static constexpr int count = 2;                                                    \
        static INLINE unsigned int of(const SUM *sums) {                                   \
            unsigned int word;                                                             \
            asm("cvt.pack.sat." TYPE ".s32 %0, %1, %2;"                                    \
                : "=r"(word)                                                               \
                : "r"(rounded(sums[1])), "r"(rounded(sums[0])));                           \
            return word;                                                                   \
        }                                                                                  \
    };
#if !WRAP
WORD_OF_FOUR(unsigned char, "u8")
WORD_OF_FOUR(signed char, "s8")
WORD_OF_TWO(unsigned short, "u16")
WORD_OF_TWO(short, "s16")
#endif
#undef WORD_OF_FOUR
#undef WORD_OF_TWO

template <>
struct Word<half> {
    static constexpr int count = 2;
    static INLINE unsigned int of(const SUM *sums) {
        unsigned int word;
        asm("mov.b32 %0, {%1, %2};"
            : "=r"(word)
            : "h"(narrowed(sums[0]).bits), "h"(narrowed(sums[1]).bits));
        return word;
    }
};
#endif

template <typename T, int N>
INLINE Pack<T, N> results(const SUM (&sums)[N]) {
    Pack<T, N> pack;
    constexpr int count = Word<T>::count;
    if constexpr (count > 0 && N % (count > 0 ? count : 1) == 0) {
#pragma unroll
        for (int i = 0; i < N; i += count) pack.words[i / count] = Word<T>::of(sums + i);
    } else {
#pragma unroll
        for (int i = 0; i < N; ++i) pack.each[i] = Stored<T>::of(sums[i]);
    }
    return pack;
}
