/** The model on this device: a worker opened within a time limit and believed only after the golden pictures. */

import type { Answer, Found, ModelFile, ModelSummary } from "../types";
import { loadFile, ask as askServer, ServerError } from "../server";
import { decode, encode } from "../photo";
import { classified, detected, type Outputs } from "./answers";
import { compare, madePictures, TOLERANCE, type GoldenCase } from "./golden";
import { RESIZE_VERSION, type Pixels } from "./resize";
import { cutOut, leastLookedAt, MOST_LOOKED_AT, weightOf } from "./second_look";
import type { Raw, Reply, Request, Told } from "./worker";

declare const __RUNTIME__: string;
/** The runtime's WebAssembly, packed; the worker gets it unpacked. */
const RUNTIME_URL = new URL(`assets/${__RUNTIME__}`, document.baseURI).href;
const OPEN_PATIENCE_MS = Number(new URLSearchParams(location.search).get("patience_ms") ?? 25000);
const ASK_PATIENCE_MS = 15000;

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

/** iPhones and iPads: threads in WebAssembly are known to fail there. */
export const onIos =
  /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Mac/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);

/** How many threads to try first. */
export function threadCount(): number {
  const wanted = new URLSearchParams(location.search).get("threads");
  if (wanted) return Number(wanted);
  if (!self.crossOriginIsolated || onIos) return 1;
  return Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency || 1) / 2))); // a core taken away halts all
}

/** The file of a model in the wanted precision, or its most precise one; null if none may be fetched. */
export function fileOf(model: ModelSummary, precision: string): ModelFile | null {
  return model.files.find((f) => f.precision === precision) ?? model.files.at(-1) ?? null;
}

