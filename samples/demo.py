"""Filter the sample photographs with the command line, and draw what came out on one sheet.

``make demo`` runs this; ``python samples/demo.py --output DIR`` does the same.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

SAMPLES = Path(__file__).parent

#: What the command line is given, by the name of the folder that it writes.
FILTERS = {
    "gaussian": "--filter gaussian --sigma 4",
    "motion_blur": "--filter motion_blur --length 31 --angle 30",
    "unsharp": "--filter unsharp --sigma 2 --amount 2",
    "outline": "--filter gaussian:sigma=1 --filter outline --gain 4",
    "sobel_x": "--filter sobel_x --negative abs",
    "emboss": "--filter emboss --grey",
}

#: Sizes in pixels: a picture, the gap between two, and the space for the titles on top.
CELL, GAP, HEAD = (256, 184), 10, 84
PAPER, INK, FAINT = "#14161a", "#f2f2f0", "#8d9199"


class Column(NamedTuple):
    """One column of the sheet: its title, what was done, and its pictures from top to bottom."""

    title: str
    subtitle: str
    pictures: list[Path]


def photographs() -> list[Path]:
    """Return the sample photographs, sorted by name."""
    kinds = {".gif", ".jpg", ".png", ".tif"}
    return sorted(path for path in SAMPLES.iterdir() if path.suffix in kinds)


def run(arguments: Iterable[str]) -> None:
    """Run the installed ``gpuconv`` as a user would, and stop if it fails."""
    command = ["gpuconv", *arguments]
    print("$", shlex.join(command), flush=True)
    done = subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]])
    if done.returncode:
        sys.exit(done.returncode)


def filter_all(output: Path) -> list[Column]:
    """Write every photograph through every filter, into one folder per filter."""
    columns = [Column("original", "samples/", photographs())]
    for name, options in FILTERS.items():
        folder = output / name
        written = ["-o", str(folder), "--exists", "overwrite"]
        run(["batch", os.path.relpath(SAMPLES), *options.split(), *written])
        results = [next(folder.glob(f"{path.stem}.*")) for path in photographs()]
        columns.append(Column(name, options.replace("--filter ", ""), results))
    return columns


def thumbnail(path: Path) -> Image.Image:
    """Return the first frame, cropped to fill a cell, over a chequerboard where it is clear."""
    with Image.open(path) as opened:
        picture = opened.copy()
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    picture = ImageOps.fit(picture.convert("RGBA"), CELL, centering=(0.5, 0.25))
    return Image.alpha_composite(chequerboard(), picture)


def chequerboard(square: int = 8) -> Image.Image:
    """Return the usual picture of nothing."""
    x, y = np.meshgrid(*(np.arange(side) // square for side in CELL))
    grey = np.where((x + y) % 2, 70, 52).astype(np.uint8)
    return Image.fromarray(grey).convert("RGBA")


def contact_sheet(columns: list[Column]) -> Image.Image:
    """Return all columns side by side, titles on top, the names of the files in the first one."""
    (width, height), rows = CELL, len(columns[0].pictures)
    size = len(columns) * (width + GAP) + GAP, HEAD + rows * (height + GAP)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for x, column in enumerate(columns):
        left = GAP + x * (width + GAP)
        draw.text((left, 16), column.title, INK, ImageFont.load_default(28))
        draw.text((left, 52), column.subtitle, FAINT, ImageFont.load_default(15))
        for y, path in enumerate(column.pictures):
            sheet.paste(thumbnail(path).convert("RGB"), (left, HEAD + y * (height + GAP)))
    for y, path in enumerate(columns[0].pictures):
        corner = GAP + 8, HEAD + y * (height + GAP) + height - 26
        font = ImageFont.load_default(16)
        draw.text(corner, path.name, INK, font, stroke_width=2, stroke_fill=PAPER)
    return sheet


def main() -> None:
    """Parse the arguments, filter, draw, and say where everything is."""
    parser = argparse.ArgumentParser(description="Filter the sample photographs.")
    parser.add_argument("--output", type=Path, default=Path("demo"), help="default: demo")
    output = parser.parse_args().output
    start = time.perf_counter()
    columns = filter_all(output)
    sheet = output / "contact_sheet.png"
    contact_sheet(columns).save(sheet)
    pictures = len(FILTERS) * len(photographs())
    print(f"\n{pictures} pictures in {time.perf_counter() - start:.1f} s:")
    print("  results        ", (output / "*").resolve())
    print("  before / after ", sheet.resolve())


if __name__ == "__main__":
    main()
