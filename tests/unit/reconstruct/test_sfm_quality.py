"""Wrong models are refused in words that name photos; right ones are not."""

import dataclasses

import msgspec
import numpy as np
import pytest
from made_up_walk import box_and_table, camera_at, model_of, photos_of, ring

from photosynth.core.camera import project
from photosynth.core.errors import QualityError
from photosynth.reconstruct.agreement import agreeing_share
from photosynth.reconstruct.quality import assess, require

POSES = [*ring(14, 20), *ring(8, 50)]


@pytest.fixture(scope="module")
def right():
    rng = np.random.default_rng(3)
    return model_of(POSES, box_and_table(rng), rng)


def check(quality, name):
    return next(c for c in quality.checks if c.name == name)


def only(model, kept):
    """The part of a model that some cameras make."""
    renumber = {old: new for new, old in enumerate(kept)}
    rows = [k for k, (_, c) in enumerate(model.tracks) if c in renumber]
    pairs = [k for k, (a, b) in enumerate(model.pairs) if a in renumber and b in renumber]
    return dataclasses.replace(
        model,
        files=tuple(model.files[k] for k in kept),
        cameras=tuple(model.cameras[k] for k in kept),
        tracks=np.array([(p, renumber[c]) for p, c in model.tracks[rows]], np.int32),
        tracks_px=model.tracks_px[rows],
        pairs=np.array([(renumber[a], renumber[b]) for a, b in model.pairs[pairs]], np.int32).reshape(-1, 2),
        pair_matches=model.pair_matches[pairs],
        pair_agreement=model.pair_agreement[pairs],
    )


def test_a_right_model_is_good(right):
    quality = assess([right], photos_of(len(POSES), focal_px=1500.0))
    assert quality.grade == "good", quality.reasons()
    assert quality.n_registered == len(POSES)
    assert check(quality, "pair agreement").value > 0.98
    assert check(quality, "table tilt").value < 5
    require(quality)


def test_a_ring_folded_onto_itself_is_refused_though_every_photo_is_in_it():
    """Half of a ring is put where the other half is: all registered, small errors, and wrong."""
    rng = np.random.default_rng(5)
    poses = ring(14, 20)
    wrong = [*poses[:7], *reversed(poses[:7])]
    model = model_of(poses, box_and_table(rng), rng, wrong_poses=wrong)
    quality = assess([model], photos_of(14))
    assert check(quality, "registered share").grade == "good"
    assert check(quality, "reprojection error").grade == "good"
    assert check(quality, "pair agreement").grade == "retake"
    with pytest.raises(QualityError, match=r"contradicts the model, most at IMG_\d"):
        require(quality)


def test_half_of_the_cameras_upside_down_is_refused():
    rng = np.random.default_rng(6)
    poses = ring(12, 25)
    flip = np.diag([1.0, -1.0, -1.0, 1.0])
    wrong = [p if k < 8 else flip @ p for k, p in enumerate(poses)]
    quality = assess([model_of(poses, box_and_table(rng), rng, wrong_poses=wrong)], photos_of(12))
    assert check(quality, "upright share").grade == "retake"
    assert "IMG_9.jpg" in check(quality, "upright share").words


def test_photos_on_their_side_are_only_odd_and_not_even_that_where_pairs_agree():
    rng = np.random.default_rng(7)
    poses = [*ring(12, 25), *ring(5, 40, roll_rad=np.pi / 2)]
    model = model_of(poses, box_and_table(rng), rng)
    quality = assess([model], photos_of(17))
    assert check(quality, "upright share").grade == "good"
    doubtful = dataclasses.replace(model, pair_agreement=0.96 * model.pair_agreement)
    quality = assess([doubtful], photos_of(17))
    assert check(quality, "upright share").grade == "weak"
    require(quality)


