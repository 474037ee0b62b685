// One kernel for each class of bug that the checker must see, and its twin without it.
// The block is (64, 1, 1) unless test_checker.py says otherwise.
#ifdef BUG
#define EITHER(bug, sound) bug
#else
#define EITHER(bug, sound) sound
#endif
#define KERNEL extern "C" __global__ void __launch_bounds__(64)

// ---------------------------------------------------------------- bounds

KERNEL read_past_end(const float *x, float *out) {
    out[threadIdx.x] = x[threadIdx.x + EITHER(1, 0)];
}
KERNEL read_before(const float *x, float *out) {
    out[threadIdx.x] = x[(int)threadIdx.x - EITHER(1, 0)];
}
KERNEL write_past_end(const float *x, float *out) {
    out[threadIdx.x] = 0;
    EITHER(out[64] = x[0], (void)0);
}
KERNEL wide_read_past_end(const float *x, float *out) {
    const float4 v = *reinterpret_cast<const float4 *>(x + 4 * (threadIdx.x % 16) + EITHER(4, 0));
    out[threadIdx.x] = v.x;
}
// Given the 8 x 8 corner of a 16 x 16 array.
KERNEL read_in_gap(const float *x, float *out) {
    out[threadIdx.x] = x[threadIdx.x / 8 * 16 + threadIdx.x % 8 + EITHER(1, 0)];
}
KERNEL write_in_gap(const float *x, float *out) {
    const int at = threadIdx.x / 8 * 16 + threadIdx.x % 8;
    out[at] = x[threadIdx.x];
    EITHER(if (threadIdx.x == 7) out[8] = 0, (void)0);
}
KERNEL wide_read_into_gap(const float *x, float *out) {
    const int at = threadIdx.x / 8 * 16 + threadIdx.x % EITHER(8, 4) / 2 * 4;
    const float4 v = *reinterpret_cast<const float4 *>(x + at);
    out[threadIdx.x] = v.w;
}
KERNEL write_const(const float *x, float *out) {
    out[threadIdx.x] = x[threadIdx.x];
    EITHER(const_cast<float *>(x)[threadIdx.x] = 0, (void)0);
}
KERNEL null_read(const float *x, float *out) {
    const float *none = nullptr;
    out[threadIdx.x] = *(EITHER(none, x) + threadIdx.x);
}
KERNEL static_shared_past_end(const float *x, float *out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    const float *from = tile;
    out[threadIdx.x] = from[threadIdx.x + EITHER(1, 0)];
}
// Of the array's type, though not of the memory behind it.
KERNEL static_shared_past_row(const float *x, float *out) {
    __shared__ float tile[8][8];
    const int y = threadIdx.x / 8, xx = threadIdx.x % 8;
    tile[y][xx] = x[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[y % 7][xx + EITHER(1, 0)];
}
KERNEL dynamic_shared_past_end(const float *x, float *out) {
    extern __shared__ __align__(16) unsigned char shared[];
    float *tile = reinterpret_cast<float *>(shared);
    tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x + EITHER(1, 0)];
}
KERNEL other_shared_array(const float *x, float *out) {
    __shared__ float first[64];
    __shared__ float second[64];
    first[threadIdx.x] = second[threadIdx.x] = x[threadIdx.x];
    float *to = first;
    EITHER(to[64] = x[0], (void)0);
    __syncthreads();
    out[threadIdx.x] = first[threadIdx.x] + second[threadIdx.x];
}

// ---------------------------------------------------------------- alignment

KERNEL misaligned_read(const float *x, float *out) {
    const float4 v = *reinterpret_cast<const float4 *>(x + EITHER(threadIdx.x % 32, threadIdx.x / 4 * 4));
    out[threadIdx.x] = v.x;
}
KERNEL misaligned_write(const float *x, float *out) {
    const int at = threadIdx.x * 2;
    *reinterpret_cast<float2 *>(out + at + EITHER(threadIdx.x / 63, 0)) = make_float2(x[0], x[1]);
}
// A float array need not begin at a multiple of 16 bytes.
KERNEL unaligned_shared(const float *x, float *out) {
    __shared__ EITHER(, __align__(16)) float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    const float4 v = reinterpret_cast<float4 *>(tile)[threadIdx.x / 4];
    out[threadIdx.x] = v.x;
}

