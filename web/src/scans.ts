/** Pictures of the scans that a model learned from. */

import { loadFile } from "./server";
import type { ModelSummary } from "./types";

/** A scan from one side, and from all sides in a row if there is such a picture. */
export interface Scan {
  face: Blob;
  strip: Blob | null;
}

/** Class to its scan. */
export type Scans = Map<string, Scan>;

/** The view of a turntable that serves as a face: the second, which shows two sides of a box. */
const FACE = 1;

/** The pictures of a model's classes, as far as they can be had. */
export async function loadScans(model: ModelSummary): Promise<Scans> {
  const scans: Scans = new Map();
  for (const [label, url] of Object.entries(model.pictures)) {
    const scan = await loadFile(url)
      .then(split)
      .catch(() => null);
    if (scan) scans.set(label, scan);
  }
  return scans;
}

/** A turntable's picture holds square views side by side. */
async function split(picture: Blob): Promise<Scan> {
  const bitmap = await createImageBitmap(picture);
  const { width, height } = bitmap;
  try {
    if (width < 2 * height) return { face: picture, strip: null };
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = height;
    canvas.getContext("2d")!.drawImage(bitmap, -FACE * height, 0);
    const face = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
    return { face: face ?? picture, strip: picture };
  } finally {
    bitmap.close();
  }
}
