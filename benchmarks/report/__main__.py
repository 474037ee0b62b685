"""Write the report: pages and plots, from the records of all machines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.report import drawn, page, roofline
from benchmarks.report.record import records

RESULTS = Path(__file__).parents[1] / "results"


def main(words: list[str] | None = None) -> int:
    """Write what has changed; with --check, say what is out of date, and write nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    add = parser.add_argument
    add("--results", type=Path, default=RESULTS, help="default: %(default)s")
    add("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    options = parser.parse_args(words)
    known = records(options.results)
    pages = page.written(known, options.results)
    changed = [path for path, text in pages.items() if not _same(path, text)]
    if options.check:
        for path in changed:
            print(f"{path} is out of date: make report")
        return int(bool(changed))
    for path in changed:
        path.write_text(pages[path], "utf-8")
    plots = [path for record in known for path in drawn.draw(record)]
    for path in [*pages, *plots, *roofline.write(options.results)]:
        print(path)
    return 0


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