// ---------------------------------------------------------------- uninitialised

KERNEL uninitialised_shared(const float *x, float *out) {
    __shared__ float tile[64];
    if (threadIdx.x < EITHER(63, 64)) tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[63 - threadIdx.x];
}
// What the block before left there is not this block's.
KERNEL uninitialised_from_last_block(const float *x, float *out) {
    __shared__ float tile[64];
    if (EITHER(blockIdx.x == 0 || blockIdx.x == 3, true)) tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    out[blockIdx.x * 64 + threadIdx.x] = tile[threadIdx.x];
}
KERNEL uninitialised_output(const float *x, float *out) {
    float sum = EITHER(out[threadIdx.x], 0.0f);
    out[threadIdx.x] = sum + x[threadIdx.x];
}

// ---------------------------------------------------------------- races

KERNEL missing_barrier(const float *x, float *out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    EITHER((void)0, __syncthreads());
    out[threadIdx.x] = tile[threadIdx.x ^ 32];
}
// Seen in the forward order by the write, though each value arrives in time in the reverse one.
KERNEL missing_barrier_before_reuse(const float *x, float *out) {
    __shared__ float tile[64];
    for (int k = 0; k < 2; ++k) {
        tile[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        out[k * 64 + threadIdx.x] = tile[63 - threadIdx.x];
        EITHER((void)0, __syncthreads());
    }
}
KERNEL two_writers(const float *x, float *out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    EITHER(tile[0] = x[0], (void)0);
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x];
}
KERNEL two_writers_of_a_byte(const float *x, unsigned char *out) {
    out[threadIdx.x - EITHER(threadIdx.x % 2, 0)] = x[threadIdx.x] > 0;
    EITHER(out[threadIdx.x | 1] = 0, (void)0);
}
KERNEL global_race(const float *x, float *out) {
    out[threadIdx.x] = x[threadIdx.x];
    EITHER((void)0, __syncthreads());
    const float other = out[63 - threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = other;
}
KERNEL missing_syncwarp(const float *x, float *out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    EITHER((void)0, __syncwarp());
    out[threadIdx.x] = tile[threadIdx.x ^ 1];
}
// __syncwarp orders a warp, not a block.
KERNEL syncwarp_for_syncthreads(const float *x, float *out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    EITHER(__syncwarp(), __syncthreads());
    out[threadIdx.x] = tile[threadIdx.x ^ 32];
}
KERNEL missing_syncwarp_before_reuse(const float *x, float *out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    const float other = tile[threadIdx.x ^ 1];
    EITHER((void)0, __syncwarp());
    tile[threadIdx.x] = other;
    __syncwarp();
    out[threadIdx.x] = tile[threadIdx.x ^ 1];
}
KERNEL atomic_and_plain(const int *x, int *out) {
    __shared__ int sum;
    if (threadIdx.x == 0) sum = 0;
    __syncthreads();
    if (EITHER(threadIdx.x > 0, true)) atomicAdd(&sum, x[threadIdx.x]);
    EITHER(if (threadIdx.x == 0) sum += x[0], (void)0);
    __syncthreads();
    out[threadIdx.x] = sum;
}
KERNEL blocks_overlap(const float *x, float *out) {
    const int at = blockIdx.x * EITHER(63, 64) + threadIdx.x;
    out[at] = x[at];
    EITHER(if (blockIdx.x == 3) for (int i = 253; i < 256; ++i) if (threadIdx.x == 0) out[i] = 0, (void)0);
}
KERNEL block_reads_other_block(const float *x, float *out) {
    const int at = blockIdx.x * 64 + threadIdx.x;
    out[at] = x[at];
    __syncthreads();
    out[at] += EITHER(out[at % 64], 1.0f);
}
// Which thread gets which place is nobody's error but the result's.
KERNEL order_dependent(const int *x, int *out) {
    __shared__ int next;
    if (threadIdx.x == 0) next = 0;
    __syncthreads();
    const int place = atomicAdd(&next, 1);
    out[EITHER(place, threadIdx.x)] = x[threadIdx.x];
}

// ---------------------------------------------------------------- barriers and warps

KERNEL early_exit(const float *x, float *out) {
    __shared__ float tile[64];
    if (EITHER(threadIdx.x >= 50, false)) return;
    tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x];
}
KERNEL divergent_barrier(const float *x, float *out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    if (EITHER(threadIdx.x < 32, true)) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = tile[threadIdx.x];
}
KERNEL barrier_against_warp(const float *x, float *out) {
    if (EITHER(threadIdx.x % 2, true))
        __syncthreads();
    else
        __syncwarp();
    out[threadIdx.x] = x[threadIdx.x];
}
KERNEL warp_waits_for_ever(const float *x, float *out) {
    float v = x[threadIdx.x];
    if (EITHER(threadIdx.x % 2, true)) __syncwarp();
    else __syncwarp(0x0000ffff | 1u << threadIdx.x % 32);
    out[threadIdx.x] = v;
}
KERNEL absent_lane(const float *x, float *out) {
    out[threadIdx.x] = x[threadIdx.x];
    if (EITHER(threadIdx.x % 32 >= 16, false)) return;
    out[threadIdx.x] = __shfl_down_sync(0xffffffffu, x[threadIdx.x], 8);
}
KERNEL mask_without_caller(const float *x, float *out) {
    out[threadIdx.x] = __shfl_sync(EITHER(0x0000ffffu, 0xffffffffu), x[threadIdx.x], 0);
}

