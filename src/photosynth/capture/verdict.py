"""Judges each photo against the others of its set, and says what to do better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.capture.config import CaptureConfig
from photosynth.capture.ingest import Taken
from photosynth.capture.likeness import Link, islands
from photosynth.capture.measure import Measured
from photosynth.core.capture import CapturedPhoto, Exposure, Verdict

BLUR_FLOOR = 0.5
"""Detail below this is blurred whatever the others are like."""
BLUR_SIGMAS = 3.0
MIN_SET = 4
"""Sets smaller than this have no usable median."""
FEW, GOOD = 12, 20
NOTHING = Exposure(mean=0.0, dark_share=0.0, bright_share=0.0)


def judge(
    taken: Sequence[Taken], measured: Sequence[Measured | None], found: Sequence[Link], config: CaptureConfig
) -> tuple[CapturedPhoto, ...]:
    """A verdict on each photo.

    Args:
        taken: the photos; those without a file could not be read.
        measured: their measurements, None for those.
        found: links between the readable ones, numbered as in `taken`.
        config: thresholds.
    """
    start = min((t.taken_s for t in taken if t.taken_s is not None), default=None)
    blurred = _blurred(measured, config.blur_ratio)
    verdicts: dict[int, tuple[Verdict, str]] = {}
    for k, item in enumerate(measured):
        if item is None:
            verdicts[k] = ("unreadable", taken[k].problem)
        elif (light := _light(k, measured)) is not None:
            verdicts[k] = light
        elif k in blurred:
            verdicts[k] = ("blurred", blurred[k])
    _duplicates(verdicts, taken, measured, found, config.duplicate_px)
    _overlap(verdicts, measured, found, config.min_inliers)
    scale = _usual_detail(measured)
    return tuple(
        CapturedPhoto(
            file=t.file,
            source=t.source,
            size_wh=t.size_wh,
            focal_px=t.focal_px,
            camera_group=t.camera_group,
            exposure=m.exposure if m else NOTHING,
            sharpness=round(m.detail / scale, 3) if m and scale else 0.0,
            time_s=round(t.taken_s - start, 3) if t.taken_s is not None and start is not None else None,
            verdict=verdicts.get(k, ("good", ""))[0],
            reason=verdicts.get(k, ("good", ""))[1],
            used=verdicts.get(k, ("good", ""))[0] in ("good", "too little overlap"),
        )
        for k, (t, m) in enumerate(zip(taken, measured, strict=True))
    )


def _usual_detail(measured: Sequence[Measured | None]) -> float:
    return float(np.median([m.detail for m in measured if m is not None] or [0.0]))


def _blurred(measured: Sequence[Measured | None], ratio: float) -> dict[int, str]:
    """Photos with much less detail than the rest, with the reason; their spread is taken robustly (MAD)."""
    detail = {k: m.detail for k, m in enumerate(measured) if m is not None}
    usual = _usual_detail(measured)
    if not detail or ratio <= 0:
        return {}
    logs = np.log([max(v, 1e-6) for v in detail.values()])
    spread = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    found = {}
    for k, value in detail.items():
        apart = len(detail) >= MIN_SET and np.log(max(value, 1e-6)) < np.median(logs) - BLUR_SIGMAS * spread
        if value < ratio * usual and apart:
            found[k] = f"its finest detail is {value / usual:.0%} of that of the other photos"
        elif value < BLUR_FLOOR:
            found[k] = "it has hardly any fine detail: out of focus, shaken, or nothing with texture is in view"
    return found


def _light(k: int, measured: Sequence[Measured | None]) -> tuple[Verdict, str] | None:
    """Too dark or too bright for features, alone or beside the rest; a plain black or white background is neither."""
    item = measured[k]
    assert item is not None
    low, high = item.brightness
    lows, highs = np.array([m.brightness for m in measured if m is not None]).T
    if high < 0.15 or (high < 0.3 and high < 0.5 * np.median(highs)):
        return (
            "too dark",
            f"its lightest parts reach {high:.0%} of white; the other photos reach {np.median(highs):.0%}",
        )
    clipped = item.exposure.bright_share
    usual = float(np.median([m.exposure.bright_share for m in measured if m is not None]))
    if low > 0.93 or (clipped > 0.35 and clipped > usual + 0.3 and low > np.median(lows) + 0.2):
        return "too bright", f"{clipped:.0%} of it is burnt out to white; in the other photos it is {usual:.0%}"
    return None


def _duplicates(
    verdicts: dict[int, tuple[Verdict, str]],
    taken: Sequence[Taken],
    measured: Sequence[Measured | None],
    found: Sequence[Link],
    duplicate_px: float,
) -> None:
    """Of photos of one view keep the one with the most detail."""
    for item in sorted(found, key=lambda i: (i.moved_px, i.a, i.b)):
        if item.a in verdicts or item.b in verdicts or not item.is_duplicate(duplicate_px):
            continue
        a, b = measured[item.a], measured[item.b]
        assert a is not None
        assert b is not None
        worse, better = (item.b, item.a) if a.detail >= b.detail else (item.a, item.b)
        verdicts[worse] = (
            "duplicate",
            f"duplicate of {taken[better].source}: the view differs by {item.moved_px:.1f} px",
        )


def _overlap(
    verdicts: dict[int, tuple[Verdict, str]],
    measured: Sequence[Measured | None],
    found: Sequence[Link],
    min_inliers: int,
) -> None:
    best: dict[int, int] = {}
    for item in found:
        if item.a not in verdicts and item.b not in verdicts:
            for k in (item.a, item.b):
                best[k] = max(best.get(k, 0), item.inliers)
    for k, item in enumerate(measured):
        if item is not None and k not in verdicts and best.get(k, 0) < min_inliers:
            verdicts[k] = (
                "too little overlap",
                f"it shares only {best.get(k, 0)} points with its nearest photo ({min_inliers} are needed)",
            )


def advice(photos: Sequence[CapturedPhoto], found: Sequence[Link], config: CaptureConfig) -> tuple[str, ...]:
    """What to do for a better capture, the most important first; empty if nothing is amiss."""
    used = [p for p in photos if p.used]
    lines = []
    if len(used) < FEW:
        lines.append(f"only {len(used)} usable photos: take {GOOD} to 40, one every 15 degrees or so round the object")
    for verdict, words in (
        ("blurred", "hold still, tap on the object to focus, and add light"),
        ("too dark", "add light or lengthen the exposure"),
        ("too bright", "lower the exposure or move out of the sun"),
        ("unreadable", "copy them again"),
    ):
        names = [p.source for p in photos if p.verdict == verdict]
        if names:
            lines.append(f"{len(names)} {verdict} ({_some(names)}): {words}")
    alone = [p.source for p in photos if p.verdict == "too little overlap"]
    if alone:
        lines.append(
            f"{len(alone)} may not connect to the rest ({_some(alone)}): "
            "take one or two between each and its neighbours"
        )
    groups = [[k for k in g if photos[k].used] for g in islands(len(photos), found, config.min_inliers)]
    groups = [g for g in groups if len(g) > 1]
    if len(groups) > 1:
        lines.append(
            f"the photos fall into {len(groups)} groups that hardly overlap; the second holds "
            f"{_some([photos[k].source for k in groups[1]])}: take some between the groups"
        )
    means = [p.exposure.mean for p in used]
    if len(means) >= MIN_SET and max(means) > 2.2 * max(min(means), 0.02):
        lines.append("the exposure differs much from photo to photo: lock it (hold a finger on the object)")
    return tuple(lines)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
