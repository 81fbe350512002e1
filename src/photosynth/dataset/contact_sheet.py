"""The contact sheet: some pictures of a dataset with their labels drawn over them, for a person's eye."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import mask_from_rle
from photosynth.core.geometry import Vec4
from photosynth.core.items import Item, ItemInstance

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

COLUMNS = 6
TILE_PX = 260
GAP_PX = 14
CAPTION_PX = 24
HEADER_PX = 64
FINE = 2
"""Tiles are drawn this many times larger and shrunk, for smooth lines."""
FEW = 3
"""A picture with more objects than this gets smaller plates and thinner boxes."""
MIN_PLATE_PX = 72
PAPER, INK, FAINT = (250, 250, 248), (32, 34, 38), (120, 124, 130)
PALETTE = (
    (230, 85, 60), (0, 130, 200), (60, 165, 75), (245, 160, 0), (145, 70, 190),
    (0, 165, 165), (225, 70, 150), (130, 140, 30), (90, 110, 235), (160, 95, 50),
    (190, 30, 45), (0, 100, 110), (25, 105, 60), (190, 120, 0), (185, 130, 215),
    (70, 190, 210), (120, 20, 80), (95, 130, 95), (35, 45, 150), (110, 75, 70),
)  # fmt: skip


class Picks:
    """Chooses up to `limit` items from a stream, spread over classes and kinds; keeps no more than that needs.

    Pictures of none of the classes get about an eighth of the places for each of their kinds.
    """

    def __init__(self, limit: int, n_classes: int) -> None:
        self._limit, self._n_classes = limit, n_classes
        self._each_class = max(2, -(-limit // max(1, n_classes))) if limit else 0
        self._each_other = -(-limit // 8)
        self._groups: dict[tuple[str, int], list[Item]] = {}

    def offer(self, item: Item) -> None:
        """Keep it or let it go."""
        group = self._groups.setdefault((item.kind, item.label), [])
        if len(group) < (self._each_class if item.label < self._n_classes else self._each_other):
            group.append(item)

    def chosen(self) -> list[Item]:
        """The choice: one of each group, then a second of each, and so on; by scene number."""
        groups = [self._groups[key] for key in sorted(self._groups)]
        rounds = [item for row in zip_longest(*groups) for item in row if item is not None]
        return sorted(rounds[: self._limit], key=lambda item: item.index)


def contact_sheet_png(items: Sequence[Item], folder: Path, class_names: tuple[str, ...]) -> bytes:
    """A PNG of the items: visible pixels tinted and boxed, outlines of what is hidden dashed, classes and fractions.

    Args:
        items: what to show.
        folder: what their pictures are relative to.
        class_names: the classes.
    """
    from PIL import Image, ImageDraw

    columns = max(3, min(COLUMNS, len(items)))
    rows = -(-len(items) // columns)
    tile_h = max((_tile_size(item)[1] for item in items), default=0)
    step_x, step_y = TILE_PX + GAP_PX, tile_h + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, HEADER_PX + rows * step_y + GAP_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    _header(draw, sheet.width)
    for place, item in enumerate(items):
        x, y = GAP_PX + place % columns * step_x, HEADER_PX + place // columns * step_y
        tile = _tile(item, folder, class_names)
        sheet.paste(tile, (x + (TILE_PX - tile.width) // 2, y + (tile_h - tile.height) // 2))
        name = class_names[item.label] if item.label < len(class_names) else NONE_CLASS
        _caption(draw, x, y + tile_h + 5, name, f"{item.kind} {item.index}", _colour(item.label, len(class_names)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _header(draw: ImageDraw.ImageDraw, width: int) -> None:
    draw.text((GAP_PX, 12), "Labels, as the trainer reads them", font=_font(19, bold=True), fill=INK)
    x, y = GAP_PX, 43
    draw.rectangle((x, y, x + 16, y + 11), fill=_blend(PALETTE[1], PAPER, 0.4))
    x = _legend(draw, x + 22, "seen pixels")
    draw.rectangle((x, y, x + 16, y + 11), outline=PALETTE[1], width=2)
    x = _legend(draw, x + 22, "their box")
    for k in range(3):
        draw.line((x + 6 * k, y + 6, x + 6 * k + 3, y + 6), fill=PALETTE[1], width=2)
    x = _legend(draw, x + 22, "outline with nothing in front")
    _legend(draw, x, "%  share of the whole object that is seen, when it is not all")


def _legend(draw: ImageDraw.ImageDraw, x: int, text: str) -> int:
    draw.text((x, 41), text, font=_font(12), fill=FAINT)
    return int(x + draw.textlength(text, font=_font(12)) + 22)


def _caption(draw: ImageDraw.ImageDraw, x: int, y: int, name: str, note: str, colour: tuple[int, int, int]) -> None:
    note_px = draw.textlength(note, font=_font(11))
    draw.ellipse((x, y + 3, x + 8, y + 11), fill=colour)
    draw.text((x + 13, y), _shortened(draw, name, TILE_PX - 21 - note_px), font=_font(12, bold=True), fill=INK)
    draw.text((x + TILE_PX - note_px, y + 1), note, font=_font(11), fill=FAINT)


def _tile_size(item: Item) -> tuple[int, int]:
    width, height = item.size_wh
    scale = TILE_PX / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _tile(item: Item, folder: Path, class_names: tuple[str, ...]) -> Image.Image:
    """The picture with its labels, its longer side TILE_PX."""
    from PIL import Image, ImageDraw

    shown = _tile_size(item)
    size, scale = (shown[0] * FINE, shown[1] * FINE), TILE_PX * FINE / max(item.size_wh)
    with Image.open(folder / item.image_file) as image:
        picture = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    for instance in item.instances:
        mask = Image.fromarray(mask_from_rle(instance.visible).astype(np.uint8) * 100)
        tint = Image.new("RGB", size, _colour(instance.class_id, len(class_names)))
        picture.paste(tint, mask=mask.resize(size, Image.Resampling.BILINEAR))
    for instance in item.instances:
        if instance.amodal != instance.visible:
            _outline(picture, instance, _colour(instance.class_id, len(class_names)))
    draw = ImageDraw.Draw(picture)
    width = 2 if len(item.instances) <= FEW else 1
    for instance in item.instances:
        box = _scaled(instance.visible_xyxy, scale)
        draw.rectangle(box, outline=_colour(instance.class_id, len(class_names)), width=width * FINE)
    taken: list[Vec4] = []
    for instance in sorted(item.instances, key=lambda i: i.visible_xyxy[1]):
        taken.append(_tag(draw, instance, scale, size, class_names, taken, len(item.instances) <= FEW))
    return picture.resize(shown, Image.Resampling.BOX)


def _outline(picture: Image.Image, instance: ItemInstance, colour: tuple[int, int, int]) -> None:
    """Dashes along the amodal mask's edge, where the visible mask is not."""
    import cv2
    from PIL import Image

    amodal, visible = (
        cv2.resize(mask_from_rle(rle).astype(np.uint8), picture.size, interpolation=cv2.INTER_NEAREST)
        for rle in (instance.amodal, instance.visible)
    )
    inner = cv2.erode(amodal, np.ones((3, 3), np.uint8), iterations=FINE + 1, borderValue=1)
    edge = (amodal > inner) & (visible == 0)
    y, x = np.indices(edge.shape)
    dash = (x + y) // (4 * FINE) % 2 == 0
    pixels = np.array(picture)
    pixels[edge & dash], pixels[edge & ~dash] = colour, 255
    picture.paste(Image.fromarray(pixels))


