"""The rasteriser's slow, readable twin: rays against every triangle, in numpy. Tests hold the kernels to it.

The same maths by other means: visibility by ray casting (Moeller and Trumbore, "Fast, Minimum Storage Ray-Triangle
Intersection", 1997), shadows by one ray to each light's centre, shading in float64. What it cannot share with the
kernels are penumbrae, whose place is approximate there and which do not exist here. Ambient occlusion is left out of
the picture (RasterOptions can do the same) and has a twin of its own, `sky_seen`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.engine import MeshSource
from photosynth.core.frame import Layers
from photosynth.core.scene import Light, Placement, Scene, Slab
from photosynth.render.raster.coat import COAT_STEPS, MIN_ALPHA, coat_table, fresnel, index_of_refraction
from photosynth.render.raster.environment_light import MAP_SIDE_PX, environment_light
from photosynth.render.raster.irradiance import harmonics
from photosynth.render.raster.prepared import PreparedMesh, prepare, prepare_slab
from photosynth.render.raster.slab_surface import FINER
from photosynth.render.raster.surface import REACH
from photosynth.render.raster.texture import linear_from_texels
from photosynth.render.raster.transform import NEAR_M, View, view_of
from photosynth.render.raster.visibility import SAMPLE_X, SAMPLE_Y, SAMPLES
from photosynth.render.sunlight import with_suns

SEEN_X, SEEN_Y = np.append(SAMPLE_X, 0.5), np.append(SAMPLE_Y, 0.5)
"""Where rays go through a pixel: its samples, then its centre."""


@dataclass(frozen=True, eq=False)
class _Solid:
    """A placement or slab in the view: corners (F, 3, 3) of its triangles in the camera's frame and in the world."""

    surface: Placement | Slab
    mesh: PreparedMesh
    cam: np.ndarray
    world: np.ndarray
    rotation: np.ndarray


def render_twin(scene: Scene, meshes: MeshSource, max_texture_px: int = 2048) -> Layers:
    """Layers of a small scene of few triangles. full_area_px counts only what lies in the picture."""
    scene, view = with_suns(scene), view_of(scene.camera)
    solids = [
        _solid(p, prepare(meshes.mesh(p.asset_id, p.part), max_texture_px, ambient=False), p.world_from_object, view)
        for p in scene.placements
    ]
    count = len(solids)
    solids += [_solid(s, prepare_slab(s), s.world_from_slab, view) for s in scene.surroundings]
    shape = (view.height, view.width)
    layers = Layers(
        np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32), np.full(shape, np.inf, np.float32),
        np.zeros(shape, np.uint16), np.zeros((*shape, 3), np.float32), np.zeros((count, *shape), bool),
        np.zeros(count),
    )  # fmt: skip
    hits = [_cast(solid, view) for solid in solids]
    _settle(scene, view, solids, hits, layers)
    for k, (depth, _) in enumerate(hits[:count]):
        alone = np.isfinite(depth)
        scores = np.stack([_score(alone), _score(~alone)])
        layers.amodal_masks[k] = (alone[..., :SAMPLES].any(axis=2) & (scores.argmax(axis=0) == 0)) | (
            layers.instance_ids == k + 1
        )
        layers.full_area_px[k] = layers.amodal_masks[k].sum()
    return layers


def _solid(surface: Placement | Slab, mesh: PreparedMesh, world_from_object, view: View) -> _Solid:
    matrix = np.array(world_from_object)
    world = (mesh.vertices.astype(float) @ matrix[:3, :3].T + matrix[:3, 3])[mesh.faces]
    cam = world @ view.cam_from_world[:3, :3].T + view.cam_from_world[:3, 3]
    return _Solid(surface, mesh, cam, world, matrix[:3, :3] / np.linalg.norm(matrix[:3, 0]))


