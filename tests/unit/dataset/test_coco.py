import json
import tracemalloc

import msgspec
import numpy as np
import pytest
from dataset_items import CLASS_NAMES, item_lists, make_instance, make_item, rectangle
from hypothesis import given, settings
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from photosynth.core.camera import Camera
from photosynth.core.codec import mask_from_rle
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.geometry import IDENTITY, as_matrix4
from photosynth.core.items import Item
from photosynth.core.record import from_json, to_json
from photosynth.dataset.coco import (
    CocoAnnotation,
    CocoImage,
    CocoWriter,
    coco_annotations,
    coco_image,
    item_from_coco,
    read_coco_items,
)
from photosynth.dataset.extras import ItemExtras, rigid_pose


def write(path, items, names=CLASS_NAMES):
    with CocoWriter(path, names) as writer:
        for item in items:
            writer.add(item)
    return path


def two_items():
    size = (20, 10)
    whole, seen = rectangle(size, 2, 3, 12, 9), rectangle(size, 2, 3, 7, 9)
    other = rectangle(size, 15, 0, 20, 4)
    first = make_item(0, size, (make_instance(seen, whole, 3, full_px=120), make_instance(other, other, 0)))
    return [first, make_item(41, (8, 8), ())]


@pytest.mark.parametrize(
    ("items", "names"), [([], ()), ([], CLASS_NAMES), (two_items()[1:], CLASS_NAMES), (two_items(), CLASS_NAMES)]
)
def test_file_round_trip(tmp_path, items, names):
    path = write(tmp_path / "a.json", items, names)
    assert read_coco_items(path) == (names, tuple(items))
    assert set(json.loads(path.read_bytes())) == {"info", "licenses", "categories", "images", "annotations"}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@given(items=item_lists())
def test_entries_round_trip_exactly(items: list[Item]):
    for item in items:
        image = from_json(to_json(coco_image(item, 4)), CocoImage)
        entries = [from_json(to_json(a), CocoAnnotation) for a in coco_annotations(item)]
        assert item_from_coco(image, reversed(entries), 4) == item


@settings(max_examples=25)
@given(items=item_lists())
def test_any_file_round_trip(tmp_path_factory, items: list[Item]):
    path = write(tmp_path_factory.mktemp("coco") / "a.json", items)
    assert read_coco_items(path) == (CLASS_NAMES, tuple(items))
    ids = [a["id"] for a in json.loads(path.read_bytes())["annotations"]]
    assert len(set(ids)) == len(ids)


def test_standard_fields_by_hand(tmp_path):
    top = json.loads(write(tmp_path / "a.json", two_items()).read_bytes())
    assert top["categories"][3] == {"id": 4, "name": "茶🍵"}
    assert [(i["id"], i["width"], i["height"], i["label_id"], i["kind"]) for i in top["images"]] == [
        (1, 20, 10, 4, "object"),
        (42, 8, 8, 0, "empty"),
    ]
    first, second = top["annotations"]
    assert (first["id"], second["id"], first["image_id"], first["category_id"]) == (1000, 1001, 1, 4)
    assert first["bbox"] == [2, 3, 5, 6]
    assert first["area"] == 30
    assert first["amodal_bbox"] == [2, 3, 10, 6]
    assert first["visible_fraction"] == pytest.approx(30 / 120)
    assert first["truncation"] == pytest.approx(1 - 60 / 120)
    assert second["iscrowd"] == 0


def seen_by(distortion=()) -> Camera:
    return Camera(
        size_wh=(20, 10), focal_px=30.0, principal_px=(10.0, 5.0), world_from_cam=IDENTITY, distortion=distortion
    )


def extras_of(item: Item, **changes) -> ItemExtras:
    turned = np.diag([-2.0, -2.0, 2.0, 1.0])
    turned[:3, 3] = 0.1, -0.2, 0.75
    poses = (rigid_pose(as_matrix4(turned), "here"),) * len(item.instances)
    return ItemExtras(index=item.index, poses=poses, **({"camera": seen_by()} | changes))


def test_poses_and_cameras_in_the_words_of_bop(tmp_path):
    path = tmp_path / "a.json"
    first, second = two_items()
    with CocoWriter(path, CLASS_NAMES) as writer:
        writer.add(first, extras_of(first, camera=seen_by((0.1, 0.0, 0.0, 0.0, 0.0))))
        writer.add(second, extras_of(second))
    top = json.loads(path.read_bytes())
    assert [i["cam_K"] for i in top["images"]] == [[30, 0, 9.5, 0, 30, 4.5, 0, 0, 1]] * 2
    assert top["images"][0]["distortion"] == [0.1, 0, 0, 0, 0]
    assert "distortion" not in top["images"][1]
    for annotation in top["annotations"]:
        assert annotation["cam_R_m2c"] == [-1, 0, 0, 0, -1, 0, 0, 0, 1]
        assert annotation["cam_t_m2c"] == [100, -200, 750]
        assert annotation["scale"] == 2
    assert read_coco_items(path)[1] == (first, second)


