"""Board: the scores as TensorBoard event files, the same bytes for the same scores."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from photosynth.core.report import Report
from photosynth.evaluate.classifier_side import ClassifierSide
from photosynth.evaluate.detection_report import DetectorReport
from photosynth.evaluate.detector_side import TIME, DetectorSide
from photosynth.evaluate.faults import find_faults
from photosynth.evaluate.galleries import mistakes
from photosynth.evaluate.gap import Gap
from photosynth.evaluate.thumbs import Thumbnails

EVENT_FILE = "events.out.tfevents.0.photosynth"


def event_bytes(values: Iterable[object]) -> bytes:
    """TensorBoard summary values (protos) as the bytes of one event file, all at step 0 and time 0."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = io.BytesIO()
    records = RecordWriter(buffer)
    records.write(Event(file_version="brain.Event:2").SerializeToString())
    for value in values:
        records.write(Event(step=0, summary=Summary(value=[value])).SerializeToString())
    return buffer.getvalue()


def classifier_values(side: ClassifierSide, folders: Mapping[str, Path]) -> list[object]:
    """Scalars ``real/NAME``, ``synthetic/NAME`` and ``gap/NAME`` with their bounds (``.../low``, ``.../high``), the
    confusion matrices (sets without photos left out) and a sheet of the surest mistakes.
    """
    values = gap_values(side.gap, "")
    reports = (side.real.report, side.synthetic.report)
    values += [_image(f"confusion/{r.source}", confusion_picture(r)) for r in reports if r.n_photos]
    thumbnails = Thumbnails()
    wrong = mistakes(side.real_predictions)[:24]
    uris = [thumbnails.uri(folders[p.folder] / p.file, 320, 320, p.boxes_rel) for p in wrong]
    if any(uris):
        values.append(_image("mistakes/real", contact_picture([u for u in uris if u])))
    return values


def detector_values(side: DetectorSide, folders: Mapping[str, Path]) -> list[object]:
    """The same of a detector, under ``detector/``, with what each kind of error costs; without the time per photo."""
    gap = replace(side.gap, rows=tuple(row for row in side.gap.rows if row.name != TIME))
    values = gap_values(gap, "detector/")
    for report in (side.real.report, side.synthetic.report):
        values += [_scalar(f"detector/{report.source}/ap50_gain/{e.kind}", e.ap50_gain) for e in report.errors]
        if report.n_objects:
            values.append(_image(f"detector/confusion/{report.source}", confusion_picture(report)))
    thumbnails = Thumbnails()
    faults = find_faults(side.real_looked, side.class_names, side.threshold)[:24]
    uris = [thumbnails.uri(folders[f.picture.folder] / f.picture.file, 320, 320, (), f.marks) for f in faults]
    if any(uris):
        values.append(_image("detector/faults/real", contact_picture([u for u in uris if u])))
    return values


def gap_values(gap: Gap, prefix: str) -> list[object]:
    """The scalars of a gap's rows."""
    values = []
    for row in gap.rows:
        for side, metric in (("synthetic", row.synthetic), ("real", row.real), ("gap", row.gap)):
            for suffix, number in (("", metric.value), ("/low", metric.low), ("/high", metric.high)):
                if number is not None:
                    values.append(_scalar(f"{prefix}{side}/{row.name}{suffix}", number))
    return values


def confusion_picture(report: Report | DetectorReport) -> np.ndarray:
    """The confusion matrix, rows scaled to 1, drawn as (H, W, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = np.array(report.confusion, float)
    k = len(counts)
    side = float(np.clip(2.4 + 0.45 * k, 3.5, 14))
    figure = Figure(figsize=(side, side), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(counts / np.maximum(1, counts.sum(axis=1, keepdims=True)), cmap="Blues", vmin=0, vmax=1)
    names = [name.replace("$", r"\$") for name in report.class_names]
    axes.set_xticks(range(k), names, rotation=90)
    axes.set_yticks(range(k), names)
    axes.set(xlabel="answer", ylabel="truth", title=f"{report.source}, {report.n_photos} photos")
    if k <= 20:
        for truth, answer in np.argwhere(counts > 0):
            dark = counts[truth, answer] > counts[truth].sum() / 2
            axes.text(
                answer, truth, f"{counts[truth, answer]:.0f}", ha="center", va="center", color="w" if dark else "k"
            )
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # names in scripts that the font lacks
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def contact_picture(uris: Sequence[str], columns: int = 4, cell_px: int = 240) -> np.ndarray:
    """Thumbnails (JPEG data URIs) laid out on a grid, (H, W, 3) uint8."""
    from PIL import Image

    rows = -(-len(uris) // columns)
    sheet = Image.new("RGB", (columns * cell_px, rows * cell_px), (245, 245, 242))
    for k, uri in enumerate(uris):
        with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
            picture.thumbnail((cell_px - 8, cell_px - 8))
            x, y = k % columns * cell_px, k // columns * cell_px
            sheet.paste(picture, (x + (cell_px - picture.width) // 2, y + (cell_px - picture.height) // 2))
    return np.asarray(sheet)


def _scalar(tag: str, number: float) -> object:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary.Value(tag=tag, simple_value=number)


def _image(tag: str, picture: np.ndarray) -> object:
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    image = Summary.Image(
        height=picture.shape[0], width=picture.shape[1], colorspace=3, encoded_image_string=buffer.getvalue()
    )
    return Summary.Value(tag=tag, image=image)
