"""The path tracer: Blender's Cycles in a process of its own, fed the same scenes as the rasteriser."""
