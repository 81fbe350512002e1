"""The dataset stage alone, on render artifacts drawn here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import simplejpeg
from pycocotools.coco import COCO

from photosynth.core.artifact import ArtifactWriter, open_artifact, verify_artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import mask_from_rle, read_jsonl, rle_from_mask, write_jsonl
from photosynth.core.engine import UnitResult
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.frame import FrameInstance, FrameRecord
from photosynth.core.items import SPLITS, read_dataset_info, read_items
from photosynth.core.progress import Silent
from photosynth.core.record import Record, to_json
from photosynth.dataset.audit import MAX_PROBLEMS, audit
from photosynth.dataset.coco import read_coco_items
from photosynth.dataset.labels import Dropped, instances_from_item
from photosynth.dataset.stage import SCHEMA, STAGE, DatasetConfig, run
from photosynth.dataset.voc import read_voc
from photosynth.dataset.yolo import read_yolo

SIZE = (96, 72)
CLASS_NAMES = ("box", "чай")
ALL = DatasetConfig(val_fraction=0.2, test_fraction=0.2, formats=("coco", "yolo", "voc"))
N_SCENES = 40


class NoSettings(Record, frozen=True, kw_only=True):
    """The fake render has none."""


def draw_scene(index: int) -> tuple[np.ndarray, FrameRecord]:
    """Discs ("чай") and rectangles ("box") over a gradient, some cut by the picture's edge or by one another; every
    seventh scene is empty, every ninth shows a grey distractor only, every tenth a barely visible disc."""
    rng = np.random.default_rng(index)
    width, height = SIZE
    y, x = np.mgrid[:height, :width] + 0.5
    picture = np.stack([90 + x, 120 + y / 2, 200 - x / 2], axis=-1) + rng.normal(0, 6, (height, width, 3))
    kind = "empty" if index % 7 == 0 else "lookalike" if index % 9 == 0 else "object"
    shapes = []
    for _ in range({"empty": 0, "lookalike": 1, "object": 1 + index % 3}[kind]):
        cx, cy, r = rng.uniform(10, width - 10), rng.uniform(10, height - 10), rng.uniform(12, 24)
        name = NONE_CLASS if kind == "lookalike" else CLASS_NAMES[int(rng.integers(2))]
        if name == "box":
            shapes.append((name, (np.abs(x - cx) < r) & (np.abs(y - cy) < 0.7 * r), 2.8 * r * r, (215, 150, 40)))
        else:
            colour = (60, 150, 70) if name != NONE_CLASS else (120, 120, 120)
            shapes.append((name, np.hypot(x - cx, y - cy) < r, np.pi * r * r, colour))
    if kind == "object" and index % 10 == 0:
        shapes = [("чай", np.hypot(x + 21, y - 30) < 24, np.pi * 24**2, (60, 150, 70))]
    ids = np.zeros((height, width), int)
    for k, (_, mask, _, colour) in enumerate(shapes):
        ids[mask] = k + 1
        picture[mask] = np.array(colour) + 25 * np.sin((x + y)[mask] / 3)[:, None]
    instances = tuple(
        FrameInstance(
            asset_id=f"asset{k}",
            class_name=name,
            role="distractor" if name == NONE_CLASS else "object",
            visible=rle_from_mask(ids == k + 1),
            amodal=rle_from_mask(mask),
            full_area_px=float(area),
        )
        for k, (name, mask, area, _) in enumerate(shapes)
    )
    image_file = f"images/{index // 1000:03d}/{index:06d}.jpg"
    frame = FrameRecord(index=index, image_file=image_file, size_wh=SIZE, kind=kind, instances=instances)
    return np.clip(picture, 0, 255).astype(np.uint8), frame


def make_render(folder: Path, indices=range(N_SCENES), shard_size: int = 12, change=lambda frame: frame) -> Path:
    """A finished render artifact of drawn scenes; `change` may falsify a frame record."""
    with ArtifactWriter(folder, "render", 1, NoSettings(), None, {}) as writer:
        indices = list(indices)
        writer.write("classes.json", to_json(CLASS_NAMES))
        for number, first in enumerate(range(0, max(1, len(indices)), shard_size)):
            frames = []
            for index in indices[first : first + shard_size]:
                picture, frame = draw_scene(index)
                writer.write(frame.image_file, simplejpeg.encode_jpeg(picture, quality=92))
                frames.append(change(frame))
            write_jsonl(writer.folder / f"frames-{number:06d}.jsonl", frames)
        writer.finish()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def render(tmp_path_factory) -> Path:
    return make_render(tmp_path_factory.mktemp("render") / "render")


@pytest.fixture(scope="module")
def finished(render, tmp_path_factory) -> Path:
    return run(ALL, render, tmp_path_factory.mktemp("dataset") / "dataset").folder


@pytest.fixture
def dataset(finished, tmp_path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(finished, tmp_path / "dataset"))


def all_items(folder: Path):
    return {item.index: item for split in SPLITS for item in read_items(folder, split)}


def test_a_finished_dataset_verifies(finished, render):
    artifact = open_artifact(finished, STAGE)
    assert verify_artifact(finished) == []
    assert audit(finished) == []
    assert (artifact.manifest.schema, artifact.manifest.seed) == (SCHEMA, 0)
    assert artifact.manifest.inputs == {"render": open_artifact(render).key}
    assert not list(finished.rglob("*.tmp"))
    assert not (finished / "parts").exists()


def test_every_scene_is_an_item_or_dropped_with_a_reason(finished):
    items = all_items(finished)
    dropped = {one.index: one for one in read_jsonl(finished / "dropped.jsonl", Dropped)}
    assert sorted(items.keys() | dropped.keys()) == list(range(N_SCENES))
    assert not items.keys() & dropped.keys()
    assert {10, 20, 30} <= {i for i, one in dropped.items() if one.reason == "barely_visible"}
    summary = open_artifact(finished).manifest.summary
    assert summary["pictures"] == len(items)
    assert sum(summary["dropped"].values()) == len(dropped)
    assert sum(summary["kinds"].values()) == len(items)
    assert summary["splits"] == read_dataset_info(finished).counts
    assert sum(sum(row.values()) for row in summary["pictures_of_class"].values()) == len(items)
    assert sum(summary["objects_of_class"].values()) == sum(len(item.instances) for item in items.values())
    assert read_dataset_info(finished).class_names == CLASS_NAMES
    assert min(summary["splits"].values()) > 0
    frames = {index: draw_scene(index)[1] for index in items}
    seen = [one.role for frame in frames.values() for one in frame.instances if mask_from_rle(one.visible).any()]
    assert summary["distractors"] == seen.count("distractor") > 0


def test_labels_are_what_was_drawn(finished):
    n_objects = 0
    for index, item in all_items(finished).items():
        _, frame = draw_scene(index)
        if item.kind != "object":
            assert (item.label, item.instances) == (2, ())
            continue
        shown = [one for one in frame.instances if mask_from_rle(one.visible).any()]
        largest = max(shown, key=lambda one: mask_from_rle(one.visible).sum())
        assert item.label == CLASS_NAMES.index(largest.class_name)
        drawn = {one.visible: one for one in shown}
        for instance in item.instances:
            one = drawn[instance.visible]
            y, x = np.nonzero(mask_from_rle(one.visible))
            assert instance.visible_xyxy == (x.min(), y.min(), x.max() + 1, y.max() + 1)
            assert instance.visible_fraction == pytest.approx(min(1.0, len(x) / one.full_area_px))
            assert instance.class_id == CLASS_NAMES.index(one.class_name)
            n_objects += 1
    assert n_objects > 25


def test_pictures_are_the_renders_own(finished, render):
    for item in all_items(finished).values():
        assert (finished / item.image_file).samefile(render / item.image_file)


def test_the_formats_agree_with_the_items(finished):
    for split in SPLITS:
        items = list(read_items(finished, split))
        path = finished / "annotations" / f"{split}.coco.json"
        assert read_coco_items(path) == (CLASS_NAMES, tuple(items))
        coco = COCO(str(path))
        assert len(coco.getImgIds()) == len(items)
        assert len(coco.getAnnIds(iscrowd=False)) == sum(len(item.instances) for item in items)
        yolo, voc = list(read_yolo(finished, split)), list(read_voc(finished, split, CLASS_NAMES))
        assert [name for name, _ in yolo] == [name for name, _ in voc] == [item.image_file for item in items]
        for item, (_, from_yolo), (_, from_voc) in zip(items, yolo, voc, strict=True):
            expected = instances_from_item(item)
            np.testing.assert_allclose(from_yolo.boxes_xyxy, expected.boxes_xyxy, rtol=1e-6, atol=1e-6)
            assert np.array_equal(from_voc.boxes_xyxy, expected.boxes_xyxy)
            assert from_yolo.class_ids.tolist() == from_voc.class_ids.tolist() == expected.class_ids.tolist()


def test_only_the_formats_asked_for_are_written(render, tmp_path):
    plain = run(DatasetConfig(formats=(), contact_sheet_pictures=0), render, tmp_path / "plain").folder
    assert {p.name for p in plain.iterdir() if not p.name.startswith(".")} == {
        "images", "items-train.jsonl", "items-val.jsonl", "items-test.jsonl", "dataset.json", "dropped.jsonl",
        "manifest.json", "checksums.sha256",
    }  # fmt: skip


def test_empty_splits_are_valid(render, tmp_path):
    config = msgspec.structs.replace(ALL, val_fraction=0.0, test_fraction=0.0)
    progress = Silent()
    artifact = run(config, render, tmp_path / "d", progress=progress)
    assert read_coco_items(artifact.folder / "annotations" / "val.coco.json") == (CLASS_NAMES, ())
    assert list(read_yolo(artifact.folder, "test")) == list(read_voc(artifact.folder, "test", CLASS_NAMES)) == []
    assert list(read_items(artifact.folder, "val")) == []
    assert audit(artifact.folder) == []
    assert progress.notes == list(artifact.manifest.notes)
    assert "no picture fell into val or test" in progress.notes[-1]


def test_a_picture_keeps_its_split_when_the_render_grows(finished, tmp_path):
    small = run(ALL, make_render(tmp_path / "render", range(3, 17)), tmp_path / "d").folder
    for split in SPLITS:
        larger = {item.index: item for item in read_items(finished, split)}
        for item in read_items(small, split):
            assert larger[item.index] == item


class Backwards:
    """An executor that runs the last unit first and can stop after some."""

    workers = 1

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after, self.n_done = stop_after, 0

    def map(self, function, units, setup=None, setup_args=()):
        for position in reversed(range(len(units))):
            if self.n_done == self.stop_after:
                raise KeyboardInterrupt
            self.n_done += 1
            yield UnitResult(position, function(units[position]))


def test_order_changes_nothing(finished, render, tmp_path):
    again = run(ALL, render, tmp_path / "d", executor=Backwards()).folder
    assert contents(again) == contents(finished)


@pytest.mark.parametrize("stop_after", [0, 1, 3])
def test_interrupted_and_resumed_gives_the_same_bytes(finished, render, tmp_path, stop_after):
    with pytest.raises(KeyboardInterrupt):
        run(ALL, render, tmp_path / "d", executor=Backwards(stop_after))
    with pytest.raises(ArtifactError, match="begun and not finished"):
        open_artifact(tmp_path / "d")
    executor = Backwards()
    run(ALL, render, tmp_path / "d", executor=executor)
    assert executor.n_done == 4 - stop_after
    assert contents(tmp_path / "d") == contents(finished)


def test_a_failing_unit_stops_the_stage(render, tmp_path):
    class Failing(Backwards):
        def map(self, function, units, setup=None, setup_args=()):
            yield UnitResult(1, None, "the disk is on fire")

    with pytest.raises(ArtifactError, match=r"frames-000001\.jsonl could not be labelled: the disk is on fire"):
        run(ALL, render, tmp_path / "d", executor=Failing())


def test_finished_work_is_not_done_again(finished, render):
    executor = Backwards()
    assert run(ALL, render, finished, executor=executor).folder == finished
    assert executor.n_done == 0
    with pytest.raises(ArtifactError, match="--overwrite"):
        run(DatasetConfig(seed=5), render, finished)


def broken_index(frame: FrameRecord, index: int = 17, **changes) -> FrameRecord:
    return msgspec.structs.replace(frame, **changes) if frame.index == index else frame


def broken_object(frame: FrameRecord, **changes) -> FrameRecord:
    if frame.index != 17:
        return frame
    first = msgspec.structs.replace(frame.instances[-1], **changes)
    return msgspec.structs.replace(frame, instances=(*frame.instances[:-1], first))


EMPTY_MASK = rle_from_mask(np.zeros((SIZE[1], SIZE[0]), bool))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: broken_index(f, size_wh=(96, 70)), r"images/000/000017\.jpg: the picture is 96 x 72 px; its labels"),
        (lambda f: broken_index(f, image_file="images/000/999999.jpg"), r"999999\.jpg: the picture cannot be opened"),
        (lambda f: broken_index(f, image_file="../secret.jpg"), "scene 17: its picture is '../secret.jpg'"),
        (lambda f: broken_index(f, image_file="images/../../secret.jpg"), "scene 17: its picture is"),
        (lambda f: broken_object(f, class_name="tea"), "'tea', which is not in the render's class list"),
        (lambda f: broken_object(f, full_area_px=1.0), "full_area_px is wrong"),
        (lambda f: broken_object(f, amodal=EMPTY_MASK), r"000017\.jpg: object \d: .*amodal box .* is empty"),
    ],
)
def test_faulty_frames_are_refused_by_name(tmp_path, change, message):
    render = make_render(tmp_path / "render", change=change)
    with pytest.raises(QualityError, match=message) as caught:
        run(ALL, render, tmp_path / "d")
    assert "frames-000001.jsonl does not pass the audit" in str(caught.value)
    assert not (tmp_path / "d" / "manifest.json").exists()


def test_a_scene_that_comes_twice_is_refused(tmp_path):
    render = make_render(tmp_path / "render", indices=[1, 2, 3, 2], shard_size=3)
    with pytest.raises(ArtifactError, match=r"frames-000001\.jsonl: scene 2 comes after scene 3"):
        run(ALL, render, tmp_path / "d")


def test_unusable_renders_are_refused(tmp_path):
    with pytest.raises(ArtifactError, match="does not exist"):
        run(ALL, tmp_path / "absent", tmp_path / "d")
    empty = make_render(tmp_path / "empty", indices=[])
    with pytest.raises(QualityError, match=r"no picture is left for the dataset .the render has none"):
        run(ALL, empty, tmp_path / "d")
    barely = make_render(tmp_path / "barely", indices=[10, 20])
    with pytest.raises(QualityError, match="2 barely_visible"):
        run(ALL, barely, tmp_path / "d2")
    (barely / "classes.json").write_bytes(b'["b", "a"]')
    with pytest.raises(ArtifactError, match="expected each class once, sorted"):
        run(ALL, barely, tmp_path / "d3")
    (barely / "classes.json").unlink()
    with pytest.raises(ArtifactError, match=r"classes\.json does not exist"):
        run(ALL, barely, tmp_path / "d4")
    with pytest.raises(ConfigError, match=r"dataset\.seed"):
        run(DatasetConfig(seed=-1), barely, tmp_path / "d5")


def test_many_dropped_pictures_are_noted(tmp_path):
    progress = Silent()
    run(ALL, make_render(tmp_path / "render", indices=[1, 2, 10, 20]), tmp_path / "d", progress=progress)
    assert progress.notes[0].startswith("2 of 4 pictures were dropped: 2 barely_visible")


def spoil_items(folder: Path, split: str, change) -> None:
    path = folder / f"items-{split}.jsonl"
    path.write_text("".join(change(path.read_text(encoding="utf-8").splitlines(keepends=True))), encoding="utf-8")


def shrunk_box(lines):
    row = next(k for k, line in enumerate(lines) if json.loads(line)["instances"])
    item = json.loads(lines[row])
    item["instances"][0]["visible_xyxy"][2] -= 1
    return [*lines[:row], json.dumps(item) + "\n", *lines[row + 1 :]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-1], "items-train.jsonl holds"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "expected ascending numbers"),
        (lambda lines: [lines[0], *lines], "expected ascending numbers"),
        (lambda lines: ["nonsense\n", *lines], "items-train.jsonl:1 cannot be read"),
        (shrunk_box, "is not the tight box"),
    ],
)
def test_the_audit_sees_spoiled_items(dataset, change, message):
    spoil_items(dataset, "train", change)
    assert any(message in problem for problem in audit(dataset))


def test_the_audit_sees_an_item_in_two_splits(dataset):
    first = (dataset / "items-test.jsonl").read_text().splitlines(keepends=True)[0]
    index = json.loads(first)["index"]
    spoil_items(dataset, "train", lambda lines: sorted([*lines, first], key=lambda line: json.loads(line)["index"]))
    assert f"items-train.jsonl: scene {index} belongs to test" in audit(dataset)


def test_the_audit_sees_spoiled_pictures(dataset):
    first, second, *_ = sorted((dataset / "images" / "000").iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes()[:-5])
    problems = audit(dataset)
    assert any(f"{first.name}: the picture cannot be opened" in problem for problem in problems)
    assert any(f"{second.name}: the picture cannot be read (is cut short" in problem for problem in problems)
    assert any(problem.startswith("images/ holds") for problem in problems)


def test_the_audit_stops_when_all_is_broken(dataset):
    shutil.rmtree(dataset / "images")
    problems = audit(dataset)
    assert len(problems) <= MAX_PROBLEMS + 1
    (dataset / "dataset.json").unlink()
    assert audit(dataset) == [f"{dataset / 'dataset.json'} does not exist; {dataset} is not a finished dataset"]
    with pytest.raises(ArtifactError, match="made by stage 'render'"):
        audit(make_render(dataset.parent / "render", [1]))
