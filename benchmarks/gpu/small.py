"""A few small calls through every kernel family, for compute-sanitizer to watch.

The results are verified too: a tool that changes the timing may bring out a race.
"""

from __future__ import annotations

import argparse
import sys

from gpuconv.backends.cuda import runtime
from gpuconv.verify import QUICK, Case, verify

#: Beside the quick ones: what reaches beyond an array if anything does.
CASES = (
    *(case for case in QUICK if case.dtype in ("uint8", "float16", "float32", "float64")),
    *(Case(dtype, name, (33, 61), "wrap", layout="crop", out="crop")
      for dtype in ("uint8", "float32") for name in ("dense 7", "separable 15", "separable 63")),
    Case("float32", "larger than the image"),
    Case("float32", "301 across", (20, 400), "mirror"),
    Case("int16", "odd", (37, 41), stride=(2, 3), dilation=(1, 5)),
    Case("uint8", "integer pair", (30, 40, 3), channel_axis=-1),
    *(Case("float32", "box 5", (40, 90), ending=ending) for ending in ("mask", "bank")),
    Case("float32", "Gaussian 5", (60, 90), size="full", ending="mask"),
    Case("float32", "separable 31", (60, 90), ending="bank"),
    Case("float32", "Gaussian 5", (70, 90), method="recursive", accuracy="fast"),
    Case("uint8", "smooth row", (17, 290), "mirror", method="ordered", ending="wrap"),
    Case("float32", "pair with holes", (40, 50), stride=2, content="not finite"),
    # By counting, by selection, by running extremes, and of more channels than colours have.
    Case("uint8", "median 31", (40, 50), "wrap", layout="crop"),
    Case("float32", "ring", (40, 50), "mirror"),
    Case("uint8", "maximum 15", (40, 50), layout="crop"),
    Case("float32", "bilateral 5", (30, 40, 5), channel_axis=-1, content="blocks"),
    Case("uint8", "canny", (40, 50), content="blocks", out_dtype="bool"),
    Case("float32", "richardson_lucy", (30, 40), content="blocks"),
)  # fmt: skip


def main() -> int:
    """Run them; return 1 if a result is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.small", description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    options = parser.parse_args()
    if isinstance(runtime.current(), runtime.CupyRuntime):
        import cupy

        # From a pool, an access beyond an array is one within the pool, which no tool can see.
        cupy.cuda.set_allocator(None)
    report = verify(options.device, CASES)
    for outcome in report.misses:
        print(f"miss: {outcome.miss[:400]}")
    families = ", ".join(report.families)
    print(f"{len(report.outcomes)} calls through {families}: {len(report.misses)} missed")
    return 0 if report.right else 1


if __name__ == "__main__":
    sys.exit(main())
