"""Texture: the photos laid onto the mesh, without seams, without the table, and honest about what none of them saw.

Two bands: low frequencies are the weighted mean of all photos that see a place, high frequencies come from the few
that see it best (Burt and Adelson, TOG 1983; Allène et al., ICPR 2008). Exposure and white balance of each photo are
brought together first by robust per-channel gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import csr_matrix, diags

from photosynth.core.record import Record
from photosynth.reconstruct.atlas import Texels, Unwrapped, list_texels, unwrap
from photosynth.reconstruct.jit import kernel
from photosynth.reconstruct.occlusion import DepthOfMesh
from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.views import View

OCCLUSION_SCALE = 0.5
"""Depth maps for occlusion are drawn at this scale of the photos."""


OCCLUSION_PX = 3.0
"""Pixels of these maps, laid out in depth, within which a point is not hidden: widened edges lie that far before it."""


MASK_RIM_PX = 2
"""Pixels inside the rim of a view's mask that are not used: they are blurred with the background."""
BEFORE_ALL = np.float32(-1e9)
"""A depth before which nothing is: whatever projects there is not seen."""


class TextureConfig(Record, frozen=True, kw_only=True):
    """How photos become a texture."""

    side_px: int = 2048
    """Side of the texture."""
    least_cosine: float = 0.15
    """A photo counts where the surface faces it with at least this cosine."""
    power: float = 4.0
    """A photo's share of the high frequencies goes with this power of how well it sees a place: higher is sharper
    where photos do not lie on each other exactly, lower has less noise."""
    band_px: float = 8.0
    """Standard deviation, in pixels of the photo, of the blur that parts low from high frequencies."""
    match_exposure: bool = True
    """Bring the photos' exposures and white balances together."""


@dataclass(frozen=True, eq=False)
class Texture:
    """image (S, S, 3) uint8 sRGB, row 0 at the top; seen (S, S) bool: texels that some photo saw; unwrapped: the
    atlas; seen_vertices (V,) bool: vertices of the mesh that some photo saw; gains (v, 3): what each photo was
    multiplied by."""

    image: np.ndarray
    seen: np.ndarray
    unwrapped: Unwrapped
    seen_vertices: np.ndarray
    gains: np.ndarray


def bake(config: TextureConfig, surface: Surface, normals: np.ndarray, views: list[View], diagonal: float) -> Texture:
    """The texture of a surface from photos at full size.

    Args:
        config: how.
        surface: the mesh.
        normals: (V, 3) of its vertices.
        views: the photos; at least one.
        diagonal: of the object.
    """
    quality, blurred, depths = vertex_views(config, surface, normals, views, diagonal)
    gains = match_gains(quality, blurred) if config.match_exposure else np.ones((len(views), 3))
    neighbours = adjacency(surface)
    best = best_views(quality, neighbours, config.power)
    mean = spread(quality**2, neighbours, 6)
    unwrapped = unwrap(surface.vertices, surface.faces, config.side_px)
    texels = list_texels(unwrapped, config.side_px)
    low, low_weight = np.zeros((len(texels.rows), 3), np.float32), np.zeros(len(texels.rows), np.float32)
    high, high_weight = np.zeros_like(low), np.zeros_like(low_weight)
    points = np.ascontiguousarray(surface.vertices[unwrapped.origin])
    middle = surface.vertices.mean(axis=0)
    for k, view in enumerate(views):
        distance = float(np.linalg.norm(view.centre - middle))
        image = view.image.astype(np.float32) * gains[k].astype(np.float32)
        soft = _blurred(image, view.mask, config.band_px)
        shares = np.stack([mean[:, k], best[:, k]], axis=1)[unwrapped.origin].astype(np.float32)
        _gather(
            texels.face, texels.weights, unwrapped.faces, points, shares, view.rotation, view.translation,
            view.intrinsics, image, soft, depths[k], OCCLUSION_SCALE,
            float(_tolerance(0.008, view, distance, diagonal)), low, low_weight, high,
            high_weight,
        )  # fmt: skip
    color = low / np.maximum(low_weight, 1e-6)[:, None] + high / np.maximum(high_weight, 1e-6)[:, None]
    return _fill(config.side_px, texels, color, low_weight > 1e-4, unwrapped, quality.max(axis=1) > 0, gains)


