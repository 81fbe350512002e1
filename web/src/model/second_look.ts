/** Second look: which of a detector's finds a classifier is shown, and how they are cut out (models/second_look.py). */

import { roundEven, type Pixels } from "./resize";

/** Of one picture, the surest ones; the others keep their score. */
export const MOST_LOOKED_AT = 20;
const LEAST_SCORE = 0.05;
const SEES_FROM = 0.25;
const SEES_WELL = 0.75;

/** How much the classifier's word counts for a box, 0 to 0.5: the score is score ** (1 - w) * probability ** w. */
export function weightOf([left, top, right, bottom]: [number, number, number, number], inputPx: number): number {
  const side = Math.max(right - left, bottom - top) / inputPx;
  return 0.5 * clip((side - SEES_FROM) / (SEES_WELL - SEES_FROM), 0, 1);
}

/** The least score of a find that could reach `threshold` after the second look: w is at most 0.5. */
export function leastLookedAt(threshold: number): number {
  return Math.max(LEAST_SCORE, threshold * threshold);
}

/** The part of a picture inside the square round a box's middle, its side the box's longer one, cut at the edges. */
export function cutOut(picture: Pixels, [left, top, right, bottom]: [number, number, number, number]): Pixels {
  const { width, height } = picture;
  const half = Math.max(right - left, bottom - top) / 2;
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const x0 = clip(roundEven(x - half), 0, width - 1);
  const y0 = clip(roundEven(y - half), 0, height - 1);
  const x1 = clip(roundEven(x + half), x0 + 1, width);
  const y1 = clip(roundEven(y + half), y0 + 1, height);
  const rgba = new Uint8Array(4 * (x1 - x0) * (y1 - y0));
  for (let row = y0; row < y1; row++) {
    const from = 4 * (row * width + x0);
    rgba.set(picture.rgba.subarray(from, from + 4 * (x1 - x0)), 4 * (row - y0) * (x1 - x0));
  }
  return { width: x1 - x0, height: y1 - y0, rgba };
}

function clip(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