def _tag(
    draw: ImageDraw.ImageDraw,
    instance: ItemInstance,
    scale: float,
    size: tuple[int, int],
    class_names: tuple[str, ...],
    taken: Sequence[Vec4],
    roomy: bool,
) -> Vec4:
    """Class and visible share on a plate at one of the box's edges, where it meets the plates in `taken` least.

    Plates are small when not `roomy`: among many objects, as wide as their box or MIN_PLATE_PX. Returns its place.
    """
    font = _font((11 if roomy else 9) * FINE, bold=True)
    x0, y0, x1, y1 = _scaled(instance.visible_xyxy, scale)
    share = f" {100 * instance.visible_fraction:.0f} %" if instance.visible_fraction < 0.995 else ""
    room_px = size[0] if roomy else max(x1 - x0, MIN_PLATE_PX * FINE)
    room_px -= 8 * FINE + draw.textlength(share, font=font)
    text = _shortened(draw, class_names[instance.class_id], room_px, font) + share
    plate_w, plate_h = draw.textlength(text, font=font) + 8 * FINE, (16 if roomy else 13) * FINE
    places = [
        (x, y, x + plate_w, y + plate_h)
        for y in (y0 - plate_h, y1, y0, y1 - plate_h, y0 - 2 * plate_h, y1 + plate_h)
        for x in (max(0.0, min(x0, size[0] - plate_w)), max(0.0, x1 - plate_w))
        if 0 <= y <= size[1] - plate_h
    ] or [(0.0, 0.0, plate_w, float(plate_h))]
    plate = min(places, key=lambda place: sum(_shared(place, other) for other in taken))
    draw.rounded_rectangle(plate, radius=3 * FINE, fill=_colour(instance.class_id, len(class_names)))
    draw.text((plate[0] + 4 * FINE, plate[1] + plate_h / 2), text, font=font, fill="white", anchor="lm")
    return plate


def _shared(a: Vec4, b: Vec4) -> float:
    """Area that two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _scaled(box: Vec4, scale: float) -> Vec4:
    """The box in tile pixels; its last pixel is inside it, as the drawing functions want it."""
    x0, y0, x1, y1 = (v * scale for v in box)
    return x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)


def _colour(class_id: int, n_classes: int) -> tuple[int, int, int]:
    return PALETTE[class_id % len(PALETTE)] if class_id < n_classes else FAINT


def _blend(a: tuple[int, int, int], b: tuple[int, int, int], share: float) -> tuple[int, ...]:
    return tuple(round(share * p + (1 - share) * q) for p, q in zip(a, b, strict=True))


def _shortened(draw: ImageDraw.ImageDraw, text: str, room_px: float, font: ImageFont.FreeTypeFont | None = None) -> str:
    text, font = " ".join(text.split()), font or _font(12, bold=True)
    if draw.textlength(text, font=font) <= room_px:
        return text
    while text and draw.textlength(text + "…", font=font) > room_px:
        text = text[:-1]
    return text + "…"


@cache
def _font(size_px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib carries: Latin, Greek, Cyrillic and more."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size_px)
