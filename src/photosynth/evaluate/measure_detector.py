"""Measure a detector: from matched boxes to a report with intervals.

Photos are matched once; each bootstrap sample only weighs them anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from photosynth.core.average_precision import average_precisions, class_mean, curve
from photosynth.core.instances import Instances
from photosynth.core.matching import AREAS, Case, Pool, pool_class
from photosynth.core.ranking import Ranking, best_f_beta, rank
from photosynth.core.report import Metric
from photosynth.core.rng import rng_for
from photosynth.evaluate.detection_report import NOTHING, BoxClassScore, DetectorReport, ErrorCost
from photosynth.evaluate.detection_scores import confusion_counts, rates
from photosynth.evaluate.intervals import percentile_interval, resample_weights, wilson
from photosynth.evaluate.tide import Error, error_costs, find_errors

NO_BOXES = "not measured: no boxes drawn on your photos"
NO_OBJECTS = "no picture shows such an object"
POOLED = ("best_f1", "best_f1_threshold", "best_f1_precision", "best_f1_recall", "f1", "precision", "recall")
SIZED = tuple(f"map_{area}" for area in AREAS[1:])
BOXED = ("map50_95", "map50", "map75", *SIZED, *POOLED)
"""Metrics of pictures with boxes; the first ones are means over classes."""
ALARMS = ("false_alarms", "false_alarms_best_f1")
"""Boxes per picture with none of the objects, from the detector's own threshold and from the F1-best one on."""
BOX_SHARES = ("negatives_with_box", "top_box_top1")
"""Shares of pictures."""
MAX_CELLS = 8_000_000


@dataclass(frozen=True, eq=False)
class Answers:
    """What a detector said of one set.

    cases: pictures whose objects all have boxes. negatives: what was found in pictures with none of them.
    top_box: pictures whose surest box has the right class, and pictures that show one object class or more.
    seconds (n,): the detector's time for each picture. skipped: what was left out, one line each.
    """

    cases: Sequence[Case]
    negatives: Sequence[Instances]
    top_box: tuple[int, int]
    seconds: np.ndarray
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MeasuredDetector:
    """A report, and what its gaps and galleries are made of."""

    report: DetectorReport
    """The scores."""
    counts: dict[str, tuple[int, int]]
    """Successes and pictures of each of BOX_SHARES."""
    draws: dict[str, np.ndarray]
    """Bootstrap draws (resamples,) of the other metrics; NaN where it could not be measured."""
    errors: list[Error] = field(default_factory=list)
    """Every error at any score."""
    pools: list[Pool] = field(default_factory=list)
    """The finds of each class."""


def measure_detector(
    answers: Answers,
    class_names: tuple[str, ...],
    source: str,
    answer_threshold: float,
    resamples: int = 1000,
    seed: int = 0,
    fallback_threshold: float | None = None,
) -> MeasuredDetector:
    """Score a detector's answers.

    Args:
        answers: may be empty: every metric is then None with a note.
        class_names: of the detector, NONE_CLASS not among them.
        source: ``"real"`` or ``"synthetic"``.
        answer_threshold: the score from which a box is shown.
        resamples: bootstrap samples, stratified by a picture's first class.
        seed: of the bootstrap.
        fallback_threshold: stands for the F1-best threshold where no boxes are there to find it.
    """
    cases = answers.cases
    pools = [pool_class(cases, k) for k in range(len(class_names))]
    ranking = rank(pools, len(cases))
    errors = find_errors(cases, pools)
    n_objects = int(ranking.objects.sum())
    own = float(best_f_beta(ranking, np.ones((1, len(cases))))[1][0])
    best_threshold = own if np.isfinite(own) else fallback_threshold
    values = _figures(pools, ranking, np.ones((1, len(cases))), answer_threshold, best_threshold)
    draws = _draws(
        cases, pools, ranking, answer_threshold, best_threshold, resamples, rng_for(seed, 0, f"boxes/{source}")
    )
    metrics = [_boxed(name, values[name], draws[name], _support(name, ranking, pools), source) for name in BOXED]
    alarms, alarm_draws = _alarms(answers.negatives, answer_threshold, best_threshold, resamples, seed, source)
    with_box = sum(bool((one.scores >= answer_threshold).any()) for one in answers.negatives)
    counts = {"negatives_with_box": (with_box, len(answers.negatives)), "top_box_top1": answers.top_box}
    metrics += [*alarms, *(_share(name, *counts[name]) for name in BOX_SHARES), _time(answers.seconds)]
    confusion = confusion_counts(cases, pools, answer_threshold)
    costs = error_costs(cases, pools, errors) if n_objects else []
    report = DetectorReport(
        source=source,
        class_names=(*class_names, NOTHING),
        answer_threshold=answer_threshold,
        metrics=tuple(metrics),
        per_class=tuple(
            _class_score(k, name, pools[k], values, draws, confusion) for k, name in enumerate(class_names)
        ),
        errors=tuple(ErrorCost(kind=c.kind, count=c.count, ap50_gain=c.ap_gain) for c in costs),
        confusion=tuple(tuple(int(v) for v in row) for row in confusion),
        n_photos=len(cases),
        n_objects=n_objects,
        n_negatives=len(answers.negatives),
        skipped=answers.skipped,
    )
    return MeasuredDetector(report, counts, draws | alarm_draws, errors, pools)


