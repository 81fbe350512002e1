"""Draw docs/chain.jpg from a finished run: scan, scenes, labels, answers.

    .venv/bin/python docs/chain_picture.py demo-run docs/chain.jpg

Everything in it was made by the run: the turntables of three objects, pictures it trained on, the labels computed
from their layers, and the classifier's answers on synthetic pictures that it never trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from photosynth.core.asset import NONE_CLASS, read_assets
from photosynth.core.codec import mask_from_rle, read_jsonl
from photosynth.core.items import Item, read_dataset_info, read_items
from photosynth.evaluate.predictions import Prediction

TILE, GAP, HEAD, COLUMNS = 176, 10, 58, 3
INK, PAPER, FAINT, GOOD, BAD = (24, 28, 36), (250, 250, 248), (120, 124, 132), (24, 128, 72), (190, 52, 40)


def font(size: int, weight: str = "SemiBold") -> ImageFont.FreeTypeFont:
    """One of the shipped faces."""
    folder = Path(__file__).parents[1] / "src/photosynth/data/fonts"
    (path, *_) = sorted(folder.glob(f"*{weight}*.ttf")) or sorted(folder.glob("*.ttf"))
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def tile(image: Image.Image) -> Image.Image:
    """A square picture of the sheet's tile size."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return (
        image.convert("RGB").crop((left, top, left + side, top + side)).resize((TILE, TILE), Image.Resampling.LANCZOS)
    )


def scans(run: Path) -> list[Image.Image]:
    """Nine views from the turntables of the objects."""
    tiles = []
    for asset in [a for a in read_assets(run / "catalogue") if a.role == "object"][: COLUMNS * 3]:
        (strip,) = sorted((run / "catalogue" / asset.asset_id).glob("preview.*"))
        image = Image.open(strip)
        side = image.height if len(asset.parts) == 1 else image.height // 2
        tiles.append(tile(image.crop((side, 0, 2 * side, side))))
    return tiles


def labelled(run: Path, items: list[Item]) -> list[Image.Image]:
    """The same pictures with visible masks tinted and boxes drawn."""
    tiles = []
    for item in items:
        pixels = np.asarray(Image.open(run / "dataset" / item.image_file).convert("RGB")).astype(float)
        for instance in item.instances:
            mask = mask_from_rle(instance.visible)
            pixels[mask] = 0.55 * pixels[mask] + 0.45 * np.array([255, 170, 0])
        image = Image.fromarray(pixels.astype(np.uint8))
        for instance in item.instances:
            x0, y0, x1, y1 = instance.visible_xyxy
            ImageDraw.Draw(image).rectangle((x0, y0, x1 - 1, y1 - 1), outline=(255, 170, 0), width=3)
        tiles.append(tile(image))
    return tiles


def answers(run: Path) -> list[Image.Image]:
    """The first nine held-out pictures that show an object, with the answer given, right or wrong."""
    tiles = []
    predictions = read_jsonl(run / "evaluate" / "predictions_synthetic.jsonl", Prediction)
    of_objects = [prediction for prediction in predictions if prediction.truth != NONE_CLASS]
    for prediction in of_objects[: COLUMNS * 3]:
        image = tile(Image.open(run / "dataset" / prediction.file))
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, TILE - 26, TILE, TILE), fill=GOOD if prediction.answer == prediction.truth else BAD)
        text = f"{prediction.answer} {prediction.probability:.0%}".replace("_", " ")
        draw.text((7, TILE - 22), text, fill="white", font=font(13))
        tiles.append(image)
    return tiles


def main() -> None:
    """Read a run, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    names = read_dataset_info(args.run / "dataset").class_names
    items = [item for item in read_items(args.run / "dataset", "train") if item.label < len(names)][: COLUMNS * 3]
    pictures = [tile(Image.open(args.run / "dataset" / item.image_file)) for item in items]
    panels = [
        ("1  scans", "cleaned, normalised", scans(args.run)),
        ("2  scenes", "light, camera, clutter, hands", pictures),
        ("3  labels", "from the rendered layers", labelled(args.run, items)),
        ("4  answers", "pictures never trained on", answers(args.run)),
    ]
    panel_w = COLUMNS * TILE
    sheet = Image.new("RGB", (len(panels) * (panel_w + 3 * GAP) + GAP, HEAD + 3 * TILE + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for k, (title, subtitle, tiles) in enumerate(panels):
        left = GAP + k * (panel_w + 3 * GAP)
        draw.text((left, 8), title, fill=INK, font=font(22))
        draw.text((left, 36), subtitle, fill=FAINT, font=font(13))
        for j, image in enumerate(tiles[: COLUMNS * 3]):
            sheet.paste(image, (left + j % COLUMNS * TILE, HEAD + j // COLUMNS * TILE))
        if k:
            x, y = left - 2 * GAP, HEAD + 3 * TILE // 2
            draw.polygon([(x, y - 9), (x + 11, y), (x, y + 9)], fill=FAINT)
    sheet.save(args.out, quality=88, optimize=True)


if __name__ == "__main__":
    main()
