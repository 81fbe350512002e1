"""The classifier's half of an evaluation: its answers, scores and gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import write_jsonl
from photosynth.core.engine import Classifier
from photosynth.core.progress import Progress
from photosynth.core.record import to_pretty_json
from photosynth.evaluate.blocks import Failure
from photosynth.evaluate.config import EvaluateConfig
from photosynth.evaluate.gap import Gap, compared_classes, make_gap
from photosynth.evaluate.measure import Measured, measure
from photosynth.evaluate.photos import Picture
from photosynth.evaluate.predictions import Prediction, predict_in_blocks


@dataclass(frozen=True, eq=False)
class ClassifierSide:
    """All that is known of the classifier."""

    gap: Gap
    """Both sets side by side."""
    real: Measured
    """On real photos; n_photos 0 without any."""
    synthetic: Measured
    """On the whole held-out split."""
    real_predictions: tuple[Prediction, ...]
    """Behind `real`."""
    synthetic_predictions: tuple[Prediction, ...]
    """Behind `synthetic`."""
    answer_threshold: float
    """From which probability a class counts as given confidently."""
    failures: tuple[Failure, ...]
    """Pictures that could not be read."""


def score_classifier(
    config: EvaluateConfig,
    model: Classifier,
    sets: dict[str, Sequence[Picture]],
    apart: tuple[tuple[str, int], ...],
    writer: ArtifactWriter,
    progress: Progress,
) -> ClassifierSide:
    """Ask the classifier, measure, and write ``predictions_*.jsonl``, ``report_*.json`` and ``gap.json``.

    Args:
        config: how.
        model: the classifier.
        sets: the pictures of ``"real"`` and ``"synthetic"``; those that show several classes are not asked about.
        apart: folders of photos that are not scored, with their number of photos.
        writer: of the artifact.
        progress: told of each block.
    """
    threshold = _answer_threshold(model) if config.answer_threshold is None else config.answer_threshold
    skipped = {"real": [f"{count} photos of {name!r}: no model of that class" for name, count in apart]}
    predictions: dict[str, tuple[Prediction, ...]] = {}
    failures: list[Failure] = []
    for source, pictures in sets.items():
        of_one = [p for p in pictures if p.truth is not None]
        predictions[source], failed = predict_in_blocks(source, of_one, model, writer, progress, config.block_photos)
        progress.advance(len(pictures) - len(of_one))
        failures += failed
        skipped.setdefault(source, []).extend(f"{f.file}: {f.error}" for f in failed)
        write_jsonl(writer.path(f"predictions_{source}.jsonl"), predictions[source])

    def measured(source: str, some: tuple[Prediction, ...]) -> Measured:
        bootstrap = (config.ece_bins, config.bootstrap_resamples, config.seed)
        return measure(some, model.class_names, source, threshold, *bootstrap, skipped=tuple(skipped[source]))

    reports = {source: measured(source, some) for source, some in predictions.items()}
    for source, scored in reports.items():
        writer.write(f"report_{source}.json", to_pretty_json(scored.report))
    compared = compared_classes(predictions["real"], model.class_names)
    alike = tuple(p for p in predictions["synthetic"] if p.truth in (*compared, NONE_CLASS))
    gap = make_gap(measured("synthetic", alike), reports["real"], compared)
    writer.write("gap.json", to_pretty_json(gap))
    real, synthetic = predictions["real"], predictions["synthetic"]
    return ClassifierSide(gap, reports["real"], reports["synthetic"], real, synthetic, threshold, tuple(failures))


def _answer_threshold(model: Classifier) -> float:
    """The classifier's own threshold, on itself or in its `info` record; 0.5 for one that has none."""
    for holder in (model, getattr(model, "info", None)):
        value = getattr(holder, "answer_threshold", None)
        if value is not None:
            return float(value)
    return 0.5
