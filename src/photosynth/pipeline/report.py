"""The run's page: that of its evaluation, or those of all in one file, with a table of their scores above them."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from photosynth.core.codec import write_atomic
from photosynth.pipeline.settings import SECOND_LOOK

_MAIN = re.compile(r'(<main id="main">)(.*)(</main>)', re.DOTALL)
_LINK = re.compile(r'(?<=[ <])(id="|aria-labelledby="|href="#)')


class Part(NamedTuple):
    """One evaluation of a run: the word that its names on the page begin with, and its title."""

    prefix: str
    title: str


PARTS = {
    "evaluate": Part("classifier", "The classifier"),
    "evaluate_detector": Part("detector", "The detector"),
    SECOND_LOOK: Part("second-look", "The detector with a second look"),
}
"""By the evaluation's folder."""


def write_report(evaluations: Sequence[Path], target: Path) -> None:
    """Write one page of the evaluations.

    Args:
        evaluations: finished folders, named as in PARTS if there are several.
        target: the page; like theirs it is one file that loads nothing.
    """
    pages = [(folder / "report.html") for folder in evaluations]
    if len(pages) == 1:
        shutil.copyfile(pages[0], target)
        return
    texts = {PARTS[page.parent.name]: page.read_text(encoding="utf-8") for page in pages}
    write_atomic(target, joined(texts, _table(evaluations)).encode())


def joined(pages: dict[Part, str], above: str) -> str:
    """Pages as one: the sections of each after those of the one before, under names of their own, and `above` first.

    The first page lends its head, and keeps its names.
    """
    title = '<section aria-labelledby="{0}"><h2 id="{0}">{1}</h2></section>\n'
    first, whole = "", above
    for part, page in pages.items():
        inner = _MAIN.search(page)[2]
        whole += title.format(f"part-{part.prefix}", part.title)
        whole += _LINK.sub(rf"\1{part.prefix}-", inner) if first else inner
        first = first or page
    return _MAIN.sub(lambda found: found[1] + "\n" + whole + found[3], first)


def closing_rows(evaluations: Sequence[Path]) -> list[tuple[str, str, str, str]]:
    """The closing table of a run: (name, synthetic, real, gap) of each score, under a title for each evaluation if
    there are several."""
    from photosynth.evaluate.summary import summary_table

    rows: list[tuple[str, str, str, str]] = []
    for folder in evaluations:
        if len(evaluations) > 1:
            rows.append((f"{PARTS[folder.name].title}:", "", "", ""))
        rows += [tuple(row) for row in summary_table(folder)]
    return rows


def _table(evaluations: Sequence[Path]) -> str:
    """The scores of all side by side."""
    from photosynth.evaluate.summary import summary_table

    rows, parts = [], [PARTS[folder.name] for folder in evaluations]
    for part, folder in zip(parts, evaluations, strict=True):
        rows.append(f'<tr><th scope="rowgroup" colspan="4"><b>{part.title}</b></th></tr>')
        for row in summary_table(folder):
            name, *scores = (html.escape(cell) for cell in row)
            rows.append(f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{score}</td>" for score in scores) + "</tr>")
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("", "Synthetic", "Real", "Gap"))
    links = ", ".join(f'<a href="#part-{part.prefix}">{part.title.lower()}</a>' for part in parts)
    return (
        '<section aria-labelledby="both">\n<h2 id="both">Both models</h2>\n'
        '<p class="caption">Each on held-out rendered pictures of its own kind, and on the same real photos. '
        f"In detail follow: {links}.</p>\n"
        '<div class="scroll" role="region" aria-labelledby="both" tabindex="0">\n'
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table>\n</div>\n</section>\n"
    )
