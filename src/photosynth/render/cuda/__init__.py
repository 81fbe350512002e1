"""The rasteriser with its pixel work on a CUDA GPU. It has run in numba's CUDA simulator, never on a GPU."""
