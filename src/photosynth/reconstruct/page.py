"""Page: ``report.html``, what became of the photos, in one file that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.asset import ModelFacts
from photosynth.core.capture import Capture
from photosynth.core.photo import read_photo
from photosynth.reconstruct.dense import Dense, HeldOut
from photosynth.reconstruct.joining import Joint
from photosynth.reconstruct.model import textured_mesh
from photosynth.reconstruct.preview import jpeg_bytes, turntable
from photosynth.reconstruct.sides import Side
from photosynth.reconstruct.texture import Texture
from photosynth.reconstruct.verdict import Verdict

TEMPLATES = Path(__file__).parent / "templates"
HEADLINES = {
    "good": "Good enough to train on",
    "weak": "Weak: usable, but look at the reasons",
    "retake": "Not usable: take the photos again",
}
SEEN_MARK = np.array([214, 96, 40], np.float32)
"""Colour of the hatching over what no photo saw."""
MAP_PX = 900
HELD_PX = 560
THUMB_PX = 150


@dataclass(frozen=True, eq=False)
class PageInputs:
    """Everything the page shows. folder: of the capture; advice: what more to photograph."""

    folder: Path
    capture: Capture
    sides: tuple[Side, ...]
    joint: Joint | None
    dense: Dense
    verdict: Verdict
    facts: ModelFacts
    advice: tuple[str, ...]


def page_html(inputs: PageInputs, out: Path) -> str:
    """The page as one HTML document: styles inline, pictures as data URIs, no scripts, all texts escaped.

    Args:
        inputs: what to show.
        out: the artifact's folder, with ``preview.jpg`` and the pictures of the coverage.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(_context(inputs, out))


def _context(inputs: PageInputs, out: Path) -> dict[str, Any]:
    dense, verdict = inputs.dense, inputs.verdict
    mesh = textured_mesh(dense.surface, hatched(dense.texture))
    facts = inputs.facts
    round_about = ((-90.0, 90.0),) if verdict.arc_deg == 360.0 else (facts.elevation_deg, facts.azimuth_deg)
    names = {p.file: p.source for p in inputs.capture.photos}
    return {
        "headline": HEADLINES[verdict.grade],
        "verdict": verdict,
        "facts": facts,
        "shown_from": shown_from(facts),
        "sides": [_side(k, side, out) for k, side in enumerate(inputs.sides)],
        "joint": _joint(inputs),
        "n_photos": len(inputs.capture.photos),
        "n_registered": sum(s.quality.n_registered for s in inputs.sides),
        "photos": _photos(inputs),
        "faces": len(dense.surface.faces),
        "closed": dense.surface.closed,
        "texture_px": dense.texture.image.shape[0],
        "preview": uri(out / "preview.jpg"),
        "seen_turntable": jpeg_uri(turntable(mesh, *round_about)),
        "seen_map": jpeg_uri(_shrunk(hatched(dense.texture).image, MAP_PX)),
        "held_out": [_held(h, names) for h in dense.held_out],
        "advice": inputs.advice,
    }


def shown_from(facts: ModelFacts) -> str:
    """From where the model may be shown, in words."""
    (start, end), (low, high) = facts.azimuth_deg, facts.elevation_deg
    around = "all round" if end - start >= 360.0 else f"{end - start:.0f}° round"
    return f"{around}, elevations {low:.0f}° to {high:.0f}°"


def hatched(texture: Texture) -> Texture:
    """The texture with slanted stripes over the texels that no photo saw."""
    side = texture.image.shape[0]
    y, x = np.mgrid[:side, :side]
    width = max(4, side // 96)
    stripe = ((x + y) // width) % 2 == 0
    shown = texture.image.astype(np.float32)
    shown[~texture.seen] = 0.25 * shown[~texture.seen] + 0.75 * 235
    shown[~texture.seen & stripe] = SEEN_MARK
    return Texture(shown.astype(np.uint8), texture.seen, texture.unwrapped, texture.seen_vertices, texture.gains)


def _side(number: int, side: Side, out: Path) -> dict[str, Any]:
    name = "coverage.png" if number == 0 else f"coverage-{number + 1}.png"
    return {
        "name": side.name,
        "checks": side.quality.checks,
        "n": side.quality.n_photos,
        "registered": side.quality.n_registered,
        "coverage": uri(out / name) if (out / name).is_file() else None,
    }


def _joint(inputs: PageInputs) -> dict[str, Any] | None:
    if inputs.joint is None:
        return None
    diagonal = float(np.linalg.norm(np.ptp(inputs.dense.surface.vertices, axis=0)))
    return {"pairs": inputs.joint.n_pairs, "error": inputs.joint.error / max(diagonal, 1e-12)}


def _photos(inputs: PageInputs) -> list[dict[str, Any]]:
    """A card for each photo: whether it was used and registered, and with which error."""
    errors: dict[str, float] = {}
    for side in inputs.sides:
        if side.model is not None:
            seen = side.model.tracks
            total = np.bincount(seen[:, 1], side.model.errors_px[seen[:, 0]], minlength=len(side.model.files))
            count = np.bincount(seen[:, 1], minlength=len(side.model.files))
            errors.update(zip(side.model.files, total / np.maximum(count, 1), strict=True))
    cards = []
    for photo in inputs.capture.photos:
        state, words = "set aside", f"{photo.verdict}: {photo.reason}"
        if photo.used:
            state, words = "lost", "did not fit to the others"
        if photo.file in errors:
            state, words = "registered", f"{errors[photo.file]:.2f} px"
        picture = jpeg_uri(_shrunk(read_photo(inputs.folder / photo.file, THUMB_PX), THUMB_PX)) if photo.file else None
        cards.append({"name": photo.source, "state": state, "words": words, "picture": picture})
    return cards


def _held(held: HeldOut, names: dict[str, str]) -> dict[str, Any]:
    """The photo and its prediction, cut to the object."""
    rows, columns = np.nonzero(held.predicted.coverage > 0.5)
    if not len(rows):
        rows = columns = np.array([0, 8])
    window = (slice(max(0, rows.min() - 12), rows.max() + 13), slice(max(0, columns.min() - 12), columns.max() + 13))
    coverage = held.predicted.coverage[window][..., None]
    made = held.predicted.image[window] * coverage + 235 * (1 - coverage)
    return {
        "name": names.get(held.file, held.file),
        "psnr": held.psnr_db,
        "photo": jpeg_uri(_shrunk(held.image[window], HELD_PX)),
        "made": jpeg_uri(_shrunk(np.clip(made, 0, 255).astype(np.uint8), HELD_PX)),
    }


def _shrunk(picture: np.ndarray, side_px: int) -> np.ndarray:
    import cv2

    scale = side_px / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def jpeg_uri(picture: np.ndarray) -> str:
    """An (H, W, 3) uint8 picture as a data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg_bytes(picture, 84)).decode()


def uri(path: Path) -> str:
    """A PNG or JPEG file as a data URI."""
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64," + base64.b64encode(path.read_bytes()).decode()
