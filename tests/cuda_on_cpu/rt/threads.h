// Barriers, warp functions and atomics. Macros where the report should name the caller's line.
#pragma once

#define __syncthreads() ((void)cuda_on_cpu_barrier(0, __FILE__, __LINE__))
#define __syncthreads_count(predicate) cuda_on_cpu_barrier(!!(predicate), __FILE__, __LINE__)
#define __syncthreads_or(predicate) (__syncthreads_count(predicate) != 0)
#define __syncthreads_and(predicate) (__syncthreads_count(!(predicate)) == 0)

namespace cuda_on_cpu {
// As in scheduler.cpp.
enum WarpKind { SYNC, SHUFFLE, BALLOT };
constexpr unsigned everyone(unsigned mask = 0xffffffffu) { return mask; }

static inline int lane() {
  const uint3 thread = threadIdx, size = blockDim;
  return (thread.x + size.x * (thread.y + size.y * thread.z)) & 31;
}

template <class T>
static inline T shuffle(unsigned mask, T value, int source, const char *file, int line) {
  static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  bits = cuda_on_cpu_warp(SHUFFLE, mask, bits, source, file, line);
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// The lane that each kind of shuffle reads; outside its group of `width` lanes, the caller's own.
static inline int from(int source, int width = 32) {
  return (lane() & ~(width - 1)) | (source & (width - 1));
}
static inline int below(unsigned delta, int width = 32) {
  return (lane() & (width - 1)) + (int)delta < width ? lane() + (int)delta : lane();
}
static inline int above(unsigned delta, int width = 32) {
  return (lane() & (width - 1)) >= (int)delta ? lane() - (int)delta : lane();
}
static inline int across(int bits, int width = 32) {
  const int source = lane() ^ bits;
  return (source & ~(width - 1)) <= (lane() & ~(width - 1)) ? source : lane();
}
}  // namespace cuda_on_cpu

#define CUDA_ON_CPU_SHUFFLE(mask, value, source)                                                   \
  cuda_on_cpu::shuffle(mask, value, source, __FILE__, __LINE__)
#define __shfl_sync(mask, value, ...)                                                              \
  CUDA_ON_CPU_SHUFFLE(mask, value, cuda_on_cpu::from(__VA_ARGS__))
#define __shfl_down_sync(mask, value, ...)                                                         \
  CUDA_ON_CPU_SHUFFLE(mask, value, cuda_on_cpu::below(__VA_ARGS__))
#define __shfl_up_sync(mask, value, ...)                                                           \
  CUDA_ON_CPU_SHUFFLE(mask, value, cuda_on_cpu::above(__VA_ARGS__))
#define __shfl_xor_sync(mask, value, ...)                                                          \
  CUDA_ON_CPU_SHUFFLE(mask, value, cuda_on_cpu::across(__VA_ARGS__))

#define CUDA_ON_CPU_WARP(kind, mask, value)                                                        \
  cuda_on_cpu_warp(cuda_on_cpu::kind, mask, value, 0, __FILE__, __LINE__)
#define __syncwarp(...) ((void)CUDA_ON_CPU_WARP(SYNC, cuda_on_cpu::everyone(__VA_ARGS__), 0))
#define __ballot_sync(mask, predicate) ((unsigned)CUDA_ON_CPU_WARP(BALLOT, mask, !!(predicate)))
#define __any_sync(mask, predicate) (__ballot_sync(mask, predicate) != 0)
#define __all_sync(mask, predicate) (__ballot_sync(mask, !(predicate)) == 0)
#define __activemask() cuda_on_cpu_active_lanes()

// One thread of the machine runs all blocks, so memory is always in order, ...
static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __trap() { cuda_on_cpu_trap(); }

// ... and reading, changing and writing in turn is atomic.
#define CUDA_ON_CPU_UNCHECKED __attribute__((no_sanitize("thread"), noinline))
#define CUDA_ON_CPU_ATOMIC(name, changed)                                                          \
  template <class T> CUDA_ON_CPU_UNCHECKED static T name(T *address, T value) {                    \
    cuda_on_cpu_atomic(address, sizeof(T));                                                        \
    const T old = *address;                                                                        \
    *address = changed;                                                                            \
    return old;                                                                                    \
  }
CUDA_ON_CPU_ATOMIC(atomicAdd, old + value)
CUDA_ON_CPU_ATOMIC(atomicSub, old - value)
CUDA_ON_CPU_ATOMIC(atomicMax, old < value ? value : old)
CUDA_ON_CPU_ATOMIC(atomicMin, value < old ? value : old)
CUDA_ON_CPU_ATOMIC(atomicAnd, old & value)
CUDA_ON_CPU_ATOMIC(atomicOr, old | value)
CUDA_ON_CPU_ATOMIC(atomicXor, old ^ value)
CUDA_ON_CPU_ATOMIC(atomicExch, value)

template <class T> CUDA_ON_CPU_UNCHECKED static T atomicCAS(T *address, T expected, T value) {
  cuda_on_cpu_atomic(address, sizeof(T));
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}
