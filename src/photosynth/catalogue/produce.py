"""Heaps of fruit and vegetables that nobody grows: distractors without any print."""

from __future__ import annotations

import colorsys

import numpy as np

from photosynth.core.mesh import Mesh

RINGS, SIDES = 9, 14
TEXTURE_PX = 256


def random_produce(rng: np.random.Generator) -> Mesh:
    """A heap of 1 to 50 bumpy round things of one kind, 6 to 45 cm across, texture (256, 256, 3)."""
    count = int(np.exp(rng.uniform(0.0, np.log(50.0))))
    radius = rng.uniform(0.015, 0.055)
    stretch = np.array([1.0, rng.uniform(0.85, 1.0), rng.choice([1.0, rng.uniform(0.6, 0.95), rng.uniform(1.2, 2.6)])])
    dents, dent_depth = int(rng.integers(0, 6)), rng.uniform(0.0, 0.16)
    pieces = []
    for k, centre in enumerate(_heap(rng, count, radius * float(stretch.max()) ** 0.5)):
        unit, uv, faces = _ball()
        azimuth = np.arctan2(unit[:, 1], unit[:, 0])
        bulge = 1.0 - dent_depth * (0.5 + 0.5 * np.cos(dents * azimuth)) * (1 - unit[:, 2] ** 2)
        bulge -= 0.12 * np.clip(unit[:, 2] - 0.8, 0, 1) * 5 * min(dents, 1)
        local = unit * bulge[:, None] * stretch * radius * rng.uniform(0.85, 1.1)
        turned = local @ _rotation(rng).T
        vertices = turned + centre
        shifted = (uv * 0.45 + rng.uniform(0.0, 0.55, 2)).astype(np.float32)
        pieces.append((vertices, shifted, faces + k * len(unit)))
    vertices = np.concatenate([p[0] for p in pieces])
    vertices -= (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    faces = np.concatenate([p[2] for p in pieces]).astype(np.int32)
    return Mesh(
        vertices_m=vertices.astype(np.float32),
        normals=_normals(vertices, faces),
        uv=np.concatenate([p[1] for p in pieces]),
        faces=faces,
        texture=_skin(rng),
    )


def _heap(rng: np.random.Generator, count: int, radius: float) -> np.ndarray:
    """Centres (count, 3) dropped one by one on a floor or on those that lie there already."""
    spread = radius * 0.72 * np.sqrt(count)
    centres = np.zeros((0, 3))
    for _ in range(count):
        x, y = rng.uniform(-spread, spread, 2)
        gap2 = (2 * radius) ** 2 - (centres[:, 0] - x) ** 2 - (centres[:, 1] - y) ** 2
        below = gap2 > 0
        z = float((centres[below, 2] + 0.9 * np.sqrt(gap2[below])).max()) if below.any() else 0.0
        centres = np.vstack([centres, [x, y, max(z, 0.0)]])
    return centres


def _ball() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vertices, texture coordinates 0..1 and faces of a sphere, anticlockwise from outside."""
    i, j = (a.ravel() for a in np.meshgrid(np.arange(RINGS + 1), np.arange(SIDES + 1), indexing="ij"))
    elevation, azimuth = np.pi * (i / RINGS - 0.5), 2 * np.pi * j / SIDES
    unit = np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], 1)
    row = SIDES + 1
    k = (np.arange(RINGS)[:, None] * row + np.arange(SIDES)).ravel()
    faces = np.concatenate([np.stack([k, k + 1, k + row + 1], 1), np.stack([k, k + row + 1, k + row], 1)])
    low, high = k < row, k >= (RINGS - 1) * row
    keep = np.concatenate([~low, ~high])  # at the poles one triangle of each pair has no area
    return unit, np.stack([j / SIDES, i / RINGS], axis=1), faces[keep]


def _rotation(rng: np.random.Generator) -> np.ndarray:
    """A uniform random rotation: QR of a Gaussian matrix (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted vertex normals (V, 3) float32."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(total, faces[:, k], flat)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / np.maximum(length, 1e-30), [0.0, 0.0, 1.0]).astype(np.float32)


def _skin(rng: np.random.Generator) -> np.ndarray:
    """A mottled skin: two neighbouring colours mixed by soft noise, speckles on top."""
    import cv2

    hue = rng.uniform(0, 1) if rng.random() < 0.25 else rng.choice([0.0, 0.02, 0.06, 0.09, 0.13, 0.2, 0.27, 0.33, 0.92])
    strong, value = rng.uniform(0.25, 0.95), rng.uniform(0.25, 0.95)
    colours = [
        np.array(colorsys.hsv_to_rgb((hue + rng.normal(0, 0.03)) % 1.0, np.clip(strong + rng.normal(0, 0.12), 0, 1), v))
        for v in (value, float(np.clip(value + rng.normal(0, 0.2), 0.1, 1)))
    ]
    mix = np.zeros((TEXTURE_PX, TEXTURE_PX), np.float32)
    for cells, weight in ((4, 0.5), (12, 0.3), (48, 0.2)):
        noise = rng.random((cells, cells)).astype(np.float32)
        mix += weight * cv2.resize(noise, (TEXTURE_PX, TEXTURE_PX), interpolation=cv2.INTER_CUBIC)
    skin = colours[0] * mix[..., None] + colours[1] * (1 - mix[..., None])
    speckle = (rng.random((TEXTURE_PX, TEXTURE_PX)) < rng.uniform(0, 0.02)).astype(np.float32)
    skin = skin * (1 - rng.uniform(-0.5, 0.5) * cv2.GaussianBlur(speckle, (0, 0), 1.0)[..., None] * 3)
    return np.rint(np.clip(skin, 0.02, 0.95) * 255).astype(np.uint8)
