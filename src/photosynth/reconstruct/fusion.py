"""Fusion: depths on which several photos agree become one cloud of points with normals and colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.record import Record
from photosynth.reconstruct.jit import kernel
from photosynth.reconstruct.patchmatch import DepthMap
from photosynth.reconstruct.views import View


class FusionConfig(Record, frozen=True, kw_only=True):
    """When depths agree."""

    witnesses: int = 2
    """Other photos that must confirm a depth."""
    max_witnesses: int = 10
    """Nearest photos that are asked."""
    angle_deg: float = 60.0
    """Photos at larger angles are not asked."""
    depth_rel: float = 0.006
    """Largest relative difference of depth."""
    pixels: float = 1.5
    """Largest error after going to the other photo by its depth and back."""
    voxels: float = 300.0
    """Points are merged on a grid of this many cells along the object's diagonal."""


@dataclass(frozen=True, eq=False)
class PointCloud:
    """points (n, 3) float64, normals (n, 3) float64 of unit length towards the photos, colors (n, 3) float64 sRGB
    0..255, weights (n,) float64: how many pixels each stands for."""

    points: np.ndarray
    normals: np.ndarray
    colors: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.points)

    def select(self, keep: np.ndarray) -> PointCloud:
        """The points of a mask or index."""
        return PointCloud(self.points[keep], self.normals[keep], self.colors[keep], self.weights[keep])


def fuse(
    config: FusionConfig, views: list[View], depths: list[DepthMap], angles: np.ndarray, diagonal: float
) -> tuple[PointCloud, list[np.ndarray]]:
    """The cloud, and for each view the (H, W) float32 depths that were confirmed (0 elsewhere).

    Args:
        config: when depths agree.
        views, depths: of the same length.
        angles: (v, v) degrees, from depth.view_angles.
        diagonal: of the object.
    """
    points, normals, colors, confirmed = [], [], [], []
    for k, view in enumerate(views):
        asked = [j for j in np.argsort(angles[k], kind="stable") if j != k and angles[k, j] < config.angle_deg]
        asked = [int(j) for j in asked if depths[j].depth.any()][: config.max_witnesses]
        kept = np.zeros_like(depths[k].depth)
        if len(asked) >= config.witnesses:
            kept = _confirm(config, view, depths[k].depth, [(views[j], depths[j].depth) for j in asked])
        confirmed.append(kept)
        rows, columns = np.nonzero(kept)
        z = kept[rows, columns].astype(float)
        m = view.intrinsics
        local = np.stack([(columns - m[0, 2]) / m[0, 0] * z, (rows - m[1, 2]) / m[1, 1] * z, z], axis=1)
        points.append((local - view.translation) @ view.rotation)
        normals.append(depths[k].normals[rows, columns].astype(float) @ view.rotation)
        colors.append(view.image[rows, columns].astype(float))
    ones = np.ones(sum(map(len, points)))
    cloud = PointCloud(np.concatenate(points), np.concatenate(normals), np.concatenate(colors), ones)
    return merge_on_grid(cloud, diagonal / config.voxels), confirmed


def merge_on_grid(cloud: PointCloud, cell: float) -> PointCloud:
    """Points in one cell of a grid become their mean; weights add up. Points whose normals cancel are dropped."""
    if not len(cloud):
        return cloud
    index = np.floor((cloud.points - cloud.points.min(axis=0)) / cell).astype(np.int64)
    size = index.max(axis=0) + 1
    _, inverse = np.unique((index[:, 0] * size[1] + index[:, 1]) * size[2] + index[:, 2], return_inverse=True)
    count = np.bincount(inverse, weights=cloud.weights)

    def mean(values: np.ndarray) -> np.ndarray:
        return (
            np.stack([np.bincount(inverse, weights=values[:, c] * cloud.weights) for c in range(3)], 1) / count[:, None]
        )

    normals = mean(cloud.normals)
    length = np.linalg.norm(normals, axis=1)
    merged = PointCloud(
        mean(cloud.points), normals / np.maximum(length, 1e-12)[:, None], mean(cloud.colors), count.astype(float)
    )
    return merged.select(length > 0.3)


