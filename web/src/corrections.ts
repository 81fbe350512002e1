/** Corrections: photos with the right answer, kept here, sent to servers that keep them, and given out as a zip. */

import { all, add, type Correction } from "./store";
import { sendCorrection } from "./server";
import { zip } from "./zip";

/** Keep a correction here and, if the server wants them, there. Returns whether the server has it too. */
export async function correct(row: Omit<Correction, "id">, serverKeeps: boolean): Promise<boolean> {
  await add("corrections", row);
  if (!serverKeeps) return false;
  return sendCorrection(row.photo, row.label, row.answered, row.model).then(
    () => true,
    () => false,
  );
}

/** A class as the name of a folder. */
export function folderName(label: string): string {
  return label.replace(/[\x00-\x1f/\\:*?"<>|]+/g, "_").replace(/^[. ]+|[. ]+$/g, "") || "class";
}

/** All corrections: CLASS/NAME.jpg folders, which `photosynth evaluate --real` reads, and the same list as COCO. */
export async function exportZip(): Promise<Blob> {
  const rows = (await all("corrections")).reverse();
  const labels = [...new Set(rows.map((row) => row.label))].sort();
  const name = (row: Correction) => `${folderName(row.label)}/${String(row.id).padStart(6, "0")}.jpg`;
  const coco = {
    images: rows.map((row, k) => ({ id: k + 1, file_name: name(row), width: row.width, height: row.height })),
    categories: labels.map((label, k) => ({ id: k + 1, name: label })),
    annotations: rows.map((row, k) => ({
      id: k + 1,
      image_id: k + 1,
      category_id: labels.indexOf(row.label) + 1,
      bbox: [0, 0, row.width, row.height],
      area: row.width * row.height,
      iscrowd: 0,
    })),
  };
  const lines = rows.map(({ label, answered, model, time }, k) =>
    JSON.stringify({ file: coco.images[k].file_name, label, answered, model, received_s: time / 1000 }),
  );
  return zip([
    ...rows.map((row) => ({ name: `corrections/${name(row)}`, data: row.photo })),
    { name: "corrections.whole-picture.coco.json", data: new Blob([JSON.stringify(coco)]) },
    { name: "corrections.jsonl", data: new Blob([lines.join("\n") + "\n"]) },
  ]);
}
