"""Golden: a few pictures with the answers that every runtime must give for an exported model. Free of torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.photo import read_photo
from photosynth.core.record import Record, from_json
from photosynth.core.rng import rng_for
from photosynth.models.exported import GOLDEN_FILE
from photosynth.models.resize import Fit, fit_square

TOLERANCE = 1e-4
"""Largest difference of a float32 runtime's probabilities and scores from PyTorch's."""
BOX_TOLERANCE_PX = 0.05
"""The same for boxes, in input pixels."""
MADE_SIZES_WH = ((97, 61), (300, 224))
"""Of the pictures made up here."""
LEAST_COMPARED = 0.05
"""A detector's rows with less score are not compared: faint ones change places or cross the suppression's limit."""


class GoldenCase(Record, frozen=True, kw_only=True):
    """One picture and its answer."""

    file: str
    """The picture, a PNG in the model's folder."""
    input_sha256: str
    """Of the resized picture's bytes, row by row, R G B: tells a fault of the resize from one of the runtime."""
    outputs: dict[str, tuple[float, ...]]
    """Each output's numbers by name, flattened row by row, from PyTorch."""


class Golden(Record, frozen=True, kw_only=True):
    """``golden.json``."""

    tolerance: float
    """Largest difference allowed of probabilities and scores in float32."""
    cases: tuple[GoldenCase, ...]
    """The pictures."""


def made_pictures() -> Iterator[np.ndarray]:
    """Pictures that need no dataset: smooth colour with sharp rectangles, as (H, W, 3) uint8."""
    for index, (width, height) in enumerate(MADE_SIZES_WH):
        rng = rng_for(0, index, "golden")
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        waves = [np.sin(2 * np.pi * (rng.uniform(0.5, 3) * x + rng.uniform(0.5, 3) * y)) for _ in range(3)]
        image = np.rint(127.5 + 100 * np.stack(waves, 2)).astype(np.uint8)
        for _ in range(8):
            left, top = int(rng.integers(width - 8)), int(rng.integers(height - 8))
            right, bottom = left + int(rng.integers(8, width // 2)), top + int(rng.integers(8, height // 2))
            image[top:bottom, left:right] = rng.integers(0, 256, 3)
        yield image


def make_case(image: np.ndarray, file: str, input_px: int, fit: Fit, outputs: dict[str, np.ndarray]) -> GoldenCase:
    """The record of one picture; `outputs` are PyTorch's for it alone, without the batch axis."""
    return GoldenCase(
        file=file,
        input_sha256=_input_sha256(image, input_px, fit),
        outputs={name: tuple(float(v) for v in np.ravel(value)) for name, value in outputs.items()},
    )


def largest_difference(
    cases: Sequence[GoldenCase], squares: np.ndarray, runtime: Callable[[np.ndarray], dict[str, np.ndarray]]
) -> float:
    """How far a runtime is from PyTorch: the largest difference of any output number.

    A detector's finds are compared as sets, since equal scores may come in any order: each find of either side with
    a score of LEAST_COMPARED or more (or half the picture's best, where that is less) is held against the other side's
    nearest find of its class, or against nothing, whichever is closer. Boxes count by TOLERANCE / BOX_TOLERANCE_PX, so
    that one tolerance serves all.

    Args:
        cases: the golden cases.
        squares: their resized pictures (n, S, S, 3) uint8.
        runtime: gives the outputs by name, each with a batch axis. It is asked for one picture and for several at
            once: an exported graph must take any number.

    Returns:
        the difference; NaN if the runtime answered NaN.
    """
    groups = [squares[k : k + 1] for k in range(len(squares))] + [squares]
    members = [[case] for case in cases] + [list(cases)]
    worst = 0.0
    for group, its_cases in zip(groups, members, strict=True):
        answers = {name: np.asarray(value, np.float64) for name, value in runtime(group).items()}
        for row, case in enumerate(its_cases):
            found = {name: value[row].ravel() for name, value in answers.items()}
            expected = {name: np.array(case.outputs[name]) for name in answers}
            compare = _finds_apart if "scores" in answers else _numbers_apart
            worst = np.maximum(worst, compare(found, expected))  # keeps NaN
    return float(worst)


def _numbers_apart(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    return max(float(np.max(np.abs(found[name] - expected[name]), initial=0.0)) for name in expected)


def _finds_apart(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """The largest distance of any find that is compared from the other side's; NaN if a number is NaN."""
    if not all(np.isfinite(value).all() for value in found.values()):
        return float("nan")
    apart = np.abs(found["scores"][:, None] - expected["scores"][None])
    boxes = np.abs(found["boxes"].reshape(-1, 1, 4) - expected["boxes"].reshape(1, -1, 4)).max(2)
    apart = np.maximum(apart, boxes * TOLERANCE / BOX_TOLERANCE_PX)
    apart[found["class_ids"][:, None] != expected["class_ids"][None]] = np.inf
    worst = 0.0
    for side, axis in ((found, 1), (expected, 0)):
        nearest = np.minimum(apart.min(axis, initial=np.inf), side["scores"])
        least = min(LEAST_COMPARED, 0.5 * float(side["scores"].max(initial=0.0)))
        last = float(side["scores"].min(initial=np.inf))  # of a full answer: what is next to it may have been cut off
        least = max(least, last + 2 * TOLERANCE if 0 < last < np.inf else 0.0)
        worst = max(worst, float(np.max(nearest[side["scores"] >= least], initial=0.0)))
    return worst


def read_golden(folder: Path) -> Golden:
    """The golden cases of an exported model. Raises ArtifactError if they are absent or unreadable."""
    path = Path(folder) / GOLDEN_FILE
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; export the model again")
    try:
        return from_json(path.read_bytes(), Golden, str(path))
    except ConfigError as error:
        raise ArtifactError(f"{error}. Export the model again with --overwrite.") from error


def golden_squares(folder: Path, golden: Golden, input_px: int, fit: Fit) -> np.ndarray:
    """The golden pictures resized, (n, S, S, 3) uint8.

    Raises:
        ArtifactError: if this program's resize gives other bytes than the one that made them.
    """
    squares = []
    for case in golden.cases:
        image = read_photo(Path(folder) / case.file)
        if _input_sha256(image, input_px, fit) != case.input_sha256:
            raise ArtifactError(f"{folder}/{case.file} resized here differs from when it was exported; export again")
        squares.append(fit_square(image, input_px, fit)[0])
    return np.stack(squares)


def _input_sha256(image: np.ndarray, input_px: int, fit: Fit) -> str:
    return hashlib.sha256(fit_square(image, input_px, fit)[0].tobytes()).hexdigest()
