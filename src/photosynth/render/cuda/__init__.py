"""The rasteriser with its pixel work on a CUDA GPU. Never run on one: its kernels have run in numba's CUDA simulator,
and on the CPU, compiled with CUDA's types."""
