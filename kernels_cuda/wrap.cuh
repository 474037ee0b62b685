// Sums as integers, as a cast in C makes them: cut off and taken modulo 2^bits, where
// pixel.cuh rounds and saturates. gpuconv/dtypes.py says the same.
#pragma once

// As x86-64 does it: what no 64 bits hold, and NaN, becomes the least integer, of which less than
// 64 bits are 0.
INLINE long long cut_off(SUM sum) {
    const long long least = -9223372036854775807LL - 1;
    return abs(sum) < (SUM)9223372036854775808.0 ? (long long)sum : least;
}

INLINE unsigned long long cut_off_unsigned(SUM sum) {
    const SUM size = abs(sum);
    const unsigned long long whole =
        size < (SUM)18446744073709551616.0 ? (unsigned long long)size : 0;
    return sum < 0 ? 0 - whole : whole;
}

#define WRAPPED(T, CUT_OFF)                                     \
    template <>                                                 \
    struct Stored<T> {                                          \
        static INLINE T of(SUM sum) { return (T)CUT_OFF(sum); } \
    };
WRAPPED(unsigned char, cut_off)
WRAPPED(signed char, cut_off)
WRAPPED(unsigned short, cut_off)
WRAPPED(short, cut_off)
WRAPPED(unsigned int, cut_off)
WRAPPED(int, cut_off)
WRAPPED(unsigned long long, cut_off_unsigned)
WRAPPED(long long, cut_off)
#undef WRAPPED

// The bits of one after the other; left to itself, the compiler puts them together in memory.
template <int LENGTH>
INLINE unsigned int placed(const SUM *sums, int i) {
    return ((unsigned int)cut_off(sums[i]) & ((1u << LENGTH) - 1)) << (LENGTH * i);
}

INLINE unsigned int two_placed(const SUM *sums) { return placed<16>(sums, 0) | placed<16>(sums, 1); }

INLINE unsigned int four_placed(const SUM *sums) {
    return placed<8>(sums, 0) | placed<8>(sums, 1) | placed<8>(sums, 2) | placed<8>(sums, 3);
}

#define WRAPPED_WORD(T, COUNT, PLACED)                                             \
    template <>                                                                    \
    struct Word<T> {                                                               \
        static constexpr int count = COUNT;                                        \
        static INLINE unsigned int of(const SUM *sums) { return PLACED(sums); }    \
    };
WRAPPED_WORD(unsigned char, 4, four_placed)
WRAPPED_WORD(signed char, 4, four_placed)
WRAPPED_WORD(unsigned short, 2, two_placed)
WRAPPED_WORD(short, 2, two_placed)
#undef WRAPPED_WORD
