"""Picks sharp, well-spread frames from a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.capture.measure import detail, shrink
from photosynth.core.errors import ConfigError
from photosynth.core.record import Record

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
LOOKS_PER_S = 10.0
"""How many frames of a second are looked at."""
LOOK_SIDE_PX = 480
CORNERS = 300
MIN_STEP = 0.02
"""Picked frames lie at least this far apart, as a share of the picture's longer side."""


class Look(Record, frozen=True, kw_only=True):
    """What was seen of one frame while choosing."""

    number: int
    """Its number in the video."""
    time_s: float
    """Its time."""
    detail: float
    """Its detail (see measure.detail)."""
    moved: float
    """How far the scene moved since the look before, as a share of the longer side."""


def is_video(path: Path) -> bool:
    """Whether this is a file with a video's suffix."""
    return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES


def look_through(path: Path) -> Iterator[Look]:
    """Look at about LOOKS_PER_S frames of each second: how sharp they are and how far the scene moved.

    Motion is the median of corners followed by pyramidal Lucas-Kanade; where fewer than 20 can be followed, the
    scene has changed, and the motion counts as a tenth of the picture.

    Raises:
        ConfigError: if the file is no video that can be read.
    """
    import cv2

    video = _open(path)
    rate = video.get(cv2.CAP_PROP_FPS) or 30.0
    stride = max(1, round(rate / LOOKS_PER_S))
    before = None
    number = 0
    while video.grab():
        if number % stride == 0:
            ok, frame = video.retrieve()
            if not ok:
                break
            gray = shrink(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), LOOK_SIDE_PX)
            moved = 0.0 if before is None else _motion(before, gray)
            yield Look(number=number, time_s=number / rate, detail=detail(gray), moved=moved)
            before = gray
        number += 1
    video.release()
    if before is None:
        raise ConfigError(f"{path} has no frame that can be read; save it as MP4 (H.264)")


def _motion(before: np.ndarray, after: np.ndarray) -> float:
    import cv2

    corners = cv2.goodFeaturesToTrack(before, CORNERS, 0.01, 7)
    if corners is None:
        return 0.0
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, None, winSize=(21, 21), maxLevel=4)
    good = status.ravel() == 1
    if good.sum() < 20:
        return 0.1
    return float(np.median(np.linalg.norm((moved - corners).reshape(-1, 2)[good], axis=1))) / max(before.shape)


def pick(looks: list[Look], frames: int) -> list[Look]:
    """At most `frames` looks: the path of the scene is cut into equal lengths, and each gives its sharpest frame.

    A frame counts as sharp beside its neighbours, not beside the whole video, so that a side with little texture
    keeps its frames. Stretches without motion give one frame.
    """
    path = np.cumsum([look.moved for look in looks])
    length = float(path[-1]) if len(path) else 0.0
    count = max(1, min(frames, len(looks), int(length / MIN_STEP) + 1))
    edges = np.linspace(0.0, length, count + 1)
    sharp = np.array([look.detail for look in looks])
    around = np.array([np.median(sharp[max(0, k - 10) : k + 11]) for k in range(len(sharp))])
    relative = sharp / np.maximum(around, 1e-6)
    picked = []
    for k in range(count):
        last = k == count - 1
        inside = np.flatnonzero((path >= edges[k]) & ((path < edges[k + 1]) | last))
        if len(inside):
            middle = (edges[k] + edges[k + 1]) / 2
            width = max(edges[k + 1] - edges[k], 1e-9)
            off_centre = np.abs(path[inside] - middle) / width  # 0..0.5
            picked.append(looks[int(inside[np.argmax(relative[inside] - 0.2 * off_centre)])])
    return picked


def read_frames(path: Path, numbers: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    """(number, (H, W, 3) uint8 sRGB upright) of the frames with these numbers, in ascending order.

    Raises:
        ConfigError: if the file is no video that can be read.
    """
    import cv2

    video = _open(path)
    wanted, number = set(numbers), 0
    while wanted and video.grab():
        if number in wanted:
            ok, frame = video.retrieve()
            wanted.discard(number)
            if ok:
                yield number, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        number += 1
    video.release()


def _open(path: Path) -> Any:
    import cv2

    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise ConfigError(f"{path} cannot be read as a video; save it as MP4 (H.264)")
    video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return video