/** A model in a worker of its own. */
export class DeviceModel {
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (e: Error) => void }>();
  private count = 0;
  /** Largest difference from the golden answers; -1 if they had been compared on an earlier visit. */
  difference = -1;
  /** The classifier that looks at a detector's finds once more, where there is one. */
  private looker: DeviceModel | null = null;

  private constructor(
    readonly summary: ModelSummary,
    readonly file: ModelFile,
    readonly threads: number,
  ) {
    this.worker.onmessage = (event: MessageEvent<Reply>) => {
      const { id, result, error } = event.data;
      const promise = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) promise?.resolve(result as never);
      else promise?.reject(new Error(error));
    };
    this.worker.onerror = (event) => this.close(new Error(event.message || "the worker failed"));
  }

  /**
   * Fetch, start and check a model, and the one that takes its second look. Several threads are tried first where there
   * are any, then one.
   *
   * Throws if the model cannot run here, or answers otherwise than it should.
   */
  static async open(summary: ModelSummary, file: ModelFile, progress: (share: number) => void): Promise<DeviceModel> {
    const second = summary.second_look;
    if (!second) return DeviceModel.openOne(summary, file, progress);
    const other = fileOf(second, file.precision);
    if (!other) throw new Error("the files of its second look may not be fetched");
    const share = file.bytes / (file.bytes + other.bytes);
    const device = await DeviceModel.openOne(summary, file, (done) => progress(share * done));
    try {
      device.looker = await DeviceModel.openOne(second, other, (done) => progress(share + (1 - share) * done));
      device.difference = Math.max(device.difference, device.looker.difference);
      return device;
    } catch (error) {
      device.close();
      throw error;
    }
  }

  private static async openOne(
    summary: ModelSummary,
    file: ModelFile,
    progress: (share: number) => void,
  ): Promise<DeviceModel> {
    if (!summary.info || summary.info.resize_version !== RESIZE_VERSION) throw new Error("made for another page");
    const [runtime, model] = await Promise.all([
      loadFile(RUNTIME_URL).then(unpack),
      loadFile(file.url, progress, file.bytes).then((blob) => blob.arrayBuffer()),
    ]);
    progress(1);
    const most = threadCount();
    for (const threads of most > 1 ? [most, 1] : [1]) {
      const device = new DeviceModel(summary, file, threads);
      try {
        const open = { do: "open" as const, runtime, model, threads, info: summary.info };
        await device.call(open, OPEN_PATIENCE_MS);
        await device.verify();
        return device;
      } catch (error) {
        device.close();
        if (threads === 1) throw error;
      }
    }
    throw new Error("unreachable");
  }

  /** Ask about a picture; its buffer is taken. */
  async ask(picture: Pixels): Promise<Answer> {
    const { width, height } = picture;
    const { name: model, version, class_names: names, threshold, kind } = this.summary;
    const kept = this.looker ? { width, height, rgba: picture.rgba.slice() } : null;
    const told = await this.tell(picture, kept ? leastLookedAt(threshold) : this.summary.info!.answer_threshold);
    const objects = kept ? await this.lookedAt(told, kept) : told.objects;
    const more = { width, height, model, version, place: "device" as const, ms: told.ms };
    return kind === "detector" ? detected(objects, more) : classified(names, told.probabilities, threshold, more);
  }

  private tell(picture: Pixels, least: number): Promise<Told> {
    return this.call<Told>({ do: "ask", picture, least }, ASK_PATIENCE_MS, [picture.rgba.buffer as ArrayBuffer]);
  }

  /** What was found, as far as the classifier agrees when it is shown each find alone; adds its time. */
  private async lookedAt(told: Told, picture: Pixels): Promise<Found[]> {
    const agreed: Found[] = [];
    let looks = 0;
    for (const find of told.objects.sort((a, b) => b.score - a.score)) {
      const weight = weightOf(find.box, this.looker!.summary.info!.input_px);
      let score = find.score;
      if (weight > 0 && looks < MOST_LOOKED_AT) {
        const look = await this.looker!.tell(cutOut(picture, find.box), 0);
        told.ms += look.ms;
        looks += 1;
        const probability = look.probabilities[this.looker!.summary.class_names.indexOf(find.label)] ?? 0;
        score = find.score ** (1 - weight) * probability ** weight;
      }
      if (score >= this.summary.threshold) agreed.push({ ...find, score });
    }
    return agreed;
  }

  /** Stop the worker; questions still open fail. */
  close(error = new Error("closed")): void {
    this.looker?.close(error);
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  private call<T>(request: WithoutId<Request>, patienceMs: number, moved: Transferable[] = []): Promise<T> {
    const id = ++this.count;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => this.close(new Error("the model takes too long here")), patienceMs);
      const done = <V>(then: (value: V) => void) => (value: V) => {
        clearTimeout(timer);
        then(value);
      };
      this.waiting.set(id, { resolve: done(resolve as (v: never) => void), reject: done(reject) });
      this.worker.postMessage({ ...request, id }, moved);
    });
  }

  private async verify(): Promise<void> {
    const mark = `verified/${this.file.sha256}/${__RUNTIME__}/${this.threads}`;
    if (localStorage.getItem(mark)) return;
    const parity = this.summary.info!.files.find((f) => f.file === this.file.file)?.parity ?? 0;
    const tolerance = this.file.precision === "float32" ? TOLERANCE : parity + 0.05;
    const cases = (await this.goldenFiles()) ?? (await this.serverCases());
    if (!cases.length) throw new Error("there are no golden pictures");
    this.difference = 0;
    for (const wanted of cases) {
      const got = await this.call<Raw>({ do: "raw", picture: wanted.picture }, ASK_PATIENCE_MS);
      const { fault, difference } = compare(wanted, got, tolerance);
      if (fault) throw new Error(`the golden pictures differ here (${fault}, ${difference.toPrecision(2)})`);
      this.difference = Math.max(this.difference, difference);
    }
    localStorage.setItem(mark, String(this.difference));
  }

  /** The cases of golden.json beside the model; null where it is not served. */
  private async goldenFiles(): Promise<GoldenCase[] | null> {
    const beside = (path: string) => {
      const url = new URL(path, this.file.url);
      url.search = `?sha256=${this.file.sha256}`;
      return url.href;
    };
    try {
      const golden = JSON.parse(await (await loadFile(beside("golden.json"))).text()) as {
        cases: { file: string; input_sha256: string; outputs: Outputs }[];
      };
      const load = async (c: (typeof golden.cases)[number]): Promise<GoldenCase> => ({
        picture: await decode(await loadFile(beside(c.file))),
        sha256: c.input_sha256,
        outputs: c.outputs,
      });
      return await Promise.all(golden.cases.map(load));
    } catch (error) {
      if (error instanceof ServerError && error.status === 404) return null;
      throw error;
    }
  }

  /** Made-up pictures with the server's answers; a detector's cannot be told from its list of objects. */
  private async serverCases(): Promise<GoldenCase[]> {
    const { kind, info, class_names: names } = this.summary;
    if (kind !== "classifier" || info!.views !== 1) return [];
    return Promise.all(
      madePictures().map(async (picture) => {
        const answer = await askServer(this.summary, await encode(picture, "image/png"));
        const scores = new Map(answer.scores.map((s) => [s.label, s.score]));
        return { picture, sha256: "", outputs: { probabilities: names.map((n) => scores.get(n) ?? 0) } };
      }),
    );
  }
}

async function unpack(blob: Blob): Promise<ArrayBuffer> {
  const magic = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) return blob.arrayBuffer(); // the host has unpacked it
  return new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
