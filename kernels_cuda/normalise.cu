// The last step after weigh.cu: both sums become a result. With GUARD, sums that are not finite are
// first taken again by definition, from image and mask.
//
// A block of 32 x 8 threads makes as many outputs. Macros: those of weighted.cuh.
#include "weighted.cuh"

extern "C" __global__ void __launch_bounds__(256, 4)
normalise(const PIXEL *__restrict__ image, const MASK *__restrict__ mask,
          RESULT *__restrict__ out, const SUM *__restrict__ products,
          const SUM *__restrict__ shares, const SUM *__restrict__ weights,
          const int *__restrict__ edges, const __grid_constant__ Call call) {
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int x = blockIdx.x * 32 + threadIdx.x;
    if (x >= g.out_width) return;
#if GUARD
    const auto taps = [&](int i) { return WEIGHT(i); };
#endif
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        const Weighted source(plane, mask + plane_offset(g.mask_plane, g.planes, z), g);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y * 8 + threadIdx.y; y < g.out_height; y += gridDim.y * 8) {
            const long long i = ((long long)z * g.out_height + y) * g.out_width + x;
            Both sums = {products[i], shares[i]};
#if GUARD
            if (!is_finite(sums.product)) sums = defined(source, g, taps, y, x);
#endif
            write<1>(plane_out + y * g.out_row + x * out_column(g), g, 1, {normalised(sums, g)});
        }
    }
}
