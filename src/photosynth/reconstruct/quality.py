"""Is a model of cameras right? Checks that a wrong one cannot pass by registering many photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np

from photosynth.core.capture import CapturedPhoto
from photosynth.core.errors import QualityError
from photosynth.core.record import Record
from photosynth.reconstruct.isolate import Isolated, isolate
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.stance import triangulation_angles_deg

Grade = Literal["good", "weak", "retake"]
GRADES: tuple[Grade, ...] = ("good", "weak", "retake")
MIN_PHOTOS = 3


class Check(Record, frozen=True, kw_only=True):
    """One number and what it means."""

    name: str
    """What was measured."""
    value: float
    """The number."""
    grade: Grade
    """What it says of the model."""
    words: str
    """The same for people; what to do if it is not good."""


class SfmQuality(Record, frozen=True, kw_only=True):
    """The verdict on a registration."""

    grade: Grade
    """The worst of the checks."""
    n_photos: int
    """Photos that were to be registered."""
    n_registered: int
    """Photos in the largest model."""
    failed: tuple[str, ...]
    """The user's names of those that are not in it."""
    checks: tuple[Check, ...]
    """All checks."""

    def reasons(self) -> tuple[str, ...]:
        """The words of the checks that are not good, the worst first."""
        bad = [c for c in self.checks if c.grade != "good"]
        return tuple(c.words for c in sorted(bad, key=lambda c: -GRADES.index(c.grade)))


def assess(models: Sequence[SparseModel], photos: Sequence[CapturedPhoto], found: Isolated | None = None) -> SfmQuality:
    """Judge what `register` returned.

    Args:
        models: the largest first; there may be none.
        photos: those that were given to `register`, in the order in which they were taken.
        found: the isolation of the largest model, if it has been made already.
    """
    source = {p.file: p.source for p in photos}
    if not models or len(models[0].files) < MIN_PHOTOS:
        words = "no three photos fit together: take 20 to 40 that overlap by two thirds, of an object with texture"
        check = Check(name="registered share", value=0.0, grade="retake", words=words)
        return SfmQuality(
            grade="retake", n_photos=len(photos), n_registered=0, failed=tuple(source.values()), checks=(check,)
        )
    model = models[0]
    found = found or isolate(model)
    failed = tuple(p.source for p in photos if p.file not in set(model.files))
    checks = (
        _share(model, photos, failed),
        _components(models, source),
        _agreement(model, source),
        _error(model),
        _angle(model),
        _tracks(model),
        _upright(model, found, source),
        _table(model, found),
        _focus(found),
        _focal(model, photos),
        _object(found),
    )
    worst = max(checks, key=lambda c: GRADES.index(c.grade)).grade
    return SfmQuality(grade=worst, n_photos=len(photos), n_registered=len(model.files), failed=failed, checks=checks)


def require(quality: SfmQuality) -> None:
    """Raise QualityError with the reasons if the grade is retake."""
    if quality.grade == "retake":
        head = f"{quality.n_registered} of {quality.n_photos} photos fit together, but the result is not usable"
        raise QualityError(f"{head}:\n  " + "\n  ".join(quality.reasons()))


@contextmanager
def after_registration(quality: SfmQuality) -> Iterator[None]:
    """A QualityError from inside says first how many photos were registered."""
    try:
        yield
    except QualityError as error:
        count = f"{quality.n_registered} of {quality.n_photos} photos registered"
        raise QualityError(f"{count}, but {error}") from error


def _graded(value: float, good: float, retake: float) -> Grade:
    """Good from `good` on, retake up to `retake`; the order of the two says which way is better."""
    if (value >= good) if good >= retake else (value <= good):
        return "good"
    return "retake" if ((value <= retake) if good >= retake else (value >= retake)) else "weak"


def _share(model: SparseModel, photos: Sequence[CapturedPhoto], failed: tuple[str, ...]) -> Check:
    share = len(model.files) / len(photos)
    words = f"{len(model.files)} of {len(photos)} photos registered"
    if failed:
        words += f"; not {_some(failed)}: {_gaps(model, photos)}"
    return Check(name="registered share", value=round(share, 3), grade=_graded(share, 0.85, 0.5), words=words)


def _gaps(model: SparseModel, photos: Sequence[CapturedPhoto]) -> str:
    """Where photos are missing, in the order in which they were taken."""
    registered = set(model.files)
    runs: list[list[int]] = []
    for k, photo in enumerate(photos):
        if photo.file not in registered:
            if runs and runs[-1][-1] == k - 1:
                runs[-1].append(k)
            else:
                runs.append([k])
    runs.sort(key=len, reverse=True)
    first, last = runs[0][0] - 1, runs[0][-1] + 1
    before = photos[first].source if first >= 0 else None
    after = photos[last].source if last < len(photos) else None
    place = (
        f"between {before} and {after}" if before and after else f"{'after' if before else 'before'} {before or after}"
    )
    return f"take {2 * len(runs[0]) + 1} more {place}, in smaller steps"


def _components(models: Sequence[SparseModel], source: dict[str, str]) -> Check:
    """Other models whose photos the largest does not have."""
    held = set(models[0].files)
    apart = [sorted(set(m.files) - held) for m in models[1:]]
    largest = max(apart, key=len, default=[])
    share = len(largest) / len(source)
    words = "one connected model"
    if largest:
        names = _some([source[f] for f in largest])
        words = f"{len(largest)} photos form a model of their own ({names}): take some that link them to the rest"
    return Check(name="share in another model", value=round(share, 3), grade=_graded(share, 0.1, 0.35), words=words)


