"""Run all stages that need a GPU: contract tests, verification, sanitizer, benchmark."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import gpuconv as gc
from benchmarks.gpu.stages import BENCH, NAMES, ROOT, stages
from benchmarks.gpu.staging import ends_well, run_all, summary
from gpuconv.verify.machine import file_safe

#: Seconds for everything: a lent machine often allows ten minutes for one command.
SECONDS = 530.0


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    add = parser.add_argument
    add("--results", type=Path, metavar="DIR", help="default: benchmarks/results/<gpu>")
    add("--device", default="cuda:0", help="default: %(default)s")
    add("--stage", action="append", choices=NAMES, help="only this one (again for more)")
    add("--section", action="append", metavar="NAME", help="of the benchmark (default: all)")
    add("--seconds", type=float, default=SECONDS, help="for all together (default: %(default)g)")
    return parser.parse_args()


def main() -> int:
    """Run the stages; return 1 if one did not end well, 4 if there is no such GPU."""
    options = arguments()
    rows = {device.name: device for device in gc.devices()}
    device = rows.get(options.device)
    if device is None or not device.available:
        reasons = [f"{row.name}: {row.reason or row.description}" for row in rows.values()]
        print(f"{options.device} cannot be used: " + "; ".join(reasons), file=sys.stderr)
        return 4
    results = options.results or ROOT / "benchmarks" / "results" / file_safe(device.description)
    results = results.resolve()
    results.mkdir(parents=True, exist_ok=True)
    print(f"{device.description}, {device.driver}, {device.library}; results in {results}")
    # By itself the benchmark has the time of all.
    bench = options.seconds if options.stage == ["bench"] else BENCH
    chosen = [
        stage
        for stage in stages(results, options.device, bench, options.section or ["all"])
        if not options.stage or stage.name in options.stage
    ]
    endings = run_all(chosen, results, time.monotonic() + options.seconds)
    print(summary(endings), flush=True)
    return 0 if ends_well(endings) else 1


if __name__ == "__main__":
    sys.exit(main())
