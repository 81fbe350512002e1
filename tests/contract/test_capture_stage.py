"""The capture stage alone, on photos drawn here and on a real walk-around."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from photosynth.capture import stage
from photosynth.capture.stage import CaptureConfig, run
from photosynth.core.artifact import verify_artifact
from photosynth.core.capture import read_capture
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.progress import Silent

HALLOUMI = Path(__file__).parents[2].parent / "shared" / "data" / "captures" / "virtual_halloumi" / "images"


@functools.cache
def strip(seed, height):
    """A long picture of small bright and dark blocks."""
    cells = np.random.default_rng(seed).integers(20, 230, (height // 6, 400, 3)).astype(np.uint8)
    return np.kron(cells, np.ones((6, 6, 1), np.uint8))


def scene(shift, *, size=(480, 360), seed=1):
    """A textured picture that moves sideways, near things twice as fast as far ones."""
    w, half = size[0], size[1] // 2
    far, near = strip(seed, 180)[:half, shift : shift + w], strip(seed + 100, 180)[:half, 2 * shift : 2 * shift + w]
    return Image.fromarray(np.concatenate([far, near]))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(6):
        scene(25 * k).save(folder / f"p{k}.jpg", quality=95)
    return folder


def test_verdicts_name_the_photo_and_the_reason(tmp_path, photos):
    scene(150).filter(ImageFilter.GaussianBlur(4)).save(photos / "soft.jpg", quality=95)
    scene(50).save(photos / "twin.jpg", quality=80)
    Image.fromarray((np.asarray(scene(75)) * 0.04).astype(np.uint8)).save(photos / "night.jpg", quality=95)
    Image.fromarray((250 + np.asarray(scene(75)) * 0.02).astype(np.uint8)).save(photos / "sun.jpg", quality=95)
    scene(0, seed=9).save(photos / "other.jpg", quality=95)
    (photos / "broken.jpg").write_bytes(b"no picture")
    progress = Silent()
    artifact = run(CaptureConfig(), photos, tmp_path / "out", progress=progress)
    capture = read_capture(artifact.folder)
    verdicts = {p.source: p.verdict for p in capture.photos if p.verdict != "good"}
    twin = next(s for s, v in verdicts.items() if v == "duplicate")
    assert twin in ("p2.jpg", "twin.jpg")
    del verdicts[twin]
    assert verdicts == {
        "soft.jpg": "blurred",
        "night.jpg": "too dark",
        "sun.jpg": "too bright",
        "other.jpg": "too little overlap",
        "broken.jpg": "unreadable",
    }
    by_name = {p.source: p for p in capture.photos}
    assert ({"p2.jpg", "twin.jpg"} - {twin}).pop() in by_name[twin].reason
    assert all(p.reason for p in capture.photos if p.verdict != "good")
    assert [p.source for p in capture.photos if not p.used] == sorted({*verdicts, twin} - {"other.jpg"})
    assert by_name["soft.jpg"].sharpness < 0.6 < by_name["p3.jpg"].sharpness
    assert any("soft.jpg" in note and "blurred" in note for note in progress.notes)
    assert any("soft.jpg" in line for line in capture.advice)
    assert artifact.manifest.summary["n_used"] == 7
    assert not verify_artifact(artifact.folder)
    assert all((artifact.folder / p.file).is_file() for p in capture.photos if p.file)


def test_written_pictures_are_bounded_and_never_enlarged(tmp_path, photos):
    scene(10, size=(800, 300)).save(photos / "wide.png")
    artifact = run(CaptureConfig(max_side_px=500), photos, tmp_path / "out")
    sizes = {p.source: p.size_wh for p in read_capture(artifact.folder).photos}
    assert sizes["wide.png"] == (500, 188)
    assert sizes["p0.jpg"] == (480, 360)
    for photo in read_capture(artifact.folder).photos:
        assert Image.open(artifact.folder / photo.file).size == photo.size_wh


def test_a_plain_dark_background_is_no_fault(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(5):
        black = Image.new("RGB", (640, 480), (4, 4, 4))
        black.paste(scene(15 * k, size=(200, 160)), (220, 160))
        black.save(folder / f"{k}.jpg", quality=95)
    capture = read_capture(run(CaptureConfig(), folder, tmp_path / "out").folder)
    assert [p.verdict for p in capture.photos] == ["good"] * 5


def test_resumed_after_an_interruption(tmp_path, photos, monkeypatch):
    done = []
    whole = stage.take

    def stops(unit):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(unit.source.name)
        return whole(unit)

    monkeypatch.setattr(stage, "take", stops)
    with pytest.raises(KeyboardInterrupt):
        run(CaptureConfig(), photos, tmp_path / "out")
    first = (tmp_path / "out" / "photos" / "0000.jpg").stat().st_mtime_ns
    monkeypatch.setattr(stage, "take", whole)
    artifact = run(CaptureConfig(), photos, tmp_path / "out")
    assert (artifact.folder / "photos" / "0000.jpg").stat().st_mtime_ns == first
    straight = run(CaptureConfig(), photos, tmp_path / "straight")
    assert (straight.folder / "photos.json").read_bytes() == (artifact.folder / "photos.json").read_bytes()
    assert not (artifact.folder / "measured").exists()
    with pytest.raises(ArtifactError, match="overwrite"):
        run(CaptureConfig(max_side_px=400), photos, tmp_path / "out")


def test_what_cannot_work_is_refused(tmp_path, photos):
    with pytest.raises(ConfigError, match="does not exist"):
        run(CaptureConfig(), tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no photos"):
        run(CaptureConfig(), tmp_path / "empty", tmp_path / "out")
    with pytest.raises(ConfigError, match="inside"):
        run(CaptureConfig(), photos, photos / "out")
    with pytest.raises(ConfigError, match="jpeg_quality"):
        run(CaptureConfig(jpeg_quality=5), photos, tmp_path / "out")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_bytes(b"x")
    with pytest.raises(ConfigError, match="none of the 1 photos"):
        run(CaptureConfig(), tmp_path / "bad", tmp_path / "out2")


def test_a_video_gives_sharp_well_spread_frames(tmp_path):
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "walk.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (480, 360))
    shifts = [0] * 9 + [10 * k for k in range(30)]  # a rest, then a steady walk
    for k, shift in enumerate(shifts):
        frame = scene(shift)
        if k % 3 == 1:
            frame = frame.filter(ImageFilter.GaussianBlur(3))
        video.write(np.asarray(frame)[..., ::-1].copy())
    video.release()
    capture = read_capture(run(CaptureConfig(frames=8), path, tmp_path / "out").folder)
    assert capture.kind == "video"
    assert capture.ordered
    numbers = [round(float(p.source.split("@")[1][:-1]) * 10) for p in capture.photos]
    assert len(numbers) == 8
    assert all(n % 3 != 1 for n in numbers), numbers
    assert sum(n < 9 for n in numbers) <= 1
    steps = np.diff([shifts[n] for n in numbers])
    assert steps.max() < 4 * np.median(steps)
    assert {p.verdict for p in capture.photos} == {"good"}


def test_blurred_photos_of_a_real_walk_are_found_and_no_others(tmp_path):
    if not HALLOUMI.is_dir():
        pytest.skip(f"{HALLOUMI} is absent")
    folder = tmp_path / "photos"
    folder.mkdir()
    names = sorted(p.name for p in HALLOUMI.glob("*.jpg"))[::4]
    soft = {names[1]: 2.0, names[4]: 4.0, names[7]: 3.0}
    for name in names:
        picture = Image.open(HALLOUMI / name)
        if name in soft:
            picture = picture.filter(ImageFilter.GaussianBlur(soft[name]))
        picture.reduce(2).save(folder / name, quality=93)
    capture = read_capture(run(CaptureConfig(), folder, tmp_path / "out").folder)
    assert {p.source for p in capture.photos if p.verdict == "blurred"} == set(soft)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["summary"]["set_aside"] == {"blurred": 3}
