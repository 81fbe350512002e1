"""Reports and gaps from predictions made by hand."""

from __future__ import annotations

import pytest

from photosynth.core.asset import NONE_CLASS
from photosynth.core.report import Metric
from photosynth.evaluate.charts import histograms, matrix
from photosynth.evaluate.classifier_page import verdict
from photosynth.evaluate.galleries import mistakes, right_answers
from photosynth.evaluate.gap import compared_classes, make_gap
from photosynth.evaluate.intervals import newcombe, wilson
from photosynth.evaluate.measure import MEANS, NOT_MEASURED, SHARES, measure
from photosynth.evaluate.predictions import Guess, Prediction
from photosynth.evaluate.summary import gap_text, metric_text, percent

NAMES = ("a", "b", "c", NONE_CLASS)


def said(truth: str, answer: str, p: float = 0.8, file: str = "x.jpg") -> Prediction:
    rest = p if truth == answer else (1 - p) / 2
    top = (Guess(class_name=answer, probability=p),)
    return Prediction(
        folder="photos", file=file, truth=truth, answer=answer, probability=p, truth_probability=rest, top=top
    )


SOME = [said("a", "a")] * 5 + [said("a", "b")] + [said("b", "b")] * 4 + [said("b", NONE_CLASS)]
WITHOUT = [said(NONE_CLASS, NONE_CLASS)] * 6 + [said(NONE_CLASS, "a", 0.9), said(NONE_CLASS, "c", 0.4)]


def test_nothing_measured_has_no_values():
    scored = measure([], NAMES, "real")
    assert all(m.value is None and m.note for m in scored.report.metrics)
    assert all(s.recall.value is None and s.precision.value is None for s in scored.report.per_class)
    assert scored.report.confusion == ((0, 0, 0, 0),) * 4


def test_objects_and_photos_without_them_are_counted_apart():
    report = measure(SOME + WITHOUT, NAMES, "real").report
    top1 = report.metric("top1")
    assert (top1.value, top1.n) == (9 / 11, 11)
    assert (top1.low, top1.high) == wilson(9, 11)
    assert report.metric("none_share").value == 1 / 11
    assert report.metric("none_recall").value == 6 / 8
    given = report.metric("negatives_given_class")
    assert (given.value, given.low, given.high) == (1 / 8, *wilson(1, 8))
    assert report.metric("mean_confidence").value == pytest.approx(0.8)
    assert report.n_photos == 19
    assert report.metric("right_and_sure").value == 9 / 11
    strict = measure([*SOME, said("a", "a", 0.95)], NAMES, "real", answer_threshold=0.9).report
    assert (strict.metric("right_and_sure").value, strict.metric("top1").value) == (1 / 12, 10 / 12)


def test_classes_without_photos_have_no_recall_and_do_not_pull_the_mean_down():
    report = measure(SOME + WITHOUT, NAMES, "real").report
    a, b, c, none = report.per_class
    assert a.recall.value == 5 / 6
    assert a.precision.value == 5 / 6  # one photo without any object was called a
    assert b.precision.value == 4 / 5
    assert c.recall.value is None
    assert c.recall.note == "no photos of it"
    assert c.precision.value is None
    assert "1 others" in c.precision.note
    assert none.precision.value == 6 / 7
    assert report.metric("macro_recall").value == pytest.approx((5 / 6 + 4 / 5) / 2)


def test_a_class_that_was_never_answered_has_no_precision():
    report = measure([said("a", "b"), said("b", "b")], NAMES, "real").report
    assert report.per_class[0].recall.value == 0
    assert report.per_class[0].precision.value is None
    assert report.per_class[0].precision.note == "never answered"


def test_bootstrap_intervals_hold_the_value_and_repeat():
    one, again = measure(SOME, NAMES, "real", resamples=300), measure(SOME, NAMES, "real", resamples=300)
    assert one.report == again.report
    for name in ("macro_precision", "macro_recall", "macro_f1", "ece", "nll"):
        m = one.report.metric(name)
        assert m.low <= m.value <= m.high, name
        assert m.low < m.high
    assert measure(SOME, NAMES, "real", resamples=300, seed=1).report != one.report


