"""Draw docs/recipes.jpg: what each recipe's pictures look like, with the built-in demo objects.

python docs/recipes.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from photosynth.catalogue.demo.packages import write_demo_objects
from photosynth.catalogue.stage import CatalogueConfig
from photosynth.catalogue.stage import run as run_catalogue
from photosynth.core.meshes import CatalogueMeshes
from photosynth.core.registry import render_engine
from photosynth.render.compose import compose
from photosynth.render.lens import render_through_lens
from photosynth.sample.arrange.shapes import Shapes
from photosynth.sample.environment import recipe_maps
from photosynth.sample.recipe import load_recipe, recipe_parts
from photosynth.sample.scene import sample_scene
from photosynth.sample.source import ArrangementSource

RECIPES = ("single", "tabletop", "shelf", "bin", "in_hand", "far", "anywhere")
COLUMNS, SIDE_PX, GAP_PX, LABEL_PX = 7, 256, 6, 108
SEED = 1


def main() -> None:
    """Sample, render and lay out."""
    with tempfile.TemporaryDirectory() as folder:
        objects, catalogue = Path(folder) / "objects", Path(folder) / "catalogue"
        objects.mkdir()
        write_demo_objects(objects)
        run_catalogue(CatalogueConfig(n_distractors=24, preview_engine="none"), objects, catalogue)
        rows = [row(name, catalogue) for name in RECIPES]
    Image.fromarray(np.concatenate(rows, axis=0)).save(Path(__file__).with_name("recipes.jpg"), quality=88)


def row(name: str, catalogue: Path) -> np.ndarray:
    """Some pictures of one recipe, side by side behind its name."""
    meshes = CatalogueMeshes(catalogue)
    recipe = load_recipe(name)
    assets = tuple(meshes.assets.values())
    engine = render_engine("raster", meshes)
    arranged = any(part.arrangement is not None for part in recipe_parts(recipe))
    source = ArrangementSource(recipe, assets, SEED, Shapes(meshes)) if arranged else None
    label = Image.new("RGB", (LABEL_PX, SIDE_PX + GAP_PX), "white")
    ImageDraw.Draw(label).text((8, SIDE_PX // 2 - 12), name, fill=(20, 20, 20), font=ImageFont.load_default(20))
    cells = [np.asarray(label)]
    index = 0
    while len(cells) <= COLUMNS:
        scene = sample_scene(recipe, assets, index, SEED, (), recipe_maps(recipe.environment), source)
        index += 1
        if scene.kind != "object":
            continue
        picture = compose(scene, render_through_lens(engine, scene)).color
        picture = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        cells.append(np.pad(picture, ((0, GAP_PX), (GAP_PX, 0), (0, 0)), constant_values=255))
    return np.concatenate(cells, axis=1)


if __name__ == "__main__":
    main()
