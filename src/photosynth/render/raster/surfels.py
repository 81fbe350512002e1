"""Surfels: points spread over slabs and objects, whose radiance stands for what their surroundings get from them.

Of slabs they are the cells of a lattice on each face, finer where the objects are; of objects some of their probes.
Each gets the lights with their shadows, the environment as far as it is not hidden, and what the others send back:
radiosity (Goral et al., "Modeling the Interaction of Light Between Diffuse Surfaces", SIGGRAPH 1984), solved by a few
rounds of gathering. Shadows have edges, all other light is smooth: cells near the objects are cut into spots that each
get the lights for themselves, and share the rest.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.irradiance import evaluate, terms_of
from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import BLOCK, DB, DG, DR, NX, NY, NZ, PX, PY, PZ, SB, SG, SR
from photosynth.render.raster.lighting import add_light, orient
from photosynth.render.raster.sky_light import OBJECT, light_at

f4 = np.float32
i4 = np.int32

GRID = 10
"""Numbers that describe the spots of a face: those along the first side as a plane (3) and offset, along the second
likewise, how many along each."""
SPOTS = 3
"""A fine cell is cut into so many spots along each side."""
FINE_CELLS = 10
"""Most cells along a side of a face before which the objects stand."""
COARSE_CELLS = 3
"""Most cells along a side of another face."""
CELL = 0.32
"""Side of a fine cell in radii of the objects all together, unless there would be more than FINE_CELLS."""
REACH = 1.6
"""Fine cells end this many radii from the objects' middle; what is met farther out counts as the cell next to it."""


@kernel
def place_on_slabs(boxes, middle, radius, count, grids, firsts, cells, starts, points, normals, spots, spot_normals):
    """Lay surfels out on all faces of slabs, behind `count` others, and their spots.

    Args:
        boxes: (S, 15) float32 from box_rows.
        middle: (3,) float32, of the objects, from the eye; radius: float32, theirs.
        grids: out (S, 6, GRID) float32; firsts: out (S, 6) int32: number of each face's first spot.
        cells: out (S, 6, 2) int32: number of each face's first surfel, and spots along a side of its cells.
        starts: out (2, S + 1) int64: where each slab's surfels and spots begin, and where the last's end.
        points, normals: out (count + 6 S FINE_CELLS^2, 3) float32, from the eye along the world's axes.
        spots, spot_normals: out (6 S (FINE_CELLS SPOTS)^2, 3) float32, likewise.
    """
    spot = 0
    for s in range(boxes.shape[0]):
        box, starts[0, s], starts[1, s] = boxes[s], count, spot
        for face in range(6):
            axis, sign = face // 2, f4(2 * (face % 2) - 1)
            a, b = (axis + 1) % 3, (axis + 2) % 3
            height = f4(0)
            for c in range(3):
                height += sign * box[3 * axis + c] * (middle[c] - box[9 + c])
            above = height - box[12 + axis]
            near = above > f4(0) and above < f4(2) * radius
            low_a, cell_a, n_a = _side(box, a, middle, radius, near)
            low_b, cell_b, n_b = _side(box, b, middle, radius, near)
            cut = SPOTS if near else 1
            grid, firsts[s, face], cells[s, face, 0], cells[s, face, 1] = grids[s, face], spot, count, cut
            _lay(box, axis, sign, low_a, cell_a, n_a, low_b, cell_b, n_b, points[count:], normals[count:])
            count += n_a * n_b
            cell_a, cell_b, n_a, n_b = cell_a / f4(cut), cell_b / f4(cut), n_a * cut, n_b * cut
            _lay(box, axis, sign, low_a, cell_a, n_a, low_b, cell_b, n_b, spots[spot:], spot_normals[spot:])
            spot += n_a * n_b
            offset_a, offset_b = -low_a / cell_a, -low_b / cell_b
            for c in range(3):
                grid[c], grid[4 + c] = box[3 * a + c] / cell_a, box[3 * b + c] / cell_b
                offset_a -= grid[c] * box[9 + c]
                offset_b -= grid[4 + c] * box[9 + c]
            grid[3], grid[7], grid[8], grid[9] = offset_a, offset_b, f4(n_a), f4(n_b)
    starts[0, boxes.shape[0]], starts[1, boxes.shape[0]] = count, spot


