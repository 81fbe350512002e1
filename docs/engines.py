"""Draw docs/engines.jpg: the rasteriser, Cycles and their difference on the referee's scenes.

    .venv/bin/python docs/engines.py docs/engines.jpg

Needs the cycles extra. Every number under a picture was measured by the run that drew it: PSNR, brightness and IoU
inside the objects' masks, processor time of the frame on one thread.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import thread_time

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "engine"))

from agreement import agreement  # noqa: E402
from referee_scenes import SCENES, DemoMeshes, scene  # noqa: E402

from photosynth.core.frame import Layers  # noqa: E402
from photosynth.render.color import srgb_from_linear  # noqa: E402
from photosynth.render.cycles.engine import CyclesEngine  # noqa: E402
from photosynth.render.cycles.options import CyclesOptions  # noqa: E402
from photosynth.render.raster.engine import RasterEngine  # noqa: E402

GAP, HEAD, CAPTION = 12, 48, 26
INK, PAPER, FAINT = (24, 28, 36), (250, 250, 248), (110, 114, 122)
BEHIND = 0.25
"""Linear grey shown behind the objects."""
AMPLIFIED = 8
"""How much the difference of sRGB values is enlarged, round mid grey."""
REPEATS = 5


def font(size: int, weight: str) -> ImageFont.FreeTypeFont:
    """One of the shipped faces."""
    path = ROOT / "src/photosynth/data/fonts" / f"Inter-{weight}.ttf"
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def shown(layers: Layers) -> np.ndarray:
    """(H, W, 3) sRGB values in 0..1 of a picture over grey."""
    return srgb_from_linear(layers.radiance + (1 - layers.coverage[..., None]) * BEHIND)


def picture(values: np.ndarray) -> Image.Image:
    """Values in 0..1 as a picture."""
    return Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))


def row(name: str, width: int, cycles: CyclesEngine, raster: RasterEngine) -> list[tuple[Image.Image, str]]:
    """Three pictures of one scene with what is written under them."""
    shot = scene(name, width)
    before = cycles.cpu_s
    truth = cycles.render(shot)
    cycles_ms = 1000 * (cycles.cpu_s - before)
    raster.render(shot)  # meshes, maps and kernels are made once
    began = thread_time()
    for _ in range(REPEATS):
        drawn = raster.render(shot)
    raster_ms = 1000 * (thread_time() - began) / REPEATS
    found = agreement(drawn, truth)
    difference = 0.5 + AMPLIFIED * (shown(drawn) - shown(truth))
    print(f"{name}: {found}; raster {raster_ms:.1f} ms, Cycles {cycles_ms:.0f} ms")
    return [
        (picture(shown(drawn)), f"{name}: {raster_ms:.1f} CPU-ms"),
        (picture(shown(truth)), f"{cycles_ms:,.0f} CPU-ms"),
        (
            picture(difference),
            f"{found.psnr_db:.1f} dB, brightness {found.brightness:.3f}, IoU {found.mask_iou:.3f}",
        ),
    ]


def main() -> None:
    """Render and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", type=int, default=320, help="of one picture, in pixels")
    parser.add_argument("--samples", type=int, default=128)
    args = parser.parse_args()
    cycles = CyclesEngine(DemoMeshes(), CyclesOptions(samples=args.samples))
    raster = RasterEngine(DemoMeshes())
    rows = [row(name, args.width, cycles, raster) for name in SCENES]
    cycles.close()
    height = rows[0][0][0].height + CAPTION
    sheet = Image.new("RGB", (3 * (args.width + GAP) + GAP, HEAD + len(rows) * height), PAPER)
    draw = ImageDraw.Draw(sheet)
    titles = ("rasteriser", f"Cycles, {args.samples} samples", f"difference x{AMPLIFIED}")
    for column, title in enumerate(titles):
        draw.text((GAP + column * (args.width + GAP), 12), title, fill=INK, font=font(20, "SemiBold"))
    for k, tiles in enumerate(rows):
        for column, (image, caption) in enumerate(tiles):
            left, top = GAP + column * (args.width + GAP), HEAD + k * height
            sheet.paste(image, (left, top))
            draw.text((left, top + image.height + 5), caption, fill=FAINT, font=font(12, "Regular"))
    sheet.save(args.out, quality=88, optimize=True)


if __name__ == "__main__":
    main()
