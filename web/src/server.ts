/** The server: its models, files and answers; what was fetched is kept for when there is no network. */

import type { Answer, Found, ModelSummary, ModelsAnswer, Score } from "./types";
import { classified, detected } from "./model/answers";

const CACHE = "photosynth-data";
const LIST_PATIENCE_MS = 4000;
const ASK_PATIENCE_MS = 20000;

/** The server refused; `status` 0 means that it was not reached. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Whether the page runs inside the phone app. */
export const inApp = "Capacitor" in window;

/** Where the server is: the page's own, unless the app was told another. */
export function serverUrl(): string {
  return localStorage.getItem("server") ?? (inApp ? "" : new URL(".", location.href).href);
}

function headers(): Record<string, string> {
  const key = localStorage.getItem("key");
  return key ? { "X-API-Key": key } : {};
}

async function reach(url: string, options: RequestInit, patienceMs: number): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  let response: Response;
  try {
    response = await fetch(url, { ...options, headers: { ...headers(), ...options.headers }, signal: patience.signal });
  } catch (error) {
    throw new ServerError(0, String(error));
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { message?: string };
  throw new ServerError(response.status, problem.message ?? response.statusText);
}

async function store(): Promise<Cache | null> {
  return "caches" in window ? caches.open(CACHE).catch(() => null) : null;
}

async function keep(url: string, response: Response): Promise<void> {
  await (await store())?.put(url, response).catch(() => undefined); // a full disk must not stop the page
}

/** The models there are: from the server; else as they were last time; else those packed with the app. */
export async function loadModels(): Promise<{ answer: ModelsAnswer; online: boolean }> {
  const url = new URL("v1/models", serverUrl() || location.href).href;
  try {
    if (!serverUrl()) throw new ServerError(0, "no server");
    const response = await reach(url, { cache: "no-cache" }, LIST_PATIENCE_MS);
    const answer = absolute((await response.clone().json()) as ModelsAnswer, url);
    await keep(url, response);
    return { answer, online: true };
  } catch (error) {
    if (error instanceof ServerError && error.status === 401) throw error;
    const kept = await (await store())?.match(url);
    if (kept) return { answer: absolute((await kept.json()) as ModelsAnswer, url), online: false };
    const packed = new URL("models/models.json", location.href).href;
    const response = inApp ? await fetch(packed).catch(() => null) : null;
    if (response?.ok) return { answer: absolute((await response.json()) as ModelsAnswer, packed), online: false };
    throw error;
  }
}

function absolute(answer: ModelsAnswer, base: string): ModelsAnswer {
  const whole = (url: string) => new URL(url, base).href;
  const complete = (model: ModelSummary): ModelSummary => ({
    ...model,
    files: model.files.map((file) => ({ ...file, url: whole(file.url) })),
    pictures: Object.fromEntries(Object.entries(model.pictures).map(([label, url]) => [label, whole(url)])),
    second_look: model.second_look && complete(model.second_look),
  });
  return { ...answer, models: answer.models.map(complete) };
}

/** A file that never changes under its URL: kept, or fetched and kept. */
export async function loadFile(url: string, progress?: (share: number) => void, total = 0): Promise<Blob> {
  const kept = await (await store())?.match(url);
  if (kept) return kept.blob();
  const response = await fetch(url, { headers: headers() }).catch((error) => {
    throw new ServerError(0, String(error));
  });
  if (!response.ok) throw new ServerError(response.status, response.statusText);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let got = 0;
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    got += value.length;
    if (total) progress?.(Math.min(1, got / total));
  }
  const blob = new Blob(parts, { type: response.headers.get("content-type") ?? "" });
  if (total && got !== total) throw new ServerError(0, `${got} of ${total} bytes came`);
  await keep(url, new Response(blob));
  return blob;
}

/** Forget kept files of models other than these URLs. */
export async function forgetOthers(urls: Set<string>): Promise<void> {
  const cache = await store();
  for (const request of (await cache?.keys()) ?? []) {
    if (request.url.includes("/files/") && request.url.includes("sha256=") && !urls.has(request.url)) {
      await cache!.delete(request);
    }
  }
}

interface Classification {
  scores: Score[];
  size_wh: [number, number];
}
interface Detections {
  objects: (Score & { box_xyxy: Found["box"] })[];
  size_wh: [number, number];
}

/** Ask the server about a picture file. */
export async function ask(model: ModelSummary, file: Blob): Promise<Answer> {
  const began = performance.now();
  const path = model.kind === "classifier" ? "v1/classify" : "v1/detect";
  const url = new URL(`${path}?model=${encodeURIComponent(model.name)}`, serverUrl());
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  const options = { method: "POST", body: file, headers: { "content-type": type } };
  const response = await reach(url.href, options, ASK_PATIENCE_MS);
  const body = (await response.json()) as { version: string; results: (Classification & Detections)[] };
  const result = body.results[0];
  const more = {
    width: result.size_wh[0],
    height: result.size_wh[1],
    model: model.name,
    version: body.version,
    place: "server" as const,
    ms: performance.now() - began,
  };
  if (model.kind === "detector") return detected(result.objects.map((o) => ({ ...o, box: o.box_xyxy })), more);
  const scores = new Map(result.scores.map((s) => [s.label, s.score]));
  const row = model.class_names.map((name) => scores.get(name) ?? 0);
  return classified(model.class_names, row, model.threshold, more);
}

/** Send a photo with the right answer; for servers that were started with --keep. */
export async function sendCorrection(photo: Blob, label: string, answered: string, model: string): Promise<void> {
  const form = new FormData();
  form.set("image", photo, "photo.jpg");
  form.set("label", label);
  form.set("answered", answered);
  form.set("model", model);
  await reach(new URL("v1/corrections", serverUrl()).href, { method: "POST", body: form }, ASK_PATIENCE_MS);
}
