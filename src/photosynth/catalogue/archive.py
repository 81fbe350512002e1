"""The ``.model`` format: a zip of OBJ and JPEG files. Nothing of it is ever unpacked to disk."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec2

MAX_MEMBERS = 256
MAX_BYTES = 1 << 30
"""Unpacked size above which an archive is refused."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class ArchivePart:
    """One OBJ with its picture, as bytes, and which side of it was scanned."""

    name: str
    elevation_deg: Vec2
    obj: bytes
    picture: bytes
    picture_name: str


def read_model_archive(path: Path) -> tuple[ArchivePart, ...]:
    """The parts of a ``.model`` file.

    Four files ``Top.obj Top.jpg Bot.obj Bot.jpg`` are two half-scans, parts "top" and "bottom"; ``Bot`` is already
    turned over in its file, so its trusted side is the one below. One OBJ and one picture of any name are part
    "whole". Member names are only compared, never used as paths; sizes are limited before anything is unpacked.

    Raises:
        ConfigError: if it is not a zip, is damaged, encrypted or too large, or holds other files than these.
    """
    members = _read_members(path)
    models = {stem: data for (stem, suffix), data in members.items() if suffix == ".obj"}
    pictures = {stem: (data, stem + suffix) for (stem, suffix), data in members.items() if suffix in PICTURE_SUFFIXES}
    listing = ", ".join(sorted(f"{stem}{suffix}" for stem, suffix in members)) or "nothing"
    if set(models) == {"top", "bot"}:
        missing = [f"{s}.jpg" for s in ("top", "bot") if s not in pictures]
        if missing:
            raise ConfigError(f"{path} lacks {' and '.join(missing)}; it holds {listing}")
        return (
            ArchivePart("top", (0.0, 90.0), models["top"], *pictures["top"]),
            ArchivePart("bottom", (-90.0, 0.0), models["bot"], *pictures["bot"]),
        )
    if len(models) == 1:
        stem, data = next(iter(models.items()))
        if stem in pictures or len(pictures) == 1:
            return (ArchivePart("whole", (-90.0, 90.0), data, *pictures.get(stem, next(iter(pictures.values())))),)
    raise ConfigError(
        f"{path} holds {listing}; expected Top.obj, Top.jpg, Bot.obj and Bot.jpg, or one OBJ and one JPEG"
    )


def _read_members(path: Path) -> dict[tuple[str, str], bytes]:
    """(lower-case stem, lower-case suffix) -> bytes of every OBJ and picture."""
    members: dict[tuple[str, str], bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [i for i in archive.infolist() if not i.is_dir()]
            total = sum(i.file_size for i in infos)
            if len(infos) > MAX_MEMBERS or total > MAX_BYTES:
                raise ConfigError(
                    f"{path} would unpack to {len(infos)} files and {total / 2**20:.0f} MiB; at most {MAX_MEMBERS} "
                    f"files and {MAX_BYTES / 2**20:.0f} MiB are read"
                )
            for info in infos:
                name = PurePosixPath(info.filename.replace("\\", "/"))
                key = (name.stem.casefold(), name.suffix.casefold())
                if name.name.startswith(".") or "__MACOSX" in name.parts:
                    continue
                if key[1] != ".obj" and key[1] not in PICTURE_SUFFIXES:
                    continue
                if key in members:
                    raise ConfigError(f"{path} holds {name.name} twice, in different folders; expected it once")
                members[key] = archive.read(info)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise ConfigError(
            f"{path} is not a readable .model file ({error}); a .model is a zip of OBJ and JPEG"
        ) from error
    except Exception as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is damaged ({error}); make or copy it again") from error
    return members
