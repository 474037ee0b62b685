// CUDA's vector types, with CUDA's alignments: a copy of one is one wide access. (A store of
// make_float4(...) may be four narrow ones, where a GPU does one: make it in a variable first.)
#pragma once

#define CUDA_ON_CPU_VECTORS(item, name, pair_align, quad_align)                                    \
  struct name##1 { item x; };                                                                      \
  struct alignas(pair_align) name##2 { item x, y; };                                               \
  struct name##3 { item x, y, z; };                                                                \
  struct alignas(quad_align) name##4 { item x, y, z, w; };                                         \
  static inline name##1 make_##name##1(item x) { return {x}; }                                     \
  static inline name##2 make_##name##2(item x, item y) { return {x, y}; }                          \
  static inline name##3 make_##name##3(item x, item y, item z) { return {x, y, z}; }               \
  static inline name##4 make_##name##4(item x, item y, item z, item w) { return {x, y, z, w}; }

CUDA_ON_CPU_VECTORS(signed char, char, 2, 4)
CUDA_ON_CPU_VECTORS(unsigned char, uchar, 2, 4)
CUDA_ON_CPU_VECTORS(short, short, 4, 8)
CUDA_ON_CPU_VECTORS(unsigned short, ushort, 4, 8)
CUDA_ON_CPU_VECTORS(int, int, 8, 16)
CUDA_ON_CPU_VECTORS(unsigned, uint, 8, 16)
CUDA_ON_CPU_VECTORS(long long, longlong, 16, 16)
CUDA_ON_CPU_VECTORS(unsigned long long, ulonglong, 16, 16)
CUDA_ON_CPU_VECTORS(float, float, 8, 16)
CUDA_ON_CPU_VECTORS(double, double, 16, 16)
