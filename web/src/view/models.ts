/** Models and settings: which model, which of its files, what it knows, where it runs. */

import type { State } from "../engine";
import { inApp } from "../server";
import { NONE, type ModelFile, type ModelSummary } from "../types";
import { pretty, text } from "../strings";
import { h, type Sheet } from "./dom";
import { face } from "./result";
import type { Scans } from "../scans";

export interface ModelActions {
  pick(model: ModelSummary): void;
  pickFile(file: ModelFile): void;
  restart(): void;
}

/** Show them. */
export function showModels(
  sheet: Sheet,
  models: ModelSummary[],
  model: ModelSummary | null,
  file: ModelFile | null,
  state: State | null,
  pictures: Scans,
  needsKey: boolean,
  actions: ModelActions,
): void {
  sheet.show(
    text.models,
    models.length > 1 &&
      choice(text.model, "model", models, (m) => m === model, (m) => [pretty(m.name), text[m.kind]], actions.pick),
    model &&
      model.files.length > 1 &&
      choice(text.download, "file", model.files, (f) => f === file, words, actions.pickFile),
    state && status(state),
    model && knows(model, pictures),
    needsKey || localStorage.getItem("key") ? field("key", text.key, text.saveKey, "password", actions.restart) : null,
    inApp && field("server", text.server, text.saveServer, "url", actions.restart),
  );
}

function words(file: ModelFile): [string, string] {
  const mb = (file.bytes / 1e6).toFixed(1);
  return file.precision === "float32" ? [text.precise(mb), text.preciseHint] : [text.small(mb), text.smallHint];
}

function choice<T>(title: string, name: string, items: T[], chosen: (item: T) => boolean, say: (item: T) => [string, string], pick: (item: T) => void): HTMLElement {
  const rows = items.map((item) => {
    const [first, second] = say(item);
    const input = h("input", { type: "radio", name, checked: chosen(item), onchange: () => pick(item) });
    return h("label", { class: "option" }, input, h("span", {}, h("strong", {}, first), h("span", { class: "fine" }, second)));
  });
  return h("fieldset", {}, h("legend", {}, title), ...rows);
}

function status(state: State): HTMLElement {
  if (state.stage === "loading") return h("p", { class: "panel" }, text.loadingModel(state.share));
  if (state.stage === "server") {
    return h("div", { class: "panel" }, h("p", {}, text.privacyServer), h("p", { class: "fine" }, `${text.whyServer}: ${state.reason}`));
  }
  const checked = state.difference < 0 ? text.checkedBefore : text.checked(state.difference.toPrecision(1));
  return h("div", { class: "panel" }, h("p", {}, text.privacy), h("p", { class: "fine" }, checked));
}

function knows(model: ModelSummary, pictures: Scans): HTMLElement {
  const items = model.class_names
    .filter((label) => label !== NONE)
    .map((label) => h("li", {}, face(label, pictures), h("span", {}, pretty(label))));
  return h("section", {}, h("h3", {}, text.thingsItKnows), h("ul", { class: "choices" }, ...items));
}

function field(name: string, label: string, save: string, type: string, done: () => void): HTMLElement {
  const input = h("input", { id: `field-${name}`, type, autocomplete: "off", value: localStorage.getItem(name) ?? "" });
  const submit = (event: Event) => {
    event.preventDefault();
    const value = input.value.trim();
    if (!value) localStorage.removeItem(name);
    else localStorage.setItem(name, type === "url" && !value.endsWith("/") ? `${value}/` : value);
    done();
  };
  return h("form", { class: "field", onsubmit: submit }, h("label", { for: `field-${name}` }, label), input, h("button", { class: "pill" }, save));
}
