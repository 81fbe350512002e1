"""Things on a shelf: rows and stacks on boards, facing forward (+x) more or less."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from photosynth.core.distributions import sample
from photosynth.sample.arrange.arrangement import Arrangement, Shape, SlabBox
from photosynth.sample.arrange.facing import facing
from photosynth.sample.arrange.fall import settled
from photosynth.sample.arrange.footprint import apart_from_all, least_box_rad
from photosynth.sample.arrange.posed import Posed, arrangement_of, mean_diagonal_m, slab, stood, yawed
from photosynth.sample.arrange.recipe import ShelfRecipe
from photosynth.sample.arrange.stack import Stack

MAX_STACK = 4
"""Most things on one another."""
MAX_STACK_DIAGONALS = 1.6
"""Greatest height of a stack of two or more, in mean diagonals."""
CLEAR = 0.004
"""Least distance of a thing from its neighbours and the walls, in mean diagonals."""
OPEN_AZIMUTH_DEG = (-60.0, 60.0)
OPEN_BETWEEN_WALLS_DEG = (-45.0, 45.0)
OPEN_ELEVATION_DEG = (-15.0, 50.0)
LEAST_TOP_DEG = 5.0
"""The highest elevation is never below this, however deep the things stand under a board."""


def on_shelf(recipe: ShelfRecipe, shapes: Sequence[Shape], rng: np.random.Generator) -> Arrangement:
    """All the things, copies of one asset beside each other, shared out among the boards by their widths."""
    unit = mean_diagonal_m(shapes)
    clear, setback = CLEAR * unit, unit * sample(recipe.setback_diagonals, rng)
    turned = _turned(recipe, shapes, rng)
    deepest = max(float(np.ptp(thing.footprint_m[:, 0])) for thing in turned)
    depth = max(unit * sample(recipe.depth_diagonals, rng), deepest + 2 * clear)
    rows = []
    for members in _shares(turned, round(sample(recipe.boards, rng)), rng):
        row = _Row(recipe, unit, depth, setback, rng)
        for thing in members:
            row.add(thing)
        rows.append(row.stacks)
    placed, slabs, walled = _built(recipe, rows, depth, unit, rng)
    if recipe.settled:
        placed = _settled(placed, rows, slabs, unit)
    boards_m = [box.world_from_slab[2][3] - box.size_m[2] / 2 for box in slabs if box.part == "board"]
    elevation = (OPEN_ELEVATION_DEG[0], _highest_deg(placed, boards_m))
    in_order = [placed.pop(next(n for n, thing in enumerate(placed) if thing.shape is shape)) for shape in shapes]
    return arrangement_of(in_order, slabs, OPEN_BETWEEN_WALLS_DEG if walled else OPEN_AZIMUTH_DEG, elevation)


def _turned(recipe: ShelfRecipe, shapes: Sequence[Shape], rng: np.random.Generator) -> list[Posed]:
    """Each thing over the origin in its pose, its footprint along the board; copies of an asset alike. What was scanned
    from one side faces the front, square to the board if it can."""
    turns: dict[str, np.ndarray] = {}
    for shape in shapes:
        if shape.asset_id not in turns:
            turns[shape.asset_id] = facing(
                shape, 0.0, partial(_square_turn, recipe, shape, rng), partial(_any_turn, recipe, shape, rng)
            )
    disorder = np.radians([sample(recipe.disorder_deg, rng) for _ in shapes])
    return [stood(s, yawed(turns[s.asset_id], more), np.zeros(2)) for s, more in zip(shapes, disorder, strict=True)]


def _square_turn(recipe: ShelfRecipe, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    rotation = shape.poses.draw(rng, recipe.upright_share)
    yaw = least_box_rad(stood(shape, rotation, np.zeros(2)).footprint_m)
    yaw += math.pi / 2 * (rng.random() < recipe.narrow_share) + math.pi * int(rng.integers(2))
    return yawed(rotation, yaw)


def _any_turn(recipe: ShelfRecipe, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    return yawed(shape.poses.draw(rng, recipe.upright_share), rng.uniform(0.0, 2 * math.pi))


def _shares(things: Sequence[Posed], n_boards: int, rng: np.random.Generator) -> list[list[Posed]]:
    """The things of each board: the assets in a random order, cut where the widths add up to equal parts."""
    names = list(dict.fromkeys(thing.shape.asset_id for thing in things))
    place = dict(zip(names, rng.permutation(len(names)), strict=True))
    ordered = sorted(things, key=lambda thing: place[thing.shape.asset_id])
    widths = np.array([float(np.ptp(thing.footprint_m[:, 1])) for thing in ordered])
    board = ((np.cumsum(widths) - widths / 2) / widths.sum() * n_boards).astype(int)
    return [[thing for thing, b in zip(ordered, board, strict=True) if b == k] for k in range(n_boards)]


class _Row:
    """Stacks on a board whose front edge is x = 0 and whose top is z = 0, from y = 0 on."""

    def __init__(
        self, recipe: ShelfRecipe, unit_m: float, depth_m: float, setback_m: float, rng: np.random.Generator
    ) -> None:
        self.stacks: list[Stack] = []
        self._recipe, self._unit, self._depth, self._setback, self._rng = recipe, unit_m, depth_m, setback_m, rng

    def add(self, thing: Posed) -> None:
        """Put a thing on the last stack, or behind it, or else beside all of them."""
        stack, behind = self._rng.random(2)
        if self.stacks and stack < self._recipe.stack_share and self._on_top(thing):
            return
        if self.stacks and behind < self._recipe.behind_share and self._behind(thing):
            return
        self._beside(thing)

    def _on_top(self, thing: Posed) -> bool:
        last = self.stacks[-1]
        shift = self._unit * np.array([sample(self._recipe.jitter_diagonals, self._rng) for _ in range(2)])
        higher = last.with_on_top(thing, shift) if len(last.things) < MAX_STACK else None
        if higher is None or not self._is_free(higher.things[-1].footprint_m, self.stacks[:-1]):
            return False
        if higher.things[-1].hull.points_m[:, 2].max() > MAX_STACK_DIAGONALS * self._unit:
            return False
        self.stacks[-1] = higher
        return True

    def _behind(self, thing: Posed) -> bool:
        front = np.concatenate([each.footprint_m for each in self.stacks[-1].things])
        middle = (front[:, 1].min() + front[:, 1].max()) / 2
        x = front[:, 0].min() - self._gap() - thing.footprint_m[:, 0].max()
        placed = thing.shifted(np.array([x, middle - thing.footprint_m[:, 1].mean(), 0.0]))
        if not self._is_free(placed.footprint_m, self.stacks):
            return False
        self.stacks.append(Stack((placed,)))
        return True

    def _beside(self, thing: Posed) -> None:
        ends = [each.footprint_m[:, 1].max() for stack in self.stacks for each in stack.things]
        y = max(ends) + self._gap() if ends else 0.0
        x = -self._setback + self._unit * sample(self._recipe.jitter_diagonals, self._rng)
        low, high = thing.footprint_m.min(axis=0), thing.footprint_m.max(axis=0)
        clear = CLEAR * self._unit
        x = min(max(x, clear - self._depth + high[0] - low[0]), -clear)
        self.stacks.append(Stack((thing.shifted(np.array([x - high[0], y - low[1], 0.0])),)))

    def _gap(self) -> float:
        return self._unit * max(sample(self._recipe.gap_diagonals, self._rng), CLEAR)

    def _is_free(self, outline: np.ndarray, stacks: Sequence[Stack]) -> bool:
        clear = CLEAR * self._unit
        on_board = outline[:, 0].min() >= clear - self._depth and outline[:, 0].max() <= -clear
        others = [each.footprint_m for stack in stacks for each in stack.things]
        return bool(on_board) and apart_from_all(outline, others, clear)


def _built(
    recipe: ShelfRecipe, rows: list[list[Stack]], depth_m: float, unit_m: float, rng: np.random.Generator
) -> tuple[list[Posed], list[SlabBox], bool]:
    """The things on their boards, the slabs, and whether there are walls at the sides."""
    thickness = unit_m * sample(recipe.thickness_diagonals, rng)
    in_rows = [[thing for stack in row for thing in stack.things] for row in rows]
    tallest = max(float(thing.hull.points_m[:, 2].max()) for row in in_rows for thing in row)
    pitch = tallest * sample(recipe.clearance, rng) + thickness
    spans = [_span(row) for row in in_rows]
    spare = max(unit_m * sample(recipe.spare_diagonals, rng), 2 * CLEAR * unit_m)
    half = (max(high - low for low, high in spans) + spare) / 2
    placed = []
    for k, (row, (low, high)) in enumerate(zip(in_rows, spans, strict=True)):
        room = half - (high - low) / 2 - CLEAR * unit_m
        shift = np.array([0.0, room * rng.uniform(-1.0, 1.0) - (low + high) / 2, k * pitch])
        placed += [thing.shifted(shift) for thing in row]
    back, sides, top = rng.random(3) < (recipe.back_share, recipe.sides_share, recipe.top_share)
    levels = [k * pitch for k in range(len(rows) + int(top))]
    slabs = [
        slab("board", np.array([-depth_m, -half, level - thickness]), np.array([0.0, half, level])) for level in levels
    ]
    rear, high = -depth_m - thickness, len(rows) * pitch
    if back:
        slabs.append(slab("wall", np.array([rear, -half, -thickness]), np.array([-depth_m, half, high])))
    if sides:
        for edge in (-half - thickness, half):
            low = np.array([rear if back else -depth_m, edge, -thickness])
            slabs.append(slab("wall", low, np.array([0.0, edge + thickness, high])))
    return placed, slabs, bool(sides)


def _settled(
    placed: Sequence[Posed], rows: Sequence[Sequence[Stack]], slabs: Sequence[SlabBox], unit_m: float
) -> list[Posed]:
    """The things, those of stacks where they come to rest. The lowest board is the ground there."""
    stacked = [len(stack.things) > 1 for row in rows for stack in row for _ in stack.things]
    moving = [thing for thing, moves in zip(placed, stacked, strict=True) if moves]
    if not moving:
        return list(placed)
    others = [thing for thing, moves in zip(placed, stacked, strict=True) if not moves]
    rest = iter(settled(moving, others, [box for box in slabs if box.world_from_slab[2][3] > 0], unit_m))
    return [next(rest) if moves else thing for thing, moves in zip(placed, stacked, strict=True)]


def _highest_deg(placed: Sequence[Posed], undersides_m: Sequence[float]) -> float:
    """The elevation from which the middles of three things in four are still seen under the boards' front edges."""
    highest = []
    for thing in placed:
        x, _, z = (float(v) for v in thing.hull.centre_m)
        above = [side for side in undersides_m if side > z]
        highest.append(math.degrees(math.atan2(min(above) - z, -x)) if above else OPEN_ELEVATION_DEG[1])
    return float(np.clip(np.percentile(highest, 25), LEAST_TOP_DEG, OPEN_ELEVATION_DEG[1]))


def _span(row: Sequence[Posed]) -> tuple[float, float]:
    ys = [float(y) for thing in row for y in thing.footprint_m[:, 1]]
    return (min(ys), max(ys)) if ys else (0.0, 0.0)
