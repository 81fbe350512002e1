import pytest

from photosynth.core.codec import write_atomic, write_jsonl
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.frame import Rle
from photosynth.core.items import SPLITS, DatasetInfo, Item, ItemInstance, read_dataset_info, read_items
from photosynth.core.record import to_json

RLE = Rle(size=(3, 4), counts="57")
ITEMS = [
    Item(index=0, image_file="images/000/000000.jpg", size_wh=(4, 3), kind="empty", label=1, instances=()),
    Item(
        index=7,
        image_file="images/000/000007.jpg",
        size_wh=(4, 3),
        kind="object",
        label=0,
        instances=(
            ItemInstance(
                class_id=0,
                visible_xyxy=(0.0, 0.0, 1.0, 1.0),
                amodal_xyxy=(0.0, 0.0, 2.5, 1.0),
                visible=RLE,
                amodal=RLE,
                visible_fraction=1 / 3,
                truncation=0.0,
            ),
        ),
    ),
]


@pytest.mark.parametrize("items", [[], ITEMS[:1], ITEMS])
def test_items_round_trip(tmp_path, items):
    write_jsonl(tmp_path / "items-val.jsonl", items)
    assert list(read_items(tmp_path, "val")) == items


def test_items_are_read_one_at_a_time(tmp_path):
    write_jsonl(tmp_path / "items-val.jsonl", ITEMS)
    with open(tmp_path / "items-val.jsonl", "ab") as file:
        file.write(b"{broken\n")
    stream = read_items(tmp_path, "val")
    assert [next(stream), next(stream)] == ITEMS
    with pytest.raises(ArtifactError, match=r"items-val\.jsonl:3"):
        next(stream)


def test_absent_items_and_unknown_keys_are_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"items-test\.jsonl does not exist"):
        list(read_items(tmp_path, "test"))
    (tmp_path / "items-test.jsonl").write_bytes(to_json(ITEMS[0])[:-1] + b',"extra":1}\n')
    with pytest.raises(ArtifactError, match="extra"):
        list(read_items(tmp_path, "test"))


def test_info_round_trip(tmp_path):
    info = DatasetInfo(class_names=("чай", "box"), counts=dict.fromkeys(SPLITS, 0))
    write_atomic(tmp_path / "dataset.json", to_json(info))
    assert read_dataset_info(tmp_path) == info


def test_absent_and_broken_info_are_named(tmp_path):
    with pytest.raises(ArtifactError, match="is not a finished dataset"):
        read_dataset_info(tmp_path)
    (tmp_path / "dataset.json").write_bytes(b'{"class_names": []}')
    with pytest.raises(ConfigError, match=r"dataset\.json .*counts"):
        read_dataset_info(tmp_path)
