"""The tests of other libraries, run with gpuconv's functions in place of theirs."""
