"""Shadow maps: what each light sees of the placements.

Williams, "Casting curved shadows on curved surfaces", SIGGRAPH 1978, with percentage-closer filtering (Reeves et
al., SIGGRAPH 1987). The filter always spans three texels; what follows the size of the light is the resolution of
its map, so that three texels are about as wide as a typical penumbra. A map holds 1 / distance along the light's
axis, 0 where it sees nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.scene import Light
from photosynth.render.raster.copies import copy_four
from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    BLOCK,
    GQ,
    GX,
    GY,
    NL,
    READ,
    SECOND,
    T0,
    THIRD,
    VISIBLE,
    WX,
    WY,
)
from photosynth.render.raster.prepared import PreparedMesh
from photosynth.render.raster.probes import frames_towards
from photosynth.render.raster.transform import transform_vertices
from photosynth.render.raster.triangle import END, FIRST, NUMBERS, QX, ROWS, TRIANGLES, line_up, row_spans, set_up

f4 = np.float32
i4 = np.int32
u8 = np.uint64

MIN_SIDE_PX = 64
"""Smallest side of a map."""
MARGIN_PX = 3.0
"""Empty texels round the casters."""
MAX_TANGENT = 4.0
"""Casters farther than this from a light's axis (tangent of the angle) throw no shadow."""
THROW = 0.4
"""Typical distance from a caster to its shadow, in radii of the placements."""
BIAS = 0.004
"""Receivers are lifted off their surface by this many radii, and by texels as add_light says."""
SMALL_PX = 128
"""Casters fewer texels across than this are drawn by their coarser proxies."""
PENUMBRA_TEXELS = 3.0
"""Texels across a typical penumbra."""
LANES = 24
"""So many texels are drawn at once: fewer are unrolled by the compiler instead, more are in vain."""


@dataclass(frozen=True, eq=False)
class Caster:
    """One placement as lights see it: its mesh, where it stands, its bounding sphere in the world."""

    mesh: PreparedMesh
    world_from_object: np.ndarray
    centre: np.ndarray
    radius: float

    def proxy(self, across_px: float) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and faces that are enough for a map in which it is so many texels across."""
        mesh = self.mesh
        if across_px < SMALL_PX:
            return mesh.small_vertices, mesh.small_faces
        return mesh.proxy_vertices, mesh.proxy_faces


@dataclass(frozen=True, eq=False)
class ShadowMaps:
    """All maps of a scene. texels (n,) float32, one map after the other; rows (L, 13) float32: light_from_world
    rotation (9), texels per tangent, x and y of the axis in texels, bias in metres; layout (L, 2) int64: offset,
    side."""

    texels: np.ndarray
    rows: np.ndarray
    layout: np.ndarray


class ShadowCaster:
    """Draws shadow maps; keeps its buffers between scenes."""

    def __init__(self) -> None:
        self._texels = np.zeros(0, np.float32)
        self._cam = np.zeros((0, 3))
        self._box = np.zeros(5)

    def draw(self, lights: Sequence[Light], casters: Sequence[Caster], max_side_px: int) -> ShadowMaps:
        """The shadow maps of all lights, no larger than `max_side_px`. Without casters they are empty."""
        rows = np.zeros((len(lights), 13), np.float32)
        layout = np.zeros((len(lights), 2), np.int64)
        if not casters:
            rows[:, 9] = 1.0
            return ShadowMaps(self._texels, rows, layout)
        centre, radius = bounding_sphere(casters)
        throw = THROW * float(np.mean([c.radius for c in casters]))
        proxies = [c.proxy(max_side_px * c.radius / radius) for c in casters]
        most = max(len(vertices) for vertices, _ in proxies)
        if len(self._cam) < most:
            self._cam = np.empty((most, 3))
        screens = [np.empty((len(vertices), 3)) for vertices, _ in proxies]
        self._reserve(len(lights) * max_side_px**2)
        offset = 0
        for k, light in enumerate(lights):
            position = np.array(light.position_m)
            distance = float(np.linalg.norm(centre - position))
            light_from_world = _seen_from(position, (centre - position) / distance if distance > 1e-9 else _UP)
            near = 1e-3 * max(distance, radius)
            x0, y0, x1, y1 = self._tangents(light_from_world, casters, proxies, screens, near)
            extent = max(x1 - x0, y1 - y0, 1e-6)
            penumbra = 2 * light.radius_m * throw / max(distance, radius, 1e-9)
            wanted = PENUMBRA_TEXELS * extent * max(distance, 1e-9) / max(penumbra, 1e-9)
            side = int(min(max(wanted, MIN_SIDE_PX), max_side_px)) // 16 * 16
            scale = (side - 2 * MARGIN_PX) / extent
            axis = side / 2 - scale * (x0 + x1) / 2, side / 2 - scale * (y0 + y1) / 2
            self._draw_map(proxies, screens, scale, axis, side, offset)
            rows[k, :9] = light_from_world[:3, :3].ravel()
            rows[k, 9:] = scale, axis[0], axis[1], BIAS * throw / THROW
            layout[k] = offset, side
            offset += side * side
        return ShadowMaps(self._texels, rows, layout)

    def _reserve(self, count: int) -> None:
        if len(self._texels) < count:
            self._texels = np.zeros(count, np.float32)

    def _draw_map(self, proxies, screens, scale: float, axis: tuple[float, float], side: int, offset: int) -> None:
        texels = self._texels[offset : offset + side * side]
        texels[:] = 0
        for (_, faces), screen in zip(proxies, screens, strict=True):
            rasterise_depth(screen, faces, scale, axis[0], axis[1], side, texels.view(np.int32))

    def _tangents(self, light_from_world, casters, proxies, screens, near) -> tuple[float, float, float, float]:
        boxes = []
        for caster, (vertices, _), screen in zip(casters, proxies, screens, strict=True):
            matrix = light_from_world @ caster.world_from_object
            transform_vertices(vertices, matrix, _TANGENTS, near, self._cam, screen, self._box)
            boxes.append(self._box.tolist())
        x0, y0, x1, y1, _ = zip(*boxes, strict=True)
        x0, y0, x1, y1 = (min(max(v, -MAX_TANGENT), MAX_TANGENT) for v in (min(x0), min(y0), max(x1), max(y1)))
        return x0, y0, x1, y1


def bounding_sphere(casters: Sequence[Caster]) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of a sphere round the casters' own."""
    centres, radii = np.array([c.centre for c in casters]), np.array([c.radius for c in casters])
    low, high = (centres - radii[:, None]).min(axis=0), (centres + radii[:, None]).max(axis=0)
    centre = (low + high) / 2
    return centre, float((np.sqrt(((centres - centre) ** 2).sum(axis=1)) + radii).max())


