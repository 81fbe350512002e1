"""Statistics: what one run scores, and whether a variant differs from its baseline by more than chance.

Chance has two sources here: which photos there are, and the seed of scenes and training. The first is resampled
(bootstrap over photos, paired: both runs are asked about the same photos). The second is seen in the spread of the
difference from seed to seed; as two or three seeds say little about it, each variant's own spread is moderated by
the study's typical one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ablation.study import Result
from photosynth.core.rng import rng_for
from photosynth.evaluate.intervals import percentile_interval, resample_weights
from photosynth.evaluate.scores import log_loss

DRAWS = 4000
PRIOR_DF = 4.0
"""Weight of the study's typical spread, in degrees of freedom, against a variant's own."""
CHI2_MEDIAN = {1: 0.455, 2: 0.693, 3: 0.789, 4: 0.839}
"""Median of chi squared with that many degrees of freedom, divided by them: how far a median of sample variances
lies below the variance itself."""
QUANTITIES = ("loss", "photo_nll", "negative_nll", "photo_p", "false_alarms")
"""What is compared: see `per_photo`."""
PHOTO_QUANTITIES = ("photo_nll", "photo_p")


@dataclass(frozen=True)
class Scores:
    """What one run is worth, in the figures of the tables."""

    photo_nll: float
    """Mean log-loss of the true class over photos of objects, nats."""
    photo_p: float
    """Mean probability of the true class there."""
    top1: float
    """Share of them answered rightly."""
    recall_at_threshold: float
    """Share of them answered rightly and with at least the fitted threshold."""
    recall_at_5: float
    """The same at the threshold that 5 % of the photos without an object reach: needs no calibration."""
    negative_nll: float
    """Mean log-loss of none of these over photos without an object, nats."""
    alarms_at_half: float
    """Share of them given a class with probability 0.5 or more."""
    alarms_at_threshold: float
    """The same at the fitted threshold."""
    loss: float
    """Mean of photo_nll and negative_nll: seeing the object and refusing others count alike."""


@dataclass(frozen=True)
class Difference:
    """Variant minus baseline, with a 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def scores(result: Result) -> Scores:
    """The figures of one run."""
    photo_p, right = np.array(result.photo_p), np.array(result.photo_right, bool)
    none_p, object_p = np.array(result.negative_none_p), np.array(result.negative_object_p)
    given = object_p > none_p
    least = float(np.quantile(np.where(given, object_p, 0.0), 0.95, method="higher"))
    photo_nll, negative_nll = float(log_loss(photo_p).mean()), float(log_loss(none_p).mean())
    return Scores(
        photo_nll=photo_nll,
        photo_p=float(photo_p.mean()),
        top1=float(right.mean()),
        recall_at_threshold=float((right & (photo_p >= result.threshold)).mean()),
        recall_at_5=float((right & (photo_p > least)).mean()),
        negative_nll=negative_nll,
        alarms_at_half=float((given & (object_p >= 0.5)).mean()),
        alarms_at_threshold=float((given & (object_p >= result.threshold)).mean()),
        loss=(photo_nll + negative_nll) / 2,
    )


