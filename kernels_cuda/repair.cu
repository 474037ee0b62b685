// The last step of several passes over an image that may hold NaN or Inf: sums are stored, and
// those that are not finite are first taken again by definition, from the image.
//
// A block of 32 x 8 threads makes as many outputs. Macros: those of tile.cuh.
#define GUARD 1
#include "tile.cuh"

extern "C" __global__ void __launch_bounds__(256) repair(ARGUMENTS) {
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int x = blockIdx.x * 32 + threadIdx.x;
    if (x >= g.out_width) return;
    const auto taps = [&](int i) { return WEIGHT(i); };
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y * 8 + threadIdx.y; y < g.out_height; y += gridDim.y * 8) {
            SUM sum = before[((long long)z * g.out_height + y) * g.out_width + x];
            if (!is_finite(sum)) sum = defined(plane, g, taps, y, x);
            write<1>(plane_out + y * g.out_row + x * out_column(g), g, 1, {sum});
        }
    }
}