_TANGENTS = np.array([1.0, 0.0, 0.0])
"""The lens of a picture in tangents."""
_UP = np.array([0.0, 0.0, 1.0])


def _seen_from(position: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """light_from_world (4, 4): +z along the unit vector `towards`."""
    matrix = np.eye(4)
    matrix[:3, :3] = frames_towards(towards[None])[0]
    matrix[:3, 3] = -matrix[:3, :3] @ position
    return matrix


@kernel
def rasterise_depth(screen, faces, scale, ox, oy, side, texels):
    """Draw the faces that face the light into one map: the largest 1 / z wins.

    Args:
        screen: (V, 3) float64 tangents x / z, y / z and 1 / z; 1 / z is 0 behind the light.
        faces: (F, 3) int32.
        scale, ox, oy: texels = scale * tangent + (ox, oy).
        side: int, side of the map, at least LANES.
        texels: in and out (side * side,) int32, the bits of float32: of those that are not below 0, the larger is the
            larger. As floats, the compiler would write only the larger ones, which costs more.
    """
    s, n = np.zeros(NUMBERS, np.float64), np.uint64(0)
    spans, starts = np.empty(2 * ROWS, np.int32), np.empty(ROWS, np.float64)
    for t in range(faces.shape[0]):
        a, b, c = np.uint64(faces[t, 0]), np.uint64(faces[t, 1]), np.uint64(faces[t, 2])
        q0, q1, q2 = screen[a, 2], screen[b, 2], screen[c, 2]
        x0, y0 = scale * screen[a, 0] + ox, scale * screen[a, 1] + oy
        x1, y1 = scale * screen[b, 0] + ox, scale * screen[b, 1] + oy
        x2, y2 = scale * screen[c, 0] + ox, scale * screen[c, 1] + oy
        seen = line_up(s, n, x0, y0, q0, x1, y1, q1, x2, y2, q2, side, side)
        n += seen if (q0 > 0.0) & (q1 > 0.0) & (q2 > 0.0) else np.uint64(0)
        if n == TRIANGLES:
            _draw(s, n, side, spans, starts, texels)
            n = np.uint64(0)
    _draw(s, n, side, spans, starts, texels)


@kernel
def _draw(s, count, side, spans, starts, texels):
    """Draw the first `count` triangles of a block. Of a span's texels and those behind it, which get 0 for 1 / z, LANES
    are drawn at a time without a branch, so that it becomes vector instructions."""
    set_up(s, 1.0, side)
    for i in range(count):
        n = np.uint64(i)
        qx, first, end = f4(s[QX + n]), int(s[FIRST + n]), int(s[END + n])
        for base in range(first, end, ROWS):
            row_spans(s, n, base, side, spans, starts)
            for r in range(min(end - base, ROWS)):
                left, right, q = spans[np.uint64(r)], spans[np.uint64(r + ROWS)], f4(starts[np.uint64(r)])
                for x in range(left, right, LANES):
                    start = min(x, side - LANES)
                    at, skip, stop = np.uint64((base + r) * side + start), f4(left - start), f4(right - start)
                    for j in range(LANES):
                        value = q + qx * (f4(j) - skip)
                        bits = np.float32(value).view(np.int32) if (f4(j) >= skip) & (f4(j) < stop) else i4(0)
                        texels[at + np.uint64(j)] = max(bits, texels[at + np.uint64(j)])


@kernel
def lit_parts(s, n, texels, offset, side):
    """Fill VISIBLE with the part 0..1 of the texels round (GX, GY) that stand no nearer to the light than 1 / GQ: a
    2 x 2 box of bilinear comparisons, three texels wide; 0 where NL is 0. Outside the map, and where GQ is not above 0,
    everything is lit. GQ is spent.

    Args:
        s: in and out, the scratch array of lanes; n: the same for integers.
        texels: (m,) float32, all maps; offset, side: int64, of this one.
    """
    one, zero = f4(1), f4(0)
    if find_texels(s, n, i4(offset), i4(side)) == 0:
        for i in range(BLOCK):
            s[VISIBLE + i] = one if s[NL + i] > zero else zero
        return
    row = u8(side)
    for k in range(BLOCK):
        i = u8(k)
        at, to = u8(n[u8(T0) + i]), u8(READ) + u8(4) * i
        copy_four(texels, at, s, to)
        copy_four(texels, at + row, s, to + u8(SECOND))
        copy_four(texels, at + row + row, s, to + u8(THIRD))
    for i in range(BLOCK):
        fx, fy, q, rest, at = s[WX + i], s[WY + i], s[GQ + i], one - s[WX + i], READ + 4 * i
        part0 = (rest if q >= s[at] else zero) + (one if q >= s[at + 1] else zero)
        part0 += fx if q >= s[at + 2] else zero
        part1 = (rest if q >= s[at + SECOND] else zero) + (one if q >= s[at + SECOND + 1] else zero)
        part1 += fx if q >= s[at + SECOND + 2] else zero
        part2 = (rest if q >= s[at + THIRD] else zero) + (one if q >= s[at + THIRD + 1] else zero)
        part2 += fx if q >= s[at + THIRD + 2] else zero
        part = (part0 * (one - fy) + part1 + part2 * fy) * f4(0.25)
        s[VISIBLE + i] = part if s[NL + i] > zero else zero


@kernel
def find_texels(s, n, offset, side):
    """Where the texels of each fragment begin into lane T0, the weights into WX and WY; how many fragments any texel
    may hide."""
    one, zero, lit, edge, found = f4(1), f4(0), f4(1e30), f4(side) - f4(3), i4(0)
    for i in range(BLOCK):
        x, y, q = s[GX + i] - one, s[GY + i] - one, s[GQ + i]
        asked = (x >= zero) & (y >= zero) & (x < edge) & (y < edge) & (q > zero) & (s[NL + i] > zero)
        x, y, q = x if asked else zero, y if asked else zero, q if asked else lit
        ix, iy = i4(x), i4(y)
        s[WX + i], s[WY + i], s[GQ + i] = x - f4(ix), y - f4(iy), q
        n[T0 + i] = offset + iy * side + ix
        found += i4(1) if asked else i4(0)
    return found
