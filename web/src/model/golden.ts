/** Golden: does the model answer here as it did where it was made? Asked once, before its answers are shown. */

import type { Outputs } from "./answers";
import type { Pixels } from "./resize";
import type { Raw } from "./worker";

/** Scores may differ by this much from PyTorch's. */
export const TOLERANCE = 1e-3;
/** Boxes of objects that are shown, in pixels of the input. */
export const BOX_TOLERANCE_PX = 0.5;

export interface GoldenCase {
  picture: Pixels;
  /** Of the resized bytes; empty if unknown. */
  sha256: string;
  outputs: Outputs;
}

/** Says what is wrong, or how far the answers are apart. */
export interface Finding {
  fault: string;
  difference: number;
}

/** Compare one run with what it should have given. */
export function compare(wanted: GoldenCase, got: Raw, tolerance: number, threshold: number): Finding {
  if (wanted.sha256 && got.sha256 && wanted.sha256 !== got.sha256) return { fault: "resize", difference: Infinity };
  let worst = 0;
  for (const [name, numbers] of Object.entries(wanted.outputs)) {
    const found = got.outputs[name];
    if (!found || found.length !== numbers.length) return { fault: `output ${name}`, difference: Infinity };
    numbers.forEach((number, k) => {
      const shown = name === "probabilities" || name === "scores" ? 0 : name === "boxes" ? k >> 2 : k;
      if (name !== "probabilities" && name !== "scores" && wanted.outputs.scores[shown] < threshold) return;
      const scale = name === "boxes" ? tolerance / BOX_TOLERANCE_PX : 1;
      const difference = Math.abs(found[k] - number) * scale;
      if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    });
  }
  return { fault: worst <= tolerance ? "" : "scores", difference: worst };
}

/** Pictures that need no file: smooth colour with sharp squares. */
export function madePictures(): Pixels[] {
  return [
    [97, 61],
    [300, 224],
  ].map(([width, height], n) => {
    const rgba = new Uint8ClampedArray(4 * width * height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += 4) {
        const square = (Math.floor(x / 23) + Math.floor(y / 17)) % 3 === n;
        for (let c = 0; c < 3; c++) {
          const wave = Math.sin(((c + 1) * x) / width + ((3 - c) * 4 * y) / height + n);
          rgba[at + c] = square ? (80 * (c + 1) + 40 * n) % 256 : Math.round(127 + 100 * wave);
        }
        rgba[at + 3] = 255;
      }
    }
    return { width, height, rgba };
  });
}
