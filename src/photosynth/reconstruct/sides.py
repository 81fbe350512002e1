"""Sides: one walk round the object for each way it stood, registered, judged and put on its own table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from photosynth.core.capture import CapturedPhoto
from photosynth.core.errors import ConfigError
from photosynth.core.progress import Progress
from photosynth.reconstruct.colmap import SfmConfig
from photosynth.reconstruct.isolate import Isolated, isolate, isolated_model
from photosynth.reconstruct.quality import GRADES, Check, Grade, SfmQuality, assess
from photosynth.reconstruct.register import register
from photosynth.reconstruct.scale import scale_from_markers
from photosynth.reconstruct.sparse import SparseModel

MIN_APART = 8
"""Photos that a second model must have for itself to be tried as another side of the object."""

UPRIGHT_NAMES = ("stand", "up", "top", "right")
"""How the folder of the side on which the object stands as usual may begin."""


@dataclass(frozen=True, eq=False)
class Side:
    """One walk. name: its folder, empty if there is one only. photos: all of them. model: where they were taken from,
    in its own units; None if nothing registered. found: the object in it. quality: its verdict. work: a folder for
    intermediate results. masks: a folder with masks of the photos; None if there is none."""

    name: str
    photos: tuple[CapturedPhoto, ...]
    model: SparseModel | None
    found: Isolated | None
    quality: SfmQuality
    work: Path
    masks: Path | None = None

    def world(self) -> SparseModel:
        """The model in the world of `found`: z up, the table at z = 0."""
        if self.model is None or self.found is None:
            raise ValueError(f"side {self.name!r} has no model")
        return isolated_model(self.model, self.found)


def find_sides(
    photos: Sequence[CapturedPhoto],
    folder: Path,
    work: Path,
    config: SfmConfig,
    masks: Path | None,
    progress: Progress,
) -> tuple[tuple[Side, ...], ...]:
    """The sides of the object, in the ways to try them: told apart by folders; else by registering into two models
    that share no photo, and, should these not fit together, as one walk of which a part did not register.

    Raises:
        ConfigError: for more than two folders.
    """
    groups: dict[str, list[CapturedPhoto]] = {}
    for photo in photos:
        groups.setdefault(photo.source.rpartition("/")[0], []).append(photo)
    if len(groups) > 2:
        raise ConfigError(
            f"the photos lie in {len(groups)} folders ({', '.join(sorted(groups))}); give one, or two for an object "
            "that was turned over"
        )
    if len(groups) == 2:
        sides = []
        for k, (name, members) in enumerate(sorted(groups.items())):
            progress.note(f"side {name!r}: {len(members)} photos")
            place = work / f"side-{k}"
            models = register(members, folder, place, config, masks=masks, progress=progress)
            sides.append(_side(name, members, models, folder, place, masks))
        return (reference_first(sides),)
    models = register(photos, folder, work, config, masks=masks, progress=progress)
    whole = _side("", photos, models, folder, work, masks)
    apart = set(models[1].files) - set(models[0].files) if len(models) > 1 else set()
    if len(apart) < MIN_APART:
        return ((whole,),)
    parts = []
    for k, model in enumerate(models[:2]):
        members = [p for p in photos if (p.file in apart) == bool(k)]
        parts.append(_side(f"part {k + 1}", members, (model,), folder, work / f"side-{k}", masks))
    return (reference_first(parts), (whole,))


def reference_first(sides: Sequence[Side]) -> tuple[Side, ...]:
    """Sides in the order in which they are laid onto each other: known scale first, then one whose name says that the
    object stands upright in it, then the one with most photos."""

    def rank(side: Side) -> tuple[bool, bool, int]:
        metric = side.found is not None and side.found.metric
        return not metric, not side.name.lower().startswith(UPRIGHT_NAMES), -side.quality.n_registered

    return tuple(sorted(sides, key=rank))


def _side(
    name: str,
    photos: Sequence[CapturedPhoto],
    models: tuple[SparseModel, ...],
    folder: Path,
    work: Path,
    masks: Path | None,
) -> Side:
    found = None
    if models:
        scale = scale_from_markers(models[0], folder)
        found = isolate(models[0], metres_per_unit=scale.metres_per_unit if scale else None)
    work.mkdir(parents=True, exist_ok=True)
    return Side(name, tuple(photos), models[0] if models else None, found, assess(models, photos, found), work, masks)


def quality_of(sides: Sequence[Side]) -> SfmQuality:
    """The verdicts of all sides as one."""
    if len(sides) == 1:
        return sides[0].quality
    checks = [
        Check(name=f"{s.name}: {c.name}", value=c.value, grade=c.grade, words=f"{s.name}: {c.words}")
        for s in sides
        for c in s.quality.checks
    ]
    worst: Grade = max((s.quality.grade for s in sides), key=GRADES.index)
    return SfmQuality(
        grade=worst,
        n_photos=sum(s.quality.n_photos for s in sides),
        n_registered=sum(s.quality.n_registered for s in sides),
        failed=tuple(f for s in sides for f in s.quality.failed),
        checks=tuple(checks),
    )
