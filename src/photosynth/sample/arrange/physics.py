"""Rigid-body physics: convex things fall and come to rest (MuJoCo, the extra ``physics``; imported on first use)."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from photosynth.core.directions import matrix_from_quaternion
from photosynth.core.errors import DependencyError
from photosynth.sample.arrange.arrangement import SlabBox
from photosynth.sample.arrange.posed import Posed

DIAGONAL_M = 0.2
"""Size that things are scaled to inside the simulation, so that scans without a scale fall like everyday things."""
STEP_S = 0.004
FALL_SPEED_M_S = 1.2
"""The air is so thick that nothing falls faster: things land without bouncing about."""
REST_SPEED_M_S = 0.012
"""Things slower than this (and whose surface turns no faster) are at rest."""
CHECK_STEPS = 20
"""Steps between two looks at the speeds."""
RELAX_STEPS = 60
RELAX_GRAVITY_M_S2 = 0.6
"""At the end gravity is turned down, so that contacts that yielded under weight part again."""


def has_physics() -> bool:
    """Whether MuJoCo is installed; it is not imported."""
    return importlib.util.find_spec("mujoco") is not None


@dataclass(frozen=True, eq=False)
class World:
    """What things fall into. All of it is above the ground, an endless plane at z = 0.

    walls: they stay. guards: they stand in place of the walls until the first rest, to keep falling things together.
    """

    walls: tuple[SlabBox, ...] = ()
    guards: tuple[SlabBox, ...] = ()
    friction: float = 0.6


class Simulation:
    """Things falling in a world. Equal inputs give equal motions on one machine."""

    def __init__(self, things: Sequence[Posed], world: World, unit_m: float) -> None:
        """Compile the model; unit_m is the things' mean diagonal. Raises DependencyError without MuJoCo."""
        self._mujoco = _import_mujoco()
        self._things = list(things)
        self._factor = DIAGONAL_M / unit_m
        self._model = self._compile(world)
        self._data = self._mujoco.MjData(self._model)
        self._fallen = np.zeros(len(self._things), bool)
        mass = self._model.body_mass[1:]
        inertia = self._model.body_inertia[1:].mean(axis=1)
        rate = 9.81 / FALL_SPEED_M_S
        self._model.dof_damping[:] = np.repeat(np.stack([mass, inertia], axis=1) * rate, 3, axis=1).reshape(-1)
        self._make_solid(self._walls, not self._guards)
        self._mujoco.mj_forward(self._model, self._data)

    def settle(self, max_s: float) -> np.ndarray:
        """Let the things move until all are at rest, `max_s` at most; then part their contacts in low gravity.

        Returns which of them are at rest, (n,) bool.
        """
        self._model.opt.gravity[2] = -9.81
        for k in range(max(1, round(max_s / STEP_S / CHECK_STEPS))):
            self._mujoco.mj_step(self._model, self._data, CHECK_STEPS)
            if k > 1 and self._at_rest().all():
                break
        rest = self._at_rest() & ~self._fallen
        self._model.opt.gravity[2] = -RELAX_GRAVITY_M_S2
        self._mujoco.mj_step(self._model, self._data, RELAX_STEPS)
        return rest & self._at_rest()

    def drop_guards(self) -> None:
        """Take the guards away, and put the walls up."""
        self._make_solid(self._guards, False)
        self._make_solid(self._walls, True)

    def remove(self, which: np.ndarray) -> None:
        """Take things out of the world, (n,) bool."""
        for k in np.flatnonzero(which & ~self._fallen):
            self._make_solid([int(self._model.body_geomadr[k + 1])], False)
            self._model.body_gravcomp[k + 1] = 1.0
        self._fallen |= which
        self._data.qvel[:] = 0.0

    def things(self) -> list[Posed]:
        """All things as they are now, those removed too."""
        states = self._data.qpos.reshape(-1, 7)
        return [
            Posed(thing.shape, matrix_from_quaternion(state[3:]), state[:3] / self._factor)
            for thing, state in zip(self._things, states, strict=True)
        ]

    def _at_rest(self) -> np.ndarray:
        linear, angular = np.linalg.norm(self._data.qvel.reshape(-1, 2, 3), axis=2).T
        return (np.maximum(linear, angular * DIAGONAL_M / 2) < REST_SPEED_M_S) | self._fallen

    def _make_solid(self, geoms: Sequence[int], solid: bool) -> None:
        for geom in geoms:
            self._model.geom_contype[geom] = self._model.geom_conaffinity[geom] = int(solid)

    def _compile(self, world: World) -> Any:
        mujoco = self._mujoco
        spec = mujoco.MjSpec()
        spec.option.timestep = STEP_S
        spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.option.impratio = 5
        contact = dict(friction=[world.friction, 0.005, 0.0005], condim=4, solref=[2 * STEP_S, 1.0])
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], **contact)
        convex = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
        fences = world.walls + world.guards  # geoms are numbered in this order, the ground is 0
        self._walls = range(1, 1 + len(world.walls))
        self._guards = range(1 + len(world.walls), 1 + len(fences))
        for box in fences:
            middle = np.array(box.world_from_slab)[:3, 3] * self._factor
            half = np.array(box.size_m) * self._factor / 2
            spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, pos=middle, size=half, **contact)
        for k, thing in enumerate(self._things):
            points = thing.shape.hull.points_m * self._factor
            spec.add_mesh(name=f"mesh {k}", uservert=points.reshape(-1), inertia=convex)
            body = spec.worldbody.add_body(pos=thing.position_m * self._factor, quat=_quaternion(thing.rotation))
            body.add_freejoint()
            body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=f"mesh {k}", density=500.0, **contact)
        return spec.compile()


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(rotation).as_quat(scalar_first=True)


def _import_mujoco() -> ModuleType:
    try:
        import mujoco
    except ImportError as error:
        raise DependencyError(
            "bins and piles are filled, and stacks settle, by a physics engine that is not installed; "
            "pip install photosynth[physics] (or choose the arrangement table, shelf or float)"
        ) from error
    return mujoco
