"""Which photos show the same view, and which overlap at all: from hashes and ORB features on thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.capture.measure import Measured, hash_distance

ALL_PAIRS_UP_TO = 80
NEIGHBOURS = 12
LOOK_ALIKES = 6
DUPLICATE_HASH = 14
"""Hash bits in which two shots of one view differ at most."""
DUPLICATE_SHARE = 0.35
"""Share of the features that two shots of one view have in common at least."""
RATIO = 0.85
RANSAC_PX = 3.0
MIN_MATCHES = 8


@dataclass(frozen=True)
class Link:
    """What two photos have in common."""

    a: int
    b: int
    inliers: int
    """Points that agree with one epipolar geometry."""
    moved_px: float
    """Median distance that they moved, on the thumbnail; infinite without points."""
    share: float
    """Inliers over the features of the poorer photo."""
    hash_bits: int
    """Hash bits in which they differ."""

    def is_duplicate(self, duplicate_px: float) -> bool:
        """Whether both show one view."""
        return self.hash_bits <= DUPLICATE_HASH and self.moved_px <= duplicate_px and self.share >= DUPLICATE_SHARE


def links(measured: Sequence[Measured]) -> list[Link]:
    """Compare photos: all with all in sets of up to ALL_PAIRS_UP_TO, else neighbours and look-alikes."""
    return [link(measured, a, b) for a, b in candidate_pairs(measured)]


def candidate_pairs(measured: Sequence[Measured]) -> list[tuple[int, int]]:
    """The pairs (a, b), a < b, that are worth comparing."""
    n = len(measured)
    if n <= ALL_PAIRS_UP_TO:
        return [(a, b) for a in range(n) for b in range(a + 1, n)]
    bits = np.unpackbits(np.array([m.hash_bits for m in measured]), axis=1).astype(np.int16)
    distance = np.abs(bits[:, None] - bits[None]).sum(axis=2)
    pairs = {(a, b) for a in range(n) for b in range(a + 1, min(n, a + NEIGHBOURS + 1))}
    for a in range(n):
        for b in np.argsort(distance[a], kind="stable")[: LOOK_ALIKES + 1]:
            if a != b:
                pairs.add((min(a, int(b)), max(a, int(b))))
    return sorted(pairs)


def link(measured: Sequence[Measured], a: int, b: int) -> Link:
    """Match the features of two photos and keep those that agree with one epipolar geometry (RANSAC)."""
    import cv2

    first, second = measured[a], measured[b]
    bits = hash_distance(first.hash_bits, second.hash_bits)
    pixels_a, pixels_b = _matches(first, second)
    if len(pixels_a) < MIN_MATCHES:
        return Link(a, b, 0, float("inf"), 0.0, bits)
    moved = np.linalg.norm(pixels_a - pixels_b, axis=1)
    still = int((moved <= RANSAC_PX).sum())
    if still > 0.5 * len(moved):  # no motion, no epipolar geometry
        inliers = moved <= RANSAC_PX
    else:
        cv2.setRNGSeed(a * 7919 + b)
        _, mask = cv2.findFundamentalMat(pixels_a, pixels_b, cv2.FM_RANSAC, RANSAC_PX, 0.99, 500)
        inliers = np.zeros(len(moved), bool) if mask is None else mask.ravel().astype(bool)
    count = int(inliers.sum())
    share = count / max(1, min(len(first.descriptors), len(second.descriptors)))
    return Link(a, b, count, float(np.median(moved[inliers])) if count else float("inf"), share, bits)


def _matches(first: Measured, second: Measured) -> tuple[np.ndarray, np.ndarray]:
    """Thumbnail pixels (n, 2) of mutual matches that pass Lowe's ratio test."""
    import cv2

    none = np.zeros((0, 2), np.float32)
    if min(len(first.descriptors), len(second.descriptors)) < 2:
        return none, none
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(first.descriptors, second.descriptors, k=2)
    kept: dict[int, tuple[float, int]] = {}
    for best, next_best in (pair for pair in found if len(pair) == 2):
        if best.distance < RATIO * next_best.distance:
            known = kept.get(best.trainIdx)
            if known is None or best.distance < known[0]:
                kept[best.trainIdx] = (best.distance, best.queryIdx)
    if not kept:
        return none, none
    b_ids = np.array(list(kept))
    a_ids = np.array([q for _, q in kept.values()])
    return first.points_px[a_ids], second.points_px[b_ids]


def islands(n: int, found: Sequence[Link], min_inliers: int) -> list[list[int]]:
    """Groups of photos that overlap one another, the largest first; photos alone are groups of one."""
    group = list(range(n))

    def root(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    for item in found:
        if item.inliers >= min_inliers:
            group[root(item.a)] = root(item.b)
    members: dict[int, list[int]] = {}
    for k in range(n):
        members.setdefault(root(k), []).append(k)
    return sorted(members.values(), key=lambda m: (-len(m), m))
