"""Light on slabs: worked out at nodes a few pixels apart on the planes of their faces, and interpolated.

Slabs fill much of a picture and are flat, so light varies slowly over them where it is not cut by a shadow: ambient
light is asked at coarse nodes, all light at fine ones, and only the texture is read at each pixel. A node lies where
the ray of its pixel meets the plane, whatever stands before it there, so that every fragment has four nodes of its
own face about it. Nodes inside another slab count next to nothing.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import BLOCK, DR, Q0, SR, WEIGHT
from photosynth.render.raster.slab_surface import run_end

f4 = np.float32

FAINT = f4(1e-3)
"""Weight of a node inside another slab."""


@kernel
def mark_nodes(start, stop, pixels, triangles, width, step, wanted):
    """Mark the nodes that fragments start..stop of a slab need: `wanted` (6, h, w) bool, by face."""
    k = start
    while k < stop:
        end = run_end(k, stop, pixels, triangles, width)
        face, y = triangles[k] >> 1, pixels[k] // width
        x = pixels[k] - y * width
        above, below = wanted[face, y // step], wanted[face, y // step + 1]
        for i in range(x // step, (x + end - k - 1) // step + 2):
            above[i] = True
            below[i] = True
        k = end


@kernel
def place_nodes(wanted, step, lens, rotation, boxes, own, count, points, normals, places, inside):
    """Where wanted nodes stand.

    Args:
        wanted: from mark_nodes.
        step: int, pixels between nodes.
        lens: (3,) float64, as in View; rotation: (3, 3) float64, world from camera.
        boxes: (S, 15) float32 from box_rows; own: the slab.
        count: int, how many are wanted.
        points, normals: out (count, 3) float32, from the eye along the world's axes.
        places: out (count,) int64, their numbers in `wanted`; inside: out (count,) bool, in another slab.
    """
    n = 0
    box = boxes[own]
    for face in range(6):
        axis, sign = face // 2, f4(1) if face % 2 == 1 else f4(-1)
        for j in range(wanted.shape[1]):
            for i in range(wanted.shape[2]):
                if not wanted[face, j, i]:
                    continue
                x, y = (i * step + 0.5 - lens[1]) / lens[0], (j * step + 0.5 - lens[2]) / lens[0]
                dx = f4(rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2])
                dy = f4(rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2])
                dz = f4(rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2])
                at = box[12 + axis] * sign
                along = box[3 * axis] * dx + box[3 * axis + 1] * dy + box[3 * axis + 2] * dz
                eye = -(box[3 * axis] * box[9] + box[3 * axis + 1] * box[10] + box[3 * axis + 2] * box[11])
                t = (at - eye) / along if abs(along) > f4(1e-9) else f4(1e6)
                t = t if t > f4(0) and t < f4(1e6) else f4(1e6)
                px, py, pz = box[9], box[10], box[11]
                for other in range(3):
                    ax, ay, az = box[3 * other], box[3 * other + 1], box[3 * other + 2]
                    half = box[12 + other]
                    offset = ax * (t * dx - box[9]) + ay * (t * dy - box[10]) + az * (t * dz - box[11])
                    offset = at if other == axis else min(max(offset, -half), half)
                    px, py, pz = px + offset * ax, py + offset * ay, pz + offset * az
                points[n, 0], points[n, 1], points[n, 2] = px, py, pz
                for k in range(3):
                    normals[n, k] = sign * box[3 * axis + k]
                places[n] = (face * wanted.shape[1] + j) * wanted.shape[2] + i
                inside[n] = False
                for s in range(boxes.shape[0]):
                    if s != own:
                        inside[n] |= _is_inside(boxes[s], px, py, pz)
                n += 1


@kernel
def _is_inside(box, x, y, z):
    x, y, z = x - box[9], y - box[10], z - box[11]
    for axis in range(3):
        along = box[3 * axis] * x + box[3 * axis + 1] * y + box[3 * axis + 2] * z
        if abs(along) > box[12 + axis] + f4(1e-4):
            return False
    return True


@kernel
def fill_nodes(places, values, inside, nodes):
    """Put values (n, 8) and weights into the lattice `nodes` (6 * h * w, 9) float32."""
    for n in range(places.shape[0]):
        weight = FAINT if inside[n] else f4(1)
        for k in range(8):
            nodes[places[n], k] = weight * values[n, k]
        nodes[places[n], 8] = weight


@kernel
def mark_coarse(fine, ratio, wanted):
    """Mark in `wanted` (6, h, w) bool the coarse nodes round each fine one; `ratio` fine steps make a coarse one."""
    for face in range(6):
        for j in range(fine.shape[1]):
            for i in range(fine.shape[2]):
                if fine[face, j, i]:
                    row, column = j // ratio, i // ratio
                    wanted[face, row, column] = True
                    wanted[face, row, column + 1] = True
                    wanted[face, row + 1, column] = True
                    wanted[face, row + 1, column + 1] = True


@kernel
def read_coarse(begin, end, places, fine_shape, ratio, nodes, s):
    """Interpolate coarse nodes (6, h, w, 9) at fine nodes begin..end into the lanes from Q0 on."""
    inverse = f4(1) / f4(ratio)
    width, area = fine_shape[2], fine_shape[1] * fine_shape[2]
    for k in range(begin, end):
        at = k - begin
        face = places[k] // area
        row = (places[k] - face * area) // width
        column = places[k] - face * area - row * width
        i, j = column // ratio, row // ratio
        fx, fy = f4(column - i * ratio) * inverse, f4(row - j * ratio) * inverse
        wd = fx * fy
        wb, wc = fx - wd, fy - wd
        wa = f4(1) - fx - wc
        n00, n01, n10, n11 = nodes[face, j, i], nodes[face, j, i + 1], nodes[face, j + 1, i], nodes[face, j + 1, i + 1]
        weight = f4(1) / (wa * n00[8] + wb * n01[8] + wc * n10[8] + wd * n11[8] + f4(1e-12))
        for q in range(8):
            s[Q0 + q * BLOCK + at] = (wa * n00[q] + wb * n01[q] + wc * n10[q] + wd * n11[q]) * weight


@kernel
def read_light(at, count, x, y, lit, row, wide, s):
    """Interpolate light at a run of fragments of one face into the lanes DR.., SR.. and WEIGHT, still to be divided by
    the last. Nodes are two pixels apart.

    Args:
        at: int, the run's first place in the block; count: its length.
        x, y: int, its first pixel.
        lit: (7, h, w) float32, light at the face's nodes.
        row, wide: (>= w + 2,), (>= 2 w + 2,) float32 scratch.
        s: in and out, the scratch array of lanes.
    """
    i, j = x // 2, y // 2
    nodes = (x + count - 1) // 2 + 2 - i
    skip = x - 2 * i
    half = f4(0.5)
    for q in range(7):
        above, below = lit[q, j], lit[q, j + 1]
        if y % 2 == 0:
            for k in range(nodes):
                row[k] = above[i + k]
        else:
            for k in range(nodes):
                row[k] = half * (above[i + k] + below[i + k])
        for k in range(nodes - 1):
            wide[2 * k] = row[k]
            wide[2 * k + 1] = half * (row[k] + row[k + 1])
        lane = (DR if q < 3 else SR - 3 * BLOCK) + q * BLOCK if q < 6 else WEIGHT
        for k in range(count):
            s[lane + at + k] = wide[skip + k]
