"""Verdict: whether a reconstruction is good enough to train on, in one word and with its reasons."""

from __future__ import annotations

import math

from photosynth.core.record import Record
from photosynth.reconstruct.quality import GRADES, Grade, SfmQuality

GOOD_DB, RETAKE_DB = 24.0, 16.0
"""Held-out PSNR from which a texture is good, and below which the model is wrong."""
GOOD_SEEN, RETAKE_SEEN = 0.9, 0.5
"""Share of the surface above the table that was photographed."""
GOOD_MEASURED, RETAKE_MEASURED = 0.6, 0.35
"""Share of it near which photos agreed on a depth. The rest was only closed: right on plain even faces, else not."""


class Verdict(Record, frozen=True, kw_only=True):
    """What is said of a reconstruction."""

    grade: Grade
    """``"good"`` enough to train on, ``"weak"`` or ``"retake"``."""
    reasons: tuple[str, ...]
    """Why it is not good, in words for people, the worst first."""
    held_out_psnr_db: float | None
    """How well photos left out of the texture were predicted; None with too few photos."""
    seen_share: float
    """Part of the surface above the table that some photo saw."""
    measured_share: float
    """Part of it near which photos agreed on a depth; of what may be shown, where that is one side only."""
    arc_deg: float = 360.0
    """How far round the object may be shown; 360 is all round."""


def verdict_of(
    registration: SfmQuality, held_out_db: float, seen_share: float, measured_share: float, arc_deg: float = 360.0
) -> Verdict:
    """The worst of registration, prediction and coverage.

    An object that was photographed from one side is weak at best, however good that side is: pictures of it teach
    what this side looks like, and nothing of the others. How little was photographed is then no fault of its own, as
    no more than that side is ever shown.

    Args:
        registration: the verdict on where the photos were taken from.
        held_out_db: PSNR of predicted photos; NaN if none could be left out.
        seen_share, measured_share: 0..1; see Verdict.
        arc_deg: how far round the object may be shown.
    """
    found: list[tuple[Grade, str]] = [(registration.grade, words) for words in registration.reasons()]
    if arc_deg < 360.0:
        found.append(
            (
                "weak",
                f"it can be shown from {arc_deg:.0f} degrees round only: it teaches what this side looks like, and the "
                "others will not be recognised; go all round it",
            )
        )
    if not math.isnan(held_out_db) and held_out_db < GOOD_DB:
        grade: Grade = "retake" if held_out_db < RETAKE_DB else "weak"
        found.append(
            (
                grade,
                f"photos left out of the texture are predicted at {held_out_db:.1f} dB only ({GOOD_DB:g} is good): the "
                "shape or the light is not the same in all photos; keep the object still and the light even",
            )
        )
    if arc_deg == 360.0 and seen_share < GOOD_SEEN:
        grade = "retake" if seen_share < RETAKE_SEEN else "weak"
        found.append((grade, f"only {seen_share:.0%} of the surface above the table was photographed; go all round it"))
    if measured_share < GOOD_MEASURED:
        grade = "retake" if measured_share < RETAKE_MEASURED else "weak"
        found.append(
            (
                grade,
                f"photos agree on the shape of only {measured_share:.0%} of the surface ({GOOD_MEASURED:.0%} is good), "
                "the rest is a guess: take more photos, in smaller steps; shiny, clear and plain things stay hard",
            )
        )
    found.sort(key=lambda pair: -GRADES.index(pair[0]))
    worst: Grade = max([registration.grade, *(g for g, _ in found)], key=GRADES.index)
    return Verdict(
        grade=worst,
        reasons=tuple(words for _, words in found),
        held_out_psnr_db=None if math.isnan(held_out_db) else held_out_db,
        seen_share=seen_share,
        measured_share=measured_share,
        arc_deg=arc_deg,
    )
