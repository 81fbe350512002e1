"""The contact sheet: every photo of a capture with its verdict, on one picture."""

from __future__ import annotations

import io
from pathlib import Path

from photosynth.core.capture import Capture

CELL_PX = 220
LABEL_PX = 30
COLUMNS = 8
GREEN, AMBER, RED = (40, 150, 70), (210, 140, 20), (200, 40, 40)


def contact_sheet(folder: Path, capture: Capture) -> bytes:
    """A JPEG with a thumbnail of each photo: a green bar for good, amber for little overlap, red for set aside."""
    from PIL import Image, ImageDraw

    columns = min(COLUMNS, len(capture.photos))
    rows = -(-len(capture.photos) // columns)
    sheet = Image.new("RGB", (columns * CELL_PX, rows * (CELL_PX + LABEL_PX)), "white")
    draw = ImageDraw.Draw(sheet)
    for k, photo in enumerate(capture.photos):
        x, y = (k % columns) * CELL_PX, (k // columns) * (CELL_PX + LABEL_PX)
        if photo.file:
            with Image.open(folder / photo.file) as image:
                image.draft("RGB", (CELL_PX, CELL_PX))
                image.thumbnail((CELL_PX - 6, CELL_PX - 6))
                sheet.paste(image, (x + (CELL_PX - image.width) // 2, y + (CELL_PX - image.height) // 2))
        color = GREEN if photo.verdict == "good" else AMBER if photo.used else RED
        draw.rectangle((x + 2, y + CELL_PX, x + CELL_PX - 3, y + CELL_PX + 3), fill=color)
        name = photo.source if len(photo.source) <= 30 else f"...{photo.source[-27:]}"
        draw.text((x + 4, y + CELL_PX + 4), name, fill="black")
        if photo.verdict != "good":
            draw.text((x + 4, y + CELL_PX + 16), photo.verdict, fill=color)
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=85)
    return data.getvalue()
