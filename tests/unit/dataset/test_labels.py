import msgspec
import numpy as np
import pytest
from dataset_items import box_of, masks, rectangle
from hypothesis import given
from hypothesis import strategies as st

from photosynth.core.codec import rle_from_mask
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.frame import FrameInstance, FrameRecord
from photosynth.core.geometry import as_matrix4
from photosynth.core.items import Item
from photosynth.dataset.config import DatasetConfig, check_config
from photosynth.dataset.labels import Dropped, instances_from_item, label_frame
from photosynth.dataset.rle import are_disjoint, area_px, is_inside, tight_xyxy
from photosynth.dataset.split import split_for

SIZE = (40, 30)
CLASS_IDS = {"a": 0, "b": 1}


def instance(visible, amodal=None, class_name="a", role="object", full_px=None):
    amodal = visible if amodal is None else amodal
    return FrameInstance(
        asset_id="x",
        class_name=class_name,
        role=role,
        visible=rle_from_mask(visible),
        amodal=rle_from_mask(amodal),
        full_area_px=float(amodal.sum()) if full_px is None else full_px,
    )


def label(*instances, kind="object", **settings):
    frame = FrameRecord(index=3, image_file="images/3.jpg", size_wh=SIZE, kind=kind, instances=instances)
    made = label_frame(frame, CLASS_IDS, DatasetConfig(**settings))
    return made.made, made.n_unlabelled


def test_nothing_in_it_is_none_of_these():
    made, unlabelled = label(kind="empty")
    assert isinstance(made, Item)
    assert (made.label, made.instances, unlabelled) == (2, (), 0)


def test_boxes_and_fractions():
    made, _ = label(instance(rectangle(SIZE, 0, 5, 10, 15), rectangle(SIZE, 0, 5, 20, 15), "b", full_px=400.0))
    (one,) = made.instances
    assert (made.label, one.class_id) == (1, 1)
    assert one.visible_xyxy == (0, 5, 10, 15)
    assert one.amodal_xyxy == (0, 5, 20, 15)
    assert one.visible_fraction == 100 / 400
    assert one.truncation == 1 - 200 / 400


def test_distractors_get_no_label():
    toy = instance(rectangle(SIZE, 0, 0, 40, 20), class_name="none of these", role="distractor")
    made, unlabelled = label(toy, instance(rectangle(SIZE, 0, 20, 10, 30)))
    assert [i.class_id for i in made.instances] == [0]
    assert unlabelled == 0
    made, _ = label(toy, kind="lookalike")
    assert (made.label, made.instances) == (2, ())


def test_the_largest_visible_object_gives_the_class():
    small, large = rectangle(SIZE, 0, 0, 10, 10), rectangle(SIZE, 20, 0, 40, 20)
    assert label(instance(small, class_name="a"), instance(large, class_name="b"))[0].label == 1
    assert label(instance(large, class_name="b"), instance(small, class_name="a"))[0].label == 1


@pytest.mark.parametrize(
    ("full_px", "settings", "kept"),
    [
        (400.0, {}, True),  # 100 of 400 is exactly the default
        (401.0, {}, False),
        (1000.0, {"min_visible_fraction": 0.1}, True),
        (100.0, {"min_visible_px": 100}, True),
        (100.0, {"min_visible_px": 101}, False),
        (100.0, {"min_box_side_px": 10}, True),
        (100.0, {"min_box_side_px": 11}, False),
    ],
)
def test_barely_visible_pictures_are_dropped(full_px, settings, kept):
    made, unlabelled = label(instance(rectangle(SIZE, 0, 0, 10, 10), full_px=full_px), **settings)
    assert isinstance(made, Item) is kept
    assert unlabelled == (not kept)
    if not kept:
        assert (made.index, made.kind, made.reason) == (3, "object", "barely_visible")
        assert "100 px" in made.detail


