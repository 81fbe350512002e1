"""Verbs that make labelled pictures: sample, render, dataset.

Annotations are evaluated here (no `from __future__ import annotations`): records inside functions name lazily
imported types, so that `--help` stays quick.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from photosynth.cli.verbs.flags import Common, Flat, here, parse, run_stage
from photosynth.core.record import Record


def sample_verb(argv: list[str]) -> int:
    """photosynth sample"""
    from photosynth.sample.stage import SampleConfig, run

    class SampleArgs(Record, frozen=True, kw_only=True):
        """Draw concrete scenes from a recipe. With --plot, only draw the recipe's distributions to a picture."""

        catalogue: here("CATALOGUE")
        """A finished catalogue folder."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[SampleConfig, Flat] = msgspec.field(default_factory=SampleConfig)
        """Settings."""
        backgrounds: Path | None = None
        """A folder of photos to use as backgrounds, beside the built-in ones."""
        environments: Path | None = None
        """A folder of EXR or HDR environment maps (equirectangular, +z up) to use instead of the built-in ones. A map
        lights the objects and is seen behind them. Its sun, or up to three strong lamps, throw shadows: light above 40
        times the map's mean becomes a distant lamp where it is 3 % of the whole or more. Broken maps are left out."""
        plot: bool = False
        """Write a picture of every distribution to --out (a .png) and sample nothing."""

    args = parse(SampleArgs, "sample", argv)
    if args.plot:
        from photosynth.core.asset import read_assets
        from photosynth.sample.plot import plot_distributions
        from photosynth.sample.recipe import load_recipe

        target = args.common.out if args.common.out.suffix == ".png" else args.common.out / "distributions.png"
        plot_distributions(load_recipe(args.config.recipe), read_assets(args.catalogue), target, seed=args.config.seed)
        print(target)
        return 0
    folders = {"backgrounds": args.backgrounds, "environments": args.environments}
    return run_stage(run, args.common, args.config, args.catalogue, **folders)


def render_verb(argv: list[str]) -> int:
    """photosynth render"""
    from photosynth.render.stage import RenderConfig, run

    class RenderArgs(Record, frozen=True, kw_only=True):
        """Render scenes to pictures and frame records."""

        scenes: here("SCENES")
        """A finished sample folder."""
        catalogue: here("CATALOGUE")
        """The catalogue it was drawn from."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[RenderConfig, Flat] = msgspec.field(default_factory=RenderConfig)
        """Settings."""
        open_in_blender: int | None = None
        """Write this scene as scene-NNNNNN.blend beside --out, for a person to open, and render nothing."""

    args = parse(RenderArgs, "render", argv)
    if args.open_in_blender is not None:
        from photosynth.render.cycles.blend import write_blend

        folder = args.common.out.absolute().parent
        print(write_blend(args.scenes, args.catalogue, args.open_in_blender, folder, args.config.cycles))
        return 0
    return run_stage(run, args.common, args.config, args.scenes, args.catalogue)


def dataset_verb(argv: list[str]) -> int:
    """photosynth dataset"""
    from photosynth.dataset.stage import DatasetConfig, run

    class DatasetArgs(Record, frozen=True, kw_only=True):
        """Compute labels from rendered layers, split by hash, audit every picture, export."""

        render: here("RENDER")
        """A finished render folder."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[DatasetConfig, Flat] = msgspec.field(default_factory=DatasetConfig)
        """Settings."""
        catalogue: Path | None = None
        """The catalogue that was rendered: format bop takes its models from it."""

    args = parse(DatasetArgs, "dataset", argv)
    return run_stage(run, args.common, args.config, args.render, catalogue=args.catalogue)
