"""The law of randomness: scene i depends only on (seed, i, stream name).

Worker count, order, resume and cluster change nothing, and a new light setting leaves the cameras as they were.
"""

from __future__ import annotations

import hashlib

import numpy as np


def rng_for(seed: int, index: int, stream: str) -> np.random.Generator:
    """The generator of one named stream of one unit of work.

    Args:
        seed: the run's seed, 0 or more (0 is a seed like any other).
        index: the scene's number, 0 or more.
        stream: a name such as ``"camera"``; streams are statistically independent.

    Raises:
        ValueError: for a negative seed or index.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index must be 0 or more, got seed={seed}, index={index}")
    name = int.from_bytes(hashlib.blake2b(stream.encode(), digest_size=8).digest(), "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index, name])))


def fraction_for(seed: int, index: int, stream: str) -> float:
    """A number in [0, 1) fixed by (seed, index, stream), cheaper than a generator: used to split by hash."""
    data = f"{seed}/{index}/{stream}".encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little") / 2.0**64
