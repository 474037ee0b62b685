// Normalised correlation: each pixel has a weight of its own (weighted.cuh); both sums are taken
// from one read of the image and of its mask.
//
// A block loads two tiles, of m x and of m, and sums over both as dense.cu does over one. Macros:
// those of dense.cuh and weighted.cuh.
#include "weighted.cuh"
#include "dense.cuh"

// ---------------------------------------------------------------------------- loading

#if VECTOR > 1
// A window in the image: its vectors are dealt to all threads.
INLINE void load_inside(const Weighted &source, const Window &window, SUM *products, SUM *weights) {
    const Plane &plane = source.plane;
    const int vectors = window.columns / VECTOR, all = window.rows * vectors;
    const PIXEL *first = plane.pixels + window.top * plane.row + window.left;
#if !UNWEIGHTED
    const MASK *first_weight = source.mask + window.top * source.row + window.left;
#endif
    for (unsigned i = threadIdx.y * 32 + threadIdx.x; i < all; i += 32 * THREADS_Y) {
        const unsigned r = i / vectors, v = i % vectors * VECTOR;
        const Pack<PIXEL, VECTOR> pixels = loaded<PIXEL, VECTOR>(first + r * plane.row + v);
#if !UNWEIGHTED
        const Pack<MASK, VECTOR> mask = loaded<MASK, VECTOR>(first_weight + r * source.row + v);
#endif
        Pack<SUM, VECTOR> some[2];
#pragma unroll
        for (int j = 0; j < VECTOR; ++j) {
#if UNWEIGHTED
            const Both both = weighted(number_in(pixels, j), 1);
#else
            const Both both = weighted(number_in(pixels, j), number_in(mask, j));
#endif
            some[0].each[j] = both.product;
            some[1].each[j] = both.weight;
        }
        stored(products + r * window.columns + v, some[0]);
        stored(weights + r * window.columns + v, some[1]);
    }
}
#endif

// Load a window; the rows of both tiles follow each other without a gap.
INLINE void load_both(const Weighted &source, const Window &window, SUM *products, SUM *weights) {
#if VECTOR > 1
    if (window.inside(source.plane)) {
        load_inside(source, window, products, weights);
        return;
    }
#endif
    const int top = opaque(window.top), left = opaque(window.left);
    for (int r = threadIdx.y; r < window.rows; r += THREADS_Y)
        for (int c = threadIdx.x; c < window.columns; c += 32) {
            const Both both = source.at(top + r * window.step_y, left + c * window.step_x);
            products[r * window.columns + c] = both.product;
            weights[r * window.columns + c] = both.weight;
        }
}

// ---------------------------------------------------------------------------- writing

// Write the results of N neighbouring outputs, of which the first `count` exist.
template <int N>
INLINE void write_both(RESULT *to, const Geometry &g, int count, const SUM (&products)[N],
                       const SUM (&shares)[N]) {
    SUM quotients[N];
#pragma unroll
    for (int i = 0; i < N; ++i) quotients[i] = normalised({products[i], shares[i]}, g);
    write(to, g, count, quotients);
}

// Finish the sums of a thread, whose first output is in row `top`, and write them.
INLINE void finish(const Weighted &source, const Call &call, const SUM *weights, RESULT *out,
                   int top, int left, const Sums &products, const Sums &shares) {
    const Geometry &g = call.geometry;
    const auto target = [&](int row, int column) {
        return out + row * g.out_row + column * out_column(g);
    };
#pragma unroll
    for (int y = 0; y < AT_ONCE; ++y) {
        const int row = top + y;
        if (row >= g.out_height) break;
#if ROWS || SPACING
        const int column = left + column_of(0);
        write_both(target(row, column), g, g.out_width - column, products[y], shares[y]);
#else
#pragma unroll
        for (int x = 0; x < X; ++x) {
            const int column = left + column_of(x);
            write_both<1>(target(row, column), g, g.out_width - column, {products[y][x]},
                          {shares[y][x]});
        }
#endif
    }
#if GUARD
    unsigned wrong = 0;  // a bit for each output to take again
#pragma unroll
    for (int i = 0; i < X * AT_ONCE; ++i)
        wrong |= (unsigned)!is_finite(products[i / X][i % X]) << i;
    const auto taps = [&](int i) { return WEIGHT(i); };
    for (; wrong; wrong &= wrong - 1) {
        const int i = __ffs(wrong) - 1, row = top + i / X, column = left + column_of(i % X);
        if (row >= g.out_height || column >= g.out_width) continue;
        const Both sums = defined(source, g, taps, row, column);
        write_both<1>(target(row, column), g, 1, {sums.product}, {sums.weight});
    }
#endif
}

// ---------------------------------------------------------------------------- the kernel

extern "C" __global__ void __launch_bounds__(32 * THREADS_Y, 2)
masked(const PIXEL *__restrict__ image, const MASK *__restrict__ mask, RESULT *__restrict__ out,
       const SUM *__restrict__ weights, const int *__restrict__ edges,
       const __grid_constant__ Call call) {
    extern __shared__ __align__(16) unsigned char shared[];
    SUM *products = reinterpret_cast<SUM *>(shared);
    const Geometry &g = call.geometry;
    const int planes = g.planes[0] * g.planes[1] * g.planes[2];
    const int left = blockIdx.x * TILE_WIDTH;
    // The grid may be smaller than the output is tall or the batch long.
    for (int z = blockIdx.z; z < planes; z += gridDim.z) {
        const Plane plane(image + plane_offset(g.image_plane, g.planes, z), g, EDGE_TABLE);
        const Weighted source(plane, mask + plane_offset(g.mask_plane, g.planes, z), g);
        RESULT *plane_out = out + plane_offset(g.out_plane, g.planes, z);
        for (int y = blockIdx.y; y * TILE_HEIGHT < g.out_height; y += gridDim.y) {
            const int top = y * TILE_HEIGHT, mine = threadIdx.y * Y;
            const int source_y = g.offset_y + top * g.stride_y;
            const int source_x = g.offset_x + left * g.stride_x;
#if ROWS
            constexpr int size = (TILE_HEIGHT + ROWS - 1) * PITCH;
            load_both(source, {source_y, source_x - LEAD, TILE_HEIGHT + ROWS - 1, PITCH, 1, 1},
                      products, products + size);
            __syncthreads();
            const SUM *cells = products + mine * PITCH + threadIdx.x * X + (LEAD - SHIFT);
#pragma unroll 1
            for (int first = 0; first < Y; first += AT_ONCE) {
                Sums sums, shares;
                sum_rows(cells + first * PITCH, call, weights, 0, sums);
                sum_rows(cells + size + first * PITCH, call, weights, 0, shares);
                finish(source, call, weights, plane_out, top + mine + first, left, sums, shares);
            }
#else
            Sums sums = {}, shares = {};
            for_pieces(
                g, source_y, source_x,
                [&](const Window &window) {
                    load_both(source, window, products, products + window.rows * window.columns);
                },
                [&](const Window &window, int first, int rows, int columns) {
                    const int size = window.rows * window.columns;
                    sum_piece(products, window.columns, call, weights, first, rows, columns, sums);
                    sum_piece(products + size, window.columns, call, weights, first, rows, columns,
                              shares);
                });
            finish(source, call, weights, plane_out, top + mine, left, sums, shares);
#endif
            __syncthreads();  // the tiles are still being read
        }
    }
}
