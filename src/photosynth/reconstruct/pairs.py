"""Which pictures are compared with which: all with all in small sets, neighbours and look-alikes in large ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WORDS = 256
SAMPLE = 20_000


def all_pairs(n: int) -> list[tuple[int, int]]:
    """Every pair (i, j), i < j; near neighbours first, so that an interrupted run has the most useful ones."""
    return sorted(((i, j) for i in range(n) for j in range(i + 1, n)), key=lambda p: (p[1] - p[0], p[0]))


def neighbour_pairs(n: int, overlap: int) -> list[tuple[int, int]]:
    """Pairs at distance 1..overlap in the list, and at the powers of two beyond."""
    steps = set(range(1, overlap + 1)) | {2**k for k in range(3, 16) if overlap < 2**k < n}
    return sorted(((i, i + s) for s in steps for i in range(n - s)), key=lambda p: (p[1] - p[0], p[0]))


def similar_pairs(histograms: np.ndarray, per_picture: int, min_gap: int = 0) -> list[tuple[int, int]]:
    """For each picture the `per_picture` most alike at least `min_gap` places away, as pairs (i, j), i < j.

    Args:
        histograms: (n, words) of unit length (see `word_histograms`).
    """
    n = len(histograms)
    likeness = histograms @ histograms.T
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= min_gap
    likeness[near | np.eye(n, dtype=bool)] = -np.inf
    found = set()
    for i in range(n):
        for j in np.argsort(-likeness[i], kind="stable")[:per_picture]:
            if np.isfinite(likeness[i, j]):
                found.add((min(i, int(j)), max(i, int(j))))
    return sorted(found)


def word_histograms(descriptors: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Bags of visual words, (n, WORDS), weighted by rarity and of unit length.

    Sivic and Zisserman, Video Google, 2003: descriptors are put to the nearest of k-means centres found on a sample
    of this very set, so that no vocabulary needs to be shipped.

    Args:
        descriptors: (m, 128) uint8 of each picture; m may be 0.
    """
    import cv2

    pool = np.concatenate([np.asarray(d, np.float32) for d in descriptors if len(d)] or [np.zeros((0, 128))])
    words = min(WORDS, len(pool) // 4)
    if words < 2:
        return np.zeros((len(descriptors), 1))
    sample = pool[rng.choice(len(pool), min(SAMPLE, len(pool)), replace=False)].astype(np.float32)
    centres = sample[rng.choice(len(sample), words, replace=False)]
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    for _ in range(6):
        nearest = np.array([m.trainIdx for m in matcher.match(sample, centres)])
        for k in range(words):
            members = sample[nearest == k]
            if len(members):
                centres[k] = members.mean(axis=0)
    counts = np.zeros((len(descriptors), words))
    for row, found in zip(counts, descriptors, strict=True):
        if len(found):
            nearest = [m.trainIdx for m in matcher.match(np.asarray(found, np.float32), centres)]
            row += np.bincount(nearest, minlength=words)
    rarity = np.log(len(descriptors) / np.maximum((counts > 0).sum(axis=0), 1))
    weighted = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)) * (rarity + 0.05)
    return weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)
