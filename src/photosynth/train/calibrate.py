"""Calibrate: temperature scaling (Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks"),
and the probability from which an answer is worth giving."""

from __future__ import annotations

import numpy as np

THRESHOLD_PERCENT = (50, 90)
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


def fit_threshold(logits: np.ndarray, labels: np.ndarray, temperature: float, false_share: float) -> float:
    """The least probability, 0.50 .. 0.90 in steps of 0.01, that few pictures without any object reach for a class.

    Args:
        logits: (n, classes + 1), none of these last.
        labels: (n,).
        temperature: that the logits are divided by.
        false_share: "few": at most this share of the pictures labelled none of these. Without such pictures, 0.5.
    """
    scaled = logits.astype(np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(1, keepdims=True))
    surest = (scaled / scaled.sum(1, keepdims=True))[labels == logits.shape[1] - 1, :-1].max(1)
    for percent in range(THRESHOLD_PERCENT[0], THRESHOLD_PERCENT[1]):
        if not len(surest) or np.mean(surest >= percent / 100) <= false_share:
            return percent / 100
    return THRESHOLD_PERCENT[1] / 100
