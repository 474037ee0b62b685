"""How fast gpuconv is, beside every peer and beside a copy of the same bytes."""
