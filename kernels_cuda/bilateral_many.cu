// The bilateral filter over more channels than a tile is kept of. A thread makes a few channels of
// an output pixel; for each tap it reads all of them, which neighbours read too, from the caches.
#define JOINT 1
#include "tile.cuh"
#include "likeness.cuh"

// Output channels of a thread.
constexpr int GROUP = 4;

// Where a pixel of one channel lies; null: cval stands there.
INLINE const PIXEL *pixel_at(const Plane &plane, int y, int x) {
    const int i = plane.y.source(y), j = plane.x.source(x);
    return i < 0 || j < 0 ? nullptr : plane.pixels + i * plane.row + j * plane.column;
}

// Channel c of a pixel, of which the first lies at `first`.
INLINE SUM channel_of(const PIXEL *first, const Geometry &g, int c) {
    return first ? number(first[c * g.image_channel]) : g.cval;
}

// The sum of the absolute differences of all channels.
INLINE SUM difference_of(const PIXEL *one, const PIXEL *other, const Geometry &g) {
    SUM sum = 0;
    for (int c = 0; c < g.channels; ++c)
        sum += abs(channel_of(other, g, c) - channel_of(one, g, c));
    return sum;
}

// Filter channels first … first + GROUP − 1 of the output at (row, column).
INLINE void filter(const Plane &plane, const Call &call, const SUM *weights, RESULT *out, int first,
                   int row, int column) {
    const Geometry &g = call.geometry;
    const int radius = g.rows / 2, count = min(GROUP, g.channels - first);
    const int middle = g.offset_y + radius + row, across = g.offset_x + radius + column;
    const PIXEL *own = pixel_at(plane, middle, across);
    SUM moved[GROUP] = {}, total = 0;
    for (int y = -radius; y <= radius; ++y)
        for (int x = -radius; x <= radius; ++x) {
            if (x * x + y * y > radius * radius) continue;
            const PIXEL *there = pixel_at(plane, middle + y, across + x);
            const SUM weight =
                likeness(difference_of(own, there, g), WEIGHT(0), WEIGHT(1 + x * x + y * y));
            total += weight;
#pragma unroll
            for (int c = 0; c < GROUP; ++c)
                if (c < count)
                    moved[c] = fused(
                        weight, channel_of(there, g, first + c) - channel_of(own, g, first + c),
                        moved[c]);
        }
    RESULT *to = out + row * g.out_row + column * out_column(g) + first * g.out_channel;
#pragma unroll
    for (int c = 0; c < GROUP; ++c)
        if (c < count)
            write<1>(to + c * g.out_channel, g, 1,
                     {channel_of(own, g, first + c) + moved[c] / total});
}

extern "C" __global__ void __launch_bounds__(256, 2) bilateral_many(ARGUMENTS) {
    const Geometry &g = call.geometry;
    const int groups = (g.channels + GROUP - 1) / GROUP;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int column = blockIdx.x * 32 + threadIdx.x;
    if (column >= g.out_width) return;
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int row = blockIdx.y * 8 + threadIdx.y; row < g.out_height; row += gridDim.y * 8)
            for (int group = 0; group < groups; ++group)
                filter(plane, call, weights, plane_out, group * GROUP, row, column);
    }
}
