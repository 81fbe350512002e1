"""Calibrate: temperature scaling (Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks")."""

from __future__ import annotations

import numpy as np

TEMPERATURE_BOUNDS = (0.5, 10.0)
"""A split that is named without a mistake would drive the temperature to 0 and every answer to certainty, which real
pictures do not deserve; hence the lower end."""


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> float:
    """Mean negative log likelihood in nats of (n,) labels under softmax(logits / temperature), logits (n, classes)."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    log_sum = np.log(np.exp(scaled).sum(1))
    return float(np.mean(log_sum - scaled[np.arange(len(labels)), labels]))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature within TEMPERATURE_BOUNDS with the least negative log likelihood, to 3 decimals."""
    from scipy.optimize import minimize_scalar

    low, high = np.log(TEMPERATURE_BOUNDS)
    found = minimize_scalar(lambda t: nll(logits, labels, float(np.exp(t))), bounds=(low, high), method="bounded")
    return round(float(np.exp(found.x)), 3)