// ---------------------------------------------------------------- undefined arithmetic

KERNEL sum_overflow(const int *x, int *out) { out[threadIdx.x] = x[threadIdx.x] + EITHER(0x7fffffff, 1); }
KERNEL difference_overflow(const int *x, int *out) { out[threadIdx.x] = -EITHER(0x7fffffff, 1) - x[threadIdx.x]; }
KERNEL product_overflow(const int *x, int *out) { out[threadIdx.x] = (x[threadIdx.x] + 1) * EITHER(0x7fffffff, 1); }
KERNEL shift_too_far(const int *x, int *out) { out[threadIdx.x] = 1 << x[threadIdx.x] % EITHER(64, 30); }
KERNEL division_by_zero(const int *x, int *out) { out[threadIdx.x] = 1 / (x[threadIdx.x] + EITHER(0, 1)); }
KERNEL float_cast(const float *x, int *out) { out[threadIdx.x] = (int)(x[threadIdx.x] + EITHER(3e9f, 1.0f)); }

// ---------------------------------------------------------------- asynchronous copies

KERNEL missing_wait(const float *x, float *out) {
    __shared__ float tile[64];
    cpu_copy_async(&tile[threadIdx.x], x + threadIdx.x, 4);
    EITHER((void)0, cpu_copy_async_wait());
    __syncthreads();
    out[threadIdx.x] = tile[63 - threadIdx.x];
    EITHER(cpu_copy_async_wait(), (void)0);
}
KERNEL wait_without_barrier(const float *x, float *out) {
    __shared__ float tile[64];
    cpu_copy_async(&tile[threadIdx.x], x + threadIdx.x, 4);
    cpu_copy_async_wait();
    EITHER((void)0, __syncthreads());
    out[threadIdx.x] = tile[threadIdx.x ^ 32];
}
KERNEL never_waited(const float *x, float *out) {
    __shared__ float tile[64];
    cpu_copy_async(&tile[threadIdx.x], x + threadIdx.x, 4);
    EITHER((void)0, cpu_copy_async_wait());
    out[threadIdx.x] = x[threadIdx.x];
}
KERNEL copy_past_end(const float *x, float *out) {
    __shared__ __align__(16) float tile[64];
    if (threadIdx.x < 16) cpu_copy_async(&tile[4 * threadIdx.x], x + 4 * threadIdx.x + EITHER(4, 0), 16);
    cpu_copy_async_wait();
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x];
}

// ---------------------------------------------------------------- outputs

KERNEL not_fully_written(const float *x, float *out) {
    if (threadIdx.x < EITHER(63, 64)) out[threadIdx.x] = x[threadIdx.x];
}
KERNEL trap(const float *x, float *out) {
    out[threadIdx.x] = x[threadIdx.x];
    EITHER(if (threadIdx.x == 5) __trap(), (void)0);
}

// ---------------------------------------------------------------- no end

KERNEL endless(const float *x, float *out) {
    for (int i = 0; i < 9; i += EITHER(0, 1)) __syncthreads();
    out[threadIdx.x] = x[threadIdx.x];
}
