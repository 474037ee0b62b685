// One axis of a Gaussian by recursion, at a cost that does not depend on its width.
//
// Half of a Gaussian is nearly a sum of decaying oscillations (gpuconv/algorithms/recursive.py):
// each of them takes one complex number along a line, that turns and shrinks at every step. A sweep
// goes forwards and leaves what all pixels before each one mean for it; a second goes backwards and
// adds what those after it do.
//
// A warp has 32 lines, a lane each, and goes along a segment of them in windows of 32 x 32 pixels,
// which it turns in shared memory where lines are rows. Before its segment, a sweep takes up the
// pixels that the kernel's taps cover there: so that segments do not wait for one another.
//
// Macros, beside those of tile.cuh:
//   ACROSS  1: along x; 0: along y
//   POLES   oscillations
//   MARKS   1: pixels that are not finite do not count here; what they do to results is in `marks`
//   WARPS   of a block
// Weights are the tap in the middle; then of each oscillation the factor of a step, and that of a
// result: the real part, and the imaginary part.
#include "tile.cuh"

constexpr int SIDE = 32;
constexpr int PITCH = SIDE + 1;  // so that a column lies in as many banks

struct Complex {
    SUM re, im;
};

// What the pixels before the next one mean: sums of the pixels, turned.
struct States {
    Complex of[POLES];

    // Take up a pixel; returns what those before it add to its result.
    INLINE SUM step(const Call &call, const SUM *weights, SUM pixel) {
        SUM result = 0;
#pragma unroll
        for (int i = 0; i < POLES; ++i) {
            const SUM turn_re = WEIGHT(1 + 4 * i), turn_im = WEIGHT(2 + 4 * i);
            const Complex z = of[i];
            result = fused(WEIGHT(3 + 4 * i), z.re, result);
            result = fused(-WEIGHT(4 + 4 * i), z.im, result);
            of[i].re = fused(turn_re, z.re, fused(-turn_im, z.im, pixel));
            of[i].im = fused(turn_re, z.im, turn_im * z.re);
        }
        return result;
    }
};

// A warp on its way: its lines, the arrays, and the tile.
struct Way {
    const Plane &plane;
    const Call &call;
    const SUM *weights;
    SUM *tile;
    int line;  // the first of 32
    int lane;

    // Row and column of the output at which a window begins that is `along` down the lines.
    INLINE int top(int along) const { return ACROSS ? line : along; }
    INLINE int left(int along) const { return ACROSS ? along : line; }

    // Rows and columns of a window of `count` positions.
    INLINE int rows(int count) const {
        return ACROSS ? min(SIDE, call.geometry.out_height - line) : count;
    }
    INLINE int columns(int count) const {
        return ACROSS ? count : min(SIDE, call.geometry.out_width - line);
    }

    INLINE SUM *cell(int along) const {
        return tile + (ACROSS ? lane * PITCH + along : along * PITCH + lane);
    }

    INLINE void load(int along, int count) const {
        const Geometry &g = call.geometry;
        // The pixel under the tap in the middle.
        const int y = top(along) + g.offset_y + g.rows / 2;
        const int x = left(along) + g.offset_x + g.columns / 2 + lane;
        const bool mine = lane < columns(count);
        // A lane writes where only itself has read since the tile was made.
#pragma unroll 4
        for (int r = 0; r < SIDE; ++r) {
            SUM pixel = mine && r < rows(count) ? plane.at(y + r, x) : 0;
#if MARKS && ACROSS
            if (!is_finite(pixel)) pixel = 0;
#endif
            tile[r * PITCH + lane] = pixel;
        }
        __syncwarp();  // the tile is loaded
    }

    // Let `use(row, column, value)` have each value of a window.
    template <typename Use>
    INLINE void store(int along, int count, const Use &use) const {
        __syncwarp();  // the tile is made
        if (lane >= columns(count)) return;
        for (int r = 0; r < rows(count); ++r)
            use(top(along) + r, left(along) + lane, tile[r * PITCH + lane]);
    }

    // Take up the pixels from `first` to before `stop`, window by window, and let `use` have what
    // each pixel's result is given by those before it, and by itself as often as `own` says.
    template <typename Use>
    INLINE void forwards(States &states, int first, int stop, SUM own, const Use &use) const {
#pragma unroll 1
        for (int along = first; along < stop; along += SIDE) {
            const int count = min(SIDE, stop - along);
            load(along, count);
            for (int i = 0; i < count; ++i) step(states, i, own);
            store(along, count, use);
        }
    }

    // The same from `stop` back to `first`.
    template <typename Use>
    INLINE void backwards(States &states, int first, int stop, SUM own, const Use &use) const {
#pragma unroll 1
        for (int end = stop; end > first; end -= SIDE) {
            const int count = min(SIDE, end - first), along = end - count;
            load(along, count);
            for (int i = count - 1; i >= 0; --i) step(states, i, own);
            store(along, count, use);
        }
    }

    INLINE void step(States &states, int i, SUM own) const {
        const SUM pixel = *cell(i);
        *cell(i) = fused(own, pixel, states.step(call, weights, pixel));
    }
};

// Make the segment from `first` to before `stop` of a warp's lines. What the first sweep leaves is
// in `sums`, an array of the output's shape, which may be the output.
INLINE void make(const Way &way, RESULT *out, SUM *sums, const SUM *marks, int first, int stop) {
    const Geometry &g = way.call.geometry;
    const Call &call = way.call;
    const SUM *weights = way.weights;
    const int reach = (ACROSS ? g.columns : g.rows) / 2;
    const auto nothing = [](int, int, SUM) {};
    States states = {};
    way.forwards(states, first - reach, first, 0, nothing);
    way.forwards(states, first, stop, WEIGHT(0), [&](int y, int x, SUM sum) {
        sums[(long long)y * g.out_width + x] = sum;
    });
    states = {};
    way.backwards(states, stop, stop + reach, 0, nothing);
    way.backwards(states, first, stop, 0, [&](int y, int x, SUM sum) {
        const long long at = (long long)y * g.out_width + x;
        sum += sums[at];
#if MARKS && !ACROSS
        sum += marks[at];
#endif
        write<1>(out + y * g.out_row + x * out_column(g), g, 1, {sum});
    });
}

extern "C" __global__ void __launch_bounds__(32 * WARPS)
recursive(const PIXEL *__restrict__ image, RESULT *out, SUM *sums, const SUM *__restrict__ marks,
          const SUM *__restrict__ weights, const int *__restrict__ edges,
          const __grid_constant__ Call call) {
    __shared__ SUM tiles[WARPS * SIDE * PITCH];
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int length = ACROSS ? g.out_width : g.out_height;
    const int line = (blockIdx.x * WARPS + threadIdx.y) * SIDE;
    if (line >= (ACROSS ? g.out_height : g.out_width)) return;
    // The grid may be smaller than the lines are long or the batch is.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        const long long before = (long long)z * g.out_height * g.out_width;
        const Way way = {plane, call, weights, tiles + threadIdx.y * SIDE * PITCH, line,
                         (int)threadIdx.x};
        for (int s = blockIdx.y; s * g.segment < length; s += gridDim.y)
            make(way, plane_out, sums + before, marks ? marks + before : nullptr, s * g.segment,
                 min(s * g.segment + g.segment, length));
    }
}
