import xml.etree.ElementTree as ET

import numpy as np
import pytest
import simplejpeg
from dataset_items import CLASS_NAMES, items, make_instance, make_item, rectangle
from hypothesis import given
from hypothesis import strategies as st

from photosynth.core.errors import ConfigError
from photosynth.core.items import Item
from photosynth.dataset.labels import instances_from_item
from photosynth.dataset.voc import instances_from_voc, read_voc, voc_file, voc_name, voc_xml
from photosynth.dataset.yolo import (
    class_names_from_yaml,
    instances_from_yolo,
    read_yolo,
    yolo_data_yaml,
    yolo_label_file,
    yolo_text,
)

SIZE = (20, 10)


def one_box() -> Item:
    seen, whole = rectangle(SIZE, 2, 3, 7, 9), rectangle(SIZE, 2, 3, 12, 9)
    return make_item(5, SIZE, (make_instance(seen, whole, 1, full_px=120),))


def test_yolo_by_hand():
    assert yolo_text(make_item(0, SIZE, ())) == ""
    assert yolo_text(one_box()) == "1 0.225 0.6 0.25 0.6\n"
    assert yolo_label_file("images/000/000005.jpg") == "labels/000/000005.txt"


@given(item=items())
def test_yolo_round_trip(item: Item):
    back = instances_from_yolo(yolo_text(item), item.size_wh, 4)
    expected = instances_from_item(item)
    assert back.size_wh == item.size_wh
    assert back.class_ids.tolist() == expected.class_ids.tolist()
    np.testing.assert_allclose(back.boxes_xyxy, expected.boxes_xyxy, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0.5 0.5 0.1", "labels:1 is .* expected a class id"),
        ("\n0 0.5 0.5 a 0.1", "labels:2 is"),
        ("4 0.5 0.5 0.1 0.1", "labels:1: class 4 is unknown; there are 4"),
        ("-1 0.5 0.5 0.1 0.1", "class -1 is unknown"),
        ("0 0.5 0.5 0 0.1", "empty or not finite"),
        ("0 nan 0.5 0.1 0.1", "empty or not finite"),
    ],
)
def test_yolo_faults_are_named(text, message):
    with pytest.raises(ConfigError, match=message):
        instances_from_yolo(text, SIZE, 4)


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple))
def test_yolo_class_names_round_trip(names):
    assert class_names_from_yaml(yolo_data_yaml(names)) == names


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple))
def test_yaml_readers_read_the_class_names(names):
    yaml = pytest.importorskip("yaml")
    text = yolo_data_yaml(names)
    read = yaml.safe_load(text.encode())
    assert tuple(read["names"]) == names
    assert (read["nc"], read["train"], read["test"]) == (len(names), "train.txt", "test.txt")


def test_yolo_class_names_elsewhere_are_refused():
    with pytest.raises(ConfigError, match="no names: line"):
        class_names_from_yaml("nc: 3\n")
    with pytest.raises(ConfigError, match="not a list of quoted names"):
        class_names_from_yaml("names: [a, b]\n")


def test_yolo_folder(tmp_path):
    for item in (one_box(), make_item(6, SIZE, ())):
        for file, data in (
            (item.image_file, simplejpeg.encode_jpeg(np.zeros((SIZE[1], SIZE[0], 3), np.uint8))),
            (yolo_label_file(item.image_file), yolo_text(item).encode()),
        ):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes(data)
    (tmp_path / "data.yaml").write_text(yolo_data_yaml(CLASS_NAMES), encoding="utf-8")
    (tmp_path / "val.txt").write_text("./images/000/000005.jpg\n./images/000/000006.jpg\n")
    (tmp_path / "test.txt").write_text("")
    assert list(read_yolo(tmp_path, "test")) == []
    (name, first), (_, second) = read_yolo(tmp_path, "val")
    assert name == "images/000/000005.jpg"
    np.testing.assert_allclose(first.boxes_xyxy, [[2, 3, 7, 9]], atol=1e-9)
    assert len(second) == 0
    with pytest.raises(ConfigError, match=r"train\.txt cannot be read"):
        list(read_yolo(tmp_path, "train"))
    (tmp_path / "images/000/000006.jpg").write_bytes(b"GIF")
    with pytest.raises(ConfigError, match="is not a JPEG"):
        list(read_yolo(tmp_path, "val"))


