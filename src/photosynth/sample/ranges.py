"""What a recipe's fields may hold; each check raises ValueError naming the field."""

from __future__ import annotations

import math

from photosynth.core.distributions import Choice, Discrete, Fixed, Scalar, Whole


def require_support(
    name: str, dist: Scalar, low: float = -math.inf, high: float = math.inf, above: float | None = None
) -> None:
    """All that `dist` can draw must lie in [low, high], and above `above` if that is given."""
    lowest, highest = dist.support()
    if lowest < low or highest > high or (above is not None and lowest <= above):
        wanted = f"above {above:g}" if above is not None else f"at least {low:g}"
        wanted += f" and at most {high:g}" if math.isfinite(high) else ""
        hint = "; use kind 'truncated_normal'" if math.isinf(lowest) or math.isinf(highest) else ""
        raise ValueError(f"{name} must be {wanted}, but may be drawn from {lowest:g} to {highest:g}{hint}")


def require_count(name: str, dist: Scalar, low: int, high: int) -> None:
    """`dist` must draw whole numbers in [low, high]."""
    require_support(name, dist, low, high)
    options = dist.options if isinstance(dist, Choice) else (dist,)
    for option in options:
        if isinstance(option, Whole):
            continue
        values = option.values if isinstance(option, Discrete) else (getattr(option, "value", math.nan),)
        if not isinstance(option, Fixed | Discrete) or any(value != round(value) for value in values):
            raise ValueError(f"{name} is a count: use kind 'whole', or 'fixed' or 'discrete' with whole numbers")


def require_share(**shares: float) -> None:
    """Each must be a probability."""
    for name, value in shares.items():
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} is a probability and must lie in 0..1, got {value}")
