"""What can be said of the CUDA kernels' speed without a GPU: from the machine code itself."""
