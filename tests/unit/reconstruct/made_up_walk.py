"""A made-up walk round a box on a table, with exact cameras: what structure from motion would give without errors."""

import numpy as np

from photosynth.core.camera import Camera, project
from photosynth.core.capture import CapturedPhoto, Exposure
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.reconstruct.agreement import SharedView, agreements
from photosynth.reconstruct.sparse import SparseModel

SIZE_WH = (1600, 1200)
FOCAL_PX = 1500.0


def ring(count, elevation_deg, distance=2.0, start_deg=0.0, end_deg=360.0, aim=(0.0, 0.0, 0.15), roll_rad=0.0):
    """world_from_cam of cameras in a ring, all aimed at one point."""
    poses = []
    for azimuth in np.radians(np.linspace(start_deg, end_deg, count, endpoint=False)):
        e = np.radians(elevation_deg)
        eye = distance * np.array([np.cos(azimuth) * np.cos(e), np.sin(azimuth) * np.cos(e), np.sin(e)]) + aim
        poses.append(look_at(eye, np.array(aim), roll_rad))
    return poses


def box_and_table(rng, n_box=900, n_table=3000, half=(0.2, 0.15), height=0.3):
    """Points on a box's sides and top, and on a table 3 m wide at z = 0 round it."""
    x, y, z = rng.uniform(-1, 1, (3, n_box))
    side = rng.integers(0, 5, n_box)
    x = np.where(side == 0, -1, np.where(side == 1, 1, x)) * half[0]
    y = np.where(side == 2, -1, np.where(side == 3, 1, y)) * half[1]
    z = np.where(side == 4, height, (z + 1) / 2 * height)
    table = np.concatenate([rng.uniform(-1.5, 1.5, (n_table, 2)), np.zeros((n_table, 1))], axis=1)
    return np.concatenate([np.stack([x, y, z], axis=1), table])


def camera_at(world_from_cam, focal_px=FOCAL_PX):
    return Camera(
        size_wh=SIZE_WH,
        focal_px=focal_px,
        principal_px=(SIZE_WH[0] / 2, SIZE_WH[1] / 2),
        world_from_cam=as_matrix4(world_from_cam),
    )


def model_of(poses, points, rng, noise_px=0.3, wrong_poses=None, see_share=0.5):
    """A SparseModel; with `wrong_poses` the cameras are put there though the pairs show the true ones."""
    files = tuple(f"photos/{k:04d}.jpg" for k in range(len(poses)))
    cameras = [camera_at(p) for p in poses]
    tracks, pixels, seen = [], [], []
    for k, camera in enumerate(cameras):
        uv, depth = project(camera, points)
        inside = (depth > 0) & (uv > 0).all(axis=1) & (uv < SIZE_WH).all(axis=1) & (rng.random(len(uv)) < see_share)
        uv = uv + rng.normal(0, noise_px, uv.shape)
        seen.append({int(i): uv[i] for i in np.flatnonzero(inside)})
        tracks += [(int(i), k) for i in np.flatnonzero(inside)]
        pixels += [uv[i] for i in np.flatnonzero(inside)]
    order = np.lexsort(np.array(tracks).T[::-1])
    shared = []
    for a in range(len(poses)):
        for b in range(a + 1, min(a + 4, len(poses))):
            both = sorted(set(seen[a]) & set(seen[b]))
            if len(both) >= 30:
                shared.append(
                    SharedView(files[a], files[b], *(np.array([s[i] for i in both]) for s in (seen[a], seen[b])))
                )
    placed = [camera_at(p) for p in (wrong_poses if wrong_poses is not None else poses)]
    pairs, matches, agreement = agreements(files, placed, shared)
    return SparseModel(
        files=files,
        cameras=tuple(placed),
        points=points,
        colors=np.full((len(points), 3), 128, np.uint8),
        errors_px=np.full(len(points), noise_px, np.float32),
        tracks=np.array(tracks, np.int32)[order],
        tracks_px=np.array(pixels, np.float32)[order],
        pairs=pairs,
        pair_matches=matches,
        pair_agreement=agreement,
    )


def photos_of(count, focal_px=None):
    return tuple(
        CapturedPhoto(
            file=f"photos/{k:04d}.jpg",
            source=f"IMG_{k}.jpg",
            size_wh=SIZE_WH,
            focal_px=focal_px,
            camera_group="one",
            exposure=Exposure(mean=0.5, dark_share=0.0, bright_share=0.0),
            sharpness=1.0,
            time_s=float(k),
            verdict="good",
            reason="",
            used=True,
        )
        for k in range(count)
    )
