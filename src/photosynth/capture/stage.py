"""The capture stage: photos or a video in; upright pictures with a verdict on each out."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any, Literal

import msgspec

from photosynth.capture.config import CaptureConfig, check_config
from photosynth.capture.contact import contact_sheet
from photosynth.capture.exif import Exif
from photosynth.capture.ingest import SCRATCH, Taken, Unit, scratch_paths, take, write_picture
from photosynth.capture.likeness import Link, candidate_pairs, link
from photosynth.capture.measure import Measured, unpack
from photosynth.capture.sides import side_folders, side_name
from photosynth.capture.verdict import advice, judge
from photosynth.capture.video import VIDEO_SUFFIXES, Look, is_video, look_through, pick, read_frames
from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key
from photosynth.core.capture import PHOTOS_FILE, Capture, CapturedPhoto
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError, EngineError
from photosynth.core.photo import list_photos
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import from_json, to_json, to_pretty_json

STAGE = "capture"
SCHEMA = 1
LOOKS = "looks.json"

__all__ = ["SCHEMA", "STAGE", "CaptureConfig", "run"]


def run(
    config: CaptureConfig,
    photos: Path,
    out: Path,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Take in the photos of one object and judge each of them.

    The artifact holds ``photos/NNNN.jpg`` (upright, no EXIF), ``photos.json`` (a core.capture.Capture) and
    ``contact.jpg``. Photos that are set aside are written too, but marked as not used. Photos are ordered by the
    time at which they were taken if every one tells it, else by name.

    Args:
        config: settings.
        photos: a folder of JPEG, PNG, HEIC, WebP or TIFF files, a folder with one video, or a video file; or, for an
            object that was turned over, a folder with a folder of photos for each of its sides.
        out: the folder to make.
        executor: reads the photos; None reads them here, one after another.
        progress: is told of photos, pairs and what was set aside.
        overwrite: replace another artifact of ours in `out`.

    Raises:
        ConfigError: for a setting that cannot work, or if there is no photo that can be read.
        ArtifactError: if `out` cannot be used.
    """
    check_config(config)
    photos, out = Path(photos), Path(out)
    kind, sources = find_sources(photos)
    if out.resolve().is_relative_to(photos.resolve()):
        raise ConfigError(f"the capture {out} would lie inside the folder of photos {photos}; choose another --out")
    progress = progress or Silent()
    key = folder_key(sources[0]) if kind == "video" else folder_key(photos)
    with ArtifactWriter(out, STAGE, SCHEMA, config, None, {"photos": key}, overwrite=overwrite) as writer:
        if writer.finished is not None:
            return writer.finished
        if kind == "video":
            taken = _take_frames(config, sources[0], writer, progress)
        else:
            taken = _take_photos(config, sources, out, executor, progress)
        if not any(t.file for t in taken):
            raise ConfigError(f"none of the {len(taken)} photos in {photos} can be read; {taken[0].problem}")
        capture = _judge(config, kind, taken, out, progress)
        writer.write(PHOTOS_FILE, to_pretty_json(capture))
        writer.write("contact.jpg", contact_sheet(out, capture))
        shutil.rmtree(out / SCRATCH)
        artifact = writer.finish(_summary(capture), capture.advice)
        progress.finish()
        return artifact


def find_sources(photos: Path) -> tuple[Literal["photos", "video"], list[Path]]:
    """What kind of capture a path holds, and its files.

    Raises:
        ConfigError: if there are neither photos nor exactly one video.
    """
    if is_video(photos):
        return "video", [photos]
    if not photos.is_dir():
        raise ConfigError(f"{photos} does not exist; expected a folder of photos, or a video")
    found = list(list_photos(photos)) or [p for side in side_folders(photos) for p in list_photos(side)]
    videos = [p for p in sorted(photos.iterdir()) if is_video(p) and not p.name.startswith(".")]
    if found:
        return "photos", found
    if len(videos) == 1:
        return "video", videos
    raise ConfigError(
        f"{photos} holds {'several videos' if videos else 'no photos'}; expected the photos of one object (JPEG, PNG, "
        f"HEIC), or one video ({', '.join(VIDEO_SUFFIXES)})"
    )


