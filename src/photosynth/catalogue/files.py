"""ModelFiles: the files that a model refers to (materials, textures, buffers), found without leaving its folder."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from photosynth.catalogue.archive import PICTURE_SUFFIXES


class ModelFiles:
    """Hands referenced files to trimesh (it has the methods of `trimesh.resolvers.Resolver`) and remembers the ones
    that were absent or, being pictures, unreadable.

    Args:
        model: the model file.
        root: references that lead out of this folder are treated as absent.
    """

    def __init__(self, model: Path, root: Path, base: Path | None = None) -> None:
        self.file_name = model.name
        self.model, self.root = model, root.resolve()
        self.base = (base or model.parent).resolve()
        self.missing: list[str] = []

    def get(self, name: str) -> bytes:
        """The bytes of a referenced file; its bare name is tried beside the model if the path leads nowhere.

        Raises:
            FileNotFoundError: if it is absent or outside `root`.
        """
        written = unquote(str(name)).strip().strip('"').replace("\\", "/")
        for candidate in self._candidates(written):
            resolved = candidate.resolve()
            if resolved.is_file() and resolved.is_relative_to(self.root):
                data = resolved.read_bytes()
                if resolved.suffix.lower() in PICTURE_SUFFIXES and not _opens(data):
                    self.missing.append(f"{written} (damaged)")
                return data
        self.missing.append(written)
        raise FileNotFoundError(written)

    def lone_picture(self) -> Path | None:
        """The picture with the model's name beside it, or the only picture there."""
        pictures = sorted(p for p in self.model.parent.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
        same = [p for p in pictures if p.stem == self.model.stem]
        if same:
            return same[0]
        models = [p for p in self.model.parent.iterdir() if p.suffix.lower() == self.model.suffix.lower()]
        return pictures[0] if len(pictures) == 1 and len(models) == 1 else None

    def keys(self) -> Iterator[str]:
        """Names of the files beside the model."""
        yield from sorted(p.name for p in self.base.iterdir() if p.is_file())

    def namespaced(self, namespace: str) -> ModelFiles:
        """The same, looking into a sub-folder first."""
        return ModelFiles(self.model, self.root, self.base / namespace)

    def write(self, name: str, data: bytes) -> None:
        """Refused: models are only read."""
        raise PermissionError(f"{name} is not to be written")

    __getitem__ = get

    def __contains__(self, key: str) -> bool:
        return any(c.is_file() for c in self._candidates(str(key)))

    def _candidates(self, written: str) -> list[Path]:
        if "\0" in written or not PurePosixPath(written).name:
            return []
        bare = PurePosixPath(written).name
        relative = [] if written.startswith("/") or ":" in written[:3] else [self.base / written]
        return [*relative, self.base / bare, self.base / "textures" / bare]


def _opens(data: bytes) -> bool:
    from PIL import Image

    try:
        Image.open(io.BytesIO(data))
        return True
    except Exception:
        return False
