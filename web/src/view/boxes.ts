/** Boxes and names of found objects, drawn over a picture. */

import type { Found } from "../types";
import { pretty, text } from "../strings";

/** A colour for a class: hues as far apart as the golden angle, dark enough for white text. */
export function color(names: string[], label: string): string {
  const k = Math.max(0, names.indexOf(label));
  return `hsl(${(k * 137.5) % 360} 75% 28%)`;
}

/** Draw on a canvas that lies over a picture of `width` x `height`, both filling the same frame. */
export function drawBoxes(canvas: HTMLCanvasElement, objects: Found[], width: number, height: number, names: string[]): void {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const wide = Math.round(canvas.clientWidth * ratio);
  const high = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const pen = canvas.getContext("2d")!;
  pen.clearRect(0, 0, wide, high);
  const sx = wide / width;
  const sy = high / height;
  const px = 15 * ratio;
  pen.font = `600 ${px}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  for (const found of [...objects].reverse()) {
    const [x0, y0, x1, y1] = found.box;
    const ink = color(names, found.label);
    pen.lineWidth = 3 * ratio;
    pen.strokeStyle = "rgb(255 255 255 / 0.85)";
    pen.strokeRect(x0 * sx - ratio, y0 * sy - ratio, (x1 - x0) * sx + 2 * ratio, (y1 - y0) * sy + 2 * ratio);
    pen.strokeStyle = ink;
    pen.strokeRect(x0 * sx, y0 * sy, (x1 - x0) * sx, (y1 - y0) * sy);
    const label = `${pretty(found.label)} ${text.percent(found.score)}`;
    const room = pen.measureText(label).width + px * 0.8;
    const x = Math.min(Math.max(0, x0 * sx), Math.max(0, wide - room));
    const y = Math.max(0, y0 * sy - 1.6 * px);
    pen.fillStyle = ink;
    pen.fillRect(x, y, room, 1.6 * px);
    pen.fillStyle = "#fff";
    pen.fillText(label, x + px * 0.4, y + 0.85 * px);
  }
}
