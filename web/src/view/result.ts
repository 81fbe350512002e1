/** The result: the photo, the answer, the scan it came from, and "this is wrong". */

import type { Answer, ModelSummary } from "../types";
import { NONE } from "../types";
import type { Entry } from "../store";
import { pretty, text } from "../strings";
import { color, drawBoxes } from "./boxes";
import { blobImage, h, icon, type Sheet } from "./dom";
import type { Scans } from "../scans";

export interface ResultActions {
  /** The right answer was given; resolves with what to say. */
  correct(entry: Entry, label: string): Promise<string>;
}

/** Show an entry in the sheet. */
export function showResult(sheet: Sheet, entry: Entry, model: ModelSummary | null, pictures: Scans, actions: ResultActions): void {
  const { answer } = entry;
  const names = model?.class_names ?? [];
  const canvas = h("canvas", { class: "boxes", "aria-hidden": "true" });
  const photo = blobImage(entry.photo, text.photoAlt(headline(answer)));
  const paint = () => drawBoxes(canvas, answer.objects, answer.width, answer.height, names);
  photo.addEventListener("load", paint);
  const wrong = h("button", { type: "button", class: "pill quiet", id: "wrong" }, text.wrong);
  wrong.addEventListener("click", () => showChoices(sheet, entry, model, pictures, actions));
  sheet.show(
    text.result,
    h("figure", { class: "photo" }, photo, canvas),
    verdict(answer),
    answer.kind === "detector" ? objectList(answer, names, pictures) : scan(answer, pictures),
    answer.kind === "classifier" && weighed(answer),
    h("p", { class: "fine" }, answer.place === "device" ? text.onDeviceTook(answer.ms) : text.onServerTook(answer.ms), " · ", text.whichModel(answer.model)),
    entry.right !== undefined ? h("p", { class: "right" }, icon("check"), text.corrected(pretty(entry.right))) : null,
    names.length ? wrong : null,
  );
}

function headline(answer: Answer): string {
  if (answer.kind === "detector") {
    return answer.objects.length ? text.found(answer.objects.length, pretty(answer.label)) : text.foundNone;
  }
  if (answer.verdict === "none") return text.none;
  return answer.verdict === "unsure" ? text.unsure : pretty(answer.label);
}

function verdict(answer: Answer): HTMLElement {
  const more = answer.verdict === "unsure" ? text.unsureLong : answer.verdict === "none" ? text.noneLong : "";
  const maybe = answer.verdict === "unsure" ? h("p", { class: "maybe" }, `${text.unsureMaybe(pretty(answer.label))} · ${text.percent(answer.score)}`) : null;
  const share = answer.verdict === "sure" && answer.kind === "classifier" ? h("span", { class: "share" }, text.percent(answer.score)) : null;
  return h(
    "div",
    { class: "verdict", "data-verdict": answer.verdict, "data-label": answer.label, "data-score": answer.score },
    h("p", { class: "name" }, icon(answer.verdict === "sure" ? "check" : "alert"), headline(answer), share),
    maybe,
    more && h("p", { class: "fine" }, more),
  );
}

function scan(answer: Answer, pictures: Scans): HTMLElement | null {
  if (answer.verdict === "none") return null;
  const picture = pictures.get(answer.label);
  const name = pretty(answer.label);
  const words = h("figcaption", {}, h("span", { class: "fine" }, answer.verdict === "unsure" ? text.resembles : picture ? text.learnedFrom : text.learnedFromNoPicture), h("strong", {}, name));
  if (!picture) return h("figure", { class: "scan" }, words);
  if (!picture.strip) return h("figure", { class: "scan" }, words, blobImage(picture.face, text.scanAlt(name)));
  const strip = h("div", { class: "strip", tabindex: "0", role: "group", "aria-label": text.turntable(name) }, blobImage(picture.strip, ""));
  return h("figure", { class: "scan" }, words, strip);
}

function weighed(answer: Answer): HTMLElement {
  const rows = answer.scores.slice(0, 4).map(({ label, score }) =>
    h(
      "li",
      { "data-label": label, "data-score": score },
      h("span", { class: "name" }, label === NONE ? text.none : pretty(label)),
      h("span", { class: "share" }, text.percent(score)),
      h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill", style: `width:${(100 * score).toFixed(1)}%` })),
    ),
  );
  return h("section", { class: "weighed" }, h("h3", {}, text.otherAnswers), h("ul", {}, ...rows));
}

function objectList(answer: Answer, names: string[], pictures: Scans): HTMLElement | null {
  if (!answer.objects.length) return null;
  const rows = answer.objects.map((found) => {
    const scanned = pictures.get(found.label);
    const picture = scanned ? blobImage(scanned.face, text.scanAlt(pretty(found.label))) : h("span", { class: "dot", style: `background:${color(names, found.label)}` });
    return h("li", { "data-label": found.label, "data-score": found.score }, picture, h("span", { class: "name" }, pretty(found.label)), h("span", { class: "share" }, text.percent(found.score)));
  });
  return h("section", { class: "objects" }, h("h3", {}, rows.length > 1 ? text.learnedFromThese : text.learnedFrom), h("ul", {}, ...rows));
}

/** A face for a class: its scan, or its first letter. */
export function face(label: string, pictures: Scans): HTMLElement {
  const picture = pictures.get(label);
  if (picture) return blobImage(picture.face, "");
  return h("span", { class: "letter", "aria-hidden": "true" }, label === NONE ? "–" : pretty(label).charAt(0));
}

function showChoices(sheet: Sheet, entry: Entry, model: ModelSummary | null, pictures: Scans, actions: ResultActions): void {
  const labels = [...(model?.class_names ?? []).filter((label) => label !== NONE), NONE];
  const choose = async (label: string) => {
    const said = await actions.correct(entry, label);
    sheet.show(text.result, h("div", { class: "thanks", role: "status" }, icon("check"), h("p", {}, said)));
  };
  const grid = labels.map((label) =>
    h("button", { type: "button", class: "choice", "data-label": label, onclick: () => void choose(label) }, face(label, pictures), h("span", {}, label === NONE ? text.other : pretty(label))),
  );
  sheet.show(text.whatIsIt, h("div", { class: "choices" }, ...grid));
}
