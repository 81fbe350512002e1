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

/** Takes frames of a video, always into the same canvas. */
export class Grabber {
  private readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d", { willReadFrequently: true, alpha: false })!;

  /** The frame on show, cut to `aspect` (width by height) about its centre as the screen shows it. */
  grab(video: HTMLVideoElement, aspect: number): Pixels {
    const full = { width: video.videoWidth, height: video.videoHeight };
    const width = Math.max(1, Math.min(full.width, Math.round(full.height * aspect)));
    const height = Math.max(1, Math.min(full.height, Math.round(full.width / aspect)));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const left = Math.floor((full.width - width) / 2);
    const top = Math.floor((full.height - height) / 2);
    this.context.drawImage(video, left, top, width, height, 0, 0, width, height);
    return { width, height, rgba: this.context.getImageData(0, 0, width, height).data };
  }
}
