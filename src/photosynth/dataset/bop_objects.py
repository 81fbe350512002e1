"""BOP's objects: one for each part of each of a catalogue's objects, and which of them a picture shows.

The halves of an object that was scanned in two are two objects here: their surfaces do not agree, and each picture
shows one of them. Both have the object's axes and origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.geometry import Matrix4
from photosynth.core.record import Record
from photosynth.core.seen import TOLERANCE_DEG, camera_direction, seen_from


class BopObject(Record, frozen=True, kw_only=True):
    """A part of an asset, and the number of its model."""

    obj_id: int
    """From 1."""
    asset_id: str
    """Which asset."""
    part: AssetPart
    """Which of its parts."""


def bop_objects(assets: Iterable[Asset]) -> tuple[BopObject, ...]:
    """All objects of a catalogue, numbered in its order; distractors have none."""
    parts = [(asset.asset_id, part) for asset in assets if asset.role == "object" for part in asset.parts]
    return tuple(BopObject(obj_id=k, asset_id=name, part=part) for k, (name, part) in enumerate(parts, start=1))


def shown_object(objects: Sequence[BopObject], asset_id: str, cam_from_object: Matrix4) -> BopObject | None:
    """Which part of an asset a picture shows; None if that cannot be told.

    Frames do not name it. Of several parts it is the one that may be shown to the camera by the seen-surface law, if
    that is one only; the only part of an asset is shown from wherever.
    """
    own = [one for one in objects if one.asset_id == asset_id]
    if len(own) > 1:
        direction = camera_direction(np.array(cam_from_object), np.zeros(3))
        own = [one for one in own if seen_from(one.part, direction, TOLERANCE_DEG)]
    return own[0] if len(own) == 1 else None
