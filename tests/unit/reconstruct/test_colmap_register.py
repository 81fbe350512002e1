"""COLMAP on a few small photos of a walk-around whose cameras are known."""

import json
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_up_walk import photos_of
from PIL import Image

from photosynth.core.errors import ConfigError, EngineError
from photosynth.core.progress import Silent
from photosynth.reconstruct.colmap import Session, SfmConfig
from photosynth.reconstruct.register import register
from photosynth.reconstruct.scale import _similarity
from photosynth.reconstruct.sparse import read_sparse, write_sparse

CAPTURE = Path(__file__).parents[3].parent / "shared" / "data" / "captures" / "virtual_halloumi"
NUMBERS = range(14, 22)
CONFIG = SfmConfig(effort="normal", max_features=2000)


class Counting(Silent):
    """Counts what each step was asked for and how much of it was there already."""

    def __init__(self):
        super().__init__()
        self.steps = {}

    def start(self, stage, total, unit):
        self.now = stage
        self.steps[stage] = []

    def advance(self, n=1):
        self.steps[self.now].append(n)


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    if not CAPTURE.is_dir():
        pytest.skip(f"{CAPTURE} is absent")
    folder = tmp_path_factory.mktemp("capture")
    (folder / "photos").mkdir()
    for k, number in enumerate(NUMBERS):
        Image.open(CAPTURE / "images" / f"{number:02d}.jpg").resize((640, 480), Image.BOX).save(
            folder / f"photos/{k:04d}.jpg", quality=95
        )
    photos = tuple(msgspec.structs.replace(p, size_wh=(640, 480), focal_px=None) for p in photos_of(len(NUMBERS)))
    return folder, photos


@pytest.fixture(scope="module")
def registered(capture, tmp_path_factory):
    folder, photos = capture
    work = tmp_path_factory.mktemp("work")
    return register(photos, folder, work, CONFIG), work


def true_cameras():
    data = json.loads((CAPTURE / "cameras.json").read_text())
    views = [data["views"][n] for n in NUMBERS]
    rotations = [np.array(v["rotation_cam_from_world"]) for v in views]
    centres = [-r.T @ np.array(v["translation_cam_from_world"]) for r, v in zip(rotations, views, strict=True)]
    return np.array(centres), data["focal_px"] * 640 / data["size_wh"][0]


def test_cameras_stand_where_they_stood(registered):
    models, _ = registered
    centres, focal_px = true_cameras()
    assert len(models[0].files) == len(NUMBERS)
    _, error = _similarity(models[0].centres(), centres)
    assert error.max() < 0.01 * 6.6  # 1 % of the distance to the object
    camera = models[0].cameras[0]
    assert camera.focal_px == pytest.approx(focal_px, rel=0.03)
    assert abs(camera.distortion[0]) < 0.03
    assert models[0].mean_agreement() > 0.95


def test_points_are_where_their_cameras_saw_them(registered):
    from photosynth.core.camera import project

    model = registered[0][0]
    for k in range(len(model.files)):
        mine = model.tracks[:, 1] == k
        uv, _ = project(model.cameras[k], model.points[model.tracks[mine, 0]])
        assert np.median(np.linalg.norm(uv - model.tracks_px[mine], axis=1)) < 1.0


def test_a_second_call_does_nothing_twice(capture, registered):
    folder, photos = capture
    models, work = registered
    progress = Counting()
    again = register(photos, folder, work, CONFIG, progress=progress)
    assert progress.steps["features"] == [len(photos)]
    assert progress.steps["matching"] == [len(photos) * (len(photos) - 1) // 2]
    assert again[0].files == models[0].files
    assert np.allclose(again[0].centres(), models[0].centres(), atol=1e-4)


def test_written_and_read(registered, tmp_path):
    model = registered[0][0]
    write_sparse(tmp_path, model)
    back = read_sparse(tmp_path)
    assert back.files == model.files
    assert back.cameras == model.cameras
    assert np.array_equal(back.tracks, model.tracks)
    assert np.array_equal(back.pair_agreement, model.pair_agreement)


def test_masked_pictures_give_no_features_outside(capture, tmp_path):
    import pycolmap

    folder, photos = capture
    mask = np.zeros((480, 640), np.uint8)
    mask[:, :200] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "0000.jpg.png")
    session = Session(photos[:2], folder, tmp_path / "work", CONFIG, tmp_path / "masks", Silent())
    session.extract()
    with pycolmap.Database.open(session.database) as db:
        first, second = (np.asarray(db.read_keypoints(i.image_id))[:, 0] for i in db.read_all_images())
    assert 0 < first.max() < 202
    assert second.max() > 400


def test_an_interrupt_is_obeyed_and_failures_are_ours(capture, tmp_path):
    folder, photos = capture
    session = Session(photos, folder, tmp_path / "work", CONFIG, None, Silent())
    cancelled = threading.Event()

    def forever(cancellation_token):
        while not cancellation_token.is_cancelled:
            cancelled.wait(0.01)
        cancelled.set()

    join = threading.Thread.join
    calls = []

    def first_join_is_interrupted(thread, timeout=None):
        calls.append(timeout)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return join(thread, timeout)

    threading.Thread.join = first_join_is_interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            session._call("waiting", forever)
    finally:
        threading.Thread.join = join
    assert cancelled.is_set()
    with pytest.raises(EngineError, match="colmap failed on dividing"):
        session._call("dividing", lambda cancellation_token: 1 / 0)


def test_one_photo_is_refused(capture, tmp_path):
    folder, photos = capture
    with pytest.raises(ConfigError, match="1 photo"):
        register(photos[:1], folder, tmp_path, CONFIG)
