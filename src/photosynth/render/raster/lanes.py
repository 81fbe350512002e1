"""The layout of the scratch array that shading works in.

Fragments are shaded BLOCK at a time. Each quantity has its own lane of BLOCK numbers in one flat float32 array, at
an offset that is known when the kernels are compiled, and loops always run over the whole block: so the compiler
can prove that lanes do not overlap and turns each loop into vector instructions without any run-time check.
"""

from __future__ import annotations

import numpy as np

BLOCK = 528
"""Fragments in a block: its lanes fit into the second-level cache."""

_names = iter(range(0, 128 * BLOCK, BLOCK))
PX, PY, PZ = next(_names), next(_names), next(_names)
"""Position: from the eye along the world's axes, metres."""
NX, NY, NZ = next(_names), next(_names), next(_names)
"""Normal: in the world, made a unit vector by `orient`."""
VX, VY, VZ = next(_names), next(_names), next(_names)
"""Unit vector to the eye."""
NV = next(_names)
"""Cosine between normal and view."""
Z = next(_names)
"""Depth along the optical axis, metres."""
AR, AG, AB = next(_names), next(_names), next(_names)
"""Albedo, linear."""
TS, TT = next(_names), next(_names)
"""Texture coordinates, t down."""
TSX, TTX = next(_names), next(_names)
"""The long axis of a pixel's footprint in them."""
WX, WY = next(_names), next(_names)
"""Bilinear weights of a texture read."""
DR, DG, DB = next(_names), next(_names), next(_names)
"""Light that a white Lambertian surface would return."""
SR, SG, SB = next(_names), next(_names), next(_names)
"""Light that the glossy coat returns."""
OX, OY = next(_names), next(_names)
"""Where the reflected direction stands in the bordered octahedral map, texels."""
COAT = next(_names)
"""Part of uniform light that the coat returns: the rest reaches the diffuse base."""
SMITH = next(_names)
"""Smith's root of the view: sqrt(NV^2 (1 - alpha^2) + alpha^2)."""
NL_RAW, VL = next(_names), next(_names)
"""Cosines between light and normal, and between light and view."""
NL = next(_names)
"""The same cosine with the light as a sphere, 0 where it is behind."""
POWER = next(_names)
"""1 / squared distance to the light, at most 1 / its squared radius."""
GX, GY, GQ = next(_names), next(_names), next(_names)
"""Shadow map coordinates, texels, and 1 / distance along the light's axis."""
VISIBLE = next(_names)
"""Part of the light that arrives, 0..1."""
Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (next(_names) for _ in range(8))
"""Ambient light, see VALUES in ambient: ratio, light sent back (3), ratio and light sent back for the coat."""
SHARE = next(_names)
"""Part of its pixel's samples that a fragment has."""
DX, DY = next(_names), next(_names)
"""A pixel's ray in the camera's frame, whose z is 1."""
WEIGHT = next(_names)
"""Weight of interpolated light, see lattice."""
READ = next(_names)
"""The first of sixteen lanes of what was read from tables: reads stand in loops of their own, arithmetic in others."""
SECOND, THIRD, FOURTH = 4 * BLOCK, 8 * BLOCK, 12 * BLOCK
"""Four numbers of each fragment stand side by side from READ on, four more so much further on, and so forth."""
COAT_READ = READ + 16 * BLOCK
"""Here, two numbers of each fragment stand side by side: entries of the coat table."""
CORNER_A, CORNER_B, CORNER_C = READ, READ + 8 * BLOCK, READ + 16 * BLOCK
"""Here, eight numbers of each fragment's three vertices stand side by side, see read_corners."""
MIX = READ + 24 * BLOCK
"""Here, eight numbers of each fragment stand side by side: ambient light, see mix_ambient."""
SCRATCH = MIX + 8 * BLOCK
"""Length of the scratch array."""
TO, TW, TH = 0, BLOCK, 2 * BLOCK
"""In the second scratch array, of int32: offset, width and height of the mip level."""
T0, T1, T2, T3 = 3 * BLOCK, 4 * BLOCK, 5 * BLOCK, 6 * BLOCK
"""The four texels of a texture read: first where they are, then what they hold."""
FACE = 7 * BLOCK
"""The face of a slab."""
INTEGER_SCRATCH = 8 * BLOCK
"""Length of the second scratch array."""


def scratch() -> tuple[np.ndarray, np.ndarray]:
    """Scratch arrays for one thread: float32 and int32. What stands in them does not matter."""
    return np.zeros(SCRATCH, np.float32), np.zeros(INTEGER_SCRATCH, np.int32)
