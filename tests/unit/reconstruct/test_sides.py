"""Photos of both sides of an object are told apart by their folders."""

import msgspec
import numpy as np
import pytest
from made_up_walk import box_and_table, model_of, photos_of, ring

from photosynth.core.errors import ConfigError
from photosynth.core.progress import Silent
from photosynth.reconstruct import sides as room
from photosynth.reconstruct.colmap import SfmConfig
from photosynth.reconstruct.sparse import merged


def named(photos, folders):
    return tuple(
        msgspec.structs.replace(p, source=f"{folders[k % len(folders)]}/{p.source}") for k, p in enumerate(photos)
    )


@pytest.fixture
def walk():
    return model_of(ring(20, 30), box_and_table(np.random.default_rng(0)), np.random.default_rng(1))


def subset(model, keep):
    """The model's cameras of these rows alone."""
    files = [model.files[k] for k in keep]
    rows = np.isin(model.tracks[:, 1], keep)
    tracks = model.tracks[rows].copy()
    tracks[:, 1] = np.searchsorted(keep, tracks[:, 1])
    return with_cameras(model, tuple(files), tuple(model.cameras[k] for k in keep), tracks, model.tracks_px[rows])


def with_cameras(model, files, cameras, tracks, tracks_px):
    from dataclasses import replace

    none = np.zeros(0)
    return replace(
        model,
        files=files,
        cameras=cameras,
        tracks=tracks,
        tracks_px=tracks_px,
        pairs=np.zeros((0, 2), np.int32),
        pair_matches=none.astype(np.int32),
        pair_agreement=none.astype(np.float32),
    )


def test_two_folders_are_two_sides(tmp_path, monkeypatch, walk):
    photos = named(photos_of(20), ["up", "down"])
    asked = []

    def fake(members, folder, work, config, **named):
        asked.append((work.name, sorted({p.source.split("/")[0] for p in members})))
        return (subset(walk, [walk.files.index(p.file) for p in members]),)

    monkeypatch.setattr(room, "register", fake)
    monkeypatch.setattr(room, "scale_from_markers", lambda *a: None)
    ((first, second),) = room.find_sides(photos, tmp_path, tmp_path / "w", SfmConfig(), None, Silent())
    assert asked == [("side-0", ["down"]), ("side-1", ["up"])]
    assert {first.name, second.name} == {"up", "down"}
    assert len(first.photos) == len(second.photos) == 10
    assert first.work != second.work


def test_three_folders_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="3 folders"):
        room.find_sides(named(photos_of(9), "abc"), tmp_path, tmp_path, SfmConfig(), None, Silent())


def test_two_models_are_tried_as_sides_first(tmp_path, monkeypatch, walk):
    parts = (subset(walk, list(range(12))), subset(walk, list(range(12, 20))))
    monkeypatch.setattr(room, "register", lambda *a, **k: parts)
    monkeypatch.setattr(room, "scale_from_markers", lambda *a: None)
    tries = room.find_sides(photos_of(20), tmp_path, tmp_path / "w", SfmConfig(), None, Silent())
    assert [len(t) for t in tries] == [2, 1]
    assert [len(s.photos) for s in tries[0]] == [12, 8]
    assert len(tries[1][0].photos) == 20


def test_merged_models_keep_their_tracks(walk):
    a, b = subset(walk, list(range(0, 20, 2))), subset(walk, list(range(1, 20, 2)))
    both = merged([b, a])
    assert both.files == walk.files
    assert both.cameras == walk.cameras
    assert len(both.points) == 2 * len(walk.points)
    n = len(walk.points)
    mine = {(int(p) % n, int(c)) for p, c in both.tracks}
    assert mine == {(int(p), int(c)) for p, c in walk.tracks}
