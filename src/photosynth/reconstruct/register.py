"""Registration: where the photos were taken from, tried again with more caution until the model is convincing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photosynth.core.capture import CapturedPhoto
from photosynth.core.errors import ConfigError
from photosynth.core.progress import Progress, Silent
from photosynth.reconstruct.colmap import Session, SfmConfig
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.turntable import unfolded
from photosynth.reconstruct.turntable_model import on_turntable, taken_order

MIN_MATCHES = (15, 60, 150)
"""Common points that a pair must have to be used, from the first attempt to the last."""
CONVINCING = 0.85
"""Share of the photos, weighted by agreement, that makes further attempts needless."""
COMPLETE = 0.93
"""The same for trying with more features: all but a photo or two, in agreement."""
BETTER = 1.02
"""A later attempt replaces an earlier one if it is better by this factor."""


def register(
    photos: Sequence[CapturedPhoto],
    folder: Path,
    work: Path,
    config: SfmConfig,
    *,
    masks: Path | None = None,
    progress: Progress | None = None,
) -> tuple[SparseModel, ...]:
    """Find where the photos were taken from; every connected model that was found, the largest first.

    Args:
        photos: those to use (two or more), with `file` relative to `folder`.
        folder: the capture folder.
        work: a folder for the database; kept between calls with the same photos and masks, whoever calls again.
        config: settings.
        masks: a folder with FILE.png for each photo's file (its name without folders); features are taken only
            where a mask is not black. Photos without a mask are used whole.
        progress: is told of pictures, pairs and registrations.

    Raises:
        ConfigError: for fewer than two photos.
        EngineError: if COLMAP fails.
    """
    if len(photos) < 2:
        raise ConfigError(f"{len(photos)} photo to register; at least two are needed, twenty or more are good")
    progress = progress or Silent()
    best: tuple[SparseModel, ...] = ()
    for high in {"auto": (False, True), "normal": (False,), "high": (True,)}[config.effort]:
        session = Session(photos, Path(folder), Path(work), config, masks, progress, high)
        session.extract()
        session.match()
        found = _best_of(session)
        turning = on_turntable(found, photos, session.shared_views(), masks, progress)
        found = (turning, *found[1:]) if turning else found
        if _merit(found) > _merit(best):
            best = found
        if _merit(best) >= COMPLETE * len(photos):
            break
        if not high and config.effort == "auto":
            progress.note(f"{_doubts(best, photos)}: more features")
    return best


def _best_of(session: Session) -> tuple[SparseModel, ...]:
    """Map with more and more cautious settings until the model is convincing, and return the best.

    Pairs of photos with few points in common are where look-alikes slip in: one ring of 14 photos that folded onto
    itself with all pairs came out right without the weak ones. A focal length in the EXIF that is wrong does as much
    harm; so the last attempts do without it.
    """
    best: tuple[SparseModel, ...] = ()
    for use_priors, min_matches in _attempts(session.photos, session.config):
        models = _laid_open(session.map(use_priors, min_matches), taken_order(session.photos))
        if _merit(models) > _merit(best) * BETTER:
            best = models
        doubtful = use_priors and bool(best) and _moved_focal(best, session.photos)
        if _merit(best) >= CONVINCING * len(session.photos) and not doubtful:
            break
        session.progress.note(f"{_doubts(models, session.photos)}: fewer, surer pairs")
    return best


def _laid_open(models: Sequence[SparseModel], order: dict[str, int]) -> tuple[SparseModel, ...]:
    """Models that lie folded on a turntable's circles taken apart, the largest first."""
    parts: list[SparseModel] = []
    for model in models:
        found = unfolded(model, order)
        parts.extend(found if len(found) > 1 else (model,))
    return tuple(sorted((p for p in parts if len(p.files) > 1), key=lambda p: (-len(p.files), p.files)))


def _attempts(photos: Sequence[CapturedPhoto], config: SfmConfig) -> list[tuple[bool, int]]:
    """(use focal priors, least common points of a pair) to try, in this order."""
    known = config.focal_priors != "ignore" and any(p.focal_px for p in photos)
    found = [(known, n) for n in MIN_MATCHES]
    if known and config.focal_priors == "auto":
        found = [found[0], (False, MIN_MATCHES[0]), *found[1:], (False, MIN_MATCHES[1])]
    return found


def _merit(models: Sequence[SparseModel]) -> float:
    """Photos in the largest model, times how far the pairs agree with it (squared: a wrong pose is worse than none)."""
    return len(models[0].files) * models[0].mean_agreement() ** 2 if models else 0.0


def _moved_focal(models: Sequence[SparseModel], photos: Sequence[CapturedPhoto]) -> bool:
    """Whether a focal length ended far from its prior."""
    prior = {p.file: p.focal_px for p in photos}
    found = zip(models[0].files, models[0].cameras, strict=True)
    return any(not 0.8 < c.focal_px / prior[f] < 1.25 for f, c in found if prior[f])


def _doubts(models: Sequence[SparseModel], photos: Sequence[CapturedPhoto]) -> str:
    if not models:
        return "no photos fit together; trying otherwise"
    agreement = models[0].mean_agreement()
    fit = f"{len(models[0].files)} of {len(photos)} photos fit together"
    return f"{fit}, {agreement:.0%} of their common points agree; trying otherwise"