def test_a_small_unlabelled_object_does_not_drop_the_picture_but_a_large_one_does():
    whole, sliver = rectangle(SIZE, 0, 0, 15, 15), rectangle(SIZE, 30, 0, 40, 20)
    made, unlabelled = label(instance(whole, class_name="a"), instance(sliver, class_name="b", full_px=4000.0))
    assert isinstance(made, Item)
    assert ([i.class_id for i in made.instances], unlabelled) == ([0], 1)
    bigger = rectangle(SIZE, 20, 0, 40, 30)
    made, unlabelled = label(instance(whole, class_name="a"), instance(bigger, class_name="b", full_px=4000.0))
    assert isinstance(made, Dropped)
    assert (made.reason, unlabelled) == ("barely_visible", 1)


def test_a_scene_of_many_labels_what_can_be_seen_and_remembers_the_rest():
    """Front to back: a large box, one half behind it, a sliver of one, a distractor, and one that is hidden."""
    front = instance(rectangle(SIZE, 0, 0, 20, 20))
    half = instance(rectangle(SIZE, 20, 0, 30, 20), rectangle(SIZE, 10, 0, 30, 20), "b")
    sliver = instance(rectangle(SIZE, 30, 0, 32, 20), rectangle(SIZE, 25, 0, 32, 20), "b")
    toy = instance(rectangle(SIZE, 32, 0, 40, 30), class_name="none of these", role="distractor")
    hidden = instance(np.zeros((30, 40), bool), rectangle(SIZE, 2, 2, 8, 8), "b")
    frame = FrameRecord(
        index=3, image_file="images/3.jpg", size_wh=SIZE, kind="object", instances=(front, half, sliver, toy, hidden)
    )
    labels = label_frame(frame, CLASS_IDS, DatasetConfig())
    assert [(i.class_id, i.visible_xyxy, i.visible_fraction) for i in labels.made.instances] == [
        (0, (0, 0, 20, 20), 1.0),
        (1, (20, 0, 30, 20), 0.5),
    ]
    assert labels.made.label == 0
    assert [i.visible_xyxy for i in labels.extras.ignored] == [(30, 0, 32, 20)]
    assert labels.made.ignored_xyxy == ((30, 0, 32, 20),)
    assert (labels.n_unlabelled, labels.extras.n_distractors) == (1, 1)
    assert labels.extras.poses == (None, None)


def test_poses_follow_the_labelled_objects():
    seen = np.array([[0.0, -1.5, 0.0, 0.25], [1.5, 0.0, 0.0, -0.125], [0.0, 0.0, 1.5, 2.0], [0.0, 0.0, 0.0, 1.0]])
    small = instance(rectangle(SIZE, 0, 0, 3, 3))
    posed = msgspec.structs.replace(instance(rectangle(SIZE, 10, 0, 30, 20)), cam_from_object=as_matrix4(seen))
    frame = FrameRecord(index=3, image_file="images/3.jpg", size_wh=SIZE, kind="object", instances=(small, posed))
    (pose,) = label_frame(frame, CLASS_IDS, DatasetConfig()).extras.poses
    assert pose.scale == 1.5
    assert pose.cam_t_m2c == (250, -125, 2000)
    assert pose.cam_R_m2c == (0, -1, 0, 1, 0, 0, 0, 0, 1)
    sheared = msgspec.structs.replace(posed, cam_from_object=as_matrix4(np.diag([1.0, 1.0, 2.0, 1.0])))
    with pytest.raises(QualityError, match=r"images/3\.jpg: object 1: its pose is not a rotation"):
        label_frame(msgspec.structs.replace(frame, instances=(sheared,)), CLASS_IDS, DatasetConfig())


def test_a_hidden_object_drops_a_picture_that_was_to_show_it():
    hidden = instance(np.zeros((30, 40), bool), rectangle(SIZE, 0, 0, 10, 10))
    made, unlabelled = label(hidden)
    assert (made.reason, unlabelled) == ("hidden", 0)
    shown, _ = label(hidden, instance(rectangle(SIZE, 20, 0, 40, 20), class_name="b"))
    assert shown.label == 1


