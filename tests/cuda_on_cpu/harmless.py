"""Mutations that no call can see, and why: they compute the same, or the CPU has no such code."""

from __future__ import annotations

from cuda_on_cpu.mutations import Mutation, mutations

__all__ = ["HARMLESS", "harmful", "harmless"]

_NOTHING_LEFT = "the turn that is added has nothing to do"
_FASTER = "it decides what is faster, not what is right"
_IN_FOURS = "rows come in fours, so none is the one before the first output"
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
    (
        "moving.cuh",
        "for (int i = 0; i <= X; ++i) sums[i].reset();",
    ): "behind the sums are rows that are read before they are used",
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
    ("dense_bytes.cu", "for (int r = 0; r <= TILE_ROWS; r += rows) {"): _NOTHING_LEFT,
    (
        "dense_bytes.cu",
        "for (int i = thread_of_block(); i <= TILE_ROWS * units; i += THREADS) {",
    ): "behind the tile is room that is not used yet",
    (
        "dense_bytes.cu",
        'static_assert(all - 1 <= THREADS, "a unit for each thread is enough");',
    ): "there are about half as many",
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
    ("ring.cuh", "if (!WHOLE && back - i > rows) continue;"): "no tap is over that row",
    (
        "ring.cuh",
        "const int rows = min(STEP, rounded_up(made < -1 ? -made : outputs - made, ROWS_EACH));",
    ): _IN_FOURS,
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
