/** Photos: from a file or the camera to pixels, and back to files. */

import type { Pixels } from "./model/resize";

/** Safari allows no larger canvas; larger pictures are left to the server, or shrunk. */
const MAX_PIXELS = 16_000_000;
const JPEG_QUALITY = 0.92;

/** A file as pixels: full size, upright, alpha over white, colours as they are in the file. Throws if unreadable. */
export async function decode(file: Blob): Promise<Pixels> {
  const bitmap = await createImageBitmap(file, {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  });
  try {
    const scale = Math.min(1, Math.sqrt(MAX_PIXELS / (bitmap.width * bitmap.height)));
    return draw(bitmap, Math.max(1, Math.floor(bitmap.width * scale)), Math.max(1, Math.floor(bitmap.height * scale)));
  } finally {
    bitmap.close();
  }
}

function draw(source: CanvasImageSource, width: number, height: number): Pixels {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  canvas.width = canvas.height = 0; // Safari frees its memory late otherwise
  return { width, height, rgba };
}

/** Pixels as a file; `longest` shrinks its longer side to that many pixels. */
export async function encode(pixels: Pixels, type: "image/jpeg" | "image/png", longest = Infinity): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  const data = new ImageData(new Uint8ClampedArray(pixels.rgba), pixels.width, pixels.height);
  canvas.getContext("2d")!.putImageData(data, 0, 0);
  const scale = Math.min(1, longest / Math.max(pixels.width, pixels.height));
  if (scale === 1) return toBlob(canvas, type);
  const small = document.createElement("canvas");
  small.width = Math.max(1, Math.round(pixels.width * scale));
  small.height = Math.max(1, Math.round(pixels.height * scale));
  const context = small.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, small.width, small.height);
  return toBlob(small, type);
}

function toBlob(canvas: HTMLCanvasElement, type: string): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no memory for a picture"))), type, JPEG_QUALITY);
  });
}

/** A part of a video's picture, in its pixels. */
interface Cut {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Takes frames of a video. */
export class Grabber {
  private canvas: CanvasRenderingContext2D | null = null;
  private copies = "VideoFrame" in window;

  /** The frame on show, cut to `aspect` (width by height) about its centre as the screen shows it. */
  async grab(video: HTMLVideoElement, aspect: number): Promise<Pixels> {
    const full = { width: video.videoWidth, height: video.videoHeight };
    const width = Math.max(1, Math.min(full.width, Math.round(full.height * aspect)));
    const height = Math.max(1, Math.min(full.height, Math.round(full.width / aspect)));
    // Chroma is stored for pairs of pixels: cuts that begin at an odd one cannot be copied.
    const [left, top] = [full.width - width, full.height - height].map((rest) => 2 * Math.floor(rest / 4));
    const cut = { left, top, width, height };
    const copied = this.copies ? await copy(video, cut).catch(() => null) : null;
    if (copied) return copied;
    this.copies = false;
    return this.drawn(video, cut);
  }

  /** Where frames cannot be copied: by way of a canvas, always the same one. */
  private drawn(video: HTMLVideoElement, { left, top, width, height }: Cut): Pixels {
    this.canvas ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true, alpha: false })!;
    const { canvas } = this.canvas;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    this.canvas.drawImage(video, left, top, width, height, 0, 0, width, height);
    return { width, height, rgba: this.canvas.getImageData(0, 0, width, height).data };
  }
}

/**
 * The frame on show, copied without a canvas: Chromium without a GPU keeps 0.3 to 0.4 MB of every frame that is drawn
 * on one. Null if the frame does not lie as it is shown (turned, mirrored or of another size). Throws where a browser
 * cannot give it as RGBA.
 */
async function copy(video: HTMLVideoElement, { left, top, width, height }: Cut): Promise<Pixels | null> {
  const frame = new VideoFrame(video);
  try {
    const { visibleRect, rotation, flip } = frame as VideoFrame & { rotation?: number; flip?: boolean };
    if (!visibleRect || rotation || flip) return null;
    if (visibleRect.width !== video.videoWidth || visibleRect.height !== video.videoHeight) return null;
    const rect = { x: visibleRect.x + left, y: visibleRect.y + top, width, height };
    const options = { format: "RGBA", colorSpace: "srgb", rect } as VideoFrameCopyToOptions;
    const rgba = new Uint8ClampedArray(frame.allocationSize(options));
    if (rgba.length !== 4 * width * height) return null;
    await frame.copyTo(rgba, options);
    return { width, height, rgba };
  } finally {
    frame.close();
  }
}
