/** The engine: answers questions on this device where it can, through the server where it cannot. */

import type { Answer, ModelFile, ModelSummary } from "./types";
import { DeviceModel } from "./model/device";
import type { Pixels } from "./model/resize";
import { ask as askServer, ServerError } from "./server";
import { encode } from "./photo";

export type State =
  | { stage: "loading"; share: number }
  | { stage: "device"; threads: number; difference: number }
  | { stage: "server"; reason: string };

/** Answers for one model; thrown away when another is picked. */
export class Engine {
  state: State = { stage: "loading", share: 0 };
  private device: DeviceModel | null = null;
  private closed = false;
  /** Settled when the model runs here, or never will. */
  readonly ready: Promise<void>;

  constructor(
    readonly model: ModelSummary,
    file: ModelFile | null,
    private readonly online: boolean,
    private readonly changed: () => void,
  ) {
    this.ready = this.open(file);
  }

  private async open(file: ModelFile | null): Promise<void> {
    if (!file) return this.become({ stage: "server", reason: "the model's files may not be fetched" });
    if (new URLSearchParams(location.search).has("server")) {
      return this.become({ stage: "server", reason: "asked for in the address" });
    }
    try {
      const progress = (share: number) => this.become({ stage: "loading", share });
      const device = await DeviceModel.open(this.model, file, progress);
      if (this.closed) return device.close();
      this.device = device;
      this.become({ stage: "device", threads: device.threads, difference: device.difference });
    } catch (error) {
      this.become({ stage: "server", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  private become(state: State): void {
    if (this.closed) return;
    this.state = state;
    this.changed();
  }

  /** Whether a live picture can be asked about now. */
  get quick(): boolean {
    return this.device !== null;
  }

  /**
   * Ask about a picture, whose buffer is taken. `file` is the same picture as a file, if there is one.
   *
   * Throws ServerError if the server had to be asked and did not answer.
   */
  async ask(picture: Pixels | null, file?: Blob): Promise<Answer> {
    if (!this.device && (!this.online || !navigator.onLine)) await this.ready;
    if (this.device && picture) {
      try {
        return await this.device.ask(picture);
      } catch (error) {
        if (this.closed) throw error;
        this.device.close();
        this.device = null;
        this.become({ stage: "server", reason: error instanceof Error ? error.message : String(error) });
        if (!file) throw error;
      }
    }
    const sent = file ?? (picture ? await encode(picture, "image/jpeg", 1024) : null);
    if (!sent) throw new ServerError(422, "no picture");
    return askServer(this.model, sent);
  }

  close(): void {
    this.closed = true;
    this.device?.close();
    this.device = null;
  }
}
