"""Scores: what a table of answers is worth. Pure functions of arrays."""

from __future__ import annotations

import numpy as np

SMALLEST_PROBABILITY = 1e-12


def confusion_matrix(truth: np.ndarray, answer: np.ndarray, n_classes: int) -> np.ndarray:
    """counts[truth, answer], (n_classes, n_classes) int64, of two (n,) integer arrays."""
    flat = np.bincount(truth.astype(np.int64) * n_classes + answer, minlength=n_classes * n_classes)
    return flat.reshape(n_classes, n_classes)


def macro_scores(confusion: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unweighted means over `classes` of precision, recall and F1.

    Args:
        confusion: (..., k, k), counts[truth, answer]; leading axes are kept.
        classes: which of the k count: those that have photos. A class that was never answered has precision 0
            here (as in scikit-learn with zero_division=0).

    Returns:
        Three arrays of shape (...); NaN where `classes` is empty.
    """
    if len(classes) == 0:
        nothing = np.full(confusion.shape[:-2], np.nan)
        return nothing, nothing, nothing
    right = np.diagonal(confusion, axis1=-2, axis2=-1)[..., classes].astype(float)
    answered = confusion.sum(axis=-2)[..., classes]
    there = confusion.sum(axis=-1)[..., classes]
    precision = right / np.maximum(answered, 1)
    recall = right / np.maximum(there, 1)
    f1 = 2 * right / np.maximum(answered + there, 1)
    return precision.mean(axis=-1), recall.mean(axis=-1), f1.mean(axis=-1)


def bin_ids(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Which of `bins` equal bins (i / bins, (i + 1) / bins] each confidence in 0..1 falls into, (n,) int64."""
    return np.clip(np.ceil(confidence * bins - 1e-9).astype(np.int64) - 1, 0, bins - 1)


def calibration_error(
    confidence: np.ndarray, right: np.ndarray, bins: int = 15, weights: np.ndarray | None = None
) -> np.ndarray:
    """Expected calibration error: the mean over photos of |share right - mean confidence| of their bin, 0..1.

    sum_b (n_b / n) |acc_b − conf_b| over equal bins of the answer's probability: Guo et al., On Calibration of
    Modern Neural Networks, ICML 2017, eq. 3.

    Args:
        confidence: (n,) probability of the answer.
        right: (n,) bool.
        bins: how many.
        weights: (..., n) how often each photo counts; once when None.

    Returns:
        Shape (...) float64; NaN where nothing counts.
    """
    weights = np.ones(len(confidence)) if weights is None else weights
    member = (bin_ids(confidence, bins)[:, None] == np.arange(bins)).astype(float)
    signed = weights @ (member * (right.astype(float) - confidence)[:, None])
    total = weights.sum(axis=-1)
    return np.abs(signed).sum(axis=-1) / np.where(total > 0, total, np.nan)


def log_loss(truth_probability: np.ndarray) -> np.ndarray:
    """-ln of the probability given to the truth, (n,) nats, with probabilities raised to at least 1e-12."""
    return -np.log(np.maximum(truth_probability, SMALLEST_PROBABILITY))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> tuple[tuple[int, float, float, int], ...]:
    """The bins of a reliability diagram that are not empty: (bin, mean confidence, share right, photos)."""
    ids = bin_ids(confidence, bins)
    rows = []
    for b in np.unique(ids):
        inside = ids == b
        rows.append((int(b), float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum())))
    return tuple(rows)
