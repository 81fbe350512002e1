"""Cleaning: what scanners and exporters leave behind is taken out, seams and texture coordinates stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photosynth.catalogue.surface import Surface, face_normals, position_ids, row_ids
from photosynth.core.errors import ConfigError

FLAT_FACES = 500
"""A mesh with more faces than this, all of them shaded flat, was exported without smoothing by mistake."""

FAR_OFF = 1000.0
"""Vertices this many times further from the middle than half of the others are mistakes."""
NO_AREA = 1e-12
"""Faces of less area, with the box's diagonal as 1 and in single precision, are nothing."""


def clean(surface: Surface, debris_fraction: float, where: str) -> tuple[Surface, tuple[str, ...]]:
    """Drop broken vertices, degenerate and doubled faces, debris and unused vertices; merge equal vertices.

    Args:
        surface: in any units.
        debris_fraction: connected pieces with a smaller share of the area, and shorter than a tenth of the whole,
            are dropped.
        where: named in errors.

    Raises:
        ConfigError: if nothing is left.
    """
    notes: list[str] = []
    if surface.normals is not None and not np.isfinite(surface.normals).all():
        surface = replace(surface, normals=None)
    surface, dropped = _without_broken(surface)
    if dropped:
        notes.append(f"{dropped} broken or empty faces dropped")
    if len(surface.faces) == 0:
        raise ConfigError(f"{where} has no face with an area; the mesh is empty or damaged")
    surface = merge_equal(surface)
    surface, pieces = _without_debris(surface, debris_fraction)
    if pieces:
        notes.append(f"{pieces} small loose pieces dropped")
    surface, turned = _facing_out(surface)
    if turned:
        notes.append("faces were inside out and have been turned")
    return surface, tuple(notes)


def merge_equal(surface: Surface) -> Surface:
    """The surface with vertices of equal place, texture coordinates, colour and normal made one."""
    columns = [position_ids(surface.vertices)[:, None]]
    if surface.uv is not None:
        columns.append(np.round(surface.uv * 1e6).astype(np.int64))
    if surface.colors is not None:
        columns.append(surface.colors.astype(np.int64))
    if surface.normals is not None:
        columns.append(np.round(surface.normals * 1e3).astype(np.int64))
    ids = row_ids(np.concatenate(columns, axis=1))
    _, first = np.unique(ids, return_index=True)
    return surface.pick(first, ids[surface.faces]).compact()


def without_flat_normals(surface: Surface) -> Surface:
    """Forget normals that are unusable: not finite, or flat on a mesh too fine to be meant as facets."""
    normals = surface.normals
    if normals is None:
        return surface
    length = np.linalg.norm(normals, axis=1)
    if not np.isfinite(length).all() or (length < 1e-6).any():
        return merge_equal(replace(surface, normals=None))
    unit = normals / length[:, None]
    facing, _ = face_normals(surface.vertices, surface.faces)
    agreement = np.einsum("fkc,fc->fk", unit[surface.faces], facing)
    flat = len(surface.faces) > FLAT_FACES and (agreement > 0.999).mean() > 0.95
    if flat or np.median(agreement) < 0.0:
        return merge_equal(replace(surface, normals=None))
    return replace(surface, normals=unit)


def _without_broken(surface: Surface) -> tuple[Surface, int]:
    """Without vertices that are not finite or absurdly far off, and without faces of no area or there twice."""
    good = np.isfinite(surface.vertices).all(axis=1) & (np.abs(surface.vertices) < 1e30).all(axis=1)
    if surface.uv is not None:
        good &= np.isfinite(surface.uv).all(axis=1) & (np.abs(surface.uv) < 1e6).all(axis=1)
    if good.any():
        middle = np.median(surface.vertices[good], axis=0)
        distance = np.linalg.norm(np.where(good[:, None], surface.vertices - middle, 0.0), axis=1)
        good &= distance <= FAR_OFF * max(float(np.median(distance[good])), 1e-300)
    faces = surface.faces[good[surface.faces].all(axis=1)]
    if len(faces) == 0:
        return replace(surface, faces=faces), len(surface.faces)
    safe = np.where(good[:, None], surface.vertices, surface.vertices[faces[0, 0]])
    span = float(np.linalg.norm(np.ptp(safe, axis=0))) or 1.0
    single = ((safe - safe[faces[0, 0]]) / span).astype(np.float32).astype(float)
    _, area = face_normals(single, faces)
    faces = faces[area > NO_AREA]
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True) if len(faces) else (None, np.empty(0, int))
    faces = faces[np.sort(first)]
    left = replace(surface, vertices=safe)
    return (left.compact(faces) if len(faces) else replace(left, faces=faces)), len(surface.faces) - len(faces)


def _without_debris(surface: Surface, fraction: float) -> tuple[Surface, int]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if fraction <= 0:
        return surface, 0
    places = position_ids(surface.vertices)[surface.faces]
    n = int(places.max()) + 1
    links = coo_matrix(
        (np.ones(2 * len(places), np.int8), (places[:, [0, 1]].ravel(), places[:, [1, 2]].ravel())), shape=(n, n)
    )
    count, label_of_place = connected_components(links, directed=False)
    label = label_of_place[places[:, 0]]
    _, area = face_normals(surface.vertices, surface.faces)
    share = np.bincount(label, area, count) / area.sum()
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    corner_label = np.repeat(label, 3)
    np.minimum.at(low, corner_label, surface.vertices[surface.faces.ravel()])
    np.maximum.at(high, corner_label, surface.vertices[surface.faces.ravel()])
    debris = (share < fraction) & (np.linalg.norm(high - low, axis=1) < 0.1 * surface.diagonal())
    debris[np.argmax(share)] = False
    if not debris.any():
        return surface, 0
    return surface.compact(surface.faces[~debris[label]]), int(debris.sum())


def _facing_out(surface: Surface) -> tuple[Surface, bool]:
    """Turn all faces if the surface, taken as a whole, faces inwards (its signed volume about the middle)."""
    normal, area = face_normals(surface.vertices, surface.faces)
    centre = surface.vertices[surface.faces].mean(axis=1)
    middle = (centre * area[:, None]).sum(axis=0) / area.sum()
    volume = area * np.einsum("fc,fc->f", normal, centre - middle)
    if volume.sum() >= -0.3 * np.abs(volume).sum():
        return surface, False
    normals = None if surface.normals is None else -surface.normals
    return replace(surface, faces=np.ascontiguousarray(surface.faces[:, ::-1]), normals=normals), True
