"""Accuracy on real photos: the main job with defaults, classifier and detector, seed by seed, into one table.

    python benchmarks/accuracy.py WORK --set products SCANS PHOTOS --set box SCANS PHOTOS --negatives FOLDER --seeds 0 1

Each (set, seed) is one ``photosynth run SCANS --real PHOTOS --negatives FOLDER --models both --seed SEED`` in
WORK/NAME-SEED, resumed if it was interrupted and skipped if it is finished; flags after ``--`` go to every one.
``--report`` runs nothing. The table goes to the standard output: real figures with their 95 % intervals, the synthetic
ones beside them, and CPU minutes (of this process's children: 0 for what was finished before).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

HEAD = ("set", "seed", "model", "mAP50", "mAP50_95", "synthetic", "boxes per negative", "surest box", "CPU-min")
ROWS = (("evaluate_detector", "detector"), ("evaluate_second_look", "detector, second look"))


def main() -> None:
    """Read the command line, run what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--set", nargs=3, action="append", metavar=("NAME", "SCANS", "PHOTOS"), required=True)
    parser.add_argument("--negatives", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--report", action="store_true", help="print the table of what is finished")
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:at])
    print(_line(HEAD))
    print(_line(["---"] * len(HEAD)))
    for name, scans, photos in options.set:
        for seed in options.seeds:
            out = options.work / f"{name}-{seed}"
            spent = 0.0 if options.report else run(scans, photos, options.negatives, seed, out, given[at + 1 :])
            for row in rows_of(out):
                print(_line([name, str(seed), *row, f"{spent / 60:.0f}"]), flush=True)


def run(scans: str, photos: str, negatives: Path | None, seed: int, out: Path, more: list[str]) -> float:
    """One run to its end; the CPU seconds it took."""
    command = [sys.executable, "-m", "photosynth", "run", scans, "--real", photos, "--models", "both"]
    command += ["--seed", str(seed), "--out", str(out), *more]
    command += ["--negatives", str(negatives)] if negatives else []
    before = _children_s()
    subprocess.run(command, check=True, stdout=sys.stderr)
    return _children_s() - before


def rows_of(run_folder: Path) -> list[list[str]]:
    """The figures of a run's models; none of what is not finished."""
    rows = []
    if (run_folder / "evaluate" / "manifest.json").is_file():
        real, synthetic = (_metrics(run_folder / "evaluate" / f"report_{source}.json") for source in SOURCES)
        rows.append(["classifier", "", "", "top-1 " + _share(synthetic["top1"]), "", "top-1 " + _share(real["top1"])])
    for folder, title in ROWS:
        if (run_folder / folder / "manifest.json").is_file():
            real, synthetic = (_metrics(run_folder / folder / f"report_detector_{source}.json") for source in SOURCES)
            alarms = real["false_alarms_best_f1"]
            rows.append(
                [
                    title,
                    _share(real["map50"]),
                    _share(real["map50_95"]),
                    f"{_share(synthetic['map50'])} / {_share(synthetic['map50_95'])}",
                    "" if alarms["value"] is None else f"{alarms['value']:.3f}",
                    _share(real["top_box_top1"]),
                ]
            )
    return rows


SOURCES = ("real", "synthetic")


def _metrics(path: Path) -> dict[str, dict]:
    return {metric["name"]: metric for metric in json.loads(path.read_text())["metrics"]}


def _share(metric: dict) -> str:
    if metric["value"] is None:
        return "not measured"
    if metric["low"] is None:  # every bootstrap sample scored the same
        return f"{metric['value']:.3f}"
    return f"{metric['value']:.3f} ({metric['low']:.3f}–{metric['high']:.3f})"


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