def test_voc_by_hand():
    root = ET.fromstring(voc_xml(one_box(), CLASS_NAMES))
    found = root.find("object")
    assert found.findtext("name") == "box & <lid>"
    assert [found.findtext(f"bndbox/{c}") for c in ("xmin", "ymin", "xmax", "ymax")] == ["3", "4", "7", "9"]
    assert (found.findtext("truncated"), found.findtext("occluded")) == ("1", "1")
    assert (root.findtext("folder"), root.findtext("filename")) == ("images", "000/000005.jpg")
    assert voc_file("images/000/000005.jpg") == "voc/Annotations/000/000005.xml"
    assert ET.fromstring(voc_xml(make_item(0, SIZE, ()), ())).find("object") is None


@given(item=items())
def test_voc_round_trip(item: Item):
    image_file, back = instances_from_voc(voc_xml(item, CLASS_NAMES), CLASS_NAMES)
    expected = instances_from_item(item)
    assert (image_file, back.size_wh) == (item.image_file, item.size_wh)
    assert back.class_ids.tolist() == expected.class_ids.tolist()
    assert np.array_equal(back.boxes_xyxy, expected.boxes_xyxy)
    assert np.array_equal(back.visible_fraction, expected.visible_fraction)


def test_voc_keeps_fractions_of_pixels():
    import msgspec

    thin = msgspec.structs.replace(one_box().instances[0], visible_xyxy=(2.25, 3.1, 2.5, 3.3))
    _, back = instances_from_voc(voc_xml(make_item(0, SIZE, (thin,)), CLASS_NAMES), CLASS_NAMES)
    np.testing.assert_allclose(back.boxes_xyxy, [[2.25, 3.1, 2.5, 3.3]], atol=1e-9)


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", " a", "\ufffe"])
def test_voc_refuses_names_that_xml_cannot_carry(name):
    with pytest.raises(ConfigError, match="VOC's XML cannot carry"):
        voc_xml(one_box(), ("x", name))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<annotation>", "<", "is not XML"),
        ("box &amp; &lt;lid&gt;", "pan", "class 'pan' is unknown; known: Käse"),
        ("<xmin>3</xmin>", "", "has no <bndbox/xmin>"),
        ("<xmin>3</xmin>", "<xmin>three</xmin>", "'three'; expected a number"),
        ("<xmin>3</xmin>", "<xmin>8</xmin>", "is empty"),
        ("<width>20</width>", "", "has no <size/width>"),
    ],
)
def test_voc_faults_are_named(old, new, message):
    text = voc_xml(one_box(), CLASS_NAMES).decode()
    assert old in text
    with pytest.raises(ConfigError, match=message) as caught:
        instances_from_voc(text.replace(old, new).encode(), CLASS_NAMES, "a.xml")
    assert "a.xml" in str(caught.value)


def test_voc_folder(tmp_path):
    item = one_box()
    path = tmp_path / voc_file(item.image_file)
    path.parent.mkdir(parents=True)
    path.write_bytes(voc_xml(item, CLASS_NAMES))
    lists = tmp_path / "voc" / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text(voc_name(item.image_file) + "\n")
    (lists / "val.txt").write_text("")
    ((name, back),) = read_voc(tmp_path, "train", CLASS_NAMES)
    assert (name, back.boxes_xyxy.tolist()) == (item.image_file, [[2, 3, 7, 9]])
    assert list(read_voc(tmp_path, "val", CLASS_NAMES)) == []
    path.unlink()
    with pytest.raises(ConfigError, match=r"000005\.xml cannot be read"):
        list(read_voc(tmp_path, "train", CLASS_NAMES))
