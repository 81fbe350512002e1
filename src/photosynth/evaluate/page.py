"""Page: ``report.html``, one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photosynth.core.artifact import Artifact
from photosynth.core.asset import NONE_CLASS, Asset
from photosynth.core.items import Item
from photosynth.core.record import to_pretty_json
from photosynth.core.report import Metric
from photosynth.evaluate import galleries
from photosynth.evaluate.classifier_page import classifier_context
from photosynth.evaluate.classifier_side import ClassifierSide
from photosynth.evaluate.config import EvaluateConfig
from photosynth.evaluate.detection_page import detector_context
from photosynth.evaluate.detector_side import DetectorSide
from photosynth.evaluate.measure import NOT_MEASURED
from photosynth.evaluate.nearest import TrainingPictures
from photosynth.evaluate.summary import gap_text, metric_text, percent
from photosynth.evaluate.thumbs import Thumbnails

TEMPLATES = Path(__file__).parent / "templates"
SMALL_N = 30


@dataclass(frozen=True, eq=False)
class PageInputs:
    """Everything the page shows."""

    classifier: ClassifierSide | None
    """The classifier's scores, if there is one."""
    detector: DetectorSide | None
    """The detector's scores, if there is one."""
    class_names: tuple[str, ...]
    """Of the dataset."""
    n_real: int
    """Real photos given."""
    folders: Mapping[str, Path]
    """Where ``"photos"``, ``"negatives"`` and ``"dataset"`` are."""
    catalogue: Artifact
    """Of the 3D models."""
    assets: tuple[Asset, ...]
    """The 3D models."""
    training_items: tuple[Item, ...]
    """Of the training split."""
    counts: Mapping[str, int]
    """Pictures in each split."""
    made_from: Mapping[str, Artifact]
    """The input artifacts by title."""
    files: Mapping[str, str]
    """Of the models among them: which file answered, and by what."""
    settings: EvaluateConfig
    """The evaluation's config."""
    notes: tuple[str, ...] = ()
    """What a person should know."""


def page_html(inputs: PageInputs) -> str:
    """The page as one HTML document: styles inline, pictures as data URIs, no scripts, all texts escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["metric"] = lambda m: metric_text(m, "–")
    environment.filters["percent"] = percent
    environment.filters["breakable"] = _breakable
    environment.filters["inside"] = inside
    environment.filters["gap"] = lambda m: gap_text(m).replace("-", "−")
    return environment.get_template("report.html").render(_context(inputs))


def inside(metric: Metric) -> str:
    """A metric's text for use inside brackets: ``"92 %, 65–99 %"``."""
    return metric_text(metric, "–").replace(" (", ", ").removesuffix(")")


def _breakable(name: str) -> Any:
    """A name that may be broken after underscores and slashes; escaped."""
    import markupsafe

    wbr = markupsafe.Markup("<wbr>")
    return markupsafe.escape(name).replace("_", "_" + wbr).replace("/", "/" + wbr)


def _context(inputs: PageInputs) -> dict[str, Any]:
    settings = inputs.settings
    thumbnails = Thumbnails(settings.page_picture_bytes)
    training = TrainingPictures(inputs.folders["dataset"], inputs.training_items, inputs.class_names)
    shelf = galleries.Shelf(thumbnails, inputs.folders, training)
    named, boxed = inputs.classifier, inputs.detector
    top1 = {} if named is None else {row.name: row for row in named.gap.rows}["top1"]
    top1 = {"real": top1.real, "synthetic": top1.synthetic} if top1 else {}
    # the pictures that matter most come first, while the budget lasts
    context: dict[str, Any] = {
        "classifier": named and classifier_context(named, shelf, settings),
        "detector": boxed and detector_context(boxed, shelf, settings.gallery_photos, top1),
    }
    return context | {
        "measured": inputs.n_real > 0,
        "not_measured": NOT_MEASURED,
        "none_class": NONE_CLASS,
        "small_n": SMALL_N,
        "class_names": inputs.class_names,
        "n_real": inputs.n_real,
        "n_shown": _n_shown(inputs),
        "skipped": _skipped(inputs),
        "objects": galleries.object_cards(inputs.catalogue, inputs.assets, thumbnails),
        "contacts": galleries.contact_sheet(
            inputs.folders["dataset"], inputs.training_items, inputs.class_names, thumbnails, settings.contact_pictures
        ),
        "counts": inputs.counts,
        "made_from": [(title, a.manifest, _pretty(a)) for title, a in inputs.made_from.items()],
        "files": inputs.files,
        "settings": to_pretty_json(settings).decode(),
        "notes": inputs.notes,
        "n_distractors": sum(a.role == "distractor" for a in inputs.assets),
    }


def _n_shown(inputs: PageInputs) -> int:
    """Real photos that show the objects."""
    named, boxed = inputs.classifier, inputs.detector
    n_named = 0 if named is None else {row.name: row for row in named.gap.rows}["top1"].real.n
    n_boxed = 0 if boxed is None else sum(len(case.truth) > 0 for case in boxed.real_looked.cases)
    return max(n_named, n_boxed)


def _skipped(inputs: PageInputs) -> tuple[str, ...]:
    """What was left out of the real scores, each line once."""
    sides = [side.real.report.skipped for side in (inputs.classifier, inputs.detector) if side is not None]
    return tuple(dict.fromkeys(line for skipped in sides for line in skipped))


def _pretty(artifact: Artifact) -> str:
    shown = {"settings": artifact.manifest.config, "summary": artifact.manifest.summary}
    return to_pretty_json(shown).decode()
