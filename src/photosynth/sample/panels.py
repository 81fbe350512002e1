"""The panels of the distributions sheet: each draws one kind of plot on given axes."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from photosynth.core.geometry import elevation_rad
from photosynth.core.scene import Scene
from photosynth.sample.color import linear_from_temperature

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, FILL, ACCENT, GRID, DARK = "#20262e", "#7c858f", "#3f6fa8", "#c8701a", "#d5dae0", "#30363e"
BINS = 40


def _frame(axes: Axes, title: str, xlabel: str = "") -> None:
    axes.set_title(title, fontsize=13, color=INK, loc="left", pad=8)
    axes.set_xlabel(xlabel, fontsize=11, color=FAINT)
    axes.tick_params(colors=FAINT, labelsize=10, length=3)
    for side in ("top", "right", "left"):
        if side in axes.spines:
            axes.spines[side].set_visible(False)
    if "bottom" in axes.spines:
        axes.spines["bottom"].set_color(FAINT)


def draw_histogram(axes: Axes, values: list[float], title: str, xlabel: str, log: bool = False) -> None:
    """A histogram with its median; a value that many draws share is told in words and left out of the bars."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    _frame(axes, title, xlabel)
    axes.set_yticks([])
    data = np.asarray(values, dtype=float)
    common, share = _most_common(data)
    spread = data[data != common] if share > 0.2 else data
    if not len(spread) or np.ptp(spread) < 1e-9 * max(1.0, float(np.abs(spread).max())):
        _say(axes, f"always {data[0]:.3g}" if len(data) else "none")
        return
    low, high = float(spread.min()), float(spread.max())
    log = log and low > 0
    counts, _, _ = axes.hist(spread, bins=_edges(spread, log), color=FILL)
    axes.set_ylim(0, counts.max() * 1.28)
    if log:
        axes.set_xscale("log")
        axes.set_xticks(_log_ticks(low, high))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    median = float(np.median(spread))
    axes.plot([median, median], [0, counts.max() * 1.06], color=ACCENT, linewidth=1.6)
    said = f"median {median:.3g}" if share <= 0.2 else f"{common:.3g} in {share:.0%}, else median {median:.3g}"
    axes.text(0.99, 0.98, said, transform=axes.transAxes, ha="right", va="top", color=ACCENT, fontsize=11)


def _edges(data: np.ndarray, log: bool) -> np.ndarray:
    """Edges of about 40 bins; whole numbers get bins that hold equally many of them."""
    low, high = float(data.min()), float(data.max())
    if log:
        return np.geomspace(low, high, BINS + 1)
    if (data == np.round(data)).all():
        step = max(1, math.ceil((high - low) / BINS))
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, high, BINS + 1)


def _most_common(data: np.ndarray) -> tuple[float, float]:
    """The value that occurs most often, and its share of all."""
    if not len(data):
        return 0.0, 0.0
    values, counts = np.unique(data, return_counts=True)
    k = int(np.argmax(counts))
    return float(values[k]), float(counts[k] / len(data))


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=INK, fontsize=13)
    axes.set_xticks([])
    axes.set_yticks([])


def _log_ticks(low: float, high: float) -> list[float]:
    steps = (1, 2, 5) if high / low < 200 else (1,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high]


def draw_counts(axes: Axes, values: list[int], title: str) -> None:
    """Bars for whole numbers, with their shares."""
    _frame(axes, title)
    axes.set_yticks([])
    counts = Counter(values)
    for value, count in counts.items():
        axes.bar(value, count, color=FILL, width=0.8)
        axes.text(value, count, f"{count / len(values):.0%}", ha="center", va="bottom", fontsize=10, color=INK)
    axes.set_xticks(range(max(counts) + 1))
    axes.set_ylim(0, max(counts.values()) * 1.15)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def draw_bars(axes: Axes, counts: Counter[str], title: str, size: int = 11) -> None:
    """Horizontal bars, largest first; names in brackets are paler."""
    _frame(axes, title)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    if not counts:
        _say(axes, "none")
        return
    shown = counts.most_common(20)
    total, most = sum(counts.values()), shown[0][1]
    size = min(size, 9 if len(shown) <= 10 else 7)
    for row, (name, count) in enumerate(shown):
        axes.barh(row, count, color=FAINT if name.startswith("(") else FILL, height=0.72)
        axes.text(count + most * 0.02, row, f"{count / total:.0%}", va="center", fontsize=size - 1, color=INK)
    axes.set_yticks(range(len(shown)), [_short(name, 24 if len(shown) <= 10 else 15) for name, _ in shown])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # a class may be called "2 for $1"
    axes.tick_params(axis="y", length=0, labelsize=size, colors=INK)
    axes.set_ylim(max(len(shown), 4) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.2)


