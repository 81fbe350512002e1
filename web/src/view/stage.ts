/** The stage: the camera's picture with the answer over it, and the buttons under the thumb. */

import type { Answer, ModelSummary } from "../types";
import type { State } from "../engine";
import { pretty, text } from "../strings";
import type { Scans } from "../scans";
import { drawBoxes } from "./boxes";
import { blobImage, h, icon, iconButton, release } from "./dom";

export interface StageActions {
  shutter(): void;
  files(files: File[]): void;
  history(): void;
  models(): void;
  closeCamera(): void;
  turn(): void;
}

/** The page behind the sheets. */
export class Stage {
  readonly video = h("video", { playsinline: true, muted: true, "aria-label": text.viewfinder });
  private readonly canvas = h("canvas", { class: "boxes", "aria-hidden": "true" });
  private readonly badge = h("p", { class: "badge", role: "status" });
  private readonly notice = h("div", { class: "notice", role: "alert", hidden: true });
  private readonly card = h("button", { type: "button", class: "card", hidden: true });
  private readonly speaker = h("div", { class: "sr-only", "aria-live": "polite" });
  private readonly known = h("div", { class: "known" });
  private readonly welcome: HTMLElement;
  private readonly tools: HTMLElement;
  private readonly turnButton: HTMLButtonElement;
  private readonly shutter: HTMLButtonElement;
  private readonly file = h("input", { type: "file", accept: "image/*", class: "sr-only", id: "file", tabindex: "-1", "aria-hidden": "true" });
  readonly finder: HTMLElement;
  private spoken = "";
  private cardKey = "";

  constructor(actions: StageActions) {
    this.file.addEventListener("change", () => {
      actions.files([...(this.file.files ?? [])]);
      this.file.value = "";
    });
    this.card.addEventListener("click", actions.shutter);
    this.shutter = h("button", { type: "button", class: "shutter", onclick: actions.shutter });
    this.turnButton = iconButton("turn", text.switchCamera, actions.turn, { hidden: true });
    this.tools = h("div", { class: "tools", hidden: true }, iconButton("close", text.closeCamera, actions.closeCamera), this.turnButton);
    this.welcome = h(
      "div",
      { class: "welcome" },
      h("div", { class: "mark" }, icon("camera")),
      h("p", { class: "claim" }, text.claim),
      this.known,
      h("p", { class: "hint" }, text.dropHint),
    );
    this.finder = h("section", { class: "finder", "aria-label": text.viewfinder }, this.video, this.canvas, this.welcome, this.notice, this.tools, this.card);
    const choose = iconButton("photo", text.choosePhoto, () => this.choose());
    const bar = h("header", { class: "bar" }, h("h1", {}, text.title), this.badge, iconButton("more", text.models, actions.models));
    const controls = h("nav", { class: "controls", "aria-label": text.title }, choose, this.shutter, iconButton("history", text.history, actions.history));
    document.getElementById("app")!.replaceChildren(bar, h("main", {}, this.finder), controls, this.file, this.speaker);
    this.setLive(false);
  }

  /** Open the file chooser; `camera` opens the phone's own camera instead. */
  choose(camera = false): void {
    if (camera) this.file.setAttribute("capture", "environment");
    else this.file.removeAttribute("capture");
    this.file.click();
  }

  /** Show the camera's picture, or the welcome. */
  setLive(live: boolean, several = false, mirrored = false): void {
    this.finder.classList.toggle("live", live);
    this.video.classList.toggle("mirrored", mirrored);
    this.welcome.hidden = live;
    this.tools.hidden = !live;
    this.turnButton.hidden = !several;
    const label = live ? text.shutter : text.openCamera;
    this.shutter.setAttribute("aria-label", label);
    this.shutter.title = label;
    this.shutter.replaceChildren(...(live ? [] : [icon("camera")]));
    if (!live) this.showLive(null, null);
  }

  /** What stands in the way, with a way out; null takes it away. */
  setNotice(message: string | null, label?: string, action?: () => void): void {
    this.notice.hidden = message === null;
    this.notice.replaceChildren();
    if (message === null) return;
    const button = label && action ? h("button", { type: "button", class: "pill", onclick: action }, label) : null;
    this.notice.append(icon("alert"), h("p", {}, message), button ?? "");
  }

  /** Where answers come from. */
  setState(state: State | null, online: boolean): void {
    let words = "";
    if (state?.stage === "loading") words = state.share < 1 ? text.loadingModel(state.share) : text.startingModel;
    else if (state) words = state.stage === "device" ? text.onDevice : text.onServer;
    if (!online && state?.stage === "device") words = `${text.onDevice} · ${text.offline}`;
    this.badge.dataset.stage = state?.stage ?? "";
    if (this.badge.dataset.words === words) return;
    this.badge.dataset.words = words;
    this.badge.replaceChildren(...(words ? [icon(state!.stage === "server" ? "server" : "device"), h("span", {}, words)] : []));
  }

  /** Pictures of what the model knows. */
  setKnown(model: ModelSummary, pictures: Scans): void {
    release(this.known);
    const count = model.class_names.filter((name) => name !== "none of these").length;
    const row = h("div", { class: "faces" });
    for (const [label, { face }] of [...pictures].slice(0, 5)) row.append(blobImage(face, text.scanAlt(pretty(label))));
    this.known.append(row, h("p", {}, text.knows(count)));
  }

  /** The answer over the live picture; null for none yet. */
  showLive(answer: Answer | null, model: ModelSummary | null, pictures?: Scans): void {
    this.card.hidden = !this.finder.classList.contains("live");
    if (!answer || !model) {
      this.cardKey = "";
      this.canvas.getContext("2d")!.clearRect(0, 0, this.canvas.width, this.canvas.height);
      release(this.card);
      this.card.dataset.verdict = "";
      this.card.append(h("span", { class: "name" }, text.looking));
      return;
    }
    drawBoxes(this.canvas, answer.objects, answer.width, answer.height, model.class_names);
    const name = liveName(answer);
    const key = `${answer.verdict}/${name}/${answer.label}`;
    if (key !== this.cardKey) {
      this.cardKey = key;
      release(this.card);
      this.card.dataset.verdict = answer.verdict;
      const blob = answer.verdict === "none" ? undefined : pictures?.get(answer.label)?.face;
      const words = h("span", { class: "words" }, h("span", { class: "name" }, name), answer.verdict === "unsure" && h("span", { class: "sub" }, text.unsureMaybe(pretty(answer.label))));
      this.card.append(blob ? blobImage(blob, "") : h("span", { class: "dot" }, icon(answer.verdict === "sure" ? "check" : "alert")), words, h("span", { class: "share" }));
      this.speak(name);
    }
    const share = this.card.querySelector(".share")!;
    share.textContent = answer.verdict === "none" || answer.objects.length > 1 ? "" : text.percent(answer.score);
  }

  /** Say something to screen readers. */
  speak(words: string): void {
    if (words !== this.spoken) this.speaker.textContent = this.spoken = words;
  }
}

/** An answer in a few words. */
export function liveName(answer: Answer): string {
  if (answer.kind === "detector") {
    const first = answer.objects[0];
    return first ? text.found(answer.objects.length, pretty(first.label)) : text.foundNone;
  }
  if (answer.verdict === "none") return text.none;
  return answer.verdict === "unsure" ? text.unsure : pretty(answer.label);
}
