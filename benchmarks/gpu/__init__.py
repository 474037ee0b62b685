"""Everything that needs a GPU, in one go: ``make gpu``, or ``python -m benchmarks.gpu -h``."""
