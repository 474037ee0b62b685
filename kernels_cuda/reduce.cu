// Responses of several filters, which lie one after the other, become one. The last step of a bank
// whose filters run apart.
//
// A block of 32 x 8 threads makes as many outputs. Macros: those of reduction.cuh and tile.cuh.
#define BANK 1
#include "reduction.cuh"

extern "C" __global__ void __launch_bounds__(256) reduce(ARGUMENTS) {
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int x = blockIdx.x * 32 + threadIdx.x;
    if (x >= g.out_width) return;
    const long long next = (long long)planes * g.out_height * g.out_width;
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y * 8 + threadIdx.y; y < g.out_height; y += gridDim.y * 8) {
            const SUM *response = before + ((long long)z * g.out_height + y) * g.out_width + x;
            SUM reduced = first_response(*response);
            for (int f = 1; f < g.filters; ++f)
                reduced = with_response(reduced, response[f * next]);
            write<1>(plane_out + y * g.out_row + x * out_column(g), g, 1, {reduced_all(reduced)});
        }
    }
}
