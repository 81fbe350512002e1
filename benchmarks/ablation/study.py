"""Study: the variants, the budgets and the results as records, and the order of the runs."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record, from_json, from_toml, to_json

BASELINE = "baseline"
STUDY_FILE = Path(__file__).with_name("variants.toml")


class PhotoSet(Record, frozen=True, kw_only=True):
    """Objects, and real photos of some of them; folders are relative to the data folder."""

    objects: str
    """Folder of 3D models, for the catalogue."""
    photos: str
    """Real photos as CLASS/*.jpg, or a folder named after one class."""
    negatives: str
    """Real photos that show none of the objects."""
    backgrounds: str
    """Background photos."""
    classes: int
    """How many classes the models make."""


class Budget(Record, frozen=True, kw_only=True):
    """How much work one run is."""

    about: str
    """One line for people."""
    image_size_px: int
    """Side of the rendered pictures."""
    images: dict[str, int]
    """Pictures for each set, those of no object included."""
    train: dict[str, Any] = msgspec.field(default_factory=dict)
    """Settings of the train stage that differ from its defaults."""


class Variant(Record, frozen=True, kw_only=True):
    """What one run does differently from the baseline."""

    name: str
    """Unique, for the command line and the tables."""
    group: str
    """The question it belongs to."""
    what: str
    """The difference in words."""
    against: str = BASELINE
    """The variant it is compared with."""
    round: int = 1
    """Variants of a lower round are run first."""
    seeds: int = 2
    """Runs with seeds 0 .. this - 1, unless the command asks for more."""
    sets: tuple[str, ...] = ("products", "ycb")
    """Where it is run."""
    budget: str = "small"
    """Name of the budget."""
    base: str = "single"
    """The shipped recipe it starts from."""
    recipe: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    """Section -> field -> value put in place of the recipe's."""
    catalogue: dict[str, Any] = msgspec.field(default_factory=dict)
    """Settings of the catalogue stage that differ from its defaults."""
    render: dict[str, Any] = msgspec.field(default_factory=dict)
    """Settings of the render stage that differ from its defaults."""
    train: dict[str, Any] = msgspec.field(default_factory=dict)
    """Settings of the train stage that differ from the budget's."""
    images: int | None = None
    """Pictures in all, in place of the budget's."""
    per_class: int | None = None
    """Pictures that show each class, in place of the budget's number."""
    background_photos: bool = True
    """Whether the background photos come along."""


class Study(Record, frozen=True, kw_only=True):
    """``variants.toml``: everything that can be run, in the order in which it is worth running, round by round."""

    sets: dict[str, PhotoSet]
    """The photo sets by name."""
    budgets: dict[str, Budget]
    """The budgets by name."""
    variants: tuple[Variant, ...]
    """The baseline first."""

    def variant(self, name: str) -> Variant:
        """The variant of that name. Raises ConfigError if there is none."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise ConfigError(f"there is no variant {name!r}; --list shows them")


class Result(Record, frozen=True, kw_only=True):
    """One line of the results: a finished run. Photos are in the order of the evaluation, without their names."""

    variant: str
    """Its name."""
    set: str
    """The photo set."""
    seed: int
    """Of scenes and training."""
    digest: str
    """Hash of the variant and its budget, so that results of an older definition are told apart."""
    commit: str
    """Version of photosynth it was run with."""
    date: str
    """When it finished, UTC."""
    machine: str
    """What it ran on."""
    n_images: int
    """Pictures rendered."""
    wall_s: dict[str, float]
    """Seconds of each stage; a shared machine makes them long."""
    cpu_s: float
    """CPU seconds of the run in this process and its children."""
    threshold: float
    """The answer threshold that was fitted on synthetic validation pictures."""
    temperature: float
    """The softmax temperature that was fitted there."""
    synthetic_top1: float | None
    """On the run's own held-out pictures: not comparable between variants."""
    photo_p: tuple[float, ...]
    """Probability of the true class, for each photo of an object."""
    photo_right: tuple[int, ...]
    """1 where the true class was the answer."""
    negative_none_p: tuple[float, ...]
    """Probability of none of these, for each photo without an object."""
    negative_object_p: tuple[float, ...]
    """Probability of the likeliest object there."""


@dataclass(frozen=True)
class Job:
    """One run."""

    variant: Variant
    set: str
    seed: int


def load_study(path: Path = STUDY_FILE) -> Study:
    """Read a study. Raises ConfigError for unknown keys, names used twice, or names of nothing."""
    study = from_toml(path, Study)
    names = [variant.name for variant in study.variants]
    if len(set(names)) < len(names):
        raise ConfigError(f"{path} uses a variant's name twice: {sorted({n for n in names if names.count(n) > 1})}")
    for variant in study.variants:
        study.variant(variant.against)
        unknown = {*variant.sets} - {*study.sets} or {variant.budget} - {*study.budgets}
        if unknown:
            raise ConfigError(f"{path}: variant {variant.name!r} names {unknown}, which the file does not define")
    return study


def n_images(variant: Variant, study: Study, set_name: str) -> int:
    """Pictures to render; `per_class` is divided by the share of pictures that show an object."""
    if variant.images is not None:
        return variant.images
    if variant.per_class is None:
        return study.budgets[variant.budget].images[set_name]
    kinds = recipe_values(variant).get("kinds", {})
    shown = 1.0 - kinds.get("empty_share", 0.0) - kinds.get("lookalike_share", 0.0)
    return round(variant.per_class * study.sets[set_name].classes / shown)


def recipe_values(variant: Variant) -> dict[str, Any]:
    """The variant's recipe as plain values: its base's file with the named fields replaced."""
    from photosynth.sample.recipe import recipes_folder

    values = tomllib.loads((recipes_folder() / f"{variant.base}.toml").read_text(encoding="utf-8"))
    for section, fields in variant.recipe.items():
        values[section] = {**values.get(section, {}), **fields}
    return values


def toml_text(values: dict[str, Any]) -> str:
    """TOML of plain values, tables inline: one line for each top-level key."""
    return "".join(f"{key} = {_toml_value(value)}\n" for key, value in values.items())


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return msgspec.json.encode(value).decode()


def jobs(
    study: Study, variants: Sequence[str], sets: Sequence[str], least_seeds: int = 0, last_round: int | None = None
) -> Iterator[Job]:
    """The runs in order: by round, then seed, then variant, then set. Empty `variants` or `sets` mean all."""
    chosen = [study.variant(name) for name in variants] or study.variants
    chosen = [variant for variant in chosen if last_round is None or variant.round <= last_round]
    for turn in sorted({variant.round for variant in chosen}):
        mine = [variant for variant in chosen if variant.round == turn]
        for seed in range(max(max(variant.seeds, least_seeds) for variant in mine)):
            for variant in mine:
                if seed < max(variant.seeds, least_seeds):
                    yield from (Job(variant, name, seed) for name in variant.sets if not sets or name in sets)


def read_results(path: Path) -> list[Result]:
    """The finished runs; a last line cut short by a kill is left out. No file means none."""
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")
    return [from_json(line, Result, f"{path}:{k}") for k, line in enumerate(lines[:-1], 1) if line.startswith(b"{")]


def append_result(path: Path, result: Result) -> None:
    """Add one line, synced to the disk; whatever a killed run left of a line is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        file.truncate(file.read(size).rfind(b"\n") + 1)
        file.write(to_json(result) + b"\n")
        file.flush()
        os.fsync(file.fileno())
