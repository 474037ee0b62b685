// Values that are too many to travel as an argument, laid down in device memory a chunk at a time.
// They do travel as arguments to get there, so nothing waits, and no call can disturb another.
//
// Macros: VALUE is their type, CHUNK how many one launch has room for.

struct Chunk {
    VALUE values[CHUNK];
    long long first;
    int count;
};

extern "C" __global__ void __launch_bounds__(CHUNK)
deposit(VALUE *__restrict__ to, const __grid_constant__ Chunk chunk) {
    const int i = threadIdx.x;
    if (i < chunk.count) to[chunk.first + i] = chunk.values[i];
}
