"""The run's page: that of its evaluation, or those of two models in one file, with a table of both above them."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from photosynth.core.codec import write_atomic

_MAIN = re.compile(r'(<main id="main">)(.*)(</main>)', re.DOTALL)
_LINK = re.compile(r'(?<=[ <])(id="|aria-labelledby="|href="#)')


def write_report(evaluations: Sequence[Path], target: Path) -> None:
    """Write one page of the evaluations, one or two.

    Args:
        evaluations: finished folders, the classifier's first.
        target: the page; like theirs it is one file that loads nothing.
    """
    pages = [(folder / "report.html") for folder in evaluations]
    if len(pages) == 1:
        shutil.copyfile(pages[0], target)
        return
    texts = [page.read_text(encoding="utf-8") for page in pages]
    write_atomic(target, joined(texts[0], texts[1], _table(evaluations)).encode())


def joined(first: str, second: str, above: str) -> str:
    """Two pages as one: the second's sections after the first's, under names of their own, and `above` before both."""
    theirs = _LINK.sub(r"\1detector-", _MAIN.search(second)[2])
    title = '<section aria-labelledby="{0}"><h2 id="{0}">{1}</h2></section>\n'
    ours = title.format("part-classifier", "The classifier") + _MAIN.search(first)[2]
    whole = above + ours + title.format("part-detector", "The detector") + theirs
    return _MAIN.sub(lambda found: found[1] + "\n" + whole + found[3], first)


def _table(evaluations: Sequence[Path]) -> str:
    """The scores of all models side by side."""
    from photosynth.evaluate.summary import summary_table

    rows = []
    for title, folder in zip(("Classifier", "Detector"), evaluations, strict=True):
        rows.append(f'<tr><th scope="rowgroup" colspan="4">{title}</th></tr>')
        for row in summary_table(folder):
            name, *scores = (html.escape(cell) for cell in row)
            rows.append(f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{score}</td>" for score in scores) + "</tr>")
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("", "Synthetic", "Real", "Gap"))
    return (
        '<section aria-labelledby="both">\n<h2 id="both">Both models</h2>\n'
        '<p class="caption">Each on held-out rendered pictures of its own kind, and on the same real photos. '
        '<a href="#part-classifier">The classifier</a> and <a href="#part-detector">the detector</a> in detail follow.'
        '</p>\n<div class="scroll" role="region" aria-labelledby="both" tabindex="0">\n'
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table>\n</div>\n</section>\n"
    )