def test_contradictions_are_refused():
    square = rectangle(SIZE, 0, 0, 10, 10)
    with pytest.raises(ArtifactError, match="'c', which is not in the render's class list"):
        label(instance(square, class_name="c"))
    for full_px in (0.0, float("nan"), 50.0):
        with pytest.raises(QualityError, match=r"images/3\.jpg.*full_area_px is wrong"):
            label(instance(square, full_px=full_px))
    made, _ = label(instance(square, full_px=95.0))  # rounding to pixels
    assert (made.instances[0].visible_fraction, made.instances[0].truncation) == (1.0, 0.0)


def test_instances_with_masks():
    made, _ = label(instance(rectangle(SIZE, 0, 5, 10, 15)))
    read = instances_from_item(made, masks=True)
    assert np.array_equal(read.masks, rectangle(SIZE, 0, 5, 10, 15)[None])
    assert read.scores is None
    empty = instances_from_item(label(kind="empty")[0], masks=True)
    assert (len(empty), empty.masks.shape) == (0, (0, 30, 40))


@given(data=st.data(), size_wh=st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_codes_say_what_pixels_say(data, size_wh):
    first, second = data.draw(masks(size_wh)), data.draw(masks(size_wh))
    a, b = rle_from_mask(first), rle_from_mask(second)
    assert area_px(a) == first.sum()
    assert tight_xyxy(a) == box_of(first)
    assert is_inside(a, b) == bool((first <= second).all())
    assert are_disjoint([a, b]) == (not (first & second).any())


def test_codes_of_nothing():
    nothing = rle_from_mask(np.zeros((3, 4), bool))
    assert (area_px(nothing), tight_xyxy(nothing)) == (0, (0.0, 0.0, 0.0, 0.0))
    assert are_disjoint([])
    assert is_inside(nothing, nothing)


def test_splits_depend_on_seed_and_number_alone_and_have_their_shares():
    config = DatasetConfig(seed=0, val_fraction=0.2, test_fraction=0.1)
    splits = [split_for(config, i) for i in range(20_000)]
    # three standard deviations of a binomial count of 20,000
    assert splits.count("val") == pytest.approx(4000, abs=170)
    assert splits.count("test") == pytest.approx(2000, abs=130)
    assert [split_for(config, i) for i in (5, 1, 19_999)] == [splits[i] for i in (5, 1, 19_999)]
    other = [split_for(DatasetConfig(seed=1, val_fraction=0.2, test_fraction=0.1), i) for i in range(100)]
    assert other != splits[:100]


def test_the_test_pictures_stay_when_val_grows():
    small, large = DatasetConfig(val_fraction=0.05), DatasetConfig(val_fraction=0.5)
    for i in range(2000):
        assert (split_for(small, i) == "test") == (split_for(large, i) == "test")


def test_no_held_out_pictures_when_none_are_asked_for():
    config = DatasetConfig(val_fraction=0.0, test_fraction=0.0)
    assert {split_for(config, i) for i in range(500)} == {"train"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "dataset.seed must be 0 or more, got -1"),
        ({"val_fraction": -0.1}, "dataset.val_fraction must lie in 0..1"),
        ({"test_fraction": float("nan")}, "dataset.test_fraction must lie in 0..1"),
        ({"val_fraction": 0.5, "test_fraction": 0.5}, "leave something to train on"),
        ({"min_visible_fraction": 1.1}, "dataset.min_visible_fraction must lie"),
        ({"min_visible_px": -1}, "dataset.min_visible_px must be 0 or more"),
        ({"formats": ("coco", "coco")}, "names one format twice"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    check_config(DatasetConfig())
    with pytest.raises(ConfigError, match=message):
        check_config(DatasetConfig(**settings))
