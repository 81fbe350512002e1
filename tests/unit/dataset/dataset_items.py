"""Items for the dataset tests, made from drawn masks; and hypothesis's way of making them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from photosynth.core.codec import mask_from_rle, rle_from_mask
from photosynth.core.items import Item, ItemInstance

CLASS_NAMES = ("Käse", "box & <lid>", "чай", "茶🍵")


def box_of(mask: np.ndarray) -> tuple[float, float, float, float]:
    """The tight box of a mask with at least one pixel, by looking at its pixels."""
    y, x = np.nonzero(mask)
    return float(x.min()), float(y.min()), float(x.max()) + 1, float(y.max()) + 1


def make_instance(visible: np.ndarray, amodal: np.ndarray, class_id: int, full_px: float | None = None) -> ItemInstance:
    full = max(float(amodal.sum()), full_px or 0.0)
    return ItemInstance(
        class_id=class_id,
        visible_xyxy=box_of(visible),
        amodal_xyxy=box_of(amodal),
        visible=rle_from_mask(visible),
        amodal=rle_from_mask(amodal),
        visible_fraction=float(visible.sum()) / full,
        truncation=1.0 - float(amodal.sum()) / full,
    )


def make_item(index: int, size_wh: tuple[int, int], instances: tuple[ItemInstance, ...], n_classes: int = 4) -> Item:
    areas = [mask_from_rle(i.visible).sum() for i in instances]
    label = instances[int(np.argmax(areas))].class_id if instances else n_classes
    return Item(
        index=index,
        image_file=f"images/{index // 1000:03d}/{index:06d}.jpg",
        size_wh=size_wh,
        kind="object" if instances else "empty",
        label=label,
        instances=instances,
    )


def rectangle(size_wh: tuple[int, int], x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((size_wh[1], size_wh[0]), bool)
    mask[y0:y1, x0:x1] = True
    return mask


@st.composite
def masks(draw: st.DrawFn, size_wh: tuple[int, int]) -> np.ndarray:
    """Any mask with at least one pixel."""
    width, height = size_wh
    bits = draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height).filter(any))
    return np.array(bits, bool).reshape(height, width)


@st.composite
def items(draw: st.DrawFn, index: int | None = None) -> Item:
    """Any item of small size with 0 to 3 objects."""
    size_wh = draw(st.tuples(st.integers(1, 9), st.integers(1, 7)))
    instances = []
    for _ in range(draw(st.integers(0, 3))):
        visible = draw(masks(size_wh))
        amodal = visible | draw(masks(size_wh))
        full_px = draw(st.floats(1, 200))
        instances.append(make_instance(visible, amodal, draw(st.integers(0, len(CLASS_NAMES) - 1)), full_px))
    number = draw(st.integers(0, 10**6)) if index is None else index
    return make_item(number, size_wh, tuple(instances))


@st.composite
def item_lists(draw: st.DrawFn) -> list[Item]:
    """Up to four items with ascending numbers."""
    numbers = sorted(draw(st.sets(st.integers(0, 10**6), max_size=4)))
    return [draw(items(index=n)) for n in numbers]
