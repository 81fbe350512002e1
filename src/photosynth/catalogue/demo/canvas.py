"""Canvas: one printed surface, drawn in millimetres (x right, y down) with shapes, gradients and type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from photosynth.catalogue.demo.fonts import cap_height, font, text_width
from photosynth.catalogue.demo.paint import Linear, Paint, Radial, gradient_pixels, rgb
from photosynth.catalogue.demo.paths import box as box_path
from photosynth.catalogue.demo.paths import ellipse


@lru_cache(maxsize=256)
def _faded(opacity: float) -> list[int]:
    return [round(v * opacity) for v in range(256)]


class Canvas:
    """A picture of `width` x `height` millimetres. Shapes are rasterised `supersample` times finer and averaged."""

    def __init__(self, width: float, height: float, px_per_mm: float, paper: Paint, supersample: int = 4) -> None:
        self.width, self.height, self.px_per_mm, self.supersample = width, height, px_per_mm, supersample
        self.size_px = (max(round(width * px_per_mm), 4), max(round(height * px_per_mm), 4))
        self.image = Image.new("RGB", self.size_px, rgb(paper) if isinstance(paper, str) else (255, 255, 255))
        self._clips: list[Image.Image] = []
        if not isinstance(paper, str):
            self.rect(0, 0, width, height, paper)

    def pixels(self) -> np.ndarray:
        """(H, W, 3) uint8 sRGB."""
        return np.asarray(self.image)

    def fill(self, path, paint: Paint, *, opacity: float = 1.0, blur: float = 0.0, holes: Sequence = ()) -> None:
        """Fill one outline, or several given as a list; `holes` are cut out; `blur` is a Gaussian sigma."""
        outlines = list(path) if isinstance(path, list) else [path]
        found = self._mask(outlines, holes, blur)
        if found is not None:
            self._lay(*found, paint, opacity)

    def rect(self, x0: float, y0: float, x1: float, y1: float, paint: Paint, radius: float = 0.0, **how) -> None:
        """Fill an upright rectangle."""
        self.fill(box_path(x0, y0, x1, y1, radius), paint, **how)

    def disc(self, x: float, y: float, r: float, paint: Paint, **how) -> None:
        """Fill a circle."""
        self.fill(ellipse(x, y, r), paint, **how)

    def ring(self, x: float, y: float, r_out: float, r_in: float, paint: Paint, **how) -> None:
        """Fill the band between two circles."""
        self.fill(ellipse(x, y, r_out), paint, holes=[ellipse(x, y, r_in)], **how)

    def stroke(self, path, width: float, paint: Paint, *, closed: bool = False, opacity: float = 1.0) -> None:
        """Draw along a polyline with round ends."""
        p = np.asarray(path, dtype=np.float64)
        if closed:
            p = np.concatenate([p, p[:1]])
        bounds = self._bounds([p], width / 2 + 1.0 / self.px_per_mm)
        if bounds is None:
            return
        x0, y0, x1, y1 = bounds
        s = self.supersample
        mask = Image.new("L", ((x1 - x0) * s, (y1 - y0) * s))
        draw = ImageDraw.Draw(mask)
        q = (p * self.px_per_mm - (x0, y0)) * s
        w = max(width * self.px_per_mm * s, 1.0)
        draw.line([tuple(v) for v in q.tolist()], fill=255, width=max(round(w), 1), joint="curve")
        for cx, cy in (q[0], q[-1]):
            draw.ellipse([cx - w / 2, cy - w / 2, cx + w / 2, cy + w / 2], fill=255)
        self._lay(mask.reduce(s), (x0, y0), paint, opacity)

    @contextmanager
    def clip(self, path) -> Iterator[None]:
        """Inside the with-block, drawing is confined to the outline."""
        s = self.supersample
        w, h = self.size_px
        mask = Image.new("L", (w * s, h * s))
        ImageDraw.Draw(mask).polygon([tuple(v) for v in (np.asarray(path) * self.px_per_mm * s).tolist()], fill=255)
        mask = mask.reduce(s)
        self._clips.append(ImageChops.multiply(mask, self._clips[-1]) if self._clips else mask)
        try:
            yield
        finally:
            self._clips.pop()

    def text(
        self,
        x: float,
        y: float,
        string: str,
        size: float,
        paint: Paint,
        face: str = "regular",
        *,
        anchor: str = "mm",
        tracking: float = 0.0,
        stretch: float = 1.0,
        slant: float = 0.0,
        turn_deg: float = 0.0,
        fit: float | None = None,
        outline: tuple[float, Paint] | None = None,
        opacity: float = 1.0,
    ) -> float:
        """Set one line of type and return its width.

        Args:
            size: the em.
            anchor: ``l``, ``m`` or ``r``, then ``t`` (cap height), ``m`` or ``s`` (baseline).
            fit: the size is lowered so that the line is no wider than this.
            turn_deg: clockwise about the anchor.
            outline: width and paint of a contour round the letters.
        """
        width = text_width(string, face, size, tracking, stretch)
        if fit is not None and width > fit:
            size, width = size * fit / width, fit
        if not string.strip():
            return width
        dx = {"l": 0.0, "m": -width / 2, "r": -width}[anchor[0]]
        dy = {"t": 1.0, "m": 0.5, "s": 0.0}[anchor[1]] * cap_height(face) * size
        passes = [(outline[0], outline[1])] if outline else []
        for border, ink in [*passes, (0.0, paint)]:
            mask, (ox, oy) = self._type_mask(string, face, size, tracking, stretch, slant, border)
            a = math.radians(turn_deg)
            px = x + dx * math.cos(a) - dy * math.sin(a)
            py = y + dx * math.sin(a) + dy * math.cos(a)
            self._lay_fine(mask, ox, oy, px, py, turn_deg, ink, opacity)
        return width

    def text_arc(self, x: float, y: float, r: float, string: str, size: float, paint: Paint, face: str, **how) -> None:
        """Set type round a circle, centred at `centre_deg` (clockwise from the top; 180 reads along the bottom)."""
        centre_deg, tracking = how.pop("centre_deg", 0.0), how.pop("tracking", 0.0)
        below = 90.0 < centre_deg % 360.0 < 270.0
        total = text_width(string, face, size, tracking)
        for k, letter in enumerate(string):
            before = text_width(string[:k], face, size, tracking) + (tracking * size if k else 0.0)
            along = before + text_width(letter, face, size) / 2 - total / 2
            deg = centre_deg + math.degrees(along / r) * (-1.0 if below else 1.0)
            a = math.radians(deg)
            turn = deg + 180.0 if below else deg
            px, py = x + r * math.sin(a), y - r * math.cos(a)
            self.text(px, py, letter, size, paint, face, anchor="mm", turn_deg=turn, **how)

    def paragraph(self, x: float, y: float, width: float, string: str, size: float, paint: Paint, **how) -> float:
        """Set words in lines no wider than `width` from the top y down; returns the y below the last line.

        Args:
            how: `face`, `align` (``l``, ``m``, ``r``), `leading` (line distance in em) and what `text` takes.
        """
        face, align, leading = how.pop("face", "regular"), how.pop("align", "l"), how.pop("leading", 1.28)
        tracking, stretch = how.get("tracking", 0.0), how.get("stretch", 1.0)
        lines: list[str] = [""]
        for word in string.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and text_width(longer, face, size, tracking, stretch) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        at = {"l": x, "m": x + width / 2, "r": x + width}[align]
        for line in lines:
            self.text(at, y, line, size, paint, face, anchor=f"{align}t", **how)
            y += size * leading
        return y

    def _bounds(self, outlines: list, pad: float) -> tuple[int, int, int, int] | None:
        p = np.concatenate([np.asarray(o, dtype=np.float64) for o in outlines])
        low = np.floor((p.min(axis=0) - pad) * self.px_per_mm).astype(int) - 1
        high = np.ceil((p.max(axis=0) + pad) * self.px_per_mm).astype(int) + 1
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), self.size_px[0]), min(int(high[1]), self.size_px[1])
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def _bled(self, outline) -> np.ndarray:
        """The outline, moved a little further out where it ends on the right or lower edge: no half-filled pixels."""
        p = np.array(outline, dtype=np.float64)
        edge = np.array([self.width, self.height])
        return np.where(np.abs(p - edge) < 1e-6, p + 2.0 / self.px_per_mm, p)

    def _mask(self, outlines: list, holes: Sequence, blur: float):
        bounds = self._bounds(outlines, 3 * blur)
        if bounds is None:
            return None
        x0, y0, x1, y1 = bounds
        s = 1 if blur * self.px_per_mm > 2 else self.supersample
        mask = Image.new("L", ((x1 - x0) * s, (y1 - y0) * s))
        draw = ImageDraw.Draw(mask)
        for value, group in ((255, outlines), (0, holes)):
            for outline in group:
                q = (self._bled(outline) * self.px_per_mm - (x0, y0)) * s - 0.5
                draw.polygon([tuple(v) for v in q.tolist()], fill=value)
        mask = mask.reduce(s) if s > 1 else mask
        if blur > 0:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self.px_per_mm))
        return mask, (x0, y0)

    def _lay(self, mask: Image.Image, corner_px: tuple[int, int], paint: Paint, opacity: float) -> None:
        x0, y0 = corner_px
        w, h = mask.size
        if opacity < 1.0:
            mask = mask.point(_faded(round(opacity, 3)))
        if self._clips:
            mask = ImageChops.multiply(mask, self._clips[-1].crop((x0, y0, x0 + w, y0 + h)))
        if isinstance(paint, (Linear, Radial)):
            ink = Image.fromarray(gradient_pixels(paint, x0, y0, w, h, self.px_per_mm))
            self.image.paste(ink, (x0, y0), mask)
        else:
            self.image.paste(rgb(paint), (x0, y0, x0 + w, y0 + h), mask)

    def _type_mask(self, string, face, size, tracking, stretch, slant, border):
        """The letters at `supersample` times the resolution, and where the baseline starts in that mask."""
        s = self.supersample
        size_px = max(round(size * self.px_per_mm * s), 2)
        letters = font(face, size_px)
        rim = round(border * self.px_per_mm * s)
        pad = rim + 2 + size_px // 3
        length = text_width(string, face, size_px, tracking)
        mask = Image.new("L", (math.ceil(length) + 2 * pad, round(size_px * 1.5) + 2 * pad))
        draw = ImageDraw.Draw(mask)
        base = pad + round(size_px * 1.1)
        if tracking == 0.0:
            draw.text((pad, base), string, fill=255, font=letters, anchor="ls", stroke_width=rim)
        else:
            for k, letter in enumerate(string):
                at = letters.getlength(string[: k + 1]) - letters.getlength(letter) + k * tracking * size_px
                draw.text((pad + at, base), letter, fill=255, font=letters, anchor="ls", stroke_width=rim)
        ox, oy = float(pad), float(base)
        if slant or stretch != 1.0:
            w = math.ceil(mask.width * stretch + abs(slant) * mask.height)
            shift = max(slant, 0.0) * (mask.height - base) + max(-slant, 0.0) * base
            # out (x, y) reads in ((x - shift + slant * (y - base)) / stretch, y)
            affine = (1 / stretch, slant / stretch, (-shift - slant * base) / stretch, 0, 1, 0)
            mask = mask.transform((w, mask.height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
            ox = ox * stretch + shift
        return mask, (ox, oy)

    def _lay_fine(self, mask, ox, oy, x, y, turn_deg, paint, opacity) -> None:
        """Turn a fine mask about its point (ox, oy), bring that point to (x, y), average down and lay it."""
        s = self.supersample
        if turn_deg % 360:
            a = math.radians(turn_deg)
            corners = [(cx - ox, cy - oy) for cx in (0, mask.width) for cy in (0, mask.height)]
            xs = [cx * math.cos(a) - cy * math.sin(a) for cx, cy in corners]
            ys = [cx * math.sin(a) + cy * math.cos(a) for cx, cy in corners]
            left, top = math.floor(min(xs)), math.floor(min(ys))
            size = (math.ceil(max(xs)) - left, math.ceil(max(ys)) - top)
            c, n = math.cos(a), math.sin(a)
            affine = (c, n, left * c + top * n + ox, -n, c, -left * n + top * c + oy)
            mask = mask.transform(size, Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
            ox, oy = float(-left), float(-top)
        fx, fy = round(x * self.px_per_mm * s - ox), round(y * self.px_per_mm * s - oy)
        x0, y0 = fx // s, fy // s
        x1, y1 = -(-(fx + mask.width) // s), -(-(fy + mask.height) // s)
        cut = (max(x0, 0), max(y0, 0), min(x1, self.size_px[0]), min(y1, self.size_px[1]))
        if cut[2] <= cut[0] or cut[3] <= cut[1]:
            return
        fine = Image.new("L", ((cut[2] - cut[0]) * s, (cut[3] - cut[1]) * s))
        fine.paste(mask, (fx - cut[0] * s, fy - cut[1] * s))
        self._lay(fine.reduce(s), (cut[0], cut[1]), paint, opacity)
