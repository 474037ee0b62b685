// Sorted lists of pixels, merged by networks: the same minima and maxima whatever the pixels are.
//
// Of M pixels of a window only some can have the rank that is wanted, in the whole window: those
// with too many others below them, or above, are forgotten, and with them what would have sorted
// them, as the compiler leaves out what nothing uses.
//
// Macros:
//   RANK    of the pixel that is wanted, counted from the least, 0
//   PIXELS  of a window
#pragma once

#include "order.cuh"

// Of M sorted pixels the first, and the number of those, that can have the rank.
INLINE constexpr int first_of(int m) { return RANK > PIXELS - m ? RANK - (PIXELS - m) : 0; }
INLINE constexpr int count_of(int m) { return (RANK < m ? RANK + 1 : m) - first_of(m); }

// What is left of M sorted pixels.
template <typename Value, int M>
struct Sorted {
    static constexpr int count = count_of(M);
    Value at[count];
};

// Batcher's odd-even merge of P values and P more, each sorted (Knuth, volume 3, 5.3.4), of which
// those before BEGIN are less than all others, those from END on more, and none of them exists.
template <int K, int BEGIN, int END, typename Value, int N>
INLINE void merge_steps(Value (&values)[N]) {
    constexpr int skipped = K % (N / 2), first = skipped > BEGIN ? skipped : BEGIN;
#pragma unroll
    for (int i = first; i < END - K; ++i)
        if ((i - skipped) / K % 2 == 0) {
            const Value low = least(values[i], values[i + K]);
            values[i + K] = most(values[i], values[i + K]);
            values[i] = low;
        }
    if constexpr (K > 1) merge_steps<K / 2, BEGIN, END>(values);
}

INLINE constexpr int power_of_two(int least) {
    int power = 1;
    while (power < least) power *= 2;
    return power;
}

// Value number K of both lists: one of the last of I from one and of K + 1 - I from the other.
template <int K, typename Value, int A, int B>
INLINE Value selected(const Value (&a)[A], const Value (&b)[B]) {
    constexpr int fewest = K + 1 > B ? K + 1 - B : 0, most_of_a = K + 1 < A ? K + 1 : A;
    Value found = fewest == 0 ? b[K] : a[fewest - 1];
    if (fewest > 0 && fewest <= K) found = most(found, b[K - fewest]);
#pragma unroll
    for (int i = fewest + 1; i <= most_of_a; ++i)
        found = least(found, i <= K ? most(a[i - 1], b[K - i]) : a[i - 1]);
    return found;
}

// Values FIRST and after of both lists, as many as `to` has.
template <int FIRST, typename Value, int A, int B, int COUNT>
INLINE void merge(const Value (&a)[A], const Value (&b)[B], Value (&to)[COUNT]) {
    if constexpr (COUNT == 1) {
        to[0] = selected<FIRST>(a, b);
    } else if constexpr (A < B) {
        merge<FIRST>(b, a, to);
    } else if constexpr (B == 1) {
#pragma unroll
        for (int i = 0; i < COUNT; ++i) {
            const int at = FIRST + i;
            const Value rest = at > 0 ? a[at - 1] : b[0];
            const Value low = at < A ? least(a[at], b[0]) : b[0];
            to[i] = at > 0 ? most(rest, low) : low;
        }
    } else {
        constexpr int half = power_of_two(A > B ? A : B);
        Value values[2 * half];
#pragma unroll
        for (int i = 0; i < A; ++i) values[half - A + i] = a[i];
#pragma unroll
        for (int i = 0; i < B; ++i) values[half + i] = b[i];
        merge_steps<half, half - A, half + B>(values);
#pragma unroll
        for (int i = 0; i < COUNT; ++i) to[i] = values[half - A + FIRST + i];
    }
}

// What is left of M sorted pixels and of N others, together.
template <typename Value, int M, int N>
INLINE Sorted<Value, M + N> merged(const Sorted<Value, M> &a, const Sorted<Value, N> &b) {
    Sorted<Value, M + N> both;
    merge<first_of(M + N) - first_of(M) - first_of(N)>(a.at, b.at, both.at);
    return both;
}

// The pixels pixel(FIRST), ..., sorted.
template <typename Value, int N, int FIRST = 0, typename Pixel>
INLINE Sorted<Value, N> sorted(const Pixel &pixel) {
    if constexpr (N == 1) {
        return {{pixel(FIRST)}};
    } else {
        constexpr int half = N / 2;
        return merged(sorted<Value, half, FIRST>(pixel),
                      sorted<Value, N - half, FIRST + half>(pixel));
    }
}

// Several lists of M pixels, from number FIRST on, as one.
template <int N, int FIRST = 0, typename Value, int M, int ALL>
INLINE Sorted<Value, N * M> joined(const Sorted<Value, M> (&lists)[ALL]) {
    if constexpr (N == 1) {
        return lists[FIRST];
    } else {
        constexpr int half = N / 2;
        return merged(joined<half, FIRST>(lists), joined<N - half, FIRST + half>(lists));
    }
}