def _figures(
    pools: Sequence[Pool], ranking: Ranking, weights: np.ndarray, threshold: float, best_threshold: float | None
) -> dict[str, np.ndarray]:
    """Each of BOXED, and ``ap50_95/K``, ``ap50/K`` and ``ap_SIZE/K`` of each class, under weights (b, n), as (b,)."""
    out: dict[str, np.ndarray] = {}
    for k, pool in enumerate(pools):
        aps, *sized = average_precisions(pool, weights)
        out |= {f"ap50_95/{k}": aps.mean(1), f"ap50/{k}": aps[:, 0], f"ap75/{k}": aps[:, 5]}
        out |= {f"ap_{area}/{k}": values.mean(1) for area, values in zip(AREAS[1:], sized, strict=True)}
    for name in BOXED[: -len(POOLED)]:
        out[name] = class_mean(out[f"{name[1:]}/{k}"] for k in range(len(pools)))
    out["best_f1"], out["best_f1_threshold"] = best_f_beta(ranking, weights)
    out["precision"], out["recall"], out["f1"] = rates(ranking, threshold, weights)
    at_best = rates(ranking, np.inf if best_threshold is None else best_threshold, weights)
    out["best_f1_precision"], out["best_f1_recall"] = at_best[:2]
    return out


def _draws(
    cases: Sequence[Case],
    pools: Sequence[Pool],
    ranking: Ranking,
    threshold: float,
    best_threshold: float | None,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    groups = np.array([case.truth.class_ids.min() if len(case.truth) else len(pools) for case in cases], np.int64)
    parts: dict[str, list[np.ndarray]] = {}
    if not len(cases):
        keys = _figures(pools, ranking, np.ones((1, 0)), threshold, best_threshold)
        return {name: np.empty(0) for name in keys}
    step = max(1, MAX_CELLS // max(1, len(ranking.scores), len(cases)))
    for weights in resample_weights(groups, resamples, rng):
        for start in range(0, len(weights), step):
            some = _figures(pools, ranking, weights[start : start + step], threshold, best_threshold)
            for name, values in some.items():
                parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def _support(name: str, ranking: Ranking, pools: Sequence[Pool]) -> int:
    """How many pictures, or for recall objects and for precision finds, a metric rests on."""
    if name in SIZED:
        area = AREAS.index(name.removeprefix("map_"))
        return int(sum((pool.counted[area] > 0) for pool in pools).astype(bool).sum()) if pools else 0
    return len(ranking.objects)


def _boxed(name: str, values: np.ndarray, draws: np.ndarray, n: int, source: str) -> Metric:
    value = float(values[0]) if len(values) else float("nan")
    if not np.isfinite(value):
        note = NO_BOXES if source == "real" and n == 0 and name not in SIZED else NO_OBJECTS
        return Metric(name=name, value=None, note="nothing was found" if "precision" in name and n else note)
    interval = percentile_interval(draws, value if "ap" in name else None, 0.0, 1.0)
    if interval is None:
        return Metric(name=name, value=value, n=n, note="no interval: a bootstrap of these photos never varies")
    note = "bootstrap interval over photos" + (", moved by its bias" if "ap" in name else "")
    return Metric(name=name, value=value, low=interval[0], high=interval[1], n=n, note=note)


def _alarms(
    negatives: Sequence[Instances], threshold: float, best: float | None, resamples: int, seed: int, source: str
) -> tuple[list[Metric], dict[str, np.ndarray]]:
    """ALARMS with intervals: bootstrap over photos; where that never varies, Garwood's for a Poisson mean."""
    n = len(negatives)
    metrics, draws = [], {}
    rng = rng_for(seed, 0, f"alarms/{source}")
    weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples) if n else np.zeros((0, 0))
    for name, least in zip(ALARMS, (threshold, best), strict=True):
        if n == 0 or least is None:
            note = "no picture shows none of the objects" if n == 0 else "the F1-best threshold is not known"
            metrics.append(Metric(name=name, value=None, note=note))
            draws[name] = np.empty(0)
            continue
        counts = np.array([np.count_nonzero(one.scores >= least) for one in negatives])
        draws[name] = weights @ counts / n
        interval, note = percentile_interval(draws[name]), "bootstrap interval over photos"
        if interval is None:
            interval, note = garwood(int(counts.sum()), n), "Poisson interval"
        metrics.append(Metric(name=name, value=float(counts.mean()), low=interval[0], high=interval[1], n=n, note=note))
    return metrics, draws


def garwood(events: int, n: int) -> tuple[float, float]:
    """The exact 95 % interval of a Poisson mean per photo, from `events` in n photos (Garwood, Biometrika 1936)."""
    from scipy.special import gammaincinv

    low = float(gammaincinv(events, 0.025)) if events else 0.0
    return low / n, float(gammaincinv(events + 1, 0.975)) / n


def _share(name: str, successes: int, n: int) -> Metric:
    if n == 0:
        which = "shows none of the objects" if name == "negatives_with_box" else "shows one of the objects"
        return Metric(name=name, value=None, note=f"no picture {which}")
    low, high = wilson(successes, n)
    return Metric(name=name, value=successes / n, low=low, high=high, n=n, note=f"{successes} of {n}; Wilson interval")


def _time(seconds: np.ndarray) -> Metric:
    if not len(seconds):
        return Metric(name="seconds_per_photo", value=None, note="no pictures")
    low, value, high = np.percentile(seconds, (5, 50, 95))
    note = "median, and the range of 90 % of the pictures; one picture at a time on the machine of this evaluation"
    return Metric(
        name="seconds_per_photo", value=float(value), low=float(low), high=float(high), n=len(seconds), note=note
    )


def _class_score(
    k: int,
    name: str,
    pool: Pool,
    values: dict[str, np.ndarray],
    draws: dict[str, np.ndarray],
    confusion: np.ndarray,
) -> BoxClassScore:
    objects = pool.counted.sum(1)
    metrics = []
    for a, short in zip((0, 0, 1, 2, 3), ("ap50_95", "ap50", "ap_small", "ap_medium", "ap_large"), strict=True):
        metric = _boxed(short, values[f"{short}/{k}"], draws[f"{short}/{k}"], int(objects[a]), "class")
        metrics.append(metric)
    right, shown, there = confusion[k, k], confusion[:, k].sum(), confusion[k].sum()
    metrics.append(_ratio("recall", int(right), int(there), "no boxes of it"))
    metrics.append(_ratio("precision", int(right), int(shown), "never found"))
    drawn = curve(pool)
    return BoxClassScore(
        class_name=name,
        n_objects=int(objects[0]),
        metrics=tuple(metrics),
        curve50=() if drawn is None else tuple(float(v) for v in drawn),
    )


def _ratio(name: str, right: int, of: int, nothing: str) -> Metric:
    if of == 0:
        return Metric(name=name, value=None, note=nothing)
    low, high = wilson(right, of)
    return Metric(name=name, value=right / of, low=low, high=high, n=of, note=f"{right} of {of}; Wilson interval")
