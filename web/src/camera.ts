/** The camera: opened on request, closed when the page is hidden. */

export type CameraTrouble = "denied" | "missing" | "busy" | "insecure";

/** The camera cannot be had. */
export class CameraError extends Error {
  constructor(readonly trouble: CameraTrouble) {
    super(trouble);
  }
}

const TROUBLES: Record<string, CameraTrouble> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
};

/** A live picture in a video element. */
export class Camera {
  private stream: MediaStream | null = null;
  facing: "environment" | "user" = "environment";

  constructor(readonly video: HTMLVideoElement) {}

  get running(): boolean {
    return this.stream !== null;
  }

  /** Whether browsers give a live picture on this page at all. */
  static get possible(): boolean {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  /** Whether it may be opened without a question to the user. */
  static async allowed(): Promise<boolean> {
    try {
      return (await navigator.permissions.query({ name: "camera" as PermissionName })).state === "granted";
    } catch {
      return false;
    }
  }

  /** Whether there is a second camera to turn to. */
  static async several(): Promise<boolean> {
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    return devices.filter((device) => device.kind === "videoinput").length > 1;
  }

  /** Open it. Throws CameraError. */
  async open(): Promise<void> {
    if (!Camera.possible) throw new CameraError("insecure");
    this.close();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: this.facing, width: { ideal: 640 }, height: { ideal: 480 } },
      });
    } catch (error) {
      throw new CameraError(TROUBLES[(error as DOMException).name] ?? "busy");
    }
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => undefined);
    await new Promise<void>((resolve) => {
      if (this.video.videoWidth) resolve();
      else this.video.addEventListener("loadeddata", () => resolve(), { once: true });
    });
  }

  /** Turn to the other camera. */
  async turn(): Promise<void> {
    this.facing = this.facing === "environment" ? "user" : "environment";
    await this.open();
  }

  /** Let go of it. */
  close(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}