def vertex_views(
    config: TextureConfig, surface: Surface, normals: np.ndarray, views: list[View], diagonal: float
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """How well each photo sees each vertex (V, v) float32 (0: not at all), its blurred colour there (V, v, 3)
    float32, and the depth of the mesh in each photo, at OCCLUSION_SCALE, with edges widened."""
    vertices = surface.vertices
    quality = np.zeros((len(vertices), len(views)), np.float32)
    colors = np.zeros((len(vertices), len(views), 3), np.float32)
    drawn = DepthOfMesh(surface, normals)
    depths = []
    for k, view in enumerate(views):
        depth = cv2.erode(drawn.seen_by(view, OCCLUSION_SCALE), np.ones((3, 3)))
        if view.mask is not None:
            depth[~_well_inside(view.mask, depth.shape)] = BEFORE_ALL
        depths.append(depth)
        pixels, z = view.project(vertices)
        rays = view.centre - vertices
        cosine = (rays * normals).sum(axis=1) / np.linalg.norm(rays, axis=1)
        height, width = view.image.shape[:2]
        inside = (z > 0) & (pixels[:, 0] > 8) & (pixels[:, 1] > 8)
        inside &= (pixels[:, 0] < width - 9) & (pixels[:, 1] < height - 9)
        at = np.where(inside[:, None], pixels, 0.0)
        row, column = _depth_pixel(at[:, 1], depth.shape[0]), _depth_pixel(at[:, 0], depth.shape[1])
        seen = inside & (z < depth[row, column] + _tolerance(0.01, view, z, diagonal)) & (cosine > config.least_cosine)
        quality[:, k] = np.where(seen, (cosine - 0.1) * view.intrinsics[0, 0] / np.where(z > 0, z, 1), 0)
        soft = _blurred(view.image, view.mask, config.band_px)
        colors[:, k] = soft[np.rint(at[:, 1]).astype(int), np.rint(at[:, 0]).astype(int)]
    return quality, colors, depths


def _well_inside(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A view's mask at the size (H, W) of its depth map, without MASK_RIM_PX of its rim: that is part background."""
    reach = 2 * MASK_RIM_PX + 1
    core = cv2.erode(mask.astype(np.uint8), np.ones((reach, reach), np.uint8))
    return cv2.resize(core, shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)


def _blurred(image: np.ndarray, mask: np.ndarray | None, sigma_px: float) -> np.ndarray:
    """The image after a Gaussian blur, as its kind; with a mask nothing outside it is mixed in."""
    if mask is None:
        return cv2.GaussianBlur(image, (0, 0), sigma_px)
    share = mask.astype(np.float32)
    mixed = cv2.GaussianBlur(image.astype(np.float32) * share[..., None], (0, 0), sigma_px)
    soft = mixed / np.maximum(cv2.GaussianBlur(share, (0, 0), sigma_px), 1e-3)[..., None]
    return np.where(mask[..., None], soft, image).astype(image.dtype)


def match_gains(quality: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Gains (v, 3) that make the photos agree where they see the same vertices well: alternating means of the logs
    over photos and medians over vertices; their geometric mean is 1."""
    seen = quality > 0
    good = quality > np.percentile(quality[seen], 40) if seen.any() else seen
    gains = np.ones((quality.shape[1], 3))
    shared = good.sum(axis=1) > 1
    for channel in range(3):
        light = np.log(np.maximum(colors[:, :, channel], 4))
        offset = np.zeros(quality.shape[1])
        for _ in range(30):
            agreed = (good * (light - offset)).sum(axis=1) / np.maximum(good.sum(axis=1), 1)
            for k in range(quality.shape[1]):
                mine = good[:, k] & shared
                if mine.sum() > 20:
                    offset[k] = np.median(light[mine, k] - agreed[mine])
            offset -= offset.mean()
        gains[:, channel] = np.exp(-offset)
    return gains


def adjacency(surface: Surface) -> csr_matrix:
    """(V, V): each row is the mean over a vertex's neighbours."""
    f = surface.faces
    edges = np.unique(np.sort(np.concatenate([f[:, :2], f[:, 1:], f[:, [2, 0]]]), axis=1), axis=0)
    both = np.concatenate([edges, edges[:, ::-1]])
    count = len(surface.vertices)
    matrix = csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(count, count))
    return diags(1 / np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1)) @ matrix


def best_views(quality: np.ndarray, neighbours: csr_matrix, power: float) -> np.ndarray:
    """(V, v) weights that sum to 1 where a vertex is seen: the photos that see it best, by a power of how well."""
    share = quality / np.maximum(quality.max(axis=1, keepdims=True), 1e-9)
    return spread(share**power, neighbours, 3, share > 0)


def spread(weights: np.ndarray, neighbours: csr_matrix, rounds: int, allowed: np.ndarray | None = None) -> np.ndarray:
    """(V, v) weights smoothed over the mesh, never where a photo does not see, normalised to sum 1 where any does."""
    allowed = weights > 0 if allowed is None else allowed
    for _ in range(rounds):
        weights = (0.5 * weights + 0.5 * (neighbours @ weights)) * allowed
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)


