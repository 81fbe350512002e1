/** The history: photos asked about, and the corrected ones to take away. */

import { exportZip } from "../corrections";
import { all, clear, type Entry } from "../store";
import { pretty, text } from "../strings";
import { blobImage, h, icon, type Sheet } from "./dom";
import { liveName } from "./stage";

/** Show it; `open` is told which entry was tapped. */
export async function showHistory(sheet: Sheet, open: (entry: Entry) => void): Promise<void> {
  const [entries, corrections] = await Promise.all([all("history"), all("corrections")]);
  const again = () => void showHistory(sheet, open);
  const tiles = entries.map((entry) => {
    const name = entry.right === undefined ? liveName(entry.answer) : pretty(entry.right);
    const marks = { class: "tile", type: "button", "data-verdict": entry.answer.verdict, onclick: () => open(entry) };
    return h("button", marks, blobImage(entry.thumb, ""), h("span", {}, entry.right !== undefined && icon("check"), name));
  });
  sheet.show(
    text.history,
    tiles.length ? h("div", { class: "tiles" }, ...tiles) : h("p", { class: "empty" }, icon("photo"), text.historyEmpty),
    corrections.length
      ? h(
          "section",
          { class: "panel" },
          h("p", {}, text.corrections(corrections.length)),
          h("div", { class: "row" }, h("button", { type: "button", class: "pill", id: "export", onclick: () => void save() }, text.exportZip), twice(text.clearCorrections, () => clear("corrections").then(again))),
        )
      : null,
    tiles.length ? twice(text.clearHistory, () => clear("history").then(again)) : null,
  );
}

/** A button that deletes at the second tap. */
function twice(label: string, act: () => void): HTMLButtonElement {
  let armed = false;
  const button = h("button", { type: "button", class: "pill quiet" }, label);
  button.addEventListener("click", () => {
    if (armed) return act();
    armed = true;
    button.textContent = text.really;
  });
  return button;
}

async function save(): Promise<void> {
  const blob = await exportZip();
  const name = "corrections.zip";
  const file = new File([blob], name, { type: blob.type });
  const phone = matchMedia("(pointer: coarse)").matches;
  if (phone && navigator.canShare?.({ files: [file] })) {
    await navigator.share({ files: [file] }).catch(() => undefined);
    return;
  }
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
