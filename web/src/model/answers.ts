/** From a graph's numbers to an answer. */

import type { Answer, Found, Kind, ModelInfo, Place, Score, Verdict } from "../types";
import { NONE } from "../types";
import type { Square } from "./resize";

/** A graph's outputs by name, flattened. */
export type Outputs = Record<string, number[]>;
/** What is known beside the numbers. */
export type Circumstances = Pick<Answer, "width" | "height" | "model" | "version" | "place" | "ms">;

/** The answer of a classifier for probabilities in the order of the classes. */
export function classified(names: string[], probabilities: number[], threshold: number, more: Circumstances): Answer {
  const scores = names.map((label, k): Score => ({ label, score: probabilities[k] }));
  scores.sort((a, b) => b.score - a.score);
  const best = scores[0];
  const sure: Verdict = best.score >= threshold ? "sure" : "unsure";
  const verdict = best.label === NONE ? "none" : sure;
  return { kind: "classifier", label: best.label, score: best.score, verdict, scores, objects: [], ...more };
}

/** The answer of a detector for the objects it found. */
export function detected(objects: Found[], more: Circumstances): Answer {
  const sorted = [...objects].sort((a, b) => b.score - a.score);
  const best = sorted[0];
  return {
    kind: "detector",
    label: best?.label ?? NONE,
    score: best?.score ?? 0,
    verdict: best ? "sure" : "none",
    scores: [],
    objects: sorted,
    ...more,
  };
}

/** The mean of several rows of probabilities. */
export function mean(rows: number[][]): number[] {
  return rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);
}

/** Boxes of a detector's outputs in pixels of a picture of that width and height, as far as they score at least `least`. */
export function boxes(
  info: ModelInfo,
  outputs: Outputs,
  square: Square,
  width: number,
  height: number,
  least: number,
): Found[] {
  const found: Found[] = [];
  outputs.scores.forEach((score, k) => {
    if (score <= 0 || score < least) return;
    const [x0, y0, x1, y1] = outputs.boxes.slice(4 * k, 4 * k + 4);
    const clip = (value: number, limit: number) => Math.min(Math.max(value, 0), limit);
    found.push({
      label: info.class_names[outputs.class_ids[k]],
      score,
      box: [
        clip(x0 * square.scaleX, width),
        clip(y0 * square.scaleY, height),
        clip(x1 * square.scaleX, width),
        clip(y1 * square.scaleY, height),
      ],
    });
  });
  return found;
}

/** A classifier's answers over a live picture, calmed: each new one weighs 0.6. */
export class Calm {
  private last: Map<string, number> | null = null;

  reset(): void {
    this.last = null;
  }

  /** The answer with its scores mixed into those before it. */
  add(answer: Answer, names: string[], threshold: number): Answer {
    if (answer.kind !== "classifier") return answer;
    const now = new Map(answer.scores.map((s) => [s.label, s.score]));
    const mixed = names.map((n) => {
      const value = now.get(n) ?? 0;
      return this.last ? 0.6 * value + 0.4 * (this.last.get(n) ?? value) : value;
    });
    this.last = new Map(names.map((n, k) => [n, mixed[k]]));
    return classified(names, mixed, threshold, answer);
  }
}

export type { Kind, Place };
