/** The worker: holds the ONNX session, resizes pictures and asks the model, away from the page's own thread. */

import * as ort from "onnxruntime-web/wasm";
import mjsUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import type { Found, ModelInfo } from "../types";
import { boxes, mean, type Outputs } from "./answers";
import { fitSquare, views, type Pixels, type Square } from "./resize";

export type Request =
  | { id: number; do: "open"; runtime: ArrayBuffer; model: ArrayBuffer; threads: number; info: ModelInfo }
  | { id: number; do: "ask"; picture: Pixels; least: number }
  | { id: number; do: "raw"; picture: Pixels };

/** Probabilities of a classifier or boxes of a detector. */
export interface Told {
  probabilities: number[];
  objects: Found[];
  ms: number;
}

/** One run on the whole picture: all outputs, and the check-sum of the resized bytes ("" where there is no crypto). */
export interface Raw {
  outputs: Outputs;
  sha256: string;
}

export type Reply = { id: number; result?: unknown; error?: string };

let session: ort.InferenceSession | null = null;
let info: ModelInfo | null = null;

async function open(request: Extract<Request, { do: "open" }>): Promise<void> {
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = request.threads;
  ort.env.wasm.wasmBinary = request.runtime;
  // Threads start from this file; from inside a bundle they would hang.
  ort.env.wasm.wasmPaths = { mjs: new URL(mjsUrl, import.meta.url).href };
  info = request.info;
  session = await ort.InferenceSession.create(new Uint8Array(request.model), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
}

async function run(square: Square): Promise<Outputs> {
  const size = info!.input_px;
  const input = new ort.Tensor("uint8", square.rgb, [1, size, size, 3]);
  const found = await session!.run({ images: input });
  const outputs: Outputs = {};
  for (const [name, tensor] of Object.entries(found)) {
    outputs[name] = Array.from(tensor.data as unknown as ArrayLike<number | bigint>, Number);
    tensor.dispose();
  }
  input.dispose();
  return outputs;
}

async function ask(picture: Pixels, least: number): Promise<Told> {
  const began = performance.now();
  const rows: number[][] = [];
  let objects: Found[] = [];
  for (const region of views(picture.width, picture.height, info!.kind === "classifier" ? info!.views : 1)) {
    const square = fitSquare(picture, info!.input_px, info!.fit, region);
    const outputs = await run(square);
    if (info!.kind === "classifier") rows.push(outputs.probabilities);
    else objects = boxes(info!, outputs, square, picture.width, picture.height, least);
  }
  return { probabilities: rows.length ? mean(rows) : [], objects, ms: performance.now() - began };
}

async function raw(picture: Pixels): Promise<Raw> {
  const square = fitSquare(picture, info!.input_px, info!.fit);
  const digest = crypto.subtle ? await crypto.subtle.digest("SHA-256", square.rgb as BufferSource) : new ArrayBuffer(0);
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { outputs: await run(square), sha256 };
}

async function answer(request: Request): Promise<void> {
  const reply: Reply = { id: request.id };
  try {
    if (request.do === "open") await open(request);
    else if (request.do === "raw") reply.result = await raw(request.picture);
    else reply.result = await ask(request.picture, request.least);
  } catch (error) {
    reply.error = error instanceof Error ? error.message : String(error);
  }
  postMessage(reply);
}

let queue: Promise<void> = Promise.resolve();
self.onmessage = (event: MessageEvent<Request>) => {
  queue = queue.then(() => answer(event.data));
};