def _cast(solid: _Solid, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Depth (inf for none) and triangle of the nearest front face at each sample and at the centre, (H, W, 5) each."""
    y, x = np.mgrid[: view.height, : view.width].astype(float)
    px, py = x[..., None] + SEEN_X, y[..., None] + SEEN_Y
    rays = np.stack([(px - view.lens[1]) / view.lens[0], (py - view.lens[2]) / view.lens[0], np.ones_like(px)], -1)
    depth, triangle = np.full(px.shape, np.inf), np.full(px.shape, -1)
    for t, (a, b, c) in enumerate(solid.cam):
        if np.cross(b - a, c - a) @ a >= 0:  # seen from behind
            continue
        z = _intersect(np.zeros(3), rays, a, b, c)
        nearer = (z >= NEAR_M) & (z < depth)
        depth[nearer], triangle[nearer] = z[nearer], t
    return depth, triangle


def _intersect(origin: np.ndarray, rays: np.ndarray, a, b, c) -> np.ndarray:
    """Distance along each ray to a triangle, in lengths of the ray; inf where it misses."""
    edge1, edge2 = b - a, c - a
    p = np.cross(rays, edge2)
    determinant = p @ edge1
    with np.errstate(divide="ignore", invalid="ignore"):
        to = origin - a
        u = (p * to).sum(-1) / determinant
        q = np.cross(to, edge1)
        v = (rays * q).sum(-1) / determinant
        distance = (q * edge2).sum(-1) / determinant
        hit = (u >= 0) & (v >= 0) & (u + v <= 1)
    return np.where(hit, distance, np.inf)


def _settle(scene: Scene, view: View, solids: list[_Solid], hits: list, layers: Layers) -> None:
    """Decide who owns each sample and pixel, and shade each fragment."""
    if not solids:
        return
    depths = np.stack([depth for depth, _ in hits])
    seen = np.where(np.isfinite(depths).any(axis=0), depths.argmin(axis=0), -1)
    scores, owner = np.stack([_score(seen == k) for k in [*range(len(solids)), -1]]), seen[..., :SAMPLES]
    layers.coverage[:] = (owner >= 0).mean(axis=2)
    samples = np.stack([(owner == k).sum(axis=2) for k in range(len(solids))])
    scores[:-1][samples == 0] = -1
    wins = np.where(layers.coverage > 0, scores.argmax(axis=0), len(solids))
    wins[wins == len(solids)] = -1
    layers.instance_ids[:] = np.where(wins < len(layers.amodal_masks), wins + 1, 0)
    for k, solid in enumerate(solids):
        fragments = [
            (y, x, *part, first)
            for y, x in zip(*np.nonzero(samples[k]), strict=True)
            for first, part in enumerate(_parts(hits[k][1][y, x, :SAMPLES][owner[y, x] == k], solid.mesh.charts))
        ]
        if not fragments:
            continue
        rows, columns, triangles, count, rank = np.array(fragments).T
        fills = (samples[k][rows, columns] == SAMPLES) & (rank == 0)
        radiance, depth, normal = _shade(scene, view, solids, solid, rows, columns, triangles, fills)
        np.add.at(layers.radiance, (rows, columns), (count[:, None] / SAMPLES * radiance).astype(np.float32))
        mine = (wins[rows, columns] == k) & (rank == 0)
        layers.depth_m[rows[mine], columns[mine]] = depth[mine]
        layers.normals[rows[mine], columns[mine]] = normal[mine]


def _score(mine: np.ndarray) -> np.ndarray:
    """Ranks owners of a pixel (H, W) by their samples (H, W, 5) in it, then by who is seen at its centre, the last."""
    return 2 * mine[..., :SAMPLES].sum(axis=2) + mine[..., SAMPLES]


def _parts(triangles: np.ndarray, charts: np.ndarray) -> list[tuple[int, int]]:
    """The commonest triangle of each chart that some samples see, and the number of its samples; the most first."""
    of = charts[triangles].tolist()
    parts = [triangles[charts[triangles] == chart].tolist() for chart in dict.fromkeys(of)]
    return sorted(((max(p, key=p.count), len(p)) for p in parts), key=lambda part: -part[1])


def _shade(scene, view, solids, solid: _Solid, rows, columns, triangles, full):
    """Radiance (m, 3), depth (m,) and world normal (m, 3) of fragments of one placement."""
    mesh, surface = solid.mesh, solid.surface
    weights, footprint = _barycentric(solid, view, rows, columns, triangles, full)
    corners = mesh.faces[triangles]
    cam = np.einsum("mk,mkc->mc", weights, solid.cam[triangles])
    position = cam @ view.world_from_cam[:3, :3].T + view.world_from_cam[:3, 3]
    normal = _unit(np.einsum("mk,mkc->mc", weights, mesh.normals[corners].astype(float)) @ solid.rotation.T)
    albedo = _albedo(mesh, np.einsum("mk,mkc->mc", weights, mesh.st[corners].astype(float)), footprint)
    if isinstance(surface, Placement):  # a slab has its gain in its texture
        albedo *= np.array(surface.albedo_gain_linear)
    to_eye = _unit(view.world_from_cam[:3, 3] - position)
    coat_part, diffuse, coat = _environment(scene, surface, normal, to_eye)
    for light in scene.lights:
        added = _light(light, surface, solids, position, normal, to_eye)
        diffuse, coat = diffuse + added[0], coat + added[1]
    return albedo * (1 - coat_part[:, None]) * diffuse + coat, cam[:, 2], normal


def _barycentric(solid: _Solid, view: View, rows, columns, triangles, full) -> tuple[np.ndarray, np.ndarray]:
    """Weights (m, 3) at pixel centres, clamped unless the pixel is full; and how texture coordinates change: (m, 2
    axes, 2) per pixel."""
    st = solid.mesh.st[solid.mesh.faces[triangles]].astype(float)
    inverse = np.linalg.inv(solid.cam[triangles].transpose(0, 2, 1))

    def unclamped(dx: float, dy: float) -> np.ndarray:
        ray = np.stack(
            [
                (columns + 0.5 + dx - view.lens[1]) / view.lens[0],
                (rows + 0.5 + dy - view.lens[2]) / view.lens[0],
                np.ones(len(rows)),
            ],
            axis=-1,
        )
        w = np.einsum("mij,mj->mi", inverse, ray)
        return w / w.sum(axis=1, keepdims=True)

    middle = unclamped(0, 0)
    b = np.clip(middle[:, 1], 0, 1)
    c = np.clip(middle[:, 2], 0, 1 - b)
    goes_on = full & (middle.min(axis=1) >= -REACH)
    b, c = np.where(goes_on, middle[:, 1], b), np.where(goes_on, middle[:, 2], c)
    step = 1e-4
    axes = [(unclamped(step, 0) - unclamped(-step, 0)) / (2 * step)]
    axes.append((unclamped(0, step) - unclamped(0, -step)) / (2 * step))
    footprint = np.stack([np.einsum("mk,mkc->mc", a, st) for a in axes], axis=1)
    return np.stack([1 - b - c, b, c], axis=1), footprint


def _albedo(mesh: PreparedMesh, st: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Two bilinear reads along the longer axis of the footprint, (m, 3) linear."""
    length = np.linalg.norm(footprint * mesh.levels[0, 1:], axis=2)
    long = length.argmax(axis=1)
    axis = np.clip(footprint[np.arange(len(st)), long], -1, 1)
    size = np.maximum(length.min(axis=1), length.max(axis=1) / 2) * float(FINER) ** 0.5
    with np.errstate(divide="ignore"):
        level = np.clip(np.ceil(np.log2(size) - 1), 0, len(mesh.levels) - 1).astype(int)
    total = np.zeros((len(st), 3))
    for along in (-0.25, 0.25):
        total += _bilinear(mesh, level, st + along * axis)
    return total / 2


def _bilinear(mesh: PreparedMesh, level: np.ndarray, st: np.ndarray) -> np.ndarray:
    offset, width, height = mesh.levels[level].T
    x, y = st[:, 0] * width - 0.5, st[:, 1] * height - 0.5
    total = np.zeros((len(st), 3))
    for ix, wx in ((np.floor(x), 1 - x % 1), (np.floor(x) + 1, x % 1)):
        for iy, wy in ((np.floor(y), 1 - y % 1), (np.floor(y) + 1, y % 1)):
            row, column = _wrap(iy.astype(int), height, mesh.mirrored), _wrap(ix.astype(int), width, mesh.mirrored)
            total += (wx * wy)[:, None] * linear_from_texels(mesh.texels[offset + row * width + column])
    return total


def _wrap(at: np.ndarray, size: np.ndarray, mirrored: bool) -> np.ndarray:
    """Texel numbers inside 0..size - 1 of a texture that repeats, every other time turned over if `mirrored`."""
    return np.minimum(at % (2 * size), 2 * size - 1 - at % (2 * size)) if mirrored else at % size


def _environment(scene: Scene, surface: Placement | Slab, normal, to_eye):
    """Part of light the coat returns (m,), diffuse light (m, 3) and coat light (m, 3) from the environment."""
    environment = scene.environment
    light = environment_light(environment.map_file)
    nv = (normal * to_eye).sum(axis=1)
    table = coat_table(surface.roughness, surface.specular_f0)
    part = np.interp(np.maximum(nv, 1e-3), np.arange(COAT_STEPS + 1) / COAT_STEPS, table[: COAT_STEPS + 1])
    c, s = np.cos(environment.rotation_rad), np.sin(environment.rotation_rad)
    map_from_world = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    seen = normal @ map_from_world.T
    diffuse = np.maximum(harmonics(seen) @ light.sh, 0)
    reflected = (2 * nv[:, None] * normal - to_eye) @ map_from_world.T
    blurred = _octahedral(light.level(surface.roughness), reflected)
    return part, environment.strength * diffuse, environment.strength * part[:, None] * blurred


def _octahedral(image: np.ndarray, directions: np.ndarray) -> np.ndarray:
    d = directions / np.abs(directions).sum(axis=1, keepdims=True)
    folded = (1 - np.abs(d[:, 1::-1])) * np.where(d[:, :2] >= 0, 1, -1)
    uv = np.where(d[:, 2:] < 0, folded, d[:, :2])
    x, y = ((uv + 1) / 2 * MAP_SIDE_PX + 0.5).T
    total = np.zeros((len(d), 3))
    for ix, wx in ((np.floor(x).astype(int), 1 - x % 1), (np.floor(x).astype(int) + 1, x % 1)):
        for iy, wy in ((np.floor(y).astype(int), 1 - y % 1), (np.floor(y).astype(int) + 1, y % 1)):
            last = image.shape[0] - 1
            total += (wx * wy)[:, None] * image[np.minimum(iy, last), np.minimum(ix, last), :3]
    return total


def _light(light: Light, surface: Placement | Slab, solids, position, normal, to_eye) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse light and coat light (m, 3) that one spherical light adds."""
    offset = np.array(light.position_m) - position
    distance = np.linalg.norm(offset, axis=1)
    towards = offset / distance[:, None]
    nl, sine = (normal * towards).sum(axis=1), np.minimum(light.radius_m / distance, 1)
    nl = np.where(nl >= sine, nl, np.maximum(nl + sine, 0) ** 2 / (4 * sine + 1e-20))
    nv = np.maximum((normal * to_eye).sum(axis=1), 1e-3)
    half = _unit(towards + to_eye)
    nh, vh = (normal * half).sum(axis=1), (towards * half).sum(axis=1)
    power = light.power_w / (4 * np.pi**2 * np.maximum(distance, light.radius_m) ** 2)
    alpha2 = max(surface.roughness**2, MIN_ALPHA) ** 2
    wide2 = np.minimum(alpha2 + (light.radius_m / (2 * np.maximum(distance, light.radius_m))) ** 2, 1)
    lobe = wide2 / (nh**2 * (wide2 - 1) + 1) ** 2
    smith = nl * np.sqrt(nv**2 * (1 - alpha2) + alpha2) + nv * np.sqrt(nl**2 * (1 - alpha2) + alpha2)
    base = power * nl * ~_blocked(solids, position + 1e-4 * distance[:, None] * normal, light)
    coat = base * fresnel(vh, index_of_refraction(surface.specular_f0)) * lobe / (2 * np.maximum(smith, 1e-20))
    color = np.array(light.color_linear)
    return base[:, None] * color, coat[:, None] * color


def _blocked(solids: list[_Solid], origins: np.ndarray, light: Light) -> np.ndarray:
    """True where a triangle that faces the light stands between a point and the light's centre."""
    rays = np.array(light.position_m) - origins
    blocked = np.zeros(len(origins), bool)
    for solid in solids:
        for a, b, c in solid.world:
            if np.cross(b - a, c - a) @ (np.array(light.position_m) - a) > 0:
                distance = _intersect(origins, rays, a, b, c)
                blocked |= (distance > 1e-6) & (distance < 1)
    return blocked


def sky_seen(scene: Scene, meshes: MeshSource, points: np.ndarray, normals: np.ndarray, rays: int = 144) -> np.ndarray:
    """The cosine-weighted part (n,) of the sky that points (n, 3) in the world see, by stratified rays."""
    scene, view = with_suns(scene), view_of(scene.camera)
    solids = [
        _solid(p, prepare(meshes.mesh(p.asset_id, p.part), 64, ambient=False), p.world_from_object, view)
        for p in scene.placements
    ]
    solids += [_solid(s, prepare_slab(s), s.world_from_slab, view) for s in scene.surroundings]
    corners = np.concatenate([solid.world for solid in solids])
    side = int(np.sqrt(rays))
    u, v = (a.ravel() for a in np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2))
    seen = np.zeros(len(points))
    for i, (point, normal) in enumerate(zip(points, normals, strict=True)):
        aside = np.array([0.0, 0.0, 1.0]) if abs(normal[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        right = _unit(np.cross(aside, normal))
        level, turn = np.sqrt(u)[:, None], 2 * np.pi * v[:, None]
        towards = level * np.cos(turn) * right + level * np.sin(turn) * np.cross(normal, right)
        towards = towards + np.sqrt(1 - u)[:, None] * normal
        free = np.ones(len(towards), bool)
        for a, b, c in corners:
            distance = _intersect(point + 1e-5 * normal, towards, a, b, c)
            free &= ~((distance > 0) & np.isfinite(distance))
        seen[i] = free.mean()
    return seen


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