def draw_directions(axes: Axes, directions: list[np.ndarray]) -> None:
    """Unit vectors on an equal-area map of the sphere (Mollweide); the axes must have that projection."""
    axes.set_title("Where cameras stand, in the subject's frame", fontsize=13, color=INK, loc="left", pad=14)
    points = np.asarray(directions).reshape(-1, 3)
    azimuth = np.arctan2(points[:, 1], points[:, 0])
    elevation = np.array([elevation_rad(point) for point in points])
    axes.scatter(azimuth, elevation, s=7, c=FILL, alpha=0.55, linewidths=0)
    axes.grid(True, color=GRID, linewidth=0.7)
    axes.set_xticks(np.radians([-120, -60, 0, 60, 120]), [])
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]), ["-60°", "-30°", "0°", "30°", "60°"])
    axes.tick_params(colors=FAINT, labelsize=10)


def draw_heat(axes: Axes, share: np.ndarray) -> None:
    """A map (rows, columns) of how often each place of the picture lies in the subject's box."""
    _frame(axes, "Where the subject's box lies")
    image = axes.imshow(share, cmap="magma", vmin=0, extent=(0, 1, 1, 0), interpolation="bilinear")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.85)
    bar.ax.tick_params(colors=FAINT, labelsize=9)
    bar.outline.set_visible(False)


def draw_rolls(axes: Axes, scenes: list[Scene]) -> None:
    """Which way the world's up points in the picture; the axes must be polar."""
    axes.set_title("Roll: which way is up", fontsize=13, color=INK, loc="left", pad=12)
    rolls = []
    for scene in scenes:
        up = np.array(scene.camera.world_from_cam)[2, :3]
        rolls.append(math.atan2(up[0], -up[1]))
    counts, edges = np.histogram(rolls, bins=36, range=(-math.pi, math.pi))
    axes.bar(edges[:-1], counts, width=math.radians(10), align="edge", color=FILL)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_yticks([])
    axes.set_xticks(np.radians([0, 90, 180, 270]), ["upright", "90°", "180°", "270°"])
    axes.tick_params(colors=FAINT, labelsize=10)
    axes.grid(color=GRID, linewidth=0.7)
    axes.spines["polar"].set_color(GRID)


def draw_lights(axes: Axes, positions: list[np.ndarray], colors_linear: list[tuple[float, float, float]]) -> None:
    """Lamps in their colours, seen from the front; positions (3,) in diagonals about the subject."""
    from matplotlib.patches import Circle

    _frame(axes, "Lamps about the subject", "x, diagonals")
    axes.set_ylabel("height", fontsize=11, color=FAINT)
    if not positions:
        _say(axes, "none")
        return
    points = np.asarray(positions)
    axes.set_facecolor(DARK)
    axes.scatter(points[:, 0], points[:, 2], c=[_display(color) for color in colors_linear], s=9, linewidths=0)
    axes.add_patch(Circle((0, 0), 0.5, facecolor=ACCENT, edgecolor="none"))
    axes.set_aspect("equal", adjustable="datalim")


def draw_temperatures(axes: Axes, temperatures_k: list[float]) -> None:
    """Colour temperatures, each bar in its own colour."""
    _frame(axes, "Colour of the lamps", "temperature, K")
    axes.set_yticks([])
    if not temperatures_k:
        _say(axes, "none")
        return
    low, high = min(temperatures_k), max(temperatures_k)
    if high - low < 1:
        low, high = low - 500, high + 500
    counts, edges = np.histogram(temperatures_k, bins=36, range=(low, high))
    colors = [_display(linear_from_temperature(float(np.clip(t, 1667, 25000)))) for t in (edges[:-1] + edges[1:]) / 2]
    axes.set_facecolor(DARK)
    axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=colors)


def draw_white_balance(axes: Axes, scenes: list[Scene]) -> None:
    """White balance gains as the colours that they make of grey."""
    _frame(axes, "White balance", "gain on red / green")
    gains = np.array([scene.finish.white_balance_linear for scene in scenes])
    red, blue = gains[:, 0] / gains[:, 1], gains[:, 2] / gains[:, 1]
    axes.scatter(red, blue, c=[_display(gain) for gain in gains], s=9, linewidths=0)
    axes.set_facecolor(DARK)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_ylabel("on blue / green", fontsize=11, color=FAINT)
    ticks = [0.5, 1.0, 2.0]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_xlim(0.4, 2.5)
    axes.set_ylim(0.4, 2.5)


def _display(color_linear: tuple[float, float, float] | np.ndarray) -> tuple[float, float, float]:
    """sRGB to look at, of linear light scaled so that its largest channel is full."""
    linear = np.asarray(color_linear, dtype=float)
    linear = linear / linear.max()
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(float(np.clip(v, 0, 1)) for v in srgb)  # type: ignore[return-value]
