"""Light on slabs: worked out at nodes a few pixels apart on the planes of their faces, and interpolated.

Slabs fill much of a picture and are flat, so light varies slowly over them where it is not cut by a shadow: ambient
light is asked at coarse nodes, all light at fine ones, and only the texture is read at each pixel. A node lies where
the ray of its pixel meets the plane, whatever stands before it there, so that every fragment has four nodes of its
own face about it. Nodes inside another slab count next to nothing.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    BLOCK,
    NX,
    NY,
    NZ,
    PX,
    PY,
    PZ,
    SCRATCH,
    WEIGHT,
)

f4 = np.float32
u8 = np.uint64

FAINT = f4(1e-3)
"""Weight of a node inside another slab."""
FAR = f4(1e6)
"""Where a ray meets a plane that it does not meet, times its depth."""
PIECE = 5
"""Numbers that describe a piece of a row of nodes: face, row, column, count, and its first place in its block."""


@kernel
def mark_nodes(runs, pixels, triangles, width, step, wanted):
    """Mark the nodes that a slab's fragments need.

    Args:
        runs: from find_runs; pixels, triangles: from emit_fragments.
        width: int, of the picture, pixels; step: int, pixels between nodes.
        wanted: in and out (6, h, w) bool, by face.
    """
    for r in range(len(runs) - 1):
        k = runs[r]
        face, y = triangles[k] >> 1, pixels[k] // width
        x = pixels[k] - y * width
        first, last = x // step, (x + runs[r + 1] - k - 1) // step + 2
        wanted[face, y // step, first:last] = True
        wanted[face, y // step + 1, first:last] = True


@kernel
def mark_coarse(fine, ratio, wanted):
    """Mark in `wanted` (6, h, w) bool the coarse nodes round each fine one; `ratio` fine steps make a coarse one."""
    pieces = find_pieces(fine)
    for k in range(len(pieces)):
        face, row, column, count = pieces[k, 0], pieces[k, 1] // ratio, pieces[k, 2], pieces[k, 3]
        first, last = column // ratio, (column + count - 1) // ratio + 2
        wanted[face, row, first:last] = True
        wanted[face, row + 1, first:last] = True


@kernel
def find_pieces(wanted):
    """Wanted nodes side by side in a row, (P, PIECE) int32, cut where a block of BLOCK nodes is full.

    Args:
        wanted: (6, h, w) bool.
    """
    _, height, width = wanted.shape
    pieces = np.empty((6 * height * ((width + 1) // 2 + width // BLOCK + 1), PIECE), np.int32)
    found, at = 0, 0
    for face in range(6):
        for row in range(height):
            nodes = wanted[face, row]
            any_wanted = False
            for i in range(width):
                any_wanted |= nodes[i]
            column = 0 if any_wanted else width
            while column < width:
                if not nodes[column]:
                    column += 1
                    continue
                end = column + 1
                while end < width and end - column < BLOCK - at and nodes[end]:
                    end += 1
                piece = pieces[found]
                piece[0], piece[1], piece[2], piece[3], piece[4] = face, row, column, end - column, at
                found, at, column = found + 1, (at + end - column) % BLOCK, end
    return pieces[:found]


@kernel
def place_nodes(wanted, step, lens, rotation, boxes, own, points, normals, places, inside):
    """Where wanted nodes stand, in the order of `wanted`.

    Args:
        wanted: from mark_nodes or mark_coarse.
        step, lens, rotation: as in place_piece.
        boxes, own: as in weigh_nodes.
        points, normals: out (count, 3) float32, from the eye along the world's axes.
        places: out (count,) int64, their numbers in `wanted`; inside: out (count,) bool, in another slab.
    """
    s, pieces = np.zeros(SCRATCH, np.float32), find_pieces(wanted)
    k, n = 0, 0
    while k < len(pieces):
        before, count = k, 0
        while k < len(pieces) and (k == before or pieces[k, 4] > 0):
            face, row, column, count = pieces[k, 0], pieces[k, 1], pieces[k, 2], pieces[k, 4] + pieces[k, 3]
            place_piece(face, row, column, pieces[k, 3], pieces[k, 4], step, lens, rotation, boxes[own], s)
            for i in range(pieces[k, 3]):
                places[n + pieces[k, 4] + i] = (face * wanted.shape[1] + row) * wanted.shape[2] + column + i
            k += 1
        weigh_nodes(boxes, own, s)
        for i in range(count):
            points[n + i, 0], points[n + i, 1], points[n + i, 2] = s[PX + i], s[PY + i], s[PZ + i]
            normals[n + i, 0], normals[n + i, 1], normals[n + i, 2] = s[NX + i], s[NY + i], s[NZ + i]
            inside[n + i] = s[WEIGHT + i] < f4(1)
        n += count


@kernel
def place_piece(face, row, column, count, at, step, lens, rotation, box, s):
    """Put positions and normals of nodes side by side into their lanes.

    Args:
        face .. at: int, of the piece, see PIECE.
        step: int, pixels between nodes.
        lens: (3,) float64, as in View; rotation: (3, 3) float64, world from camera.
        box: (15,) float32, the slab's row of box_rows.
        s: in and out, the scratch array of lanes.
    """
    across, sign = face >> 1, f4(1) if face & 1 else f4(-1)
    x, y = (column * step + 0.5 - lens[1]) / lens[0], (row * step + 0.5 - lens[2]) / lens[0]
    n0, nx, ny, nz, dn, en = _axis(box, across, x, y, step / lens[0], rotation)
    a0, ax, ay, az, da, ea = _axis(box, (across + 1) % 3, x, y, step / lens[0], rotation)
    b0, bx, by, bz, db, eb = _axis(box, (across + 2) % 3, x, y, step / lens[0], rotation)
    height, half_a, half_b = box[12 + across] * sign, box[12 + (across + 1) % 3], box[12 + (across + 2) % 3]
    cx, cy, cz = box[9] + height * nx, box[10] + height * ny, box[11] + height * nz
    nx, ny, nz, height = sign * nx, sign * ny, sign * nz, height - en
    for k in range(u8(count)):
        i, steps = u8(at) + k, f4(k)
        along = n0 + steps * dn
        t = height / (along if abs(along) > f4(1e-9) else f4(1e-9))
        t = t if t > f4(0) and t < FAR else FAR
        a, b = t * (a0 + steps * da) + ea, t * (b0 + steps * db) + eb
        a = a if a > -half_a else -half_a
        b = b if b > -half_b else -half_b
        a = a if a < half_a else half_a
        b = b if b < half_b else half_b
        s[u8(PX) + i], s[u8(PY) + i], s[u8(PZ) + i] = cx + a * ax + b * bx, cy + a * ay + b * by, cz + a * az + b * bz
        s[u8(NX) + i], s[u8(NY) + i], s[u8(NZ) + i] = nx, ny, nz


@kernel
def _axis(box, k, x, y, step, rotation):
    """Of a slab's axis k: the part along it of the ray through (x, y), the axis in the world (3), how much the part
    grows with each step, and where the eye stands along it, all float32."""
    ax, ay, az = box[3 * k], box[3 * k + 1], box[3 * k + 2]
    right = rotation[0, 0] * ax + rotation[1, 0] * ay + rotation[2, 0] * az
    down = rotation[0, 1] * ax + rotation[1, 1] * ay + rotation[2, 1] * az
    ahead = rotation[0, 2] * ax + rotation[1, 2] * ay + rotation[2, 2] * az
    eye = -(ax * box[9] + ay * box[10] + az * box[11])
    return f4(right * x + down * y + ahead), ax, ay, az, f4(right * step), eye


@kernel
def weigh_nodes(boxes, own, s):
    """Fill lane WEIGHT with the weights of a block's nodes: FAINT in another slab, else 1.

    Args:
        boxes: (S, 15) float32 from box_rows; own: int, the slab that the nodes lie on.
        s: in and out, the scratch array of lanes.
    """
    for i in range(BLOCK):
        s[WEIGHT + i] = f4(1)
    for k in range(boxes.shape[0]):
        if k == own:
            continue
        box = boxes[k]
        x0, x1, x2, y0, y1, y2 = box[0], box[1], box[2], box[3], box[4], box[5]
        z0, z1, z2, cx, cy, cz = box[6], box[7], box[8], box[9], box[10], box[11]
        hx, hy, hz = box[12] + f4(1e-4), box[13] + f4(1e-4), box[14] + f4(1e-4)
        for i in range(BLOCK):
            x, y, z = s[PX + i] - cx, s[PY + i] - cy, s[PZ + i] - cz
            outside = (abs(x0 * x + x1 * y + x2 * z) > hx) | (abs(y0 * x + y1 * y + y2 * z) > hy)
            outside |= abs(z0 * x + z1 * y + z2 * z) > hz
            s[WEIGHT + i] = s[WEIGHT + i] if outside else FAINT