def per_photo(result: Result, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """A quantity for each photo, and the group (0 photos of objects, 1 without) that each belongs to.

    The mean over the groups of the groups' means is the quantity: ``loss`` has both groups, the others one.
    """
    photo_nll, negative_nll = log_loss(np.array(result.photo_p)), log_loss(np.array(result.negative_none_p))
    if quantity == "loss":
        return np.concatenate([photo_nll, negative_nll]), np.repeat([0, 1], [len(photo_nll), len(negative_nll)])
    values = {
        "photo_nll": photo_nll,
        "negative_nll": negative_nll,
        "photo_p": np.array(result.photo_p),
        "false_alarms": (np.array(result.negative_object_p) >= 0.5).astype(float),
    }[quantity]
    return values, np.zeros(len(values), int)


def group_mean(values: np.ndarray, groups: np.ndarray) -> float:
    """The mean over the groups of the groups' means."""
    return float(np.mean([values[groups == g].mean() for g in np.unique(groups)]))


def paired(variant: Sequence[Result], baseline: Sequence[Result], quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Differences (runs, photos), variant minus baseline, of runs with one seed and commit; and the photos' groups.

    Raises:
        ValueError: if they have no seed and commit in common or were asked about different photos.
    """
    other = {_pair_key(result): result for result in baseline}
    pairs = [(result, other[_pair_key(result)]) for result in variant if _pair_key(result) in other]
    if not pairs:
        raise ValueError("no seed and commit in common")
    rows = []
    for mine, theirs in pairs:
        (a, groups), (b, same) = per_photo(mine, quantity), per_photo(theirs, quantity)
        if not np.array_equal(groups, same):
            raise ValueError(f"{mine.variant} and {theirs.variant} were asked about different photos")
        rows.append(a - b)
    return np.array(rows), groups


def alone(runs: Sequence[Result], quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """A quantity (runs, photos) of a variant's runs themselves, and the photos' groups."""
    return np.array([per_photo(run, quantity)[0] for run in runs]), per_photo(runs[0], quantity)[1]


def _pair_key(result: Result) -> tuple[int, str]:
    return result.seed, result.commit


def joined(
    sets: Sequence[tuple[Sequence[Result], Sequence[Result]]],
) -> tuple[np.ndarray, np.ndarray] | None:
    """Differences of ``loss`` of one variant on several photo sets with the same photos without objects, as `paired`.

    The mean over the groups of the groups' means is the mean over the sets. A photo without objects is one photo, with
    the mean of its differences: what it does in one set it may do in the other.

    Args:
        sets: for each set the variant's runs and the baseline's.

    Returns:
        (runs, photos) for the seeds and commits that all of them have, with the photos' groups; None if there are none.
    """
    by_key = [({_pair_key(r): r for r in mine}, {_pair_key(r): r for r in theirs}) for mine, theirs in sets]
    common = set.intersection(*(set(runs) for pair in by_key for runs in pair))
    rows, sizes = [], []
    for key in sorted(common):
        parts, none = [], []
        for mine, theirs in by_key:
            values, groups = paired([mine[key]], [theirs[key]], "loss")
            parts.append(values[0, groups == 0])
            none.append(values[0, groups == 1])
        sizes = [len(part) for part in (*parts, none[0])]
        n = len(sizes)  # groups weigh alike: half of the whole is for the photos without, half for the sets' others
        rows.append(np.concatenate([part * n / (2 * len(parts)) for part in parts] + [np.mean(none, axis=0) * n / 2]))
    return (np.array(rows), np.repeat(np.arange(len(sizes)), sizes)) if rows else None


def typical_variance(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """The typical variance of a difference from seed to seed: a median over variants, robust to the wild ones.

    Args:
        pairs: what `paired` gave for each variant; those with one seed say nothing.

    Returns:
        The variance of one seed's mean difference; NaN if no variant has two seeds.
    """
    found = []
    for rows, groups in pairs:
        df = len(rows) - 1
        if df >= 1:
            variance = float(np.var([group_mean(row, groups) for row in rows], ddof=1))
            found.append(variance / CHI2_MEDIAN.get(df, 1.0))
    return float(np.median(found)) if found else float("nan")


def difference(rows: np.ndarray, groups: np.ndarray, prior_variance: float) -> Difference:
    """The mean difference and its interval over photos and seeds together.

    Photos are drawn with replacement within their groups from the mean over the seeds; to each draw comes the
    seeds' part, Student's t with PRIOR_DF + seeds - 1 degrees of freedom times sqrt(s^2 / seeds), where s^2 mixes the
    variant's own variance with the typical one in proportion to their degrees of freedom (the moderated variance of
    Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004), with the prior's weight fixed). Photo noise that differs between
    seeds is counted in both parts, so the interval is rather too wide than too narrow.

    Args:
        rows: (seeds, photos) differences.
        groups: (photos,) as in `per_photo`.
        prior_variance: from `typical_variance`; NaN leaves the variant's own, or 0 for a single seed.
    """
    seeds = len(rows)
    means = [group_mean(row, groups) for row in rows]
    own = float(np.var(means, ddof=1)) if seeds > 1 else 0.0
    df, prior_df = seeds - 1, 0.0 if np.isnan(prior_variance) else PRIOR_DF
    total_df = df + prior_df
    variance = (df * own + (prior_df * prior_variance if prior_df else 0.0)) / total_df if total_df else 0.0
    rng = rng_for(0, seeds, "ablation/difference")
    share = _shares(groups)
    photo = np.concatenate(list(resample_weights(groups, DRAWS, rng))) @ (rows.mean(axis=0) * share)
    draws = photo + (rng.standard_t(total_df, len(photo)) if total_df else 0.0) * np.sqrt(variance / seeds)
    mean = float(np.mean(means))
    low, high = percentile_interval(draws) or (mean, mean)
    return Difference(mean, low, high)


def _shares(groups: np.ndarray) -> np.ndarray:
    """What each photo weighs in the mean over groups, (photos,)."""
    counts = {int(g): int((groups == g).sum()) for g in np.unique(groups)}
    return np.array([1.0 / (len(counts) * counts[int(g)]) for g in groups])


def compare_all(
    results: Mapping[str, Sequence[Result]], against: Mapping[str, str]
) -> dict[str, dict[str, Difference]]:
    """Each variant of one photo set against its baseline, for each of QUANTITIES.

    Args:
        results: runs by variant.
        against: variant -> the variant it is compared with; itself for a baseline.

    Returns:
        Variant -> quantity -> difference; variants without a comparable run are left out.
    """
    table: dict[str, dict[str, Difference]] = {}
    for quantity in QUANTITIES:
        pairs = {}
        for name, runs in results.items():
            other = results.get(against[name], ())
            if against[name] != name and set(map(_pair_key, runs)) & set(map(_pair_key, other)):
                pairs[name] = paired(runs, other, quantity)
        prior = typical_variance(list(pairs.values()))
        if np.isnan(prior):  # no variant has two seeds yet: two runs differ by at most twice what one varies by
            prior = 2.0 * typical_variance([alone(runs, quantity) for runs in results.values()])
        for name, (rows, groups) in pairs.items():
            table.setdefault(name, {})[quantity] = difference(rows, groups, prior)
    return table


def compare_joined(
    sets: Sequence[Mapping[str, Sequence[Result]]], against: Mapping[str, str]
) -> dict[str, tuple[Difference, int]]:
    """Each variant that was run on all of several photo sets: its difference of ``loss`` over them, and on how many
    seeds it stands. `against` as in `compare_all`. Nothing while no variant has two seeds, which say how much seeds
    matter."""
    pairs = {}
    for name, other in against.items():
        if name != other and all(name in runs and other in runs for runs in sets):
            found = joined([(runs[name], runs[other]) for runs in sets])
            if found is not None:
                pairs[name] = found
    prior = typical_variance(list(pairs.values()))
    if np.isnan(prior):
        return {}
    return {name: (difference(rows, groups, prior), len(rows)) for name, (rows, groups) in pairs.items()}