def _tolerance(share: float, view: View, distance: np.ndarray | float, diagonal: float) -> np.ndarray:
    """How far behind the drawn depth a point still counts as seen: a share of the object, but some pixels at least."""
    return np.maximum(share * diagonal, OCCLUSION_PX * distance / (view.intrinsics[0, 0] * OCCLUSION_SCALE))


def _depth_pixel(at: np.ndarray, limit: int) -> np.ndarray:
    return np.clip(((at + 0.5) * OCCLUSION_SCALE).astype(int), 0, limit - 1)


def _fill(side, texels: Texels, color, seen, unwrapped, seen_vertices, gains) -> Texture:
    """Spread seen texels over the gaps between charts, and over what no photo saw."""
    image = np.zeros((side, side, 3), np.uint8)
    known = np.zeros((side, side), bool)
    rows, columns = texels.rows[seen], texels.columns[seen]
    image[rows, columns] = np.clip(np.rint(color[seen]), 0, 255)
    known[rows, columns] = True
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    if known.any():
        lookup = np.zeros((nearest.max() + 1, 3), np.uint8)
        lookup[nearest[known]] = image[known]
        image = lookup[nearest]
    return Texture(image, known, unwrapped, seen_vertices, gains)


@kernel
def _gather(
    face, weights, faces, points, shares, r, t, k, image, soft, depth, scale, tolerance, low, low_weight, high,
    high_weight,
):  # fmt: skip
    """Add one photo to every texel that it sees."""
    height, width = image.shape[:2]
    for n in range(face.shape[0]):
        i0, i1, i2 = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        a, b, c = weights[n, 0], weights[n, 1], weights[n, 2]
        wl = a * shares[i0, 0] + b * shares[i1, 0] + c * shares[i2, 0]
        wh = a * shares[i0, 1] + b * shares[i1, 1] + c * shares[i2, 1]
        if wl <= 1e-6 and wh <= 1e-6:
            continue
        x = a * points[i0, 0] + b * points[i1, 0] + c * points[i2, 0]
        y = a * points[i0, 1] + b * points[i1, 1] + c * points[i2, 1]
        z = a * points[i0, 2] + b * points[i1, 2] + c * points[i2, 2]
        p = r[0, 0] * x + r[0, 1] * y + r[0, 2] * z + t[0]
        q = r[1, 0] * x + r[1, 1] * y + r[1, 2] * z + t[1]
        d = r[2, 0] * x + r[2, 1] * y + r[2, 2] * z + t[2]
        if not d > 0:
            continue
        u, v = k[0, 0] * p / d + k[0, 2], k[1, 1] * q / d + k[1, 2]
        if not (u >= 2 and v >= 2 and u < width - 3 and v < height - 3):
            continue
        row, column = int((v + 0.5) * scale), int((u + 0.5) * scale)
        if row >= depth.shape[0] or column >= depth.shape[1] or d > depth[row, column] + tolerance:
            continue
        x0, y0 = int(u), int(v)
        fx, fy = np.float32(u - x0), np.float32(v - y0)
        for m in range(3):
            top = image[y0, x0, m] + (image[y0, x0 + 1, m] - image[y0, x0, m]) * fx
            under = image[y0 + 1, x0, m] + (image[y0 + 1, x0 + 1, m] - image[y0 + 1, x0, m]) * fx
            sharp = top + (under - top) * fy
            top = soft[y0, x0, m] + (soft[y0, x0 + 1, m] - soft[y0, x0, m]) * fx
            under = soft[y0 + 1, x0, m] + (soft[y0 + 1, x0 + 1, m] - soft[y0 + 1, x0, m]) * fx
            blurred = top + (under - top) * fy
            low[n, m] += wl * blurred
            high[n, m] += wh * (sharp - blurred)
        low_weight[n] += wl
        high_weight[n] += wh
