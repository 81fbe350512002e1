/** What the server and an exported model say, and what the page makes of it. */

export type Kind = "classifier" | "detector";
export type Verdict = "sure" | "unsure" | "none";
export type Place = "device" | "server";

export interface ModelFile {
  file: string;
  url: string;
  precision: "float32" | "int8";
  bytes: number;
  sha256: string;
}

/** The parts of model.json that a client needs. */
export interface ModelInfo {
  kind: Kind;
  class_names: string[];
  input_px: number;
  fit: "squash" | "letterbox";
  resize_version: number;
  views: 1 | 5;
  answer_threshold: number;
  files: { file: string; parity: number | null }[];
}

export interface ModelSummary {
  name: string;
  kind: Kind;
  version: string;
  class_names: string[];
  threshold: number;
  files: ModelFile[];
  pictures: Record<string, string>;
  info: ModelInfo | null;
  /** The classifier that judges a detector's finds; the detector's `threshold` is then for both. */
  second_look?: ModelSummary | null;
}

export interface ModelsAnswer {
  models: ModelSummary[];
  classifier: string | null;
  detector: string | null;
  keeps_corrections: boolean;
}

export interface Score {
  label: string;
  score: number;
}

/** One object found; the box is left, top, right, bottom in pixels of the picture. */
export interface Found extends Score {
  box: [number, number, number, number];
}

/** What was said of one picture. */
export interface Answer {
  kind: Kind;
  label: string;
  score: number;
  verdict: Verdict;
  /** A classifier's: every class, surest first. */
  scores: Score[];
  /** A detector's, surest first. */
  objects: Found[];
  width: number;
  height: number;
  model: string;
  version: string;
  place: Place;
  ms: number;
}

export const NONE = "none of these";
