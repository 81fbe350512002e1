"""TIDE: each kind of error alone, what it costs, and the words for it."""

from __future__ import annotations

import numpy as np
import pytest
from detection_cases import case, random_cases

from photosynth.core.matching import Case, pool_class
from photosynth.evaluate.detection_charts import kind_bars, what_would_help
from photosynth.evaluate.detection_report import DetectorReport, ErrorCost
from photosynth.evaluate.tide import KINDS, error_costs, find_errors, mean_ap50

OBJECT = (0, 0, 0, 100, 100)
RIGHT = (0, 0, 0, 100, 100, 0.9)


def judged(cases: list[Case], n_classes: int = 2) -> tuple[list, dict, float]:
    pools = [pool_class(cases, k) for k in range(n_classes)]
    errors = find_errors(cases, pools)
    return errors, {c.kind: c for c in error_costs(cases, pools, errors)}, mean_ap50(pools)


def test_nothing_at_all_is_no_error():
    errors, costs, ap = judged([])
    assert errors == []
    assert all(c.count == 0 and c.ap_gain == 0 for c in costs.values())
    assert np.isnan(ap)


def test_a_right_find_is_no_error():
    errors, costs, ap = judged([case([OBJECT], [RIGHT])])
    assert errors == []
    assert ap == pytest.approx(1)
    assert max(c.ap_gain for c in costs.values()) == 0


@pytest.mark.parametrize(
    ("kind", "found", "truth", "gain"),
    [
        # another object of each class is found, surely, so that both classes have an AP
        ("classification", [(1, 0, 0, 100, 100, 0.95)], [OBJECT], 0.5 * (1 - 51 / 101) + 0.5 * 0.5),
        ("localisation", [(0, 0, 0, 100, 40, 0.95)], [OBJECT], 0.5 * (1 - 51 / 101 / 2)),
        ("both", [(1, 0, 0, 100, 40, 0.95)], [OBJECT], 0.25),
        ("duplicate", [(0, 0, 0, 100, 100, 0.99), (0, 0, 0, 100, 98, 0.98)], [OBJECT], None),
        ("background", [(0, 0, 200, 90, 290, 0.95)], [], 0.25),
        ("missed", [], [OBJECT], 0.5 * (1 - 51 / 101)),
    ],
)
def test_each_kind_alone(kind, found, truth, gain):
    others = case([(0, 200, 0, 300, 100), (1, 200, 150, 300, 250)],
                  [(0, 200, 0, 300, 100, 0.9), (1, 200, 150, 300, 250, 0.9)])  # fmt: skip
    errors, costs, ap = judged([case(truth, found), others])
    by_kind = [e.kind for e in errors]
    assert kind in by_kind
    expected = {kind} | ({"missed"} if kind == "both" else set())  # an object that "both" does not reach is missed
    assert set(by_kind) == expected
    assert costs[kind].count == 1
    if gain is None:
        assert 0 < costs[kind].ap_gain < 0.25
    else:
        assert costs[kind].ap_gain == pytest.approx(gain, abs=1e-9)
    assert ap + costs[kind].ap_gain <= 1 + 1e-9


def test_only_the_surest_of_several_sets_an_object_right():
    truth = [OBJECT]
    found = [(0, 0, 0, 100, 40, 0.9), (0, 0, 0, 40, 100, 0.8), (0, 0, 0, 30, 100, 0.7)]
    errors, costs, ap = judged([case(truth, found)], 1)
    assert [e.kind for e in errors] == ["localisation"] * 3
    assert ap == 0
    assert costs["localisation"].ap_gain == pytest.approx(1)  # the first is right, the others are gone


def test_a_class_of_which_everything_was_missed_counts_as_won():
    _, costs, ap = judged([case([OBJECT], [])], 1)
    assert ap == 0
    assert costs["missed"].ap_gain == 1


def test_finds_in_crowds_are_no_errors():
    errors, _, _ = judged([case([OBJECT], [RIGHT, (0, 200, 200, 210, 210, 0.9)], crowds=[(0, 190, 190, 300, 300)])])
    assert errors == []


@pytest.mark.parametrize("seed", range(12))
def test_every_wrong_find_has_one_kind_and_gains_are_shares(seed):
    cases = random_cases(400 + seed)
    errors, costs, ap = judged(cases, 3)
    pools = [pool_class(cases, k) for k in range(3)]
    wrong = sum(int((~p.right(0, 0) & ~p.ignored[0, 0]).sum()) for p in pools)
    unfound = sum(int(p.counted[0].sum()) - int(p.right(0, 0).sum()) for p in pools)
    finds = [e for e in errors if e.find is not None]
    missed = [e for e in errors if e.kind == "missed"]
    assert len(finds) == wrong
    assert len({(e.photo, e.find) for e in finds}) == wrong
    assert len(missed) <= unfound
    assert sum(c.count for c in costs.values()) == len(errors)
    for cost in costs.values():
        assert 0 <= cost.ap_gain <= 1 - ap + 1e-9
        assert cost.count > 0 or cost.ap_gain == 0


def report(source: str, **gains: float) -> DetectorReport:
    errors = tuple(ErrorCost(kind=k, count=3, ap50_gain=gains.get(k, 0.0)) for k in KINDS) if gains else ()
    return DetectorReport(
        source=source, class_names=("a", "nothing"), answer_threshold=0.5, metrics=(), per_class=(), errors=errors,
        confusion=((0, 0), (0, 0)), n_photos=1, n_objects=1, n_negatives=0,
    )  # fmt: skip


def test_what_would_help_is_said_of_real_photos_first():
    real, synthetic = report("real", missed=0.1, background=0.2), report("synthetic", missed=0.3)
    assert "+20.0 points of mAP50 on real photos" in what_would_help((real, synthetic))
    assert "false alarms" in what_would_help((real, synthetic))
    assert "on held-out synthetic pictures" in what_would_help((report("real"), synthetic))
    assert "no kind of error costs anything" in what_would_help((report("real", missed=0.0),))
    assert what_would_help((report("real"), report("synthetic"))) is None


def test_bars_are_sorted_by_what_real_photos_cost():
    bars = kind_bars(report("real", missed=0.1, background=0.2), report("synthetic", missed=0.4))
    assert [b.kind for b in bars][:2] == ["background", "missed"]
    assert bars[1].sides == (("real", 0.1, 3, 25.0), ("synthetic", 0.4, 3, 100.0))
    alone = kind_bars(report("real"), report("synthetic", missed=0.4))
    assert alone[0].kind == "missed"
    assert alone[0].sides[0][1] is None
    assert kind_bars(report("real"), report("synthetic")) == ()