def _confirm(config: FusionConfig, view: View, depth: np.ndarray, others: list[tuple[View, np.ndarray]]) -> np.ndarray:
    height = max(d.shape[0] for _, d in others)
    width = max(d.shape[1] for _, d in others)
    maps = np.zeros((len(others), height, width), np.float32)
    for k, (_, d) in enumerate(others):
        maps[k, : d.shape[0], : d.shape[1]] = d
    out = np.zeros_like(depth)
    _agree(
        depth, view.intrinsics, view.rotation, view.translation, maps, np.stack([v.intrinsics for v, _ in others]),
        np.stack([v.rotation for v, _ in others]), np.stack([v.translation for v, _ in others]),
        config.depth_rel, config.pixels, config.witnesses, out,
    )  # fmt: skip
    return out


@kernel
def _agree(depth, k, r, t, maps, ks, rs, ts, depth_rel, pixels, witnesses, out):
    """Write the mean of a pixel's depth and of what its witnesses say of it, where there are enough of them."""
    height, width = depth.shape
    for v in range(height):
        for u in range(width):
            d = np.float64(depth[v, u])
            if not d > 0:
                continue
            a, b, c = (u - k[0, 2]) / k[0, 0] * d - t[0], (v - k[1, 2]) / k[1, 1] * d - t[1], d - t[2]
            x = r[0, 0] * a + r[1, 0] * b + r[2, 0] * c
            y = r[0, 1] * a + r[1, 1] * b + r[2, 1] * c
            z = r[0, 2] * a + r[1, 2] * b + r[2, 2] * c
            count, total = 0, d
            for s in range(maps.shape[0]):
                a = rs[s, 0, 0] * x + rs[s, 0, 1] * y + rs[s, 0, 2] * z + ts[s, 0]
                b = rs[s, 1, 0] * x + rs[s, 1, 1] * y + rs[s, 1, 2] * z + ts[s, 1]
                c = rs[s, 2, 0] * x + rs[s, 2, 1] * y + rs[s, 2, 2] * z + ts[s, 2]
                if not c > 0:
                    continue
                iu, iv = round(ks[s, 0, 0] * a / c + ks[s, 0, 2]), round(ks[s, 1, 1] * b / c + ks[s, 1, 2])
                if iu < 0 or iv < 0 or iu >= maps.shape[2] or iv >= maps.shape[1]:
                    continue
                e = np.float64(maps[s, iv, iu])
                if not e > 0 or abs(e - c) > depth_rel * c:
                    continue
                a, b, c = (
                    (iu - ks[s, 0, 2]) / ks[s, 0, 0] * e - ts[s, 0],
                    (iv - ks[s, 1, 2]) / ks[s, 1, 1] * e - ts[s, 1],
                    e - ts[s, 2],
                )
                bx = rs[s, 0, 0] * a + rs[s, 1, 0] * b + rs[s, 2, 0] * c
                by = rs[s, 0, 1] * a + rs[s, 1, 1] * b + rs[s, 2, 1] * c
                bz = rs[s, 0, 2] * a + rs[s, 1, 2] * b + rs[s, 2, 2] * c
                a = r[0, 0] * bx + r[0, 1] * by + r[0, 2] * bz + t[0]
                b = r[1, 0] * bx + r[1, 1] * by + r[1, 2] * bz + t[1]
                c = r[2, 0] * bx + r[2, 1] * by + r[2, 2] * bz + t[2]
                if not c > 0:
                    continue
                eu, ev = k[0, 0] * a / c + k[0, 2] - u, k[1, 1] * b / c + k[1, 2] - v
                if eu * eu + ev * ev <= pixels * pixels:
                    count += 1
                    total += c
            if count >= witnesses:
                out[v, u] = total / (count + 1)
