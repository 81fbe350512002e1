"""Galleries: the pictures on the page, chosen and captioned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from photosynth.core.artifact import Artifact
from photosynth.core.asset import NONE_CLASS, Asset
from photosynth.core.geometry import Vec4
from photosynth.core.items import Item
from photosynth.evaluate.nearest import TrainingPictures, largest_box, spread
from photosynth.evaluate.photos import Picture
from photosynth.evaluate.predictions import Guess, Prediction
from photosynth.evaluate.thumbs import Mark, Thumbnails


class Neighbour(NamedTuple):
    """A training picture beside a mistake."""

    class_name: str
    uri: str | None


class Card(NamedTuple):
    """One photo of a gallery."""

    prediction: Prediction
    uri: str | None
    second: Guess | None
    neighbours: tuple[Neighbour, ...]


class ObjectCard(NamedTuple):
    """One 3D model."""

    asset: Asset
    uri: str | None
    size: str


class Contact(NamedTuple):
    """One training picture."""

    uri: str | None
    label: str


class Shelf:
    """Makes the cards of one page out of one budget of bytes.

    Args:
        thumbnails: makes the pictures.
        folders: where the predictions' folders (``"photos"``, ``"negatives"``, ``"dataset"``) are.
        training: is asked for neighbours.
    """

    def __init__(self, thumbnails: Thumbnails, folders: Mapping[str, Path], training: TrainingPictures) -> None:
        self._thumbnails, self._folders, self._training = thumbnails, dict(folders), training

    def cards(self, predictions: Sequence[Prediction], count: int, neighbours: bool = False) -> tuple[Card, ...]:
        """The first `count` predictions as cards, with the nearest training pictures of truth and answer if asked."""
        return tuple(self._card(p, neighbours) for p in predictions[:count])

    def marked(self, picture: Picture, marks: tuple[Mark, ...]) -> str | None:
        """A picture with boxes drawn."""
        return self._thumbnails.uri(self._folders[picture.folder] / picture.file, 360, 270, (), marks)

    def neighbour(self, picture: Picture, box_rel: Vec4 | None, class_name: str) -> Neighbour:
        """The training picture of a class that is most like a box of a picture, its box drawn if it shows others."""
        path = self._folders[picture.folder] / picture.file
        item = self._training.nearest_item(path, (box_rel,) if box_rel is not None else (), class_name)
        if item is None:
            return Neighbour(class_name, None)
        box = largest_box(item)
        marks = (Mark(box, (255, 255, 255), 1),) if box is not None and len(item.instances) > 1 else ()
        return Neighbour(
            class_name, self._thumbnails.uri(self._folders["dataset"] / item.image_file, 168, 168, (), marks)
        )

    def _card(self, prediction: Prediction, neighbours: bool) -> Card:
        path = self._folders[prediction.folder] / prediction.file
        uri = self._thumbnails.uri(path, 360, 270, prediction.boxes_rel)
        near = []
        if neighbours:
            for name in (prediction.truth, prediction.answer):
                picture = self._training.nearest(path, prediction.boxes_rel, name)
                near.append(Neighbour(name, self._thumbnails.uri(picture, 168, 168) if picture else None))
        return Card(prediction, uri, prediction.top[1] if len(prediction.top) > 1 else None, tuple(near))


def mistakes(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Photos of an object that were answered wrongly, the surest first."""
    return _surest(predictions, lambda p: p.truth != NONE_CLASS and not p.right)


def false_alarms(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Photos without any object that were given a class, the surest first."""
    return _surest(predictions, lambda p: p.truth == NONE_CLASS and not p.right)


def right_answers(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Photos of an object that were answered rightly, one of each class in turn, the least sure of it first."""
    by_class: dict[str, list[Prediction]] = {}
    for p in sorted((p for p in predictions if p.truth != NONE_CLASS and p.right), key=lambda p: p.probability):
        by_class.setdefault(p.truth, []).append(p)
    columns = [by_class[name] for name in sorted(by_class)]
    longest = max(map(len, columns), default=0)
    return [column[k] for k in range(longest) for column in columns if k < len(column)]


def object_cards(
    catalogue: Artifact, assets: Sequence[Asset], thumbnails: Thumbnails, largest: int = 40
) -> tuple[ObjectCard, ...]:
    """The objects with their turntable strips (``ASSET_ID/preview.*``, anywhere in the catalogue)."""
    strips: dict[str, Path] = {}
    for path in sorted(catalogue.folder.rglob("preview.*")):
        strips.setdefault(path.parent.name, path)
    cards = []
    for number, asset in enumerate(a for a in assets if a.role == "object"):
        strip = strips.get(asset.asset_id)
        uri = thumbnails.uri(strip, 1200, 150) if strip is not None and number < largest else None
        cards.append(ObjectCard(asset, uri, _size_text(asset)))
    return tuple(cards)


def contact_sheet(
    dataset: Path, items: tuple[Item, ...], class_names: tuple[str, ...], thumbnails: Thumbnails, count: int
) -> tuple[Contact, ...]:
    """Training pictures, evenly spaced over the split."""
    labels = (*class_names, NONE_CLASS)
    return tuple(
        Contact(thumbnails.uri(Path(dataset) / item.image_file, 176, 176), labels[item.label])
        for item in spread(items, count)
    )


def _surest(predictions: Sequence[Prediction], wanted: Callable[[Prediction], bool]) -> list[Prediction]:
    return sorted(filter(wanted, predictions), key=lambda p: (-p.probability, p.folder, p.file))


def _size_text(asset: Asset) -> str:
    if not asset.scale_known:
        return "scale unknown"
    return " × ".join(f"{100 * side:.1f}" for side in asset.size_m) + " cm"
