/** Golden: does the model answer here as it did where it was made? Asked once, before its answers are shown. */

import type { Outputs } from "./answers";
import type { Pixels } from "./resize";
import type { Raw } from "./worker";

/** Scores may differ by this much from PyTorch's. */
export const TOLERANCE = 1e-3;
/** The same for boxes, in pixels of the input. */
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

/** A detector's rows with less score are not compared: faint ones change places. */
const LEAST_COMPARED = 0.05;

/** Compare one run with what it should have given. */
export function compare(wanted: GoldenCase, got: Raw, tolerance: number): Finding {
  if (wanted.sha256 && got.sha256 && wanted.sha256 !== got.sha256) return { fault: "resize", difference: Infinity };
  for (const [name, numbers] of Object.entries(wanted.outputs)) {
    const found = got.outputs[name];
    if (found?.length !== numbers.length || !found.every(Number.isFinite)) {
      return { fault: `output ${name}`, difference: Infinity };
    }
  }
  const apart = "scores" in wanted.outputs ? findsApart : numbersApart;
  const difference = apart(got.outputs, wanted.outputs, tolerance);
  return { fault: difference <= tolerance ? "" : "scores", difference };
}

function numbersApart(found: Outputs, wanted: Outputs): number {
  const apart = ([name, numbers]: [string, number[]]) => numbers.map((number, k) => Math.abs(found[name][k] - number));
  return Math.max(0, ...Object.entries(wanted).flatMap(apart));
}

/**
 * A detector's finds as sets, as models/golden.py compares them: each find of either side is held against the other
 * side's nearest of its class, or against nothing, whichever is closer. Boxes count by tolerance / BOX_TOLERANCE_PX.
 */
function findsApart(found: Outputs, wanted: Outputs, tolerance: number): number {
  let worst = 0;
  for (const [one, other] of [
    [found, wanted],
    [wanted, found],
  ]) {
    const least = Math.min(LEAST_COMPARED, 0.5 * Math.max(0, ...one.scores));
    one.scores.forEach((score, k) => {
      if (score < least) return;
      let nearest = score;
      other.scores.forEach((there, j) => {
        if (other.class_ids[j] !== one.class_ids[k]) return;
        const corners = [0, 1, 2, 3].map((c) => Math.abs(one.boxes[4 * k + c] - other.boxes[4 * j + c]));
        const box = (Math.max(...corners) * tolerance) / BOX_TOLERANCE_PX;
        nearest = Math.min(nearest, Math.max(Math.abs(score - there), box));
      });
      worst = Math.max(worst, nearest);
    });
  }
  return worst;
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
