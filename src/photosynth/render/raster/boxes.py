"""Slabs as boxes that stand in the way of light, in closed form.

A convex box is met by a segment exactly when its rectangle is met in each of the three coordinate planes of its own
frame. In a plane, the sine of the angle between a corner and the light's centre, times the distance, says how far
the light's disc reaches past the corner: this gives penumbrae of the right width without a map, and exact contact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.scene import Slab
from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import BLOCK, PX, PY, PZ, VISIBLE

f4 = np.float32

CLEARANCE = 0.01
"""A receiver that sinks into a slab by less than this part of its own size counts as outside it."""


def box_rows(slabs: Sequence[Slab], eye_m: np.ndarray) -> np.ndarray:
    """(S, 15) float32 rows for the kernels: box_from_world rotation (9), centre from the eye (3), half extent (3)."""
    rows = np.zeros((len(slabs), 15), np.float32)
    for row, slab in zip(rows, slabs, strict=True):
        matrix = np.array(slab.world_from_slab)
        row[:9] = matrix[:3, :3].T.ravel()
        row[9:12] = matrix[:3, 3] - eye_m
        row[12:] = np.array(slab.size_m) / 2
    return rows


def blocked_lights(
    boxes: np.ndarray, lights: np.ndarray, cam: np.ndarray, world_from_cam: np.ndarray, own: int
) -> np.ndarray:
    """(L, S) bool: may slab s hide light l from a receiver?

    Args:
        boxes: (S, 15) float32 from box_rows.
        lights: (L, >= 4) float32: centre from the eye along the world's axes, radius.
        cam: (V, 3) float64, the receiver's vertices in the camera's frame.
        world_from_cam: (4, 4) float64.
        own: the receiver's own slab, which does not hide anything from it; below 0 for a placement.
    """
    blocks = np.zeros((len(lights), len(boxes)), np.bool_)
    if len(boxes) and len(lights):
        mark_blocks(boxes, lights, cam, np.ascontiguousarray(world_from_cam[:3, :3]), own, blocks)
    return blocks


@kernel
def mark_blocks(boxes, lights, cam, rotation, own, blocks):
    """Fill `blocks` of blocked_lights: false where a face of the box has both receiver and light before it."""
    for k in range(boxes.shape[0]):
        for i in range(lights.shape[0]):
            blocks[i, k] = k != own
        for axis in range(3):
            x, y, z = boxes[k, 3 * axis], boxes[k, 3 * axis + 1], boxes[k, 3 * axis + 2]
            cx = x * rotation[0, 0] + y * rotation[1, 0] + z * rotation[2, 0]
            cy = x * rotation[0, 1] + y * rotation[1, 1] + z * rotation[2, 1]
            cz = x * rotation[0, 2] + y * rotation[1, 2] + z * rotation[2, 2]
            middle = x * boxes[k, 9] + y * boxes[k, 10] + z * boxes[k, 11]
            low, high = np.inf, -np.inf
            for v in range(cam.shape[0]):
                along = cx * cam[v, 0] + cy * cam[v, 1] + cz * cam[v, 2]
                low, high = min(low, along), max(high, along)
            low, high, half = low - middle, high - middle, boxes[k, 12 + axis]
            slack = CLEARANCE * (high - low) + 1e-5
            for i in range(lights.shape[0]):
                along, radius = x * lights[i, 0] + y * lights[i, 1] + z * lights[i, 2] - middle, lights[i, 3]
                if (low >= half - slack and along - radius >= half) or (
                    high <= slack - half and along + radius <= -half
                ):
                    blocks[i, k] = False


@kernel
def _part(t):
    """The part of a unit disc on one side of a line at distance t from its centre, t clipped to -1..1 (within
    0.01)."""
    u = t * f4(0.5) + f4(0.5)
    u = u if u > f4(0) else f4(0)
    u = u if u < f4(1) else f4(1)
    return u * (f4(0.4) + f4(0.6) * u * (f4(3) - f4(2) * u))


@kernel
def _plane_part(pi, pj, di, dj, hi, hj, per_radius):
    """The part of the light's disc that a rectangle hides, seen in one coordinate plane.

    pi, pj: the receiver; di, dj: from it to the light; hi, hj: half extents; per_radius: 1 / the light's radius.
    """
    tiny = f4(1e-12)
    ai, bi, aj, bj = -hi - pi, hi - pi, -hj - pj, hj - pj
    s0 = (ai * dj - aj * di) / np.sqrt(ai * ai + aj * aj + tiny)
    s1 = (ai * dj - bj * di) / np.sqrt(ai * ai + bj * bj + tiny)
    s2 = (bi * dj - aj * di) / np.sqrt(bi * bi + aj * aj + tiny)
    s3 = (bi * dj - bj * di) / np.sqrt(bi * bi + bj * bj + tiny)
    m01, m23 = s0 if s0 > s1 else s1, s2 if s2 > s3 else s3
    most = m01 if m01 > m23 else m23
    m01, m23 = s0 if s0 < s1 else s1, s2 if s2 < s3 else s3
    least = m01 if m01 < m23 else m23
    part = _part(most * per_radius) - _part(least * per_radius)
    part = part if part > f4(0) else f4(0)
    return f4(1) if abs(pi) < hi and abs(pj) < hj else part


@kernel
def shadow_of_box(s, box, light):
    """Multiply the VISIBLE lane by the part of one light that a box lets through.

    Args:
        s: in and out, the scratch array of lanes, after positions are from the eye along the world's axes.
        box: (15,) float32, a row of box_rows.
        light: (>= 4,) float32: centre from the eye along the world's axes, radius.
    """
    r00, r01, r02, r10, r11, r12 = box[0], box[1], box[2], box[3], box[4], box[5]
    r20, r21, r22, cx, cy, cz = box[6], box[7], box[8], box[9], box[10], box[11]
    hx, hy, hz = box[12], box[13], box[14]
    radius = light[3] if light[3] > f4(1e-6) else f4(1e-6)
    per_radius = f4(1) / radius
    x, y, z = light[0] - cx, light[1] - cy, light[2] - cz
    lx, ly, lz = r00 * x + r01 * y + r02 * z, r10 * x + r11 * y + r12 * z, r20 * x + r21 * y + r22 * z
    one = f4(1)
    for i in range(BLOCK):
        x, y, z = s[PX + i] - cx, s[PY + i] - cy, s[PZ + i] - cz
        px, py, pz = r00 * x + r01 * y + r02 * z, r10 * x + r11 * y + r12 * z, r20 * x + r21 * y + r22 * z
        dx, dy, dz = lx - px, ly - py, lz - pz
        part = _plane_part(px, py, dx, dy, hx, hy, per_radius)
        part *= _plane_part(py, pz, dy, dz, hy, hz, per_radius)
        part *= _plane_part(pz, px, dz, dx, hz, hx, per_radius)
        # beyond a face, the receiver sees only what of the light reaches below that face
        sx = lx if px > hx else -lx
        sy = ly if py > hy else -ly
        sz = lz if pz > hz else -lz
        part *= _part((hx - sx) * per_radius) if abs(px) > hx else one
        part *= _part((hy - sy) * per_radius) if abs(py) > hy else one
        part *= _part((hz - sz) * per_radius) if abs(pz) > hz else one
        s[VISIBLE + i] *= one - part


@kernel
def clears_block(s, count, box, light):
    """True if a face of the box has the light and all fragments of a block before it; see blocked_lights."""
    for axis in range(3):
        x, y, z, half = box[3 * axis], box[3 * axis + 1], box[3 * axis + 2], box[12 + axis]
        middle = x * box[9] + y * box[10] + z * box[11]
        along = x * light[0] + y * light[1] + z * light[2] - middle
        if abs(along) - light[3] < half:
            continue
        sign = f4(1) if along > f4(0) else f4(-1)
        lowest = f4(1e30)
        for i in range(count):
            reach = (x * s[PX + i] + y * s[PY + i] + z * s[PZ + i] - middle) * sign
            lowest = reach if reach < lowest else lowest
        if lowest >= half * f4(0.999) - f4(1e-4):
            return True
    return False
