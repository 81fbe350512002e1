"""The rasteriser: numba kernels that render scenes on the CPU."""