def test_photos_that_are_all_right_give_no_bootstrap_interval():
    report = measure([said("a", "a")] * 12, NAMES, "real").report
    f1 = report.metric("macro_f1")
    assert f1.value == 1
    assert f1.low is None
    assert "never varies" in f1.note
    assert report.metric("top1").low == pytest.approx(wilson(12, 12)[0])


def test_gap_is_synthetic_minus_real():
    synthetic = measure([said("a", "a")] * 19 + [said("b", "a")], NAMES, "synthetic", resamples=200)
    real = measure([said("a", "a")] * 6 + [said("a", "b")] * 4, NAMES, "real", resamples=200)
    gap = make_gap(synthetic, real, ("a", "b"))
    top1 = gap.rows[0].gap
    assert (top1.value, top1.low, top1.high) == newcombe(19, 20, 6, 10)
    assert top1.value > 0
    nll = next(row.gap for row in gap.rows if row.name == "nll")
    assert nll.value < 0
    assert nll.low < nll.value < nll.high
    assert gap.left_out == ("c",)
    back = make_gap(real, synthetic, ("a", "b")).rows[0].gap
    assert (back.value, back.low, back.high) == pytest.approx((-top1.value, -top1.high, -top1.low))
    assert [row.name for row in gap.rows] == [*SHARES, *MEANS]


def test_gap_without_real_photos_says_so():
    gap = make_gap(measure(SOME, NAMES, "synthetic"), measure([], NAMES, "real"), ("a", "b", "c"))
    assert all(row.real.note == NOT_MEASURED and row.gap.value is None for row in gap.rows)
    assert compared_classes((), NAMES) == ("a", "b", "c")
    assert compared_classes((said("b", "a"), said(NONE_CLASS, "a")), NAMES) == ("b",)


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (0, 0, "0"),
        (1, 0, "100"),
        (11 / 12, 0, "92"),
        (0.996, 0, "99.6"),
        (0.9999, 0, ">99.9"),
        (0.004, 0, "0.4"),
        (0.0001, 1, "<0.1"),
        (0.123, 1, "12.3"),
    ],
)
def test_percent_never_rounds_to_certainty(share, decimals, text):
    assert percent(share, decimals) == text


def test_texts():
    low, high = wilson(11, 12)
    top1 = Metric(name="top1", value=11 / 12, low=low, high=high, n=12)
    assert metric_text(top1) == "92 % (65-99 %)"
    assert verdict(top1, "real") == "11 of 12 real photos right (92 %, 65–99 %)"
    assert verdict(Metric(name="top1", value=None), "real") == NOT_MEASURED
    assert metric_text(Metric(name="top1", value=None, note="no photo")) == "not measured: no photo"
    assert gap_text(Metric(name="top1", value=0.056, low=-0.021, high=0.3)) == "+5.6 points (-2.1 to +30.0)"
    assert gap_text(Metric(name="top1", value=-1e-9)) == "0.0 points"
    assert metric_text(Metric(name="nll", value=0.25, low=0.1, high=0.4, n=9)) == "0.250 (0.100-0.400)"


def test_mistakes_come_surest_first_and_right_answers_class_by_class():
    wrong = [said("a", "b", 0.4, "1"), said("b", "a", 0.9, "2"), said(NONE_CLASS, "a", 0.99, "3")]
    right = [said("a", "a", 0.7, "4"), said("a", "a", 0.6, "5"), said("b", "b", 0.9, "6")]
    assert [p.file for p in mistakes(wrong + right)] == ["2", "1"]
    assert [p.file for p in right_answers(wrong + right)] == ["5", "6", "4"]


def test_charts_count_what_they_show():
    right, wrong, alarms = histograms(SOME + WITHOUT)
    assert (right.total, wrong.total, alarms.total) == (9, 2, 2)
    assert right.heights[15] == 1  # 0.8 belongs to (0.75, 0.8]
    many = tuple(f"c{k:02d}" for k in range(40))
    predictions = [said(name, name) for name in many] + [said("c30", "c31")]
    table = matrix(measure(predictions, (*many, NONE_CLASS), "real", resamples=100).report)
    assert {"c30", "c31", NONE_CLASS} <= set(table.columns)
    assert len(table.columns) + table.left_out == 41
    row = next(cells for name, _, cells in table.rows if name == "c30")
    assert {(c.answer, c.count, c.share, c.right) for c in row if c.count} == {
        ("c30", 1, 0.5, True),
        ("c31", 1, 0.5, False),
    }
