// What a CUDA compiler gives a kernel, for g++: included before the kernel's text.
//
// No standard header is included: several hundred programs are compiled from this file, and
// <cmath> alone would take longer than the kernels do.
#pragma once
#define GPUCONV_ON_CPU 1

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict

typedef __SIZE_TYPE__ size_t;

#include "vectors.h"
#include "intrinsics.h"
#include "half.h"

typedef uint3 dim3;

// The runtime's side of these is in scheduler.cpp and memory.cpp.
extern "C" {
// Constant for the life of a thread, so the compiler may ask once.
uint3 cuda_on_cpu_thread() __attribute__((const));
uint3 cuda_on_cpu_block() __attribute__((const));
uint3 cuda_on_cpu_block_size() __attribute__((const));
uint3 cuda_on_cpu_grid_size() __attribute__((const));
int cuda_on_cpu_barrier(int predicate, const char *file, int line);
unsigned long long cuda_on_cpu_warp(int kind, unsigned mask, unsigned long long value, int source,
                                    const char *file, int line);
unsigned cuda_on_cpu_active_lanes();
void *cuda_on_cpu_shared(const void *key, const char *name, size_t bytes, size_t align, size_t item);
void *cuda_on_cpu_dynamic_shared(const char *name, size_t align);
void cuda_on_cpu_atomic(void *address, int bytes);
void cuda_on_cpu_trap();
// Asynchronous copies to shared memory: as late as the hardware may do them, at the wait.
void cpu_copy_async(void *shared, const void *global, int bytes);
void cpu_copy_async_wait();
}

#define threadIdx (cuda_on_cpu_thread())
#define blockIdx (cuda_on_cpu_block())
#define blockDim (cuda_on_cpu_block_size())
#define gridDim (cuda_on_cpu_grid_size())
static constexpr int warpSize = 32;

// What the two forms of a __shared__ declaration are rewritten to (build.py).
#define CUDA_ON_CPU_SHARED(name, align, type)                                                      \
  static const char name##_key = 0;                                                                \
  typedef type;                                                                                    \
  name##_type &name = *(name##_type *)cuda_on_cpu_shared(                                          \
      &name##_key, #name, sizeof(name##_type), align, sizeof(cuda_on_cpu::innermost<name##_type>))
#define CUDA_ON_CPU_DYNAMIC_SHARED(name, align, item)                                              \
  item *name = (item *)cuda_on_cpu_dynamic_shared(#name, align)

#include "threads.h"
#include "entry.h"
