"""Light of an environment on diffuse surfaces: spherical harmonics up to order 6, as polynomials of the normal.

With p = x + i y, every harmonic of degree m about z is Re p^m or Im p^m times a polynomial in z. Sums over orders are
taken beforehand, so a normal costs 31 products a channel.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel

f4 = np.float32

TERMS = 31
"""Coefficients of a channel: of 1, z, z^2, z^4, z^6; then for Im p, Re p: 1, z, z^3, z^5; Im p^2, Re p^2: 1, z^2, z^4;
Im p^3, Re p^3: z, z^3; Im p^4, Re p^4: 1, z^2; Im p^5, Re p^5: z; Im p^6, Re p^6: 1."""
_LEGENDRE = {
    (0, 0): (0.28209479, (1,)),
    (1, 0): (0.48860251, (0, 1)),
    (1, 1): (0.48860251, (1,)),
    (2, 0): (0.31539157, (-1, 0, 3)),
    (2, 1): (1.09254843, (0, 1)),
    (2, 2): (0.54627422, (1,)),
    (4, 0): (0.10578555, (3, 0, -30, 0, 35)),
    (4, 1): (0.66904654, (0, -3, 0, 7)),
    (4, 2): (0.47308735, (-1, 0, 7)),
    (4, 3): (1.77013077, (0, 1)),
    (4, 4): (0.62583574, (1,)),
    (6, 0): (0.06356920, (-5, 0, 105, 0, -315, 0, 231)),
    (6, 1): (0.58262136, (0, 5, 0, -30, 0, 33)),
    (6, 2): (0.46060263, (1, 0, -18, 0, 33)),
    (6, 3): (0.92120526, (0, -3, 0, 11)),
    (6, 4): (0.50456490, (-1, 0, 11)),
    (6, 5): (2.36661916, (0, 1)),
    (6, 6): (0.68318411, (1,)),
}
"""Normalisation, and the polynomial in z from z^0 on, of the harmonics of each order and degree; they are the real ones
without the Condon-Shortley phase (Sloan, "Stupid Spherical Harmonics Tricks", GDC 2008, appendix A2)."""
_POWERS = ((0, 1, 2, 4, 6), (0, 1, 3, 5), (0, 2, 4), (1, 3), (0, 2), (1,), (0,))
ORDERS = (0, 1, 2, 4, 6)
"""Order 3 and 5 of a clamped cosine are 0."""
HARMONICS = tuple((order, degree) for order in ORDERS for degree in range(-order, order + 1))
"""Order and degree (below 0: Im) of each harmonic, as harmonics() gives them."""


def harmonics(directions: np.ndarray, orders: tuple[int, ...] = ORDERS) -> np.ndarray:
    """The real spherical harmonics Y_l-l .. Y_ll of some orders at unit directions (..., 3): (..., sum of 2 l + 1)."""
    x, y, z = (directions[..., k] for k in range(3))
    p = x + 1j * y
    found = []
    for order in orders:
        for degree in range(-order, order + 1):
            scale, terms = _LEGENDRE[order, abs(degree)]
            turned = p ** abs(degree)
            along = sum(value * z**power for power, value in enumerate(terms))
            found.append(scale * along * (turned.imag if degree < 0 else turned.real))
    return np.stack(found, axis=-1)


def polynomial_of(coefficients: np.ndarray) -> np.ndarray:
    """Coefficients (31, 3) of the HARMONICS as TERMS, (31, 3) float32."""
    rows = {}
    for degree, powers in enumerate(_POWERS):
        for imaginary in (True, False) if degree else (False,):
            for power in powers:
                rows[degree, imaginary, power] = len(rows)
    out = np.zeros((TERMS, coefficients.shape[1]))
    for (order, degree), value in zip(HARMONICS, coefficients, strict=True):
        scale, terms = _LEGENDRE[order, abs(degree)]
        for power, term in enumerate(terms):
            if term:
                out[rows[abs(degree), degree < 0, power]] += scale * term * value
    return out.astype(np.float32)


@kernel
def terms_of(table, k):
    """Channel k of a table (TERMS, 3) as numbers that stay in registers."""
    return (
        table[0, k], table[1, k], table[2, k], table[3, k], table[4, k], table[5, k], table[6, k], table[7, k],
        table[8, k], table[9, k], table[10, k], table[11, k], table[12, k], table[13, k], table[14, k], table[15, k],
        table[16, k], table[17, k], table[18, k], table[19, k], table[20, k], table[21, k], table[22, k], table[23, k],
        table[24, k], table[25, k], table[26, k], table[27, k], table[28, k], table[29, k], table[30, k],
    )  # fmt: skip


@kernel
def evaluate(x, y, z, c):
    """The polynomial at a unit normal."""
    zz, two = z * z, f4(2)
    re2, im2 = x * x - y * y, two * x * y
    re3, im3 = x * re2 - y * im2, x * im2 + y * re2
    re4, im4 = re2 * re2 - im2 * im2, two * re2 * im2
    re5, im5 = x * re4 - y * im4, x * im4 + y * re4
    re6, im6 = re3 * re3 - im3 * im3, two * re3 * im3
    value = c[0] + c[1] * z + zz * (c[2] + zz * (c[3] + zz * c[4]))
    value += y * (c[5] + z * (c[6] + zz * (c[7] + zz * c[8]))) + x * (c[9] + z * (c[10] + zz * (c[11] + zz * c[12])))
    value += im2 * (c[13] + zz * (c[14] + zz * c[15])) + re2 * (c[16] + zz * (c[17] + zz * c[18]))
    value += z * (im3 * (c[19] + zz * c[20]) + re3 * (c[21] + zz * c[22]))
    value += im4 * (c[23] + zz * c[24]) + re4 * (c[25] + zz * c[26])
    value += z * (c[27] * im5 + c[28] * re5)
    return value + c[29] * im6 + c[30] * re6
