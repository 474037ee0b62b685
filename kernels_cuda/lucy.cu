// The point-wise half of Richardson and Lucy's iteration, between two convolutions: what was seen is
// compared with the estimate as it would be seen, and the estimate is corrected.
//
// A block has 256 threads; a thread takes a number of a plane, of all planes or of every so manieth.
// Macros: NUMBER is the type of all, STAGE one of those below, SHARES 1 if there are any.
#define COMPARE 1
#define CORRECT 2

struct Planes {
    long long size;  // numbers of a plane
    int count;
    NUMBER least;
};

#if STAGE == COMPARE
extern "C" __global__ void __launch_bounds__(256)
    compare(const NUMBER *__restrict__ observed, NUMBER *__restrict__ blurred,
            const __grid_constant__ Planes planes) {
    const long long x = blockIdx.x * 256ll + threadIdx.x;
    if (x >= planes.size) return;
    for (int z = blockIdx.y; z < planes.count; z += gridDim.y) {
        const long long i = z * planes.size + x;
        const NUMBER below = blurred[i];
        blurred[i] = below <= planes.least ? 0 : observed[i] / below;  // NaN stays NaN
    }
}
#endif

#if STAGE == CORRECT
extern "C" __global__ void __launch_bounds__(256)
    correct(NUMBER *__restrict__ estimate, const NUMBER *__restrict__ votes,
            const NUMBER *__restrict__ shares, const __grid_constant__ Planes planes) {
    const long long x = blockIdx.x * 256ll + threadIdx.x;
    if (x >= planes.size) return;
#if SHARES
    const NUMBER share = shares[x];
#else
    const NUMBER share = 1;
#endif
    for (int z = blockIdx.y; z < planes.count; z += gridDim.y) {
        const long long i = z * planes.size + x;
        const NUMBER vote = votes[i];
        estimate[i] *= vote < 0 ? 0 : vote * share;
    }
}
#endif
