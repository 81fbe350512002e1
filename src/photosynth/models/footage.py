"""Footage: pictures to be answered, from a folder, a file, a video or a camera, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.photo import PHOTO_SUFFIXES, list_photos, read_photo


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture, or why it could not be read.

    name: a path relative to the folder, or ``VIDEO#FRAME``. image: (H, W, 3) uint8 sRGB, upright; None if unreadable.
    """

    name: str
    image: np.ndarray | None
    error: str = ""


@dataclass(frozen=True)
class Footage:
    """Where pictures come from.

    source: a folder or file, or the camera's number. total: how many pictures there are, if known.
    """

    kind: Literal["photos", "video", "camera"]
    source: str
    every: int = 1
    files: tuple[Path, ...] = ()
    total: int | None = None

    def shots(self) -> Iterator[Shot]:
        """The pictures in order. Raises ConfigError if a video or camera cannot be opened."""
        if self.kind == "photos":
            root = Path(self.source)
            for path in self.files:
                name = path.relative_to(root).as_posix() if path != root else path.name
                try:
                    yield Shot(name, read_photo(path))
                except (ConfigError, MemoryError) as error:
                    yield Shot(name, None, str(error) or type(error).__name__)
            return
        yield from self._film()

    def _film(self) -> Iterator[Shot]:
        import cv2

        camera = self.kind == "camera"
        film = cv2.VideoCapture(int(self.source) if camera else self.source)
        try:
            if not film.isOpened():
                expected = "a camera that the system knows" if camera else "a photo, a video or a folder of photos"
                raise ConfigError(f"{self.kind} {self.source} cannot be opened; expected {expected}")
            name = f"camera{self.source}" if camera else Path(self.source).name
            number = 0
            while film.grab():
                if number % self.every == 0:
                    good, frame = film.retrieve()
                    if good:
                        yield Shot(f"{name}#{number:06d}", cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
                    else:
                        yield Shot(f"{name}#{number:06d}", None, "the frame cannot be decoded")
                number += 1
        finally:
            film.release()


def find_footage(source: str | Path, every: int = 1) -> Footage:
    """What a path or a camera's number stands for.

    Args:
        source: a folder (with its sub-folders), a photo, a video, or a number such as ``"0"`` for a camera.
        every: of a video or a camera, take every n-th frame.

    Raises:
        ConfigError: if there is nothing of that name, or a folder holds no photos.
    """
    if every < 1:
        raise ConfigError(f"every is {every}; expected 1 or more")
    path, text = Path(source), str(source)
    if path.is_dir():
        folders = [path, *sorted(p for p in path.rglob("*") if p.is_dir() and not _hidden(p, path))]
        files = tuple(photo for folder in folders for photo in list_photos(folder))
        if not files:
            raise ConfigError(f"{path} holds no photos ({', '.join(PHOTO_SUFFIXES)})")
        return Footage("photos", text, 1, files, len(files))
    if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES:
        return Footage("photos", text, 1, (path,), 1)
    if path.is_file():
        return Footage("video", text, every, total=_frames(path, every))
    if text.isdecimal():
        return Footage("camera", text, every)
    raise ConfigError(f"{path} does not exist; give a folder of photos, a photo, a video, or a camera's number")


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _frames(path: Path, every: int) -> int | None:
    import cv2

    film = cv2.VideoCapture(str(path))
    try:
        if not film.isOpened():
            raise ConfigError(f"{path} is neither a photo nor a video that can be read")
        count = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
        return -(-count // every) if count > 0 else None
    finally:
        film.release()
