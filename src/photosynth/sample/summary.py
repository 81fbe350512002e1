"""Summary: what a sample artifact's manifest says of its scenes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from photosynth.core.asset import Asset
from photosynth.core.codec import read_jsonl
from photosynth.core.scene import Scene
from photosynth.sample.arrange.physics import has_physics
from photosynth.sample.arrange.recipe import ShelfRecipe, options_of
from photosynth.sample.recipe import Recipe, recipe_parts

SHOWN_NAMES = 8
"""Most classes named in a note."""


def summarise(folder: Path, assets: tuple[Asset, ...], n_photos: int, n_maps: int, n_skipped: int) -> dict[str, object]:
    """Counts of the scenes in a folder: by kind, objects by class, with distractors, with occluders, and how many
    objects and distractors are in the pictures that have any objects, on average; and which objects have no scale."""
    kinds: Counter[str] = Counter()
    classes = Counter({asset.class_name: 0 for asset in assets if asset.role == "object"})
    with_distractors = with_occluders = total = distractors = 0
    for path in sorted(folder.glob("scenes-*.jsonl")):
        for scene in read_jsonl(path, Scene):
            total += 1
            kinds[scene.kind] += 1
            classes.update(placement.class_name for placement in scene.placements if placement.role == "object")
            with_distractors += any(placement.role == "distractor" for placement in scene.placements)
            with_occluders += bool(scene.occluders)
            if scene.kind == "object":
                distractors += sum(placement.role == "distractor" for placement in scene.placements)
    shown = max(1, kinds["object"])
    return {
        "scenes": total,
        "kinds": dict(sorted(kinds.items())),
        "classes": dict(sorted(classes.items())),
        "objects_per_picture": round(classes.total() / shown, 3),
        "distractors_per_picture": round(distractors / shown, 3),
        "with_distractors": with_distractors,
        "with_occluders": with_occluders,
        "background_photos": n_photos,
        "environment_maps": n_maps,
        "files_left_out": n_skipped,
        "objects_without_scale": [a.asset_id for a in assets if a.role == "object" and not a.scale_known],
    }


def notes_of(recipe: Recipe, assets: tuple[Asset, ...], n_photos: int) -> tuple[str, ...]:
    """What to tell of a run beside its numbers: what its recipe asks for and did not get."""
    parts, notes = recipe_parts(recipe), []
    if not n_photos and any(part.background.kinds.photo > 0 for part in parts):
        notes.append("no background photos were given; the other kinds of background took their share")
    if any(part.kinds.lookalike_share > 0 for part in parts) and all(asset.role == "object" for asset in assets):
        notes.append("the catalogue has no distractors; pictures meant to show them alone are empty")
    arrangements = [part.arrangement for part in parts if part.arrangement is not None]
    if arrangements:
        notes += _size_notes(assets)
    if not has_physics() and any(isinstance(one, ShelfRecipe) for a in arrangements for one in options_of(a)):
        notes.append("stacks on shelves stay as they were put up; to let them settle, pip install photosynth[physics]")
    return tuple(notes)


def _size_notes(assets: tuple[Asset, ...]) -> tuple[str, ...]:
    """What to tell of a catalogue's objects without a known scale, and how to give them one."""
    objects = [asset for asset in assets if asset.role == "object"]
    unknown = [asset.class_name for asset in objects if not asset.scale_known]
    if not unknown:
        return ()
    names = list(dict.fromkeys(unknown))
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return (
        f"{len(unknown)} of {len(objects)} objects have no scale ({', '.join(names[:SHOWN_NAMES])}{more}): beside "
        "other things they get a random size; tell the catalogue each class's longest side with --size-m NAME METRES",
    )
