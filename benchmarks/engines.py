"""How far the rasteriser and Cycles agree on sampled scenes, one line for each.

    photosynth sample CATALOGUE --recipe shelf --n-images 40 --image-size-px 240 --out SCENES
    python benchmarks/engines.py CATALOGUE SCENES [SCENES ...] --count 5

Needs the cycles extra. Of each folder, the first scenes with three objects or more, without lens distortion (which
Cycles does not draw). PSNR and brightness are those inside the objects where both engines see the same one, then those
of slabs; after the sRGB curve, and in linear light.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "engine"))

from agreement import agreement  # noqa: E402

from photosynth.core.artifact import open_artifact  # noqa: E402
from photosynth.core.frame import Layers  # noqa: E402
from photosynth.core.meshes import CatalogueMeshes  # noqa: E402
from photosynth.core.record import from_json  # noqa: E402
from photosynth.core.scene import Scene  # noqa: E402
from photosynth.render.color import srgb_from_linear  # noqa: E402
from photosynth.render.cycles.engine import CyclesEngine  # noqa: E402
from photosynth.render.cycles.options import CyclesOptions  # noqa: E402
from photosynth.render.raster.engine import RasterEngine  # noqa: E402

LEAST_OBJECTS = 3
LEAST_PIXELS = 50
"""Slabs in fewer pixels than this are not compared."""


def scenes_of(folder: Path) -> Iterator[Scene]:
    """Scenes of a sampled folder that are compared."""
    for path in sorted(open_artifact(folder, "sample").folder.glob("scenes-*.jsonl")):
        with open(path, "rb") as file:
            for line in file:
                scene = from_json(line, Scene, str(path))
                if len(scene.placements) >= LEAST_OBJECTS and not any(scene.camera.distortion):
                    yield scene


def slabs_agree(one: Layers, other: Layers) -> tuple[float, float]:
    """PSNR in dB and brightness of what is no object; NaN where there is nothing."""
    both = [(layers.instance_ids == 0) & (layers.coverage > 0.99) for layers in (one, other)]
    where = both[0] & both[1]
    if where.sum() < LEAST_PIXELS:
        return np.nan, np.nan
    difference = srgb_from_linear(one.radiance[where]) - srgb_from_linear(other.radiance[where])
    return -10 * np.log10(np.mean(difference**2)), one.radiance[where].mean() / other.radiance[where].mean()


def main() -> int:
    """Read the command line, print a line for each scene and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", type=Path, help="the catalogue that the scenes were drawn from")
    parser.add_argument("scenes", type=Path, nargs="+", help="sampled folders")
    parser.add_argument("--count", type=int, default=5, help="scenes of each folder")
    parser.add_argument("--samples", type=int, default=192, help="of Cycles")
    options = parser.parse_args()
    meshes = CatalogueMeshes(open_artifact(options.catalogue, "catalogue").folder)
    cycles, raster = CyclesEngine(meshes, CyclesOptions(samples=options.samples, threads=0)), RasterEngine(meshes)
    rows = []
    for folder in options.scenes:
        for scene in islice(scenes_of(folder), options.count):
            ours, theirs = raster.render(scene), cycles.render(scene)
            found = agreement(ours, theirs)
            rows.append((found.psnr_db, found.brightness, *slabs_agree(ours, theirs)))
            print(
                "{}, scene {}: objects {:.1f} dB, {:.3f}; slabs {:.1f} dB, {:.3f}".format(
                    folder, scene.index, *rows[-1]
                ),
                flush=True,
            )
    cycles.close()
    if not rows:
        print(f"no scene has {LEAST_OBJECTS} objects and no lens distortion", file=sys.stderr)
        return 1
    psnr, brightness, slab_psnr, slab_brightness = np.array(rows).T
    print(
        f"mean of {len(rows)}: objects {psnr.mean():.2f} dB, off by {100 * np.abs(brightness - 1).mean():.1f} %; "
        f"slabs {np.nanmean(slab_psnr):.2f} dB, off by {100 * np.nanmean(np.abs(slab_brightness - 1)):.1f} %"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
