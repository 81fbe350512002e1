"""Page: ``report.html``, one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photosynth.core.artifact import Artifact
from photosynth.core.asset import NONE_CLASS, Asset
from photosynth.core.items import Item
from photosynth.core.record import to_pretty_json
from photosynth.core.report import Metric, Report
from photosynth.evaluate import charts, galleries
from photosynth.evaluate.gap import Gap
from photosynth.evaluate.measure import NOT_MEASURED
from photosynth.evaluate.nearest import TrainingPictures
from photosynth.evaluate.predictions import Prediction
from photosynth.evaluate.summary import TITLES, gap_text, metric_text, percent
from photosynth.evaluate.thumbs import Thumbnails

TEMPLATES = Path(__file__).parent / "templates"
SMALL_N = 30


@dataclass(frozen=True, eq=False)
class PageInputs:
    """Everything the page shows."""

    gap: Gap
    """The table."""
    real: Report
    """On real photos; n_photos 0 without any."""
    synthetic: Report
    """On the whole held-out split."""
    real_predictions: Sequence[Prediction]
    """Behind `real`."""
    synthetic_predictions: Sequence[Prediction]
    """Behind `synthetic`."""
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
    settings: Any
    """The evaluation's config."""
    answer_threshold: float
    """From which probability a class counts as given confidently."""
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
    environment.filters["inside"] = _inside
    environment.filters["gap"] = lambda m: gap_text(m).replace("-", "−")
    return environment.get_template("report.html").render(_context(inputs))


def verdict(metric: Metric, source: str) -> str:
    """The score in plain words, such as ``"11 of 12 real photos right (92 %, 65–99 %)"``."""
    if metric.value is None:
        return NOT_MEASURED
    right = round(metric.value * metric.n)
    things = {"real": "real photos", "synthetic": "held-out synthetic pictures"}[source]
    return f"{right} of {metric.n} {things} right ({_inside(metric)})"


def _breakable(name: str) -> Any:
    """A name that may be broken after underscores and slashes; escaped."""
    import markupsafe

    wbr = markupsafe.Markup("<wbr>")
    return markupsafe.escape(name).replace("_", "_" + wbr).replace("/", "/" + wbr)


def _inside(metric: Metric) -> str:
    """A metric's text for use inside brackets: ``"92 %, 65–99 %"``."""
    return metric_text(metric, "–").replace(" (", ", ").removesuffix(")")


def _context(inputs: PageInputs) -> dict[str, Any]:
    class_names = tuple(c for c in inputs.synthetic.class_names if c != NONE_CLASS)
    thumbnails = Thumbnails(inputs.settings.page_picture_bytes)
    training = TrainingPictures(inputs.folders["dataset"], inputs.training_items, class_names)
    shelf = galleries.Shelf(thumbnails, inputs.folders, training)
    rows = {row.name: row for row in inputs.gap.rows}
    real, synthetic = inputs.real_predictions, inputs.synthetic_predictions
    most = inputs.settings.gallery_photos
    wrong, wrong_synthetic = galleries.mistakes(real), galleries.mistakes(synthetic)
    alarms = galleries.false_alarms(real)
    return {
        "measured": inputs.real.n_photos > 0,
        "not_measured": NOT_MEASURED,
        "none_class": NONE_CLASS,
        "small_n": SMALL_N,
        "class_names": class_names,
        "gap": inputs.gap,
        "rows": [(TITLES[name], rows[name]) for name in TITLES],
        "row": rows,
        "verdict_real": verdict(rows["top1"].real, "real"),
        "verdict_synthetic": verdict(rows["top1"].synthetic, "synthetic"),
        "whiskers": (charts.whisker("real", rows["top1"].real), charts.whisker("synthetic", rows["top1"].synthetic)),
        "sides": [_side(inputs.real, real, inputs), _side(inputs.synthetic, synthetic, inputs)],
        "per_class": list(zip(inputs.real.per_class, inputs.synthetic.per_class, strict=True)),
        "real": inputs.real,
        "answer_threshold": inputs.answer_threshold,
        # the pictures that matter most come first, while the budget lasts
        "mistakes": shelf.cards(wrong, most, neighbours=True),
        "n_mistakes": len(wrong),
        "objects": galleries.object_cards(inputs.catalogue, inputs.assets, thumbnails),
        "false_alarms": shelf.cards(alarms, most),
        "n_false_alarms": len(alarms),
        "right_answers": shelf.cards(galleries.right_answers(real), most // 3),
        "synthetic_mistakes": shelf.cards(wrong_synthetic, most // 2, neighbours=True),
        "n_synthetic_mistakes": len(wrong_synthetic),
        "contacts": galleries.contact_sheet(
            inputs.folders["dataset"], inputs.training_items, class_names, thumbnails, inputs.settings.contact_pictures
        ),
        "counts": inputs.counts,
        "made_from": [(title, a.manifest, _pretty(a)) for title, a in inputs.made_from.items()],
        "settings": to_pretty_json(inputs.settings).decode(),
        "notes": inputs.notes,
        "n_distractors": sum(a.role == "distractor" for a in inputs.assets),
    }


def _side(report: Report, predictions: Sequence[Prediction], inputs: PageInputs) -> dict[str, Any]:
    return {
        "title": {"real": "Real photos", "synthetic": "Held-out synthetic pictures"}[report.source],
        "n": report.n_photos,
        "matrix": charts.matrix(report),
        "histograms": charts.histograms(predictions),
        "dots": charts.reliability_dots(predictions, inputs.settings.ece_bins),
        "ece": report.metric("ece"),
    }


def _pretty(artifact: Artifact) -> str:
    shown = {"settings": artifact.manifest.config, "summary": artifact.manifest.summary}
    return to_pretty_json(shown).decode()
