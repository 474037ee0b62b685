// Weights times pixels, and the weights, each laid down for itself: what kernels that know of no
// weights are then run on, one after the other. normalise.cu makes results of their sums.
//
// A block of 32 x 8 threads takes as many pixels. Macros: those of weighted.cuh.
#include "weighted.cuh"

extern "C" __global__ void __launch_bounds__(256)
weigh(const PIXEL *__restrict__ image, const MASK *__restrict__ mask, SUM *__restrict__ products,
      SUM *__restrict__ weights, const __grid_constant__ Call call) {
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int x = blockIdx.x * 32 + threadIdx.x;
    if (x >= g.width) return;
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, nullptr);
        const Weighted source(plane, mask + plane_offset(g.mask_plane, g.planes, z), g);
        for (int y = blockIdx.y * 8 + threadIdx.y; y < g.height; y += gridDim.y * 8) {
            const Both both = source.at(y, x);
            const long long i = ((long long)z * g.height + y) * g.width + x;
            products[i] = both.product;
            weights[i] = both.weight;
        }
    }
}
