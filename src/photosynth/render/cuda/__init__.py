"""The rasteriser with its pixel work on a CUDA GPU. It has run in numba's CUDA simulator and, its kernels compiled for the
CPU with CUDA's types, there; never on a GPU."""
