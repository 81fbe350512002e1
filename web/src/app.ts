/** The app: what happens when something is tapped, dropped, or comes before the camera. */

import { Camera, CameraError } from "./camera";
import { correct } from "./corrections";
import { Engine } from "./engine";
import { Calm } from "./model/answers";
import { fileOf } from "./model/device";
import { cutOut } from "./model/second_look";
import { fitSquare, resize, views, type Pixels } from "./model/resize";
import { decode, encode, Grabber } from "./photo";
import { forgetOthers, loadModels, ServerError } from "./server";
import { loadScans, type Scans } from "./scans";
import { put, remember, type Entry } from "./store";
import { text } from "./strings";
import type { Answer, ModelFile, ModelsAnswer, ModelSummary } from "./types";
import { Sheet } from "./view/dom";
import { showHistory } from "./view/history";
import { showModels } from "./view/models";
import { showResult } from "./view/result";
import { Stage } from "./view/stage";

const KEPT_PX = 1600;
const THUMB_PX = 240;
const SERVER_PAUSE_MS = 400;

/** The page, put together. */
export class App {
  private readonly stage = new Stage({
    shutter: () => void this.shutter(),
    files: (files) => void this.askFile(files[0]),
    history: () => void showHistory(this.sheet, (entry) => this.showEntry(entry)),
    models: () => this.showModels(),
    closeCamera: () => this.closeCamera(),
    turn: () => void this.openCamera(true),
  });
  private readonly sheet = new Sheet("sheet", text.close, () => this.wake());
  private readonly camera = new Camera(this.stage.video);
  private readonly grabber = new Grabber();
  private readonly calm = new Calm();
  private answer: ModelsAnswer | null = null;
  private model: ModelSummary | null = null;
  private file: ModelFile | null = null;
  private engine: Engine | null = null;
  private pictures: Scans = new Map();
  private online = true;
  private needsKey = false;
  private looping = false;
  private busy = false;
  /** For tests: the resize rule; live answers given so far, and the last answer of all. */
  readonly parts = { resize, fitSquare, views, cutOut };
  readonly seen = { frames: 0, last: null as Answer | null, ms: [] as number[] };

  /** Begin. */
  async start(): Promise<void> {
    this.listen();
    await this.load();
    if (this.model && Camera.possible && (await Camera.allowed())) await this.openCamera();
  }

