"""The notebooks run from top to bottom, and what is kept of them is what they give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))

#: Bytes of all outputs of one notebook, kept small because the repository carries them.
LARGEST = 1_000_000


def outputs(notebook: Any) -> list[Any]:
    return [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]


def pictures(notebook: Any) -> list[str]:
    """Return the image types of the outputs, in order."""
    data = [out.get("data", {}) for out in outputs(notebook)]
    return [kind for mimes in data for kind in mimes if kind.startswith("image/")]


def texts(notebook: Any) -> list[str]:
    """Return what was printed and shown as text, in order."""
    return [str(out.get("text") or out.data.get("text/plain")) for out in outputs(notebook)]


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A notebook's name; as it is kept, and as it comes out of a run in a process of its own."""
    folder = tmp_path_factory.mktemp("notebook")
    command = [sys.executable, FOLDER / "build.py", FOLDER / request.param, "--to", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept, fresh = (nbformat.read(where / request.param, 4) for where in (FOLDER, folder))
    return request.param, kept, fresh


#: How many pictures each notebook has, and something that it prints.
CONTENTS = {
    "01_quickstart.ipynb": (13, "= 181"),
    "02_planning.ipynb": (5, "0% with nan='ignore'"),
    "03_beyond_linear.ipynb": (7, "levels, estimated; 14 were added"),
    "04_restoration.ipynb": (5, "along the frame"),
    "05_large_images.ipynb": (3, "gc.stream: 0 pixels differ"),
}


def test_there_are_notebooks() -> None:
    assert set(CONTENTS) == set(NAMES)


def test_a_run_gives_the_pictures_that_are_kept(pair: Any) -> None:
    name, kept, fresh = pair
    assert pictures(fresh) == pictures(kept)
    assert len(pictures(fresh)) == CONTENTS[name][0]


def test_a_run_gives_the_numbers_that_are_kept(pair: Any) -> None:
    name, kept, fresh = pair
    assert texts(fresh) == texts(kept)
    assert any(CONTENTS[name][1] in text for text in texts(fresh))


def test_a_run_leaves_no_warnings(pair: Any) -> None:
    _, _, fresh = pair
    assert [out.text for out in outputs(fresh) if out.get("name") == "stderr"] == []


def test_what_is_kept_is_clean_and_small(pair: Any) -> None:
    _, kept, fresh = pair
    nbformat.validate(kept)
    assert [cell.id for cell in kept.cells] == [cell.id for cell in fresh.cells]
    assert sum(len(str(out)) for out in outputs(kept)) < LARGEST
    assert "/home/" not in str(kept)
    assert "/work/" not in str(kept)