def _agreement(model: SparseModel, source: dict[str, str]) -> Check:
    """Loop consistency: see agreement.py. Right models reach 0.99; halves folded onto each other 0.5 to 0.6."""
    value = model.mean_agreement()
    words = "pairs of photos agree with the model"
    if value < 0.95:
        lost = np.zeros(len(model.files))
        against = (1 - model.pair_agreement) * model.pair_matches * model.strong_pairs()
        np.add.at(lost, model.pairs.ravel(), np.repeat(against, 2))
        worst = [source[model.files[k]] for k in np.argsort(-lost)[:4]]
        words = (
            f"{1 - value:.0%} of what pairs of photos have in common contradicts the model, most at {_some(worst)}: "
            "parts that look alike were taken for one. Put something patterned beside the object (a newspaper, the "
            "marker sheet), and take photos in smaller steps and from higher up too"
        )
    return Check(name="pair agreement", value=round(value, 3), grade=_graded(value, 0.95, 0.88), words=words)


def _error(model: SparseModel) -> Check:
    """Mean reprojection error, brought to 1600 px if the pictures are larger: features of small ones are as sharp."""
    side = max(max(c.size_wh) for c in model.cameras) / 1600.0
    value = float(np.average(model.errors_px, weights=model.track_lengths())) / max(side, 1.0)
    words = f"reprojection error {value:.2f} px"
    if value > 1.2:
        words += ": the object moved, or photos are soft; keep it still, lock the focus"
    return Check(name="reprojection error", value=round(value, 3), grade=_graded(value, 1.2, 2.5), words=words)


def _angle(model: SparseModel) -> Check:
    value = float(np.median(triangulation_angles_deg(model)))
    words = f"points are seen under {value:.0f} degrees"
    if value < 6:
        words += ": the camera hardly moved sideways; walk round the object instead of turning on the spot"
    return Check(name="triangulation angle", value=round(value, 2), grade=_graded(value, 6.0, 2.5), words=words)


def _tracks(model: SparseModel) -> Check:
    value = float(model.track_lengths().mean()) if len(model.points) else 0.0
    words = f"a point is seen in {value:.1f} photos"
    if value < 2.7:
        words += ": take smaller steps, so that each spot is in three photos or more"
    return Check(name="track length", value=round(value, 2), grade=_graded(value, 2.7, 2.05), words=words)


def _upright(model: SparseModel, found: Isolated, source: dict[str, str]) -> Check:
    """People hold a camera level: half of them upside down means that the model is folded or mirrored.

    Photos on their side (a phone without a turn flag) are only odd, and not even that where the pairs agree well.
    """
    off = np.abs(found.stance.rolls_rad) > 0.9
    value = 1.0 - float(off.mean())
    words = "cameras agree on which way is up"
    if off.any():
        names = _some([source[model.files[k]] for k in np.flatnonzero(off)])
        words = f"{int(off.sum())} cameras seem to be upside down or on their side ({names})"
    grade = "good" if _sure(model) else _graded(value, 0.95, 0.0)
    upside_down = float((np.abs(found.stance.rolls_rad) > 2.2).mean())
    if upside_down > 0.25 and not _sure(model):
        grade = "retake"
        words += ": that cannot be; parts that look alike were taken for one"
    return Check(name="upright share", value=round(value, 3), grade=grade, words=words)


def _sure(model: SparseModel) -> bool:
    """Whether the pairs agree so well that odd poses must be real."""
    return model.mean_agreement() > 0.97


def _table(model: SparseModel, found: Isolated) -> Check:
    """Gravity: the table is square to the cameras' up."""
    if found.plane is None:
        words = "no table was found below the object; up is taken from how the cameras were held"
        return Check(name="table tilt", value=-1.0, grade="good", words=words)
    tilt = float(np.degrees(np.arccos(np.clip(found.plane.normal @ found.stance.up, -1.0, 1.0))))
    words = f"the table is level within {tilt:.0f} degrees of how the cameras were held"
    return Check(name="table tilt", value=round(tilt, 2), grade=_graded(tilt, 25.0, 60.0), words=words)


def _focus(found: Isolated) -> Check:
    value = found.stance.miss
    words = "the photos look at one thing"
    if value > 0.35:
        words = "the photos do not look at one thing: keep the object in the middle of each"
    return Check(name="axes miss", value=round(value, 3), grade=_graded(value, 0.35, 1.0), words=words)


def _focal(model: SparseModel, photos: Sequence[CapturedPhoto]) -> Check:
    """Focal lengths against EXIF, or against what lenses have."""
    prior = {p.file: p.focal_px for p in photos}
    ratios, wild = [1.0], False
    for file, camera in zip(model.files, model.cameras, strict=True):
        wild |= not 0.4 < camera.focal_px / max(camera.size_wh) < 6.0
        if prior.get(file):
            ratios.append(camera.focal_px / float(prior[file] or 1.0))
    value = max(ratios, key=lambda r: abs(np.log(r)))
    odd = not 0.6 <= value <= 1.6
    words = "focal lengths are plausible"
    if odd:
        words = f"the focal length is {value:.2f} times what the EXIF says: use photos as the camera wrote them"
    if wild:
        words = "the focal length is not that of a camera: take more photos from different heights"
    grade: Grade = "retake" if wild else "weak" if odd and not _sure(model) else "good"
    return Check(name="focal against EXIF", value=round(value, 3), grade=grade, words=words)


def _object(found: Isolated) -> Check:
    words = f"{found.n_points} points on the object itself"
    if found.n_points < 100:
        words += ": it has little texture, or the steps between the photos are large"
    grade: Grade = "good" if found.n_points >= 100 else "weak"
    return Check(name="points on the object", value=float(found.n_points), grade=grade, words=words)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
