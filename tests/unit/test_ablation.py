"""The ablation benchmark: its table of variants, its results file and its statistics."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from photosynth.core.errors import ConfigError
from photosynth.core.record import from_plain, to_plain
from photosynth.sample.recipe import Recipe, load_recipe

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from ablation.report import report_text, write_report
from ablation.statistics import difference, group_mean, joined, paired, per_photo, scores, typical_variance
from ablation.study import (
    STUDY_FILE,
    Result,
    append_result,
    jobs,
    load_study,
    n_images,
    read_results,
    recipe_values,
    toml_text,
)

STUDY = load_study()


def result(variant: str = "baseline", seed: int = 0, **changes: object) -> Result:
    values = {
        "variant": variant,
        "set": "products",
        "seed": seed,
        "digest": "d",
        "commit": "c",
        "date": "2026-01-01 00:00",
        "machine": "m",
        "n_images": 10,
        "wall_s": {"train": 1.0},
        "cpu_s": 60.0,
        "threshold": 0.7,
        "temperature": 1.0,
        "synthetic_top1": 0.9,
        "photo_p": (0.9, 0.8, 0.6, 0.1),
        "photo_right": (1, 1, 1, 0),
        "negative_none_p": (0.95, 0.3, 0.35),
        "negative_object_p": (0.03, 0.65, 0.55),
    }
    return Result(**{**values, **changes})


@pytest.mark.parametrize("variant", STUDY.variants, ids=lambda v: v.name)
def test_every_variant_is_a_valid_recipe_that_changes_only_what_it_names(variant):
    mine = from_plain(tomllib.loads(toml_text(recipe_values(variant))), Recipe)
    base = load_recipe(variant.base)
    for section in Recipe.__struct_fields__:
        changed = to_plain(getattr(mine, section)) != to_plain(getattr(base, section))
        assert changed == (section in variant.recipe), section


def test_a_misspelt_field_of_a_variant_is_refused(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_text(STUDY_FILE.read_text().replace("per_class = 300\n", "perclass = 300\n"))
    with pytest.raises(ConfigError, match="perclass"):
        load_study(path)


def test_per_class_counts_pictures_that_show_the_class():
    # 38 % of the pictures of `single` show no object
    assert n_images(STUDY.variant("images-300"), STUDY, "products") == round(300 * 3 / 0.62)
    assert n_images(STUDY.variant("baseline"), STUDY, "ycb") == STUDY.budgets["small"].images["ycb"]


def test_jobs_go_by_round_then_seed_then_variant_then_set():
    names = ["occluders-none", "finish-none", "baseline"]
    found = [(j.variant.name, j.seed, j.set) for j in jobs(STUDY, names, ["ycb"], 3)]
    assert found[:4] == [("baseline", s, "ycb") for s in range(3)] + [("occluders-none", 0, "ycb")]
    assert found[4:6] == [("finish-none", 0, "ycb"), ("occluders-none", 1, "ycb")]
    assert {j.variant.name for j in jobs(STUDY, [], [], 0, last_round=0)} == {"baseline"}


def test_results_survive_a_line_cut_short(tmp_path):
    path = tmp_path / "results.jsonl"
    assert read_results(path) == []
    append_result(path, result(seed=0))
    with open(path, "ab") as file:
        file.write(b'{"variant": "base')
    assert [r.seed for r in read_results(path)] == [0]
    append_result(path, result(seed=1))
    assert [r.seed for r in read_results(path)] == [0, 1]


def test_scores_by_hand():
    found = scores(result())
    assert found.top1 == 0.75
    assert found.recall_at_threshold == 0.5
    assert found.alarms_at_half == pytest.approx(2 / 3)
    assert found.alarms_at_threshold == 0.0
    assert found.recall_at_5 == 0.5  # 0.65 is the surest wrong answer
    assert found.photo_nll == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.1]).mean())
    assert found.loss == pytest.approx((found.photo_nll + found.negative_nll) / 2)
    values, groups = per_photo(result(), "loss")
    assert group_mean(values, groups) == pytest.approx(found.loss)


def test_a_shift_is_found_and_noise_of_seeds_hides_it():
    groups = np.zeros(50, int)
    noise = np.random.default_rng(0).normal(0, 0.1, 50)
    shifted = np.stack([0.3 + noise, 0.3 + noise])
    assert difference(shifted, groups, 1e-4).decided
    assert difference(shifted, groups, 1e-4).mean == pytest.approx(0.3 + noise.mean())
    assert not difference(shifted, groups, 1.0).decided  # the study says that seeds move the figure by 1
    assert not difference(np.stack([noise - 0.3, noise + 0.9]), groups, 1e-4).decided
    assert not difference(np.stack([noise, noise]) - noise.mean(), groups, 1e-4).decided


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1], [12, 30])
    studies, covered = 150, 0
    for _ in range(studies // 5):
        true = rng.normal(0, 1, 5)
        pairs = [
            (t + rng.normal(0, 0.3, (2, 1)) + rng.normal(0, 0.8, 42) + rng.normal(0, 0.4, (2, 42)), groups)
            for t in true
        ]
        prior = typical_variance(pairs)
        found = [difference(rows, g, prior) for rows, g in pairs]
        covered += sum(d.low <= t <= d.high for d, t in zip(found, true, strict=True))
    assert 0.88 <= covered / studies <= 1.0


def test_pairs_need_a_common_seed_and_the_same_photos():
    rows, _ = paired([result("v", 1), result("v", 2)], [result(seed=2), result(seed=0)], "loss")
    assert rows.shape == (1, 7)
    assert not rows.any()
    with pytest.raises(ValueError, match="no seed"):
        paired([result("v", 0, commit="later")], [result(seed=0)], "loss")
    with pytest.raises(ValueError, match="no seed"):
        paired([result("v", 1)], [result(seed=0)], "loss")
    with pytest.raises(ValueError, match="different photos"):
        paired([result("v", 0, photo_p=(0.5,))], [result()], "loss")


def test_sets_are_joined_photo_by_photo_and_a_photo_without_objects_is_one_photo():
    def on(name, variant, seed, p, none):
        return result(variant, seed, set=name, photo_p=p, photo_right=(1,) * len(p), negative_none_p=none)

    e, base = np.exp(-1.0), (1.0, 1.0, 1.0)
    sets = [
        ([on("a", "v", s, (e, e), (e, 1.0, 1.0)) for s in (0, 1)], [on("a", "b", s, (1.0, 1.0), base) for s in (0, 1)]),
        ([on("b", "v", 1, (1.0,) * 4, (e, e, 1.0))], [on("b", "b", s, (1.0,) * 4, base) for s in (0, 1)]),
    ]
    rows, groups = joined(sets)
    assert groups.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert len(rows) == 1
    per_set = [group_mean(*(x[0] if x.ndim > 1 else x for x in paired(*one, "loss"))) for one in sets]
    assert per_set == pytest.approx([(1 + 1 / 3) / 2, (0 + 2 / 3) / 2])
    assert group_mean(rows[0], groups) == pytest.approx(np.mean(per_set))
    np.testing.assert_allclose(rows[0, groups == 2], [1.5, 0.75, 0.0])
    assert joined([(sets[0][0], sets[0][1]), (sets[1][0], sets[0][1][:1])]) is None


def test_the_report_joins_sets_once_there_are_two():
    worse = {"photo_p": (0.1, 0.08, 0.06, 0.01), "negative_none_p": (0.1, 0.03, 0.03)}
    runs = [result(v, s, **(worse if v != "baseline" else {})) for v in ("baseline", "finish-none") for s in (0, 1)]
    assert "together" not in report_text(STUDY, runs)
    assert "together" not in report_text(
        STUDY, [msgspec.structs.replace(r, set=s) for r in runs[::2] for s in STUDY.sets]
    )
    text = report_text(STUDY, runs + [msgspec.structs.replace(r, set="ycb") for r in runs])
    section = text.partition("## products and ycb together")[2].partition("## products:")[0]
    (row,) = [line for line in section.splitlines() if line.startswith("| `")]
    assert row.startswith("| `finish-none` |")
    assert "| 2 | **+2." in row
    assert row.endswith("| **worse** |")


def test_the_report_says_what_was_found_and_keeps_what_was_written_by_hand(tmp_path):
    worse = {"photo_p": (0.1, 0.08, 0.06, 0.01), "negative_none_p": (0.1, 0.03, 0.03)}
    runs = [result(seed=s) for s in (0, 1)]
    runs += [result("occluders-none", s, **worse) for s in (0, 1)]
    runs += [result("finish-none", s) for s in (0, 1)]
    text = report_text(STUDY, runs)
    row = next(line for line in text.splitlines() if line.startswith("| `occluders-none`"))
    assert "**worse**" in row
    assert "+2.2" in row
    assert "undecided" in next(line for line in text.splitlines() if line.startswith("| `finish-none`"))
    path = tmp_path / "ablation.md"
    write_report(STUDY, [], path)
    path.write_text(path.read_text().replace("\n\n<!--", "\n\nWhat we learned.\n\n<!--"))
    write_report(STUDY, runs, path)
    assert path.read_text().count("What we learned.") == 1
    assert "No runs yet" not in path.read_text()


def test_results_are_records_without_names_of_photos():
    assert not {"file", "path", "photos"} & set(Result.__struct_fields__)
    assert msgspec.json.decode(msgspec.json.encode(result()), type=Result) == result()