  private listen(): void {
    const root = document.documentElement;
    root.dataset.drop = text.dropHere;
    let inside = 0;
    document.addEventListener("dragenter", () => root.classList.toggle("dropping", ++inside > 0));
    document.addEventListener("dragleave", () => root.classList.toggle("dropping", --inside > 0));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.toggle("dropping", Boolean((inside = 0)));
      void this.askFile(event.dataTransfer?.files[0]);
    });
    document.addEventListener("paste", (event) => void this.askFile(event.clipboardData?.files[0]));
    const connection = () => this.stage.setState(this.engine?.state ?? null, navigator.onLine);
    addEventListener("online", connection);
    addEventListener("offline", connection);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.wake();
    });
  }

  private async load(): Promise<void> {
    this.stage.setNotice(null);
    try {
      const { answer, online } = await loadModels();
      this.answer = answer;
      this.online = online;
    } catch (error) {
      this.needsKey = error instanceof ServerError && error.status === 401;
      const again = this.needsKey ? () => this.showModels() : () => void this.load();
      const label = this.needsKey ? text.key : text.tryAgain;
      return this.stage.setNotice(this.needsKey ? text.needKey : text.noServer, label, again);
    }
    const { models, classifier } = this.answer;
    const wanted = localStorage.getItem("model") ?? classifier;
    const model = models.find((m) => m.name === wanted) ?? models[0];
    if (!model) return this.stage.setNotice(text.noModels, text.tryAgain, () => void this.load());
    await this.pick(model);
  }

  private async pick(model: ModelSummary): Promise<void> {
    localStorage.setItem("model", model.name);
    this.model = model;
    this.pictures = new Map();
    this.calm.reset();
    this.stage.showLive(null, null);
    this.useFile(fileOf(model, wantedPrecision()));
    this.stage.setKnown(model, this.pictures);
    const pictures = await loadScans(model);
    if (this.model !== model) return;
    this.pictures = pictures;
    this.stage.setKnown(model, pictures);
  }

  private useFile(file: ModelFile | null): void {
    this.engine?.close();
    this.file = file;
    const engine = new Engine(this.model!, file, this.online, () => {
      if (engine === this.engine) this.stage.setState(engine.state, navigator.onLine);
    });
    this.engine = engine;
    this.stage.setState(engine.state, navigator.onLine);
    void engine.ready.then(() => {
      const urls = this.answer!.models.flatMap((m) => [...m.files, ...(m.second_look?.files ?? [])].map((f) => f.url));
      if (this.online && engine.state.stage === "device") void forgetOthers(new Set(urls));
    });
  }

  private showModels(): void {
    const { answer, model, file, engine, pictures, needsKey } = this;
    showModels(this.sheet, answer?.models ?? [], model, file, engine?.state ?? null, pictures, needsKey, {
      pick: (picked) => {
        this.sheet.close();
        void this.pick(picked);
      },
      pickFile: (picked) => {
        localStorage.setItem("precision", picked.precision);
        this.sheet.close();
        this.useFile(picked);
      },
      restart: () => {
        this.sheet.close();
        void this.load();
      },
    });
  }

  private async openCamera(turn = false): Promise<void> {
    this.stage.setNotice(null);
    try {
      await (turn ? this.camera.turn() : this.camera.open());
    } catch (error) {
      this.closeCamera();
      const trouble = error instanceof CameraError ? error.trouble : "busy";
      const words = { denied: text.cameraDenied, missing: text.cameraMissing, busy: text.cameraBusy, insecure: text.cameraInsecure };
      const insecure = trouble === "insecure";
      this.stage.setNotice(words[trouble], insecure ? text.takePhoto : text.choosePhoto, () => this.stage.choose(insecure));
      return;
    }
    this.calm.reset();
    this.stage.setLive(true, await Camera.several(), this.camera.facing === "user");
    this.stage.showLive(null, null);
    this.wake();
  }

  private closeCamera(): void {
    this.camera.close();
    this.stage.setLive(false);
  }

  private wake(): void {
    if (!this.looping && this.camera.running && !document.hidden && !this.sheet.isOpen) void this.loop();
  }

  /** Ask about one frame after another while the camera is in view; a timer, for WebKit calls back per frame too rarely. */
  private async loop(): Promise<void> {
    this.looping = true;
    while (this.camera.running && !document.hidden && !this.sheet.isOpen) {
      const began = performance.now();
      const engine = this.engine;
      if (engine && this.stage.video.videoWidth) {
        const answer = await engine.ask(await this.grab()).catch(() => null);
        if (answer && engine === this.engine && this.camera.running) this.showLive(answer);
      }
      const took = performance.now() - began;
      const pause = this.engine?.quick ? Math.max(16, took * 0.3) : SERVER_PAUSE_MS;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.looping = false;
    this.wake();
  }

  private showLive(answer: Answer): void {
    this.seen.frames++;
    this.seen.last = answer;
    this.seen.ms.push(answer.ms);
    if (this.seen.ms.length > 200) this.seen.ms.shift();
    const model = this.model!;
    this.stage.showLive(this.calm.add(answer, model.class_names, model.threshold), model, this.pictures);
  }

  private grab(): Promise<Pixels> {
    const { clientWidth, clientHeight } = this.stage.finder;
    return this.grabber.grab(this.stage.video, clientWidth / clientHeight);
  }

  private async shutter(): Promise<void> {
    if (!this.camera.running) {
      if (!Camera.possible) this.stage.choose(true);
      else await this.openCamera();
      return;
    }
    if (this.stage.video.videoWidth) await this.ask(await this.grab(), undefined);
  }

  private async askFile(file: File | undefined): Promise<void> {
    if (!file) return;
    const pixels = await decode(file).catch(() => null);
    await this.ask(pixels, file);
  }

  /** Ask about one photo, keep it in the history and show the answer. */
  private async ask(pixels: Pixels | null, file: Blob | undefined): Promise<void> {
    if (this.busy || !this.engine) return;
    this.busy = true;
    document.documentElement.classList.add("busy");
    this.stage.setNotice(null);
    try {
      const photo = pixels ? await encode(pixels, "image/jpeg", KEPT_PX) : file!;
      const thumb = pixels ? await encode(pixels, "image/jpeg", THUMB_PX) : file!;
      const answer = await this.engine.ask(pixels, file ?? photo);
      this.seen.last = answer;
      this.showEntry(await remember({ time: Date.now(), answer, photo, thumb }));
    } catch (error) {
      this.explain(error, pixels === null);
    } finally {
      this.busy = false;
      document.documentElement.classList.remove("busy");
    }
  }

  private explain(error: unknown, unreadable: boolean): void {
    const status = error instanceof ServerError ? error.status : -1;
    let words: string = text.noAnswer;
    if (unreadable && [0, -1, 415, 422].includes(status)) words = text.unreadable;
    else if (status > 0) words = text.serverSaid((error as ServerError).message);
    this.stage.setNotice(words, text.choosePhoto, () => this.stage.choose());
  }

  private showEntry(entry: Entry): void {
    const model = this.answer?.models.find((m) => m.name === entry.answer.model) ?? null;
    const pictures: Scans = model === this.model ? this.pictures : new Map();
    showResult(this.sheet, entry, model, pictures, {
      correct: async (corrected, label) => {
        const { answer, photo, time } = corrected;
        const { width, height } = await sizeOf(photo);
        const row = { time, label, answered: answer.label, model: answer.model, photo, width, height };
        const there = await correct(row, Boolean(this.answer?.keeps_corrections) && this.online);
        await put("history", { ...corrected, right: label });
        return there ? text.thanksServer : text.thanks;
      },
    });
  }
}

async function sizeOf(photo: Blob): Promise<{ width: number; height: number }> {
  const bitmap = await createImageBitmap(photo).catch(() => null);
  const size = { width: bitmap?.width ?? 1, height: bitmap?.height ?? 1 };
  bitmap?.close();
  return size;
}

/** What was picked; else the small file for those who pay for every byte, the full one for others. */
function wantedPrecision(): string {
  const frugal = (navigator as { connection?: { saveData?: boolean } }).connection?.saveData;
  return localStorage.getItem("precision") ?? (frugal ? "int8" : "float32");
}