def test_objects_seen_too_little_are_crowds_that_evaluators_ignore(tmp_path):
    item, _ = two_items()
    sliver = make_instance(rectangle((20, 10), 13, 0, 15, 9), rectangle((20, 10), 13, 0, 18, 9), 1)
    path = tmp_path / "a.json"
    with CocoWriter(path, CLASS_NAMES) as writer:
        writer.add(item, extras_of(item, ignored=(sliver,)))
    assert read_coco_items(path) == (CLASS_NAMES, (msgspec.structs.replace(item, ignored_xyxy=((13, 0, 15, 9),)),))
    coco = COCO(str(path))
    (crowd,) = coco.loadAnns(coco.getAnnIds(iscrowd=True))
    assert (crowd["id"], crowd["category_id"], crowd["bbox"]) == (1002, 2, [13, 0, 2, 9])
    assert len(coco.getAnnIds(iscrowd=False)) == 2
    found = [
        {"image_id": 1, "category_id": a["category_id"], "bbox": a["bbox"], "score": 0.9}
        for a in coco.loadAnns(coco.getAnnIds())
    ]
    for detections in (found, found[:2]):  # the sliver found or not: neither is held against a detector
        scored = COCOeval(coco, coco.loadRes(detections), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
        assert scored.stats[0] == pytest.approx(1.0)


def test_pycocotools_reads_the_same_masks_and_names(tmp_path, capsys):
    path = write(tmp_path / "a.json", two_items())
    assert path.read_bytes().isascii()  # pycocotools opens it with the platform's encoding
    coco = COCO(str(path))
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == list(CLASS_NAMES)
    entries = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert len(entries) == 2
    for entry, instance in zip(entries, two_items()[0].instances, strict=True):
        assert np.array_equal(coco.annToMask(entry).astype(bool), mask_from_rle(instance.visible))
    assert coco.getAnnIds(imgIds=[42]) == []


def test_pycocotools_reads_an_empty_file(tmp_path):
    assert COCO(str(write(tmp_path / "a.json", [], ()))).getImgIds() == []


def test_a_failure_leaves_nothing_behind(tmp_path):
    def fail():
        with CocoWriter(tmp_path / "a.json", CLASS_NAMES) as writer:
            writer.add(two_items()[0])
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_finished_file_survives_a_failed_rewrite(tmp_path):
    path = write(tmp_path / "a.json", two_items())
    before = path.read_bytes()
    with pytest.raises(RuntimeError), CocoWriter(path, CLASS_NAMES):
        raise RuntimeError
    assert path.read_bytes() == before


def test_too_many_objects_are_refused():
    one = two_items()[0].instances[0]
    with pytest.raises(QualityError, match="1001 objects"):
        coco_annotations(make_item(0, (20, 10), (one,) * 1001))


def test_reading_refuses_other_files(tmp_path):
    with pytest.raises(ArtifactError, match=r"absent\.json"):
        read_coco_items(tmp_path / "absent.json")
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"b\.json"):
        read_coco_items(tmp_path / "b.json")
    text = write(tmp_path / "c.json", two_items()).read_text().replace('"image_id":1', '"image_id":7')
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ArtifactError, match="annotation 1000 is of image 7"):
        read_coco_items(tmp_path / "c.json")


def test_memory_stays_flat_over_many_items(tmp_path):
    template = two_items()[0]

    def stream(first: int, n: int, writer: CocoWriter) -> None:
        for index in range(first, first + n):
            writer.add(
                Item(
                    index=index,
                    image_file=f"images/{index}.jpg",
                    size_wh=template.size_wh,
                    kind="object",
                    label=0,
                    instances=template.instances,
                )
            )

    with CocoWriter(tmp_path / "a.json", CLASS_NAMES) as writer:
        stream(0, 100, writer)  # imports and buffers
        tracemalloc.start()
        stream(100, 20_000, writer)
        _, peak = tracemalloc.get_traced_memory()
    _, peak_closed = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.json").stat().st_size > 10e6
    assert peak < 200e3
    assert peak_closed < 3e6  # closing copies in pieces of 1 MiB


def test_the_memory_check_can_fail(tmp_path):
    tracemalloc.start()
    kept = [to_json(annotation) for _ in range(2_000) for annotation in coco_annotations(two_items()[0])]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 4_000
    assert peak > 200e3
