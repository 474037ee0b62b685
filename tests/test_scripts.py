"""Programs written for other libraries, run on gpuconv with one line changed: the import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "samples"

#: The program, its photograph, the line that is changed.
PROGRAMS = {
    "stars": ("hubble.tif", "from scipy.ndimage import", "from gpuconv.scipy.ndimage import"),
    "coins": ("coins.gif", "from skimage import", "from gpuconv.skimage import"),
    "cartoon": ("chelsea.png", "import cv2", "from gpuconv import cv2"),
}


def run(code: str, photograph: Path, target: Path) -> tuple[str, dict[str, Any]]:
    """Return what a program prints, and the arrays that it writes."""
    command = [sys.executable, "-", str(photograph), str(target)]
    done = subprocess.run(command, input=code, check=True, capture_output=True, text=True)
    with np.load(target) as arrays:
        return done.stdout, dict(arrays)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_with_one_line_changed(name: str, tmp_path: Path) -> None:
    photograph, before, after = PROGRAMS[name]
    code = (HERE / "scripts" / f"{name}.py").read_text("utf-8")
    changed = code.replace(before, after, 1)
    lines = zip(code.splitlines(), changed.splitlines(), strict=True)
    assert sum(one != other for one, other in lines) == 1
    printed, want = run(code, SAMPLES / photograph, tmp_path / "theirs.npz")
    again, found = run(changed, SAMPLES / photograph, tmp_path / "ours.npz")
    assert printed == again
    assert found.keys() == want.keys()
    for key, array in want.items():
        assert found[key].dtype == array.dtype
        if array.dtype.kind == "f":
            np.testing.assert_allclose(found[key], array, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_short_and_know_nothing_of_gpuconv(name: str) -> None:
    code = (HERE / "scripts" / f"{name}.py").read_text("utf-8")
    assert "gpuconv" not in code
    assert len(code.splitlines()) < 40
