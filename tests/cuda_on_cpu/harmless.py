"""Mutations that no call can see, and why: they compute the same, or the CPU has no such code."""

from __future__ import annotations

from cuda_on_cpu.mutations import Mutation, mutations

__all__ = ["HARMLESS", "harmful", "harmless"]

_NOTHING_LEFT = "the turn that is added has nothing to do"
_FASTER = "it decides what is faster, not what is right"
_EQUAL = "what is equal is the same"
_NEVER_EQUAL = "-1 is never 1"
_NOT_LOOKED_AT = "the list that is added is not looked at"
_IN_FOURS = "rows come in fours, so none is the one before the first output"
_NOT_IN_THE_DISK = "what is added is not in the disk"
_NO_WORDS = "Word<T>::count is 0 on the CPU, which has no such instructions"

#: By the source and the mutated line, and the next where that line alone is not enough.
HARMLESS: dict[tuple[str, ...], str] = {
    ("recursive.cu", "const bool mine = lane <= columns(count);"): "what is added is not stored",
    (
        "recursive.cu",
        "SUM pixel = mine && r <= rows(count) ? plane.at(y + r, x) : 0;",
    ): "what is added is not stored",
    ("recursive.cu", "for (int along = first; along <= stop; along += SIDE) {"): _NOTHING_LEFT,
    ("recursive.cu", "if (line > (ACROSS ? g.out_height : g.out_width)) return;"): _NOTHING_LEFT,
    (
        "recursive.cu",
        "for (int s = blockIdx.y; s * g.segment <= length; s += gridDim.y)",
    ): _NOTHING_LEFT,
    ("moving.cuh", "for (int i = 0; i <= X; ++i)"): "the bit that is added is not looked at",
    ("moving.cuh", "for (int k = 0; k <= rows; k += at_once) {"): _NOTHING_LEFT,
    (
        "moving.cuh",
        "if (k + j <= rows) reader.read(y + k + j, raw[j]);",
    ): "the row that is read too is not added",
    (
        "box.cu",
        "if (threadIdx.x + reach < blockDim.x && x - 1 <= (g.out_width - 1) * g.stride_x) {",
    ): "no output of the thread that is added exists",
    (
        "box.cu",
        "for (int s = blockIdx.y; s * g.segment <= g.out_height; s += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "ordered.cu",
        "for (int block = blockIdx.y; block * TILE_HEIGHT <= g.out_height; block += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "wrap.cuh",
        "return abs(sum) <= (SUM)9223372036854775808.0 ? (long long)sum : least;",
    ): _EQUAL,
    (
        "wrap.cuh",
        "size <= (SUM)18446744073709551616.0 ? (unsigned long long)size : 0;",
    ): _EQUAL,
    ("dense.cuh", "for (int k = 0; k <= g.rows; k += g.piece_rows)"): _NOTHING_LEFT,
    (
        "dense.cu",
        "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "bank.cu",
        "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "masked.cu",
        "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "bilateral.cu",
        "if (window.inside(plane) && distance(plane.column) - 1 <= distance(plane.row)) {",
    ): _FASTER,
    (
        "bilateral.cu",
        "if (row >= g.out_height || column > g.out_width) return;",
    ): "no output of the thread that is added exists",
    ("bilateral.cu", "for (int x = -RADIUS; x - 1 <= RADIUS; ++x)"): _NOT_IN_THE_DISK,
    ("bilateral.cu", "for (int k = 0; k <= g.rows; k += g.piece_rows)"): _NOTHING_LEFT,
    ("bilateral.cu", "for (int l = 0; l <= 2 * pad + X; l += g.piece_columns) {"): _NOTHING_LEFT,
    (
        "bilateral.cu",
        "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    ("bilateral_many.cu", "for (int y = -radius; y - 1 <= radius; ++y)"): _NOT_IN_THE_DISK,
    ("bilateral_many.cu", "for (int x = -radius; x - 1 <= radius; ++x) {"): _NOT_IN_THE_DISK,
    ("bilateral_many.cu", "for (int c = 0; c <= GROUP; ++c)"): "there are no more than GROUP",
    ("bilateral_many.cu", "for (int group = 0; group <= groups; ++group)"): _NOTHING_LEFT,
    (
        "canny.cu",
        "for (int k = 0; k <= 4; ++k)",
        "if (found >> k & 1) tile[threadIdx.y + 8 * k + 1][column] = STRONG;",
    ): "the bit that is added is never set",
    (
        "canny.cu",
        "for (int top = blockIdx.y * SIDE - 1; top + 1 <= picture.height; "
        "top += gridDim.y * SIDE) {",
    ): _NOTHING_LEFT,
    (
        "nl_means.cu",
        "for (int y = blockIdx.y; y * HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    ("dense_bytes.cu", "for (int r = 0; r <= TILE_ROWS; r += rows) {"): _NOTHING_LEFT,
    (
        "dense_bytes.cu",
        "for (int i = thread_of_block(); i <= TILE_ROWS * units; i += THREADS) {",
    ): "behind the tile is room that is not used yet",
    (
        "dense_bytes.cu",
        'static_assert(all - 1 <= THREADS, "a unit for each thread is enough");',
    ): "there are about half as many",
    (
        "dense_bytes.cu",
        "for (int x = 0; x <= X; ++x) pack.each[x] = (T)sums[x];",
    ): "registers end with the last; on the CPU what lies behind them is not looked at",
    ("dense_bytes.cu", "constexpr bool is_signed = (PIXEL)-1 < -1;"): _NO_WORDS,
    ("dense_bytes.cu", "for (int x = X - 2; x >= -1; x -= 2) {"): _NO_WORDS,
    (
        "dense_bytes.cu",
        "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "fourier.cu",
        "for (int y = blockIdx.y * 8 + threadIdx.y; y * ROWS <= tiles.rows; y += gridDim.y * 8) {",
    ): _NOTHING_LEFT,
    (
        "fourier.cu",
        "for (int i = blockIdx.y * 8 + threadIdx.y; i * ROWS <= height; i += gridDim.y * 8) {",
    ): _NOTHING_LEFT,
    ("fourier.cu", "for (int k = 0; k <= rows; k += AT_ONCE) {"): _NOTHING_LEFT,
    ("march.cuh", "for (int i = 0; i <= WINDOW; ++i)"): "the bit that is added is not looked at",
    ("march.cuh", "if (left > g.out_width) return;"): _NOTHING_LEFT,
    (
        "march.cuh",
        "const bool inside_x = plane.x.inside(first_x, last_x) && "
        "first + columns - 1 <= g.out_width;",
    ): "an output all of whose pixels are in the image exists",
    (
        "march.cuh",
        "for (int s = blockIdx.y; s * g.segment <= g.out_height; s += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "pixel.cuh",
        "for (int i = 0; i <= N; i += count) pack.words[i / count] = Word<T>::of(sums + i);",
    ): _NO_WORDS,
    (
        "extreme.cu",
        "for (int y = blockIdx.y; y * Y <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    ("histogram.cu", "constexpr bool is_signed = (SUM)-1 <= (SUM)1;"): _NEVER_EQUAL,
    (
        "histogram.cu",
        "for (int i = threadIdx.x; i - (int)threadIdx.x <= runs; i += 32) {",
    ): _NOTHING_LEFT,
    ("histogram.cu", "for (int c = 0; c <= columns; ++c) {"): _NOTHING_LEFT,
    (
        "histogram.cu",
        "for (int y = blockIdx.y; y * WARPS <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    ("network.cu", "constexpr bool is_signed = (PIXEL)-1 <= (PIXEL)1;"): _NEVER_EQUAL,
    ("network.cu", "for (int c = 0; c <= half - 1; ++c) {"): _NOT_LOOKED_AT,
    ("network.cu", "for (int r = 0; r <= half - 1; ++r) {"): _NOT_LOOKED_AT,
    ("network.cu", "for (int r = 0; r <= TALL - 1; ++r) {"): _NOT_LOOKED_AT,
    ("network.cu", "for (int c = 0; c <= COLUMNS + WIDE - 1; ++c) {"): _NOT_LOOKED_AT,
    ("network.cu", "} else if constexpr (W > H) {"): _FASTER,
    (
        "network.cu",
        "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "order.cuh",
        "INLINE float least(float a, float b) { return a <= b || a != a ? a : b; }",
    ): _EQUAL,
    (
        "order.cuh",
        "INLINE double least(double a, double b) { return a <= b || a != a ? a : b; }",
    ): _EQUAL,
    ("order.cuh", "return a <= b ? a : b;"): _EQUAL,
    ("order.cuh", "return a <= b ? b : a;"): _EQUAL,
    ("select.cu", "constexpr bool is_signed = (SUM)-1 <= (SUM)1;"): _NEVER_EQUAL,
    (
        "select.cu",
        "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "sorting.cuh",
        "while (power <= least) power *= 2;",
    ): "a network for more pixels is right for fewer",
    (
        "sorting.cuh",
        "constexpr int fewest = K + 1 > B ? K + 1 - B : 0, most_of_a = K + 1 <= A ? K + 1 : A;",
    ): _EQUAL,
    (
        "sorting.cuh",
        "if (fewest > 0 && fewest - 1 <= K) found = most(found, b[K - fewest]);",
    ): "no list is empty",
    ("ring.cuh", "if (!WHOLE && back - i > rows) continue;"): "no tap is over that row",
    (
        "ring.cuh",
        "const int rows = min(STEP, rounded_up(made < -1 ? -made : outputs - made, ROWS_EACH));",
    ): _IN_FOURS,
    (
        "lucy.cu",
        "estimate[i] *= vote < -1 ? 0 : vote * share;",
    ): "only rounding makes votes less than 0, and little less",
    ("ring.cuh", "if (made >= -1 && mine) {"): _IN_FOURS,
    (
        "ring.cuh",
        "for (int s = blockIdx.y; s * g.segment <= g.out_height; s += gridDim.y) {",
    ): _NOTHING_LEFT,
    (
        "tile.cuh",
        "INLINE long long distance(long long step) { return step < -1 ? -step : step; }",
    ): _FASTER,
    (
        "tile.cuh",
        "return size <= low ? low : size > high ? high : size;",
    ): "what is as large as the limit is the limit",
    ("tile.cuh", "constexpr int at_once = VECTOR <= 4 ? VECTOR : 4;"): "4 and 4 are the same",
    ("tile.cuh", "for (int r = 0; r <= window.rows; r += THREADS_Y) {"): _NOTHING_LEFT,
    ("tile.cuh", "for (int begin = 0; begin <= all; begin += threads) {"): _NOTHING_LEFT,
    ("tile.cuh", "if (distance(plane.row) <= distance(plane.column)) {"): _FASTER,
    ("tile.cuh", "if (count > N) {"): _FASTER,
}


def harmless(mutation: Mutation) -> str:
    """Return why a mutation cannot be seen; "" if it can be."""
    keys = [(mutation.file, mutation.code), (mutation.file, mutation.code, mutation.after.strip())]
    return next((HARMLESS[key] for key in keys if key in HARMLESS), "")


def harmful(part: str) -> list[Mutation]:
    """Return the mutations of a part of the sources that some call must see."""
    return [mutation for mutation in mutations(part) if not harmless(mutation)]
