"""Run the notebooks from top to bottom and keep their pictures: ``make notebooks``.

With names, only those notebooks; with ``--to FOLDER``, the results go there instead.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

HERE = Path(__file__).parent


def executed(path: Path, scratch: str) -> nbformat.NotebookNode:
    """Return the notebook with fresh outputs, and nothing that changes from run to run."""
    notebook = nbformat.read(path, as_version=4)
    # Sockets in the file system: no port is opened, and it works where there is no network at all.
    config = Config(KernelManager={"transport": "ipc", "ip": f"{scratch}/kernel"})
    where = {"metadata": {"path": str(HERE)}}
    NotebookClient(notebook, resources=where, timeout=120, config=config).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("execution", None)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the notebooks and keep their pictures.")
    parser.add_argument("names", nargs="*", type=Path, default=sorted(HERE.glob("*.ipynb")))
    parser.add_argument("--to", type=Path, default=HERE, metavar="FOLDER")
    options = parser.parse_args()
    # Cells that call `gpuconv` in a shell are to find the one of this environment.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # The kernel's own choice draws into the notebook; another one would leave it without pictures.
    os.environ.pop("MPLBACKEND", None)
    # Names of sockets have at most 104 bytes, so their folder has a short one.
    with tempfile.TemporaryDirectory(dir="/tmp") as scratch:
        os.environ |= {"JUPYTER_RUNTIME_DIR": scratch, "IPYTHONDIR": scratch}
        for path in options.names:
            print("running", path.name, flush=True)
            nbformat.write(executed(path, scratch), options.to / path.name)


if __name__ == "__main__":
    main()