def _take_photos(
    config: CaptureConfig, sources: list[Path], out: Path, executor: Executor | None, progress: Progress
) -> list[Taken]:
    units = [
        Unit(
            source=path.resolve(),
            name=_name(path, sources),
            out=out.resolve(),
            file=f"photos/{k:04d}.jpg",
            max_side_px=config.max_side_px,
            jpeg_quality=config.jpeg_quality,
        )
        for k, path in enumerate(sources)
    ]
    progress.start(STAGE, len(units), "photos")
    results: dict[int, Taken] = {}
    if executor is None:
        for k, unit in enumerate(units):
            results[k] = take(unit)
            progress.advance()
    else:
        for result in executor.map(take, units):
            if result.value is None:
                raise EngineError("capture", units[result.position].source.name, result.error or "no reason was given")
            results[result.position] = result.value
            progress.advance()
    taken = [results[k] for k in range(len(units))]
    if all(t.taken_s is not None for t in taken if t.file):
        taken.sort(key=lambda t: (side_name(t.source), t.taken_s or 0.0, t.source))
    return taken


def _name(path: Path, sources: list[Path]) -> str:
    """What to call a photo: with its folder if the photos are in several."""
    return path.name if len({p.parent for p in sources}) == 1 else f"{path.parent.name}/{path.name}"


def _take_frames(config: CaptureConfig, video: Path, writer: ArtifactWriter, progress: Progress) -> list[Taken]:
    looks_path = writer.path(f"{SCRATCH}/{LOOKS}")
    if looks_path.is_file():
        looks = from_json(looks_path.read_bytes(), tuple[Look, ...], LOOKS)
    else:
        progress.note(f"looking through {video.name}")
        looks = tuple(look_through(video))
        writer.write(f"{SCRATCH}/{LOOKS}", to_json(looks))
    picked = pick(list(looks), config.frames)
    progress.start(STAGE, len(picked), "frames")
    out = writer.folder.resolve()
    taken: dict[int, Taken] = {}
    files = {look.number: f"photos/{k:04d}.jpg" for k, look in enumerate(picked)}
    for look in picked:
        record = scratch_paths(out, files[look.number])[0]
        if record.is_file():
            taken[look.number] = from_json(record.read_bytes(), Taken, str(record))
            progress.advance()
    times = {look.number: look.time_s for look in picked}
    for number, picture in read_frames(video, [n for n in files if n not in taken]):
        unit = Unit(
            source=video,
            out=out,
            file=files[number],
            max_side_px=config.max_side_px,
            jpeg_quality=config.jpeg_quality,
            name=f"{video.name}@{times[number]:.2f}s",
        )
        made = write_picture(picture, Exif(), unit)
        taken[number] = msgspec.structs.replace(made, taken_s=times[number])
        writer.write(f"{SCRATCH}/{Path(files[number]).stem}.json", to_json(taken[number]))
        progress.advance()
    return [taken[look.number] for look in picked if look.number in taken]


def _judge(
    config: CaptureConfig, kind: Literal["photos", "video"], taken: list[Taken], out: Path, progress: Progress
) -> Capture:
    measured = [unpack(scratch_paths(out, t.file)[1].read_bytes()) if t.file else None for t in taken]
    sides: dict[str, list[int]] = {}
    for k, item in enumerate(taken):
        sides.setdefault(side_name(item.source), []).append(k)
    judged: dict[int, CapturedPhoto] = {}
    lines: list[str] = []
    for side, members in sides.items():
        found = _links([measured[k] for k in members], progress)
        photos = judge([taken[k] for k in members], [measured[k] for k in members], found, config)
        judged.update(zip(members, photos, strict=True))
        lines += [f"{side}: {line}" if side else line for line in advice(photos, found, config)]
    photos = tuple(judged[k] for k in range(len(taken)))
    for photo in photos:
        if photo.verdict != "good":
            progress.note(f"{photo.source}: {photo.verdict} ({photo.reason})")
    ordered = kind == "video" or all(p.time_s is not None for p in photos if p.file)
    return Capture(kind=kind, ordered=ordered, photos=photos, advice=tuple(lines))


def _links(measured: list[Measured | None], progress: Progress) -> list[Link]:
    """What the readable ones of some photos have in common, numbered as given."""
    readable = [k for k, m in enumerate(measured) if m is not None]
    known = [m for m in measured if m is not None]
    pairs = candidate_pairs(known)
    progress.start("overlap", len(pairs), "pairs")
    found = []
    for a, b in pairs:
        found.append(dataclasses.replace(link(known, a, b), a=readable[a], b=readable[b]))
        progress.advance()
    return found


def _summary(capture: Capture) -> dict[str, Any]:
    verdicts = [p.verdict for p in capture.photos]
    return {
        "n_photos": len(capture.photos),
        "n_used": len(capture.used()),
        "set_aside": {v: verdicts.count(v) for v in sorted(set(verdicts)) if v not in ("good", "too little overlap")},
        "n_focal_known": sum(p.focal_px is not None for p in capture.used()),
        "n_cameras": len({p.camera_group for p in capture.used()}),
    }