@kernel
def _lay(box, axis, sign, low_a, cell_a, n_a, low_b, cell_b, n_b, points, normals):
    """Points in the middle of cells of one face, row by row, and its normal for each."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    for j in range(n_b):
        for i in range(n_a):
            at_a, at_b = low_a + (f4(i) + f4(0.5)) * cell_a, low_b + (f4(j) + f4(0.5)) * cell_b
            point, normal = points[j * n_a + i], normals[j * n_a + i]
            for c in range(3):
                normal[c] = sign * box[3 * axis + c]
                point[c] = box[9 + c] + box[12 + axis] * normal[c] + at_a * box[3 * a + c] + at_b * box[3 * b + c]


@kernel
def over_spots(cells, grids, firsts, of_spots, out):
    """Means of `of_spots` (q, 3) over each cell of slabs, into their surfels' rows of `out` (m, 3)."""
    for s in range(cells.shape[0]):
        for face in range(6):
            first, cut = cells[s, face]
            wide, high = int(grids[s, face, 8]), int(grids[s, face, 9])
            per, across = f4(1) / f4(cut * cut), wide // cut
            for k in range(first, first + across * (high // cut)):
                for c in range(3):
                    out[k, c] = f4(0)
            for j in range(high):
                for i in range(wide):
                    k, spot = first + (j // cut) * across + i // cut, firsts[s, face] + j * wide + i
                    for c in range(3):
                        out[k, c] += per * of_spots[spot, c]


@kernel
def to_spots(cells, grids, firsts, albedos, n_objects, direct_spots, direct, radiance, out):
    """Radiance of spots: that of their cells, with lights of their own.

    Args:
        cells, grids, firsts: as in place_on_slabs; albedos, n_objects: as in gather.
        direct_spots: (q, 3) float32, white spots under the lights; direct: (m, 3) float32, their means over cells.
        radiance: (m, 3) float32, of surfels.
        out: (q, 3) float32.
    """
    for s in range(cells.shape[0]):
        for face in range(6):
            first, cut = cells[s, face]
            wide, high = int(grids[s, face, 8]), int(grids[s, face, 9])
            for j in range(high):
                for i in range(wide):
                    k, spot = first + (j // cut) * (wide // cut) + i // cut, firsts[s, face] + j * wide + i
                    for c in range(3):
                        own = f4(albedos[n_objects + s, c]) * (direct_spots[spot, c] - direct[k, c])
                        out[spot, c] = radiance[k, c] + own


@kernel
def _side(box, k, middle, radius, near):
    """Where cells begin along axis k of a slab, from its centre; their side; how many there are."""
    half = box[12 + k]
    low, high, most = -half, half, COARSE_CELLS
    if near:
        along = f4(0)
        for c in range(3):
            along += box[3 * k + c] * (middle[c] - box[9 + c])
        along = min(max(along, -half), half)
        low, high, most = max(low, along - f4(REACH) * radius), min(high, along + f4(REACH) * radius), FINE_CELLS
    long = max(high - low, f4(1e-6))
    count = min(max(int(np.ceil(long / (f4(CELL) * radius))), 1), most)
    return low, long / f4(count), count


@kernel
def light_surfels(points, normals, lights, shadows, layout, texels, boxes, blocks, scratch, out):
    """Radiance of white surfels under the lights: `out` (m, 3) float32.

    Args:
        points, normals: (m, 3) float32, of one owner, from the eye along the world's axes.
        lights, shadows, layout, texels, boxes: as add_light takes them for one light, for all of them.
        blocks: (L, S) bool, which slabs may hide which light.
        scratch: from lanes.scratch.
    """
    s, n = scratch
    forward = np.zeros(3, np.float32)
    for begin in range(0, points.shape[0], BLOCK):
        count = min(points.shape[0] - begin, BLOCK)
        for i in range(BLOCK):
            k = begin + min(i, count - 1)
            s[PX + i], s[PY + i], s[PZ + i] = points[k, 0], points[k, 1], points[k, 2]
            s[NX + i], s[NY + i], s[NZ + i] = normals[k, 0], normals[k, 1], normals[k, 2]
            s[DR + i], s[DG + i], s[DB + i] = f4(0), f4(0), f4(0)
            s[SR + i], s[SG + i], s[SB + i] = f4(0), f4(0), f4(0)
        orient(s, forward, f4(1), f4(1), f4(0), f4(1))
        for k in range(lights.shape[0]):
            add_light(s, n, count, lights[k], shadows[k], layout[k], texels, boxes, blocks[k], f4(1), f4(1))
        for i in range(count):
            out[begin + i, 0], out[begin + i, 1], out[begin + i, 2] = s[DR + i], s[DG + i], s[DB + i]


@kernel
def under_environment(normals, diffuse, sky, out):
    """Radiance of white surfels under the whole environment: `out` (m, 3) float32.

    Args:
        normals: (m, 3) float32; diffuse: (TERMS, 3) float32, of EnvironmentLight.
        sky: (3,): strength, cosine and sine of the environment's rotation.
    """
    for c in range(3):
        terms = terms_of(diffuse, c)
        for k in range(normals.shape[0]):
            x, y = f4(sky[1]), f4(sky[2])
            x, y = x * normals[k, 0] + y * normals[k, 1], x * normals[k, 1] - y * normals[k, 0]
            value = evaluate(x, y, normals[k, 2], terms)
            out[k, c] = f4(sky[0]) * max(value, f4(0))


@kernel
def look_round(
    points, normals, starts, n_objects, frames, parts, areas, maps, centre, radius, lift, boxes, grids, firsts,
    from_objects, of_spots, values, hits,
):  # fmt: skip
    """`values` and `hits` of all surfels as light_at finds them, while nothing sends light back.

    Args:
        points, normals: (m, 3) float32; starts: (N + S + 1,) int64: where each object's begin, then each slab's.
        n_objects: int; frames .. from_objects: as in Sky; of_spots: `radiance` there; both are 0.
        values: out (m, VALUES) float32; hits: out (m, K) int32.
    """
    for owner in range(starts.shape[0] - 1):
        these = slice(starts[owner], starts[owner + 1])
        own, own_slab = (owner, -1) if owner < n_objects else (-1, owner - n_objects)
        light_at(
            points[these], normals[these], own, own_slab, f4(-2), frames, parts, areas, maps, centre, radius, lift,
            boxes, grids, firsts, from_objects, of_spots, values[these], hits[these],
        )  # fmt: skip


@kernel
def gather(
    normals, starts, n_objects, seen, albedos, direct, around, frames, areas, values, hits, from_objects, of_spots,
    radiance, found,
):  # fmt: skip
    """One round: the radiance of all surfels from that of the others.

    Args:
        normals, starts, n_objects, frames, areas, from_objects, of_spots: as in look_round, which made values and hits.
        seen: (of objects, SURFELS) float32, as in Probes, 0 behind an object's own.
        albedos: (N + S, 3); direct, around: (m, 3) float32 from light_surfels and under_environment.
        radiance: (m, 3) float32, of all surfels; found: out (m, 3) float32, the new one.
    """
    for owner in range(starts.shape[0] - 1):
        first, last = starts[owner], starts[owner + 1]
        for k in range(first, last):
            v, red, green, blue, free = values[k], f4(0), f4(0), f4(0), f4(1)
            if owner < n_objects:
                for j in range(last - first):
                    part = seen[k, j]
                    free -= part
                    red += part * radiance[first + j, 0]
                    green += part * radiance[first + j, 1]
                    blue += part * radiance[first + j, 2]
            for d in range(hits.shape[1]):
                hit = hits[k, d]
                part = (
                    normals[k, 0] * frames[d, 2, 0] + normals[k, 1] * frames[d, 2, 1] + normals[k, 2] * frames[d, 2, 2]
                )
                if hit >= 0 and part > f4(0):
                    back = from_objects[d, hit - OBJECT] if hit >= OBJECT else of_spots[hit]
                    part *= free * areas[d] * f4(1 / np.pi)
                    red += part * back[0]
                    green += part * back[1]
                    blue += part * back[2]
            for c, back in enumerate((red, green, blue)):
                light = direct[k, c] + free * (around[k, c] * v[0] + v[1 + c]) + back
                found[k, c] = f4(albedos[owner, c]) * light


@kernel
def towards(frames, normals, hidden, rotations, starts, radiance, from_objects):
    """Mean radiance of the sides of objects that are seen against each direction.

    Args:
        frames: (K, 3, 3) float32, as in Sky.
        normals, radiance: (m, 3) float32, of surfels; hidden: (of objects, 9) float32, as in Probes.
        rotations: (N, 3, 3), of objects; starts: as in gather.
        from_objects: out (K, N, 3) float32.
    """
    for n in range(rotations.shape[0]):
        turn = rotations[n]
        for k in range(frames.shape[0]):
            x, y, z = -frames[k, 2, 0], -frames[k, 2, 1], -frames[k, 2, 2]
            u = f4(turn[0, 0] * x + turn[1, 0] * y + turn[2, 0] * z)
            v = f4(turn[0, 1] * x + turn[1, 1] * y + turn[2, 1] * z)
            w = f4(turn[0, 2] * x + turn[1, 2] * y + turn[2, 2] * z)
            y4, y5, y6 = f4(1.09254843) * u * v, f4(1.09254843) * v * w, f4(0.31539157) * (f4(3) * w * w - f4(1))
            y7, y8 = f4(1.09254843) * u * w, f4(0.54627422) * (u * u - v * v)
            red, green, blue, total = f4(0), f4(0), f4(0), f4(1e-9)
            for i in range(starts[n], starts[n + 1]):
                weight, h = x * normals[i, 0] + y * normals[i, 1] + z * normals[i, 2], hidden[i]
                hides = f4(0.28209479) * h[0] + f4(0.48860251) * (v * h[1] + w * h[2] + u * h[3])
                hides += y4 * h[4] + y5 * h[5] + y6 * h[6] + y7 * h[7] + y8 * h[8]
                weight -= f4(np.pi) * max(hides, f4(0))
                weight = weight if weight > f4(0) else f4(0)
                red += weight * radiance[i, 0]
                green += weight * radiance[i, 1]
                blue += weight * radiance[i, 2]
                total += weight
            back = from_objects[k, n]
            back[0], back[1], back[2] = red / total, green / total, blue / total
