"""The sparse model: cameras, points and who saw what, in arrays of our own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ArtifactError
from photosynth.core.geometry import as_matrix4, transform_points
from photosynth.core.record import from_json, to_pretty_json

CAMERAS_FILE = "cameras.json"
POINTS_FILE = "points.npz"
STRONG_PAIR = 0.5
"""A pair counts as evidence from this share of the points that one of its pictures has in common with any."""
LINK = 0.5
"""Two pictures hold a model together if its poses agree with at least this share of what they have in common."""
ARRAYS = ("points", "colors", "errors_px", "tracks", "tracks_px", "pairs", "pair_matches", "pair_agreement")


@dataclass(frozen=True, eq=False)
class SparseModel:
    """One connected model that structure from motion found.

    Shapes: points (n, 3) float64 in the model's units, colors (n, 3) uint8 sRGB, errors_px (n,) float32 the mean
    reprojection error of each point, tracks (m, 2) int32 rows (point, camera) sorted by point, tracks_px (m, 2)
    float32 where that camera saw it (pixel centres at +0.5, with the lens's distortion). Evidence apart from the
    model: pairs (k, 2) int32 of cameras whose pictures were matched alone, pair_matches (k,) int32 how many points
    they had in common, pair_agreement (k,) float32 the share of these that the model's poses agree with.
    """

    files: tuple[str, ...]
    """Names of the registered pictures, sorted; camera k of `tracks` is the k-th."""
    cameras: tuple[Camera, ...]
    """Their cameras; distortion in OpenCV's order."""
    points: np.ndarray
    colors: np.ndarray
    errors_px: np.ndarray
    tracks: np.ndarray
    tracks_px: np.ndarray
    pairs: np.ndarray
    pair_matches: np.ndarray
    pair_agreement: np.ndarray

    def camera(self, file: str) -> Camera:
        """The camera of a picture. Raises KeyError if it was not registered."""
        if file not in self.files:
            raise KeyError(file)
        return self.cameras[self.files.index(file)]

    def centres(self) -> np.ndarray:
        """Optical centres, (c, 3)."""
        return np.array([c.position_m() for c in self.cameras]).reshape(-1, 3)

    def rotations(self) -> np.ndarray:
        """world_from_cam rotations, (c, 3, 3): columns are right, down and forward."""
        return np.array([np.array(c.world_from_cam)[:3, :3] for c in self.cameras]).reshape(-1, 3, 3)

    def mean_agreement(self) -> float:
        """Share of the points that strong pairs have in common with which the poses agree; 0 without pairs."""
        matches = self.pair_matches * self.strong_pairs()
        total = float(matches.sum())
        return float((self.pair_agreement * matches).sum()) / total if total else 0.0

    def strong_pairs(self) -> np.ndarray:
        """Which pairs have about as much in common as one of their pictures has with any, (k,) bool.

        Two sides of a packet that bear one print have something in common too, but never as much as neighbours: what
        they say against a model is no evidence. Where a model is folded, its neighbours say so.
        """
        best = np.zeros(len(self.files))
        np.maximum.at(best, self.pairs.ravel(), np.repeat(self.pair_matches, 2))
        return self.pair_matches >= STRONG_PAIR * best[self.pairs].min(axis=1, initial=np.inf)

    def linked_parts(self, strongly: bool = False) -> tuple[SparseModel, ...]:
        """What hangs together by pairs of pictures that agree with the model (by strong pairs only, if `strongly`), the
        largest part first.

        Front and back of a bottle with plain sides were once one model of 36 photos whose pairs agreed to 99.6 %, and
        the back lay on the front: a few stray points linked them, no pair of pictures did.
        """
        part = np.arange(len(self.files))
        linking = self.pair_agreement >= LINK
        for a, b in self.pairs[linking & self.strong_pairs() if strongly else linking]:
            part[part == part[a]] = part[b]
        groups = [np.flatnonzero(part == name) for name in np.unique(part)]
        if len(groups) == 1:
            return (self,)
        return tuple(self.of_cameras(group) for group in sorted(groups, key=lambda group: (-len(group), group[0])))

    def of_cameras(self, cameras: np.ndarray) -> SparseModel:
        """The model of some of its cameras (k,), ascending: with the points that two of them saw."""
        place = np.full(len(self.files), -1, np.int32)
        place[cameras] = np.arange(len(cameras), dtype=np.int32)
        seen = place[self.tracks[:, 1]] >= 0
        kept = np.bincount(self.tracks[seen, 0], minlength=len(self.points)) >= 2
        seen &= kept[self.tracks[:, 0]]
        row = np.cumsum(kept, dtype=np.int32) - 1
        inside = (place[self.pairs] >= 0).all(axis=1)
        return SparseModel(
            files=tuple(self.files[k] for k in cameras),
            cameras=tuple(self.cameras[k] for k in cameras),
            points=self.points[kept],
            colors=self.colors[kept],
            errors_px=self.errors_px[kept],
            tracks=np.stack([row[self.tracks[seen, 0]], place[self.tracks[seen, 1]]], axis=1),
            tracks_px=self.tracks_px[seen],
            pairs=place[self.pairs[inside]],
            pair_matches=self.pair_matches[inside],
            pair_agreement=self.pair_agreement[inside],
        )

    def track_lengths(self) -> np.ndarray:
        """How many cameras saw each point, (n,)."""
        return np.bincount(self.tracks[:, 0], minlength=len(self.points))

    def transformed(self, target_from_model: np.ndarray) -> SparseModel:
        """The same model after a similarity (4, 4): rotation, uniform scale, translation."""
        matrix = np.asarray(target_from_model, dtype=float)
        scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
        cameras = []
        for camera in self.cameras:
            moved = matrix @ np.array(camera.world_from_cam)
            moved[:3, :3] /= scale
            cameras.append(msgspec.structs.replace(camera, world_from_cam=as_matrix4(moved)))
        return replace(self, cameras=tuple(cameras), points=transform_points(matrix, self.points))


def write_sparse(folder: Path, model: SparseModel) -> None:
    """Write ``cameras.json`` (picture name to Camera) and ``points.npz`` into a folder, atomically."""
    write_atomic(folder / CAMERAS_FILE, to_pretty_json(dict(zip(model.files, model.cameras, strict=True))))
    data = io.BytesIO()
    arrays = {name: getattr(model, name) for name in ARRAYS}
    np.savez_compressed(data, **arrays)
    write_atomic(folder / POINTS_FILE, data.getvalue())


def read_sparse(folder: Path) -> SparseModel:
    """Read what write_sparse wrote. Raises ArtifactError if it is not there."""
    folder = Path(folder)
    try:
        cameras = from_json((folder / CAMERAS_FILE).read_bytes(), dict[str, Camera], str(folder / CAMERAS_FILE))
        with np.load(folder / POINTS_FILE) as data:
            arrays = {name: data[name] for name in data.files}
    except (FileNotFoundError, ValueError) as error:
        raise ArtifactError(f"{folder} holds no sparse model ({error}); reconstruct again") from error
    files = tuple(sorted(cameras))
    return SparseModel(files=files, cameras=tuple(cameras[f] for f in files), **arrays)


def merged(models: Sequence[SparseModel]) -> SparseModel:
    """Models of different pictures in one world as one model."""
    names = [(file, k, c) for k, model in enumerate(models) for c, file in enumerate(model.files)]
    place = {(k, c): row for row, (_, k, c) in enumerate(sorted(names))}
    first_point = np.cumsum([0, *(len(m.points) for m in models)])
    cameras = [np.array([place[k, c] for c in range(len(m.files))], np.int32) for k, m in enumerate(models)]
    tracks = [
        np.column_stack([m.tracks[:, 0] + first_point[k], cameras[k][m.tracks[:, 1]]]).astype(np.int32)
        for k, m in enumerate(models)
    ]
    ordered = sorted(names)
    return SparseModel(
        files=tuple(file for file, _, _ in ordered),
        cameras=tuple(models[k].cameras[c] for _, k, c in ordered),
        tracks=np.concatenate(tracks),
        pairs=np.concatenate([cameras[k][m.pairs] for k, m in enumerate(models)]),
        **{
            name: np.concatenate([getattr(m, name) for m in models])
            for name in ("points", "colors", "errors_px", "tracks_px", "pair_matches", "pair_agreement")
        },
    )
