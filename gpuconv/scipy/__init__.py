"""SciPy's names and rules on gpuconv's engines: change the import, and nothing else."""

from __future__ import annotations
