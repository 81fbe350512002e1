/**
 * Resize, version 1: the one way a picture becomes a network's input (docs/models.md has the rule).
 *
 * Sums are whole numbers below 2^53, so their order does not matter and every engine gives the same bytes. Each source
 * row is first summed along x, then added to the output rows it touches; pictures may come in strips of rows.
 */

export const RESIZE_VERSION = 1;
export const PADDING = 128;
export type Fit = "squash" | "letterbox";

/** Pixels in memory: R G B A bytes, row by row. Alpha is ignored. */
export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8ClampedArray | Uint8Array;
}

/** A part of a picture, in pixels. */
export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Weights of one axis: output pixel i takes source pixels from starts[i], weights offsets[i] to offsets[i + 1]. */
interface Axis {
  starts: Int32Array;
  offsets: Int32Array;
  weights: Float64Array;
  divisor: number;
}

const axes = new Map<string, Axis>();

/** The rule for one axis of n source pixels and `size` output pixels. */
export function axis(n: number, size: number): Axis {
  const key = `${n}/${size}`;
  const known = axes.get(key);
  if (known) return known;
  if (axes.size > 32) axes.clear();
  const starts = new Int32Array(size);
  const offsets = new Int32Array(size + 1);
  const weights: number[] = [];
  for (let i = 0; i < size; i++) {
    if (n >= size) {
      const begin = i * n;
      const end = begin + n;
      starts[i] = Math.floor(begin / size);
      for (let j = starts[i]; j * size < end; j++) {
        weights.push(Math.min(end, (j + 1) * size) - Math.max(begin, j * size));
      }
    } else {
      const a = Math.min(Math.max((2 * i + 1) * n - size, 0), 2 * size * (n - 1));
      const j = Math.floor(a / (2 * size));
      const r = a - 2 * size * j;
      starts[i] = j;
      weights.push(2 * size - r);
      if (r) weights.push(r);
    }
    offsets[i + 1] = weights.length;
  }
  const made = { starts, offsets, weights: Float64Array.from(weights), divisor: n >= size ? n : 2 * size };
  axes.set(key, made);
  return made;
}

/** Resize a region of a picture to width x height; returns R G B bytes. */
export function resize(source: Pixels, width: number, height: number, region?: Region): Uint8Array {
  const part = region ?? { x: 0, y: 0, width: source.width, height: source.height };
  const columns = axis(part.width, width);
  const rows = axis(part.height, height);
  const wide = 3 * width;
  const line = new Float64Array(wide);
  const total = new Float64Array(wide);
  const result = new Uint8Array(wide * height);
  const divisor = rows.divisor * columns.divisor;
  let summed = -1;
  for (let i = 0; i < height; i++) {
    total.fill(0);
    for (let k = rows.offsets[i]; k < rows.offsets[i + 1]; k++) {
      const row = rows.starts[i] + k - rows.offsets[i];
      if (row !== summed) {
        sumRow(source, part, row, columns, width, line);
        summed = row;
      }
      const weight = rows.weights[k];
      for (let x = 0; x < wide; x++) total[x] += weight * line[x];
    }
    const at = i * wide;
    for (let x = 0; x < wide; x++) result[at + x] = Math.floor((2 * total[x] + divisor) / (2 * divisor));
  }
  return result;
}

/** One source row, weighted along x. */
function sumRow(source: Pixels, part: Region, row: number, columns: Axis, width: number, line: Float64Array): void {
  const { rgba } = source;
  const base = 4 * ((part.y + row) * source.width + part.x);
  for (let x = 0; x < width; x++) {
    let at = base + 4 * columns.starts[x];
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let k = columns.offsets[x], end = columns.offsets[x + 1]; k < end; k++, at += 4) {
      const weight = columns.weights[k];
      red += weight * rgba[at];
      green += weight * rgba[at + 1];
      blue += weight * rgba[at + 2];
    }
    line[3 * x] = red;
    line[3 * x + 1] = green;
    line[3 * x + 2] = blue;
  }
}

/** A square input and source pixels per input pixel along x and y. */
export interface Square {
  rgb: Uint8Array;
  scaleX: number;
  scaleY: number;
}

/** A picture, or a region of it, as a network's square input of side `size`. */
export function fitSquare(source: Pixels, size: number, fit: Fit, region?: Region): Square {
  const { width, height } = region ?? source;
  if (fit === "squash") {
    return { rgb: resize(source, size, size, region), scaleX: width / size, scaleY: height / size };
  }
  const longer = Math.max(width, height);
  const side = (n: number) => Math.max(1, Math.floor((2 * n * size + longer) / (2 * longer)));
  const w = side(width);
  const h = side(height);
  const small = resize(source, w, h, region);
  const rgb = new Uint8Array(3 * size * size).fill(PADDING);
  for (let y = 0; y < h; y++) rgb.set(small.subarray(3 * w * y, 3 * w * (y + 1)), 3 * size * y);
  return { rgb, scaleX: width / w, scaleY: height / h };
}

/** The whole picture and, for five views, its four corners of 0.7 of each side (halves round to even). */
export function views(width: number, height: number, count: number): Region[] {
  const whole = { x: 0, y: 0, width, height };
  if (count === 1) return [whole];
  const w = Math.max(1, roundEven(0.7 * width));
  const h = Math.max(1, roundEven(0.7 * height));
  const corners = [0, height - h].flatMap((y) => [0, width - w].map((x) => ({ x, y, width: w, height: h })));
  return [whole, ...corners];
}

/** Rounded; halves to the even neighbour, as numpy does. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
