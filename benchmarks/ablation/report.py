"""Report: the results as tables in ablation.md. What stands above the marker line is written by hand and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from ablation.statistics import Difference, Scores, compare_all, compare_joined, paired, scores
from ablation.study import BASELINE, Result, Study, Variant

MARKER = "<!-- Below: written by `python benchmarks/ablation.py --report`; edits there are lost. -->"
HEAD = "# Ablation: what in a recipe makes a better classifier on real photos\n\n"
SCORE_HEADS = (
    ("photo_nll", "log-loss", "{:.3f}"),
    ("photo_p", "mean p", "{:.3f}"),
    ("top1", "top-1", "{:.1%}"),
    ("recall_at_threshold", "recall at the threshold", "{:.1%}"),
    ("recall_at_5", "recall at 5 % alarms", "{:.1%}"),
    ("negative_nll", "log-loss, no object", "{:.3f}"),
    ("alarms_at_half", "alarms at 0.5", "{:.1%}"),
    ("alarms_at_threshold", "alarms at the threshold", "{:.1%}"),
)


def write_report(study: Study, results: Sequence[Result], path: Path) -> Path:
    """Write the report; the hand-written part above the marker stays as it is."""
    head = HEAD
    if path.is_file():
        head = path.read_text(encoding="utf-8").partition(MARKER)[0]
    path.write_text(head.rstrip() + "\n\n" + MARKER + "\n\n" + report_text(study, results), encoding="utf-8")
    return path


def report_text(study: Study, results: Sequence[Result]) -> str:
    """The generated part: how it was made, then for each photo set the comparisons and the figures."""
    by_set = {name: latest(r for r in results if r.set == name) for name in study.sets}
    parts = [how_made(study, results)]
    filled = {name: runs for name, runs in by_set.items() if runs}
    if len(filled) > 1 and len({study.sets[name].negatives for name in filled}) == 1:
        parts += joined_section(study, filled)
    parts += [set_section(study, name, runs) for name, runs in filled.items()]
    return "\n\n".join(parts) + "\n"


def latest(results: object) -> dict[str, list[Result]]:
    """Runs by variant in the order of the results; of two with one seed and commit, the later one."""
    found: dict[str, dict[tuple[str, int], Result]] = {}
    for result in results:
        found.setdefault(result.variant, {})[result.commit, result.seed] = result
    return {name: [runs[key] for key in sorted(runs)] for name, runs in found.items()}


def how_made(study: Study, results: Sequence[Result]) -> str:
    """Machine, dates, versions, command."""
    if not results:
        return "No runs yet."
    dates = sorted(r.date for r in results)
    cpu_min = sum(r.cpu_s for r in results) / 60
    lines = [
        "## How it was made",
        "",
        f"- {len(results)} runs, {cpu_min:.0f} CPU-minutes, {dates[0]} to {dates[-1]} UTC; "
        f"{', '.join(sorted({r.machine for r in results}))}.",
        f"- photosynth {', '.join(sorted({r.commit for r in results}))}.",
        "- `nice -n 19 python benchmarks/ablation.py --data DATA --work WORK`, then "
        "`python benchmarks/ablation.py --report`; the variants are in `ablation/variants.toml`.",
    ]
    used = {study.variant(r.variant).budget for r in results if r.variant in {v.name for v in study.variants}}
    lines += [f"- Budget `{name}`: {study.budgets[name].about}." for name in study.budgets if name in used]
    return "\n".join(lines)


def joined_section(study: Study, by_set: dict[str, dict[str, list[Result]]]) -> list[str]:
    """The table over all photo sets, if anything can be said."""
    found = compare_joined(list(by_set.values()), {v.name: v.against for v in study.variants})
    if not found:
        return []
    groups = list(dict.fromkeys(v.group for v in study.variants))
    lines = ["| variant | what | seeds | both | verdict |", "|---|---|---|---|---|"]
    for variant in sorted(study.variants, key=lambda v: groups.index(v.group)):
        if variant.name in found:
            change, seeds = found[variant.name]
            text = f"{interval_text(change)} | {verdict(change)}"
            lines.append(f"| `{variant.name}` | {described(variant)} | {seeds} | {text} |")
    return [
        f"## {' and '.join(by_set)} together",
        "The mean of the sets' changes in the mean log-loss, on photos of objects and on those without; below 0 is "
        "better. A photo without objects counts as one photo, whichever set's model it was shown to.",
        "\n".join(lines),
    ]


def described(variant: Variant) -> str:
    """What a variant is, and against which other, if not against the baseline."""
    return variant.what if variant.against == BASELINE else f"{variant.what}; against `{variant.against}`"


def set_section(study: Study, name: str, runs: dict[str, list[Result]]) -> str:
    """The two tables of one photo set."""
    one = next(iter(runs.values()))[0]
    known = [v for v in study.variants if v.name in runs]
    table = compare_all({v.name: runs[v.name] for v in known}, {v.name: v.against for v in known})
    return "\n\n".join(
        [
            f"## {name}: {len(one.photo_p)} photos of objects, {len(one.negative_none_p)} without",
            "### Against the baseline",
            "Changes with 95 % intervals over photos and seeds. Log-losses and alarms: below 0 is better. The verdict "
            "is that of the first column, the mean of the log-loss on photos of objects and on those without.",
            comparison_table(known, runs, table),
            "### Figures",
            "Means over runs, ± half their range.",
            figure_table(known, runs),
        ]
    )


def comparison_table(known: Sequence[Variant], runs: dict[str, list[Result]], table: dict) -> str:
    """One row for each compared variant, by group in the order of the study."""
    lines = [
        "| variant | what | seeds | both | objects | no object | alarms at 0.5 | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    groups = list(dict.fromkeys(v.group for v in known))
    for variant in sorted(known, key=lambda v: groups.index(v.group)):
        row = table.get(variant.name)
        if row is None:
            continue
        cells = [interval_text(row[q]) for q in ("loss", "photo_nll", "negative_nll")]
        cells.append(interval_text(row["false_alarms"], percent=True))
        pairs, last = len(paired(runs[variant.name], runs[variant.against], "loss")[0]), verdict(row["loss"])
        lines.append(f"| `{variant.name}` | {described(variant)} | {pairs} | {' | '.join(cells)} | {last} |")
    return "\n".join(lines)


def figure_table(known: Sequence[Variant], runs: dict[str, list[Result]]) -> str:
    """One row for each variant: the figures of a single run, averaged over all runs."""
    assert {f.name for f in fields(Scores)} >= {key for key, _, _ in SCORE_HEADS}
    lines = [
        "| variant | runs | pictures | " + " | ".join(head for _, head, _ in SCORE_HEADS) + " | CPU-min a run |",
        "|---" * (len(SCORE_HEADS) + 4) + "|",
    ]
    for variant in known:
        mine = runs[variant.name]
        each = [scores(result) for result in mine]
        cells = [spread_text([getattr(s, key) for s in each], form) for key, _, form in SCORE_HEADS]
        minutes = np.mean([r.cpu_s for r in mine]) / 60
        lines.append(f"| `{variant.name}` | {len(mine)} | {mine[0].n_images} | {' | '.join(cells)} | {minutes:.1f} |")
    return "\n".join(lines)


def verdict(change: Difference) -> str:
    """better, worse or undecided, for a quantity of which less is better."""
    if not change.decided:
        return "undecided"
    return "**better**" if change.high < 0 else "**worse**"


def interval_text(change: Difference, percent: bool = False) -> str:
    """Such as "+0.12 (-0.03 to +0.27)"; in bold where the interval leaves out 0."""
    scale, form = (100.0, "{:+.1f}") if percent else (1.0, "{:+.3f}")
    mean, low, high = (form.format(v * scale) for v in (change.mean, change.low, change.high))
    text = f"{mean} ({low} to {high})" + (" pp" if percent else "")
    return f"**{text}**" if change.decided else text


def spread_text(values: Sequence[float], form: str) -> str:
    """The mean, and half the range where there are several."""
    mean = form.format(float(np.mean(values)))
    return mean if len(values) < 2 else f"{mean} ± {form.format(float(np.ptp(values)) / 2).rstrip('%')}"