def test_missing_photos_are_named_with_the_place_to_fill(right):
    kept = [k for k in range(len(POSES)) if k not in (4, 5, 6, 18)]
    quality = assess([only(right, kept)], photos_of(len(POSES)))
    assert quality.failed == ("IMG_4.jpg", "IMG_5.jpg", "IMG_6.jpg", "IMG_18.jpg")
    words = check(quality, "registered share").words
    assert "take 7 more between IMG_3.jpg and IMG_7.jpg" in words
    assert check(quality, "registered share").grade == "weak"


def test_two_components_are_refused(right):
    parts = [only(right, list(range(12))), only(right, list(range(12, 22)))]
    quality = assess(parts, photos_of(len(POSES)))
    assert check(quality, "share in another model").grade == "retake"
    with pytest.raises(QualityError, match=r"12 of 22 photos.*\n.*IMG_12.jpg"):
        require(quality)


def test_nothing_is_refused():
    quality = assess([], photos_of(5))
    assert quality.failed == tuple(f"IMG_{k}.jpg" for k in range(5))
    with pytest.raises(QualityError, match="0 of 5"):
        require(quality)


@pytest.mark.parametrize(("prior", "grade"), [(1500.0, "good"), (1200.0, "good"), (4080.0, "good"), (None, "good")])
def test_a_wrong_exif_focal_is_forgiven_where_the_photos_agree(right, prior, grade):
    found = check(assess([right], photos_of(len(POSES), prior)), "focal against EXIF")
    assert found.grade == grade
    if prior:
        assert found.value == pytest.approx(1500.0 / prior, rel=0.01)


def test_an_impossible_focal_is_refused(right):
    cameras = tuple(msgspec.structs.replace(c, focal_px=20_000.0) for c in right.cameras)
    quality = assess([dataclasses.replace(right, cameras=cameras)], photos_of(len(POSES)))
    assert check(quality, "focal against EXIF").grade == "retake"


def test_large_errors_and_short_tracks_are_weak(right):
    model = dataclasses.replace(right, errors_px=right.errors_px + 1.5)
    assert check(assess([model], photos_of(len(POSES))), "reprojection error").grade == "weak"


def test_agreement_is_a_share(right):
    a, b = camera_at(POSES[0]), camera_at(POSES[1])
    points = box_and_table(np.random.default_rng(8))
    from photosynth.core.camera import project

    first, second = project(a, points)[0], project(b, points)[0]
    assert agreeing_share(a, b, first, second) == 1.0
    second[::4] += [0.0, 300.0]
    assert agreeing_share(a, b, first, second) == pytest.approx(0.75, abs=0.05)
    behind = camera_at(POSES[1] @ np.diag([1.0, -1.0, -1.0, 1.0]))
    assert agreeing_share(a, behind, first, second) < 0.1


def test_a_model_that_no_pair_of_pictures_links_is_taken_apart(right):
    assert right.linked_parts() == (right,)
    upper = np.arange(len(POSES)) >= 14
    across = upper[right.pairs[:, 0]] != upper[right.pairs[:, 1]]
    assert across.any()
    doubted = dataclasses.replace(right, pair_agreement=np.where(across, 0.2, right.pair_agreement).astype(np.float32))
    low, high = doubted.linked_parts()
    assert low.files == right.files[:14]
    assert high.files == right.files[14:]
    for part in (low, high):
        assert part.track_lengths().min() >= 2
        for k, camera in enumerate(part.cameras):
            assert camera == right.camera(part.files[k])
            seen = part.tracks[:, 1] == k
            pixels, _ = project(camera, part.points[part.tracks[seen, 0]])
            assert np.median(np.linalg.norm(pixels - part.tracks_px[seen], axis=1)) < 2
        assert part.pair_agreement.min() > 0.5
    quality = assess([low, high], photos_of(len(POSES), focal_px=1500.0))
    assert check(quality, "share in another model").grade == "retake"
    assert "take some that link them" in " ".join(quality.reasons())
