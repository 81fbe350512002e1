"""A picture of what a recipe draws: one sheet of plots, without rendering anything."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import invert_rigid, transform_points
from photosynth.core.photo import Photo
from photosynth.core.scene import Scene
from photosynth.sample.camera import box_corners
from photosynth.sample.panels import (
    INK,
    draw_bars,
    draw_counts,
    draw_directions,
    draw_heat,
    draw_histogram,
    draw_lights,
    draw_rolls,
    draw_temperatures,
    draw_white_balance,
)
from photosynth.sample.recipe import Recipe, scene_recipe
from photosynth.sample.scene import NOBODY, check_inputs, sample_scene, subject_pixels
from photosynth.sample.source import ArrangementSource

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAT_CELLS = 48


@dataclass
class Drawn:
    """What the sheet shows, gathered from the scenes one by one."""

    directions: list[np.ndarray] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    sizes_rel: list[float] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)
    light_positions: list[np.ndarray] = field(default_factory=list)
    light_colors: list[tuple[float, float, float]] = field(default_factory=list)
    light_radiances: list[float] = field(default_factory=list)
    temperatures_k: list[float] = field(default_factory=list)
    scenes: list[Scene] = field(default_factory=list)
    heat: np.ndarray = field(default_factory=lambda: np.zeros((HEAT_CELLS, HEAT_CELLS)))


def plot_distributions(
    recipe: Recipe,
    assets: tuple[Asset, ...],
    out_png: Path,
    n: int = 2000,
    seed: int = 0,
    photos: tuple[Photo, ...] | None = None,
) -> None:
    """Draw n scenes and plot what is in them on one sheet, a PNG of about 2400 x 1800 pixels. Meshes are not read:
    things that are arranged are taken for their boxes.

    Args:
        recipe: what to draw from.
        assets: the catalogue's assets.
        out_png: the file to write.
        n: how many scenes.
        seed: of the scenes.
        photos: background photos; None plots as if there were some, () as if there were none.

    Raises:
        ConfigError: if the assets do not suffice or n is below 1.
        ArtifactError: if the file cannot be written.
    """
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if n < 1:
        raise ConfigError(f"n must be at least 1 scene, got {n}")
    if photos is None:
        photos = (Photo(path=Path("/photo.jpg"), size_wh=(640, 480)),)
    check_inputs(recipe, assets, photos)
    drawn = gather_drawn(recipe, assets, n, seed, photos)
    figure = Figure(figsize=(24, 18), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{recipe.about or 'Recipe'}\n{n} scenes, seed {seed}, {recipe.size_wh[0]} x {recipe.size_wh[1]} px",
        fontsize=20,
        color=INK,
        y=0.98,
        parse_math=False,
    )
    _draw_panels(figure, drawn)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_atomic(Path(out_png), buffer.getvalue())


def gather_drawn(recipe: Recipe, assets: tuple[Asset, ...], n: int, seed: int, photos: tuple[Photo, ...]) -> Drawn:
    """Sample n scenes and measure them."""
    drawn, by_id = Drawn(), {asset.asset_id: asset for asset in assets}
    sources = ArrangementSource(recipe, assets, seed)
    for index in range(n):
        scene = sample_scene(recipe, assets, index, seed, photos, arrangements=sources)
        drawn.scenes.append(scene)
        drawn.classes.append(scene.placements[0].class_name if scene.kind == "object" else f"({scene.kind})")
        subject = by_id[scene.placements[0].asset_id] if scene.placements else NOBODY
        if scene.placements:
            _measure_subject(drawn, scene, subject)
        centre_m, unit_m = np.zeros(3), subject.diagonal_m()
        part = scene_recipe(recipe, seed, index)
        if part.arrangement is not None:
            lit = sources.of_part(part).of_scene(index).arrangement
            centre_m, unit_m = np.array(lit.centre_m), 2.0 * lit.radius_m
        for light in scene.lights:
            offset_m = np.array(light.position_m) - centre_m
            drawn.light_positions.append(offset_m / unit_m)
            drawn.light_colors.append(light.color_linear)
            drawn.light_radiances.append(light.power_w / (4 * math.pi**2 * float(offset_m @ offset_m)))
            drawn.temperatures_k.append(light.temperature_k)
    return drawn


def _measure_subject(drawn: Drawn, scene: Scene, subject: Asset) -> None:
    world_from_object = np.array(scene.placements[0].world_from_object)
    eye = transform_points(invert_rigid(world_from_object), scene.camera.position_m()[None])[0]
    drawn.directions.append(eye / np.linalg.norm(eye))
    drawn.distances.append(float(np.linalg.norm(eye)) / subject.diagonal_m())
    points = subject_pixels(scene.camera, transform_points(world_from_object, box_corners(subject.size_m)))
    size = np.array(scene.camera.size_wh, dtype=float)
    drawn.sizes_rel.append(float(np.ptp(points, axis=0).max() / size.min()))
    low, high = (np.clip(edge / size, 0, 1) * HEAT_CELLS for edge in (points.min(axis=0), points.max(axis=0)))
    x0, y0, x1, y1 = (round(v) for v in (*low, *high))
    drawn.heat[y0:y1, x0:x1] += 1


def _draw_panels(figure: Figure, drawn: Drawn) -> None:
    grid = figure.add_gridspec(5, 6, left=0.03, right=0.985, top=0.9, bottom=0.045, wspace=0.36, hspace=0.55)

    def panel(row: int, column: int, width: int = 1, **options: str) -> Axes:
        return figure.add_subplot(grid[row, column : column + width], **options)

    scenes = drawn.scenes
    draw_directions(panel(0, 0, 2, projection="mollweide"), drawn.directions)
    draw_heat(panel(0, 2), drawn.heat / max(1, len(drawn.directions)))
    draw_bars(panel(0, 3), Counter(drawn.classes), "Pictures per class")
    draw_bars(panel(0, 4), _backgrounds(scenes), "Backgrounds")
    draw_bars(panel(0, 5), _occluders(scenes), "Before the subject")
    draw_rolls(panel(1, 3, projection="polar"), scenes)
    draw_counts(panel(1, 4), [len(scene.placements) for scene in scenes], "Things in the picture")
    if any(scene.surroundings for scene in scenes):
        draw_bars(panel(1, 5), _surfaces(scenes), "Surfaces")
    else:
        draw_counts(panel(1, 5), [len(scene.background.clutter) for scene in scenes], "Clutter behind")
    draw_counts(panel(2, 0), [len(scene.lights) for scene in scenes], "Lamps")
    draw_lights(panel(2, 1), drawn.light_positions, drawn.light_colors)
    draw_temperatures(panel(2, 2), drawn.temperatures_k)
    draw_bars(panel(2, 5), _maps(scenes), "Environment maps", size=8)
    draw_white_balance(panel(3, 5), scenes)
    for (row, column), (title, xlabel, log, values) in _histograms(drawn).items():
        draw_histogram(panel(row, column), values, title, xlabel, log)


def _histograms(drawn: Drawn) -> dict[tuple[int, int], tuple[str, str, bool, list[float]]]:
    """Place in the grid: title, unit, whether the axis is logarithmic, values."""
    scenes, finishes = drawn.scenes, [scene.finish for scene in drawn.scenes]
    ratios = [scene.background.match_luminance for scene in scenes]
    contact = [scene.background.contact_shadow for scene in scenes]
    roughness = [placement.roughness for scene in scenes for placement in scene.placements]
    return {
        (1, 0): ("Size in the picture", "longer side / picture", True, drawn.sizes_rel),
        (1, 1): ("Camera distance", "diagonals", True, drawn.distances),
        (1, 2): ("Focal length", "picture widths", True, [s.camera.focal_px / s.camera.size_wh[0] for s in scenes]),
        (2, 3): ("Radiance from a lamp", "on facing white", True, drawn.light_radiances),
        (2, 4): ("Environment strength", "mean radiance", True, [s.environment.strength for s in scenes]),
        (3, 0): ("Background / object brightness", "ratio, when tied", True, [r for r in ratios if r is not None]),
        (3, 1): ("Contact shadow", "strength", False, contact),
        (3, 2): ("Roughness", "0 mirror, 1 chalk", False, roughness),
        (3, 3): ("Exposure", "stops", False, [f.exposure_ev for f in finishes]),
        (3, 4): ("Automatic exposure", "strength", False, [f.auto_exposure for f in finishes]),
        (4, 0): ("Defocus", "sd, % of side", False, [100 * f.defocus_rel for f in finishes]),
        (4, 1): ("Motion blur", "% of side", False, [100 * f.motion_rel for f in finishes]),
        (4, 2): ("Shot noise", "sd at white", True, [f.shot_noise for f in finishes]),
        (4, 3): ("Saturation", "1 is as it was", False, [f.saturation for f in finishes]),
        (4, 4): ("Tone gamma", "exponent", False, [f.tone_gamma for f in finishes]),
        (4, 5): ("JPEG quality", "1 to 100", False, [float(f.jpeg_quality) for f in finishes]),
    }


def _backgrounds(scenes: list[Scene]) -> Counter[str]:
    return Counter(type(scene.background.fill).__name__.removesuffix("Fill").lower() for scene in scenes)


def _surfaces(scenes: list[Scene]) -> Counter[str]:
    """Fills of each scene's slabs, one for each look."""
    looks = ({slab.fill for slab in scene.surroundings} for scene in scenes)
    names = (sorted(type(fill).__name__.removesuffix("Fill").lower() for fill in found) for found in looks)
    return Counter(name for found in names for name in found or ["(none)"])


def _occluders(scenes: list[Scene]) -> Counter[str]:
    names = (sorted(type(occluder).__name__.lower() for occluder in scene.occluders) for scene in scenes)
    return Counter(" and ".join(found) or "(nothing)" for found in names)


def _maps(scenes: list[Scene]) -> Counter[str]:
    files = (scene.environment.map_file for scene in scenes)
    return Counter("(grey)" if name is None else Path(name.removeprefix("package:")).stem for name in files)
