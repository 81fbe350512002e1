"""Board: the scores as TensorBoard event files, the same bytes for the same scores."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from photosynth.core.report import Report
from photosynth.evaluate.gap import Gap

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


def board_values(gap: Gap, reports: Sequence[Report], mistakes: Sequence[str]) -> list[object]:
    """Scalars, confusion matrices and a sheet of mistakes as summary values.

    Args:
        gap: ``real/NAME``, ``synthetic/NAME`` and ``gap/NAME`` with their bounds (``.../low``, ``.../high``).
        reports: one confusion matrix each; sets without photos are left out.
        mistakes: JPEG data URIs of the surest mistakes.
    """
    values = []
    for row in gap.rows:
        for side, metric in (("synthetic", row.synthetic), ("real", row.real), ("gap", row.gap)):
            for suffix, number in (("", metric.value), ("/low", metric.low), ("/high", metric.high)):
                if number is not None:
                    values.append(_scalar(f"{side}/{row.name}{suffix}", number))
    values += [_image(f"confusion/{r.source}", confusion_picture(r)) for r in reports if r.n_photos]
    if mistakes:
        values.append(_image("mistakes/real", contact_picture(mistakes)))
    return values


def confusion_picture(report: Report) -> np.ndarray:
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
