"""What in a recipe makes a better classifier on real photos: the same small training run, one thing changed.

    python benchmarks/ablation.py --list
    nice -n 19 python benchmarks/ablation.py --data DATA --work WORK --results RESULTS.jsonl
    python benchmarks/ablation.py --variants baseline occluders-none --seeds 4 --data DATA --work WORK
    python benchmarks/ablation.py --report

Variants are defined in ablation/variants.toml and run in its order. Each finished run is one line of the results;
what is finished is skipped, so a queue can be killed at any time and started again with the same command. DATA has
the folders that variants.toml names; it is not part of this repository. --report writes ablation.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import filelock
from ablation.study import jobs, load_study, n_images, read_results

HERE = Path(__file__).resolve().parent
MAX_FAILURES = 3
"""Runs that may fail one after another before the queue stops."""


def say(text: str) -> None:
    """One line with the time."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def run_queue(options: argparse.Namespace) -> int:
    """Run what is missing, one run after another; returns the exit code."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, str(options.threads))
    from ablation.runner import job_digest, run_job, source_commit
    from ablation.study import append_result

    study = load_study()
    order = jobs(study, options.variants, options.sets, options.seeds, options.last_round)
    wanted = [(job, job_digest(job, study)) for job in order]
    done = {(r.variant, r.set, r.seed, r.digest) for r in read_results(options.results)}
    left = [(job, key) for job, key in wanted if (job.variant.name, job.set, job.seed, key) not in done]
    say(f"{len(wanted) - len(left)} of {len(wanted)} runs are finished; photosynth {source_commit()}")
    failures = 0
    for number, (job, _) in enumerate(left, 1):
        say(f"run {number} of {len(left)}: {job.variant.name}, {job.set}, seed {job.seed}")
        try:
            result = run_job(job, study, options.data, options.work, options.threads, lambda text: say(f"    {text}"))
        except Exception as error:  # the queue goes on with the next variant
            failures += 1
            say(f"    failed: {type(error).__name__}: {error}")
            if failures == MAX_FAILURES:
                say(f"{MAX_FAILURES} runs failed one after another; stopped")
                return 1
            continue
        failures = 0
        append_result(options.results, result)
        say(f"    done: {sum(result.wall_s.values()):.0f} s, {result.cpu_s:.0f} CPU-s")
    say("nothing is left to run")
    return 0


def list_variants() -> int:
    """Print the table of variants."""
    study = load_study()
    for v in study.variants:
        counts = ", ".join(f"{name} {n_images(v, study, name)}" for name in v.sets)
        print(f"{v.name:24} {v.group:18} seeds {v.seeds}  pictures: {counts:28} {v.what}")
    return 0


def main() -> int:
    """Read the command line; run the queue, or list, or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data", help="the photo sets")
    parser.add_argument("--work", type=Path, default=Path("ablation-work"), help="catalogues and passing files")
    parser.add_argument("--results", type=Path, default=HERE / "ablation" / "results.jsonl")
    parser.add_argument("--variants", nargs="+", default=[], help="only these")
    parser.add_argument("--sets", nargs="+", default=[], help="only these photo sets")
    parser.add_argument("--seeds", type=int, default=0, help="run every chosen variant with at least so many seeds")
    parser.add_argument("--last-round", type=int, help="leave out variants of later rounds")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--list", action="store_true", help="show the variants and stop")
    parser.add_argument("--report", action="store_true", help="write ablation.md from the results and stop")
    options = parser.parse_args()
    if options.list:
        return list_variants()
    if options.report:
        from ablation.report import write_report

        path = write_report(load_study(), read_results(options.results), HERE / "ablation.md")
        print(path)
        return 0
    options.results.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(options.results.with_name(options.results.name + ".lock"), timeout=0):
        return run_queue(options)


if __name__ == "__main__":
    sys.exit(main())
