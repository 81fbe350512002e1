"""EAN-13: encode, draw and decode the retail bar code (GS1 General Specifications, section 5.2)."""

from __future__ import annotations

from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paint import Color

_LEFT_ODD = (
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
)
_RIGHT = tuple("".join("1" if bit == "0" else "0" for bit in code) for code in _LEFT_ODD)
_LEFT_EVEN = tuple(code[::-1] for code in _RIGHT)
_PARITY = ("OOOOOO", "OOEOEE", "OOEEOE", "OOEEEO", "OEOOEE", "OEEOOE", "OEEEOO", "OEOEOE", "OEOEEO", "OEEOEO")
N_MODULES = 95
"""Bars and spaces of unit width in one symbol."""


def check_digit(digits: str) -> int:
    """The thirteenth digit of twelve: what brings the sum, weighted 1, 3, 1, 3 ..., to a multiple of ten."""
    if len(digits) != 12 or not digits.isdigit():
        raise ValueError(f"an EAN-13 check digit is computed from 12 digits, got {digits!r}")
    return -sum(int(d) * (3 if k % 2 else 1) for k, d in enumerate(digits)) % 10


def encode(digits: str) -> str:
    """The 95 modules of a number ("1" is a bar). Twelve digits get their check digit; thirteen must carry it."""
    if len(digits) == 12:
        digits += str(check_digit(digits))
    if len(digits) != 13 or check_digit(digits[:12]) != int(digits[12]):
        raise ValueError(f"{digits!r} is not an EAN-13 number with a valid check digit")
    parity = _PARITY[int(digits[0])]
    left = "".join((_LEFT_ODD if p == "O" else _LEFT_EVEN)[int(d)] for d, p in zip(digits[1:7], parity, strict=True))
    right = "".join(_RIGHT[int(d)] for d in digits[7:])
    return f"101{left}01010{right}101"


def decode(modules: str) -> str:
    """The 13 digits of 95 modules. Raises ValueError if they are no EAN-13 symbol or the check digit is wrong."""
    if len(modules) != N_MODULES or modules[:3] != "101" or modules[45:50] != "01010" or modules[-3:] != "101":
        raise ValueError("the guard bars of an EAN-13 symbol are not where they should be")
    found, parity = "", ""
    for k in range(6):
        code = modules[3 + 7 * k : 10 + 7 * k]
        parity += "O" if code in _LEFT_ODD else "E"
        found += str((_LEFT_ODD if code in _LEFT_ODD else _LEFT_EVEN).index(code))
    found += "".join(str(_RIGHT.index(modules[50 + 7 * k : 57 + 7 * k])) for k in range(6))
    digits = f"{_PARITY.index(parity)}{found}"
    if check_digit(digits[:12]) != int(digits[12]):
        raise ValueError(f"{digits} has a wrong check digit")
    return digits


def draw_ean13(
    c: Canvas,
    x: float,
    y: float,
    digits: str,
    module_mm: float = 0.30,
    height_mm: float = 15.0,
    ink: Color = "#111111",
    paper: Color = "#ffffff",
) -> tuple[float, float]:
    """Draw the symbol with quiet zones and digits, its top left corner at (x, y); returns its width and height."""
    modules = encode(digits)
    digits = decode(modules)
    module_mm = max(round(module_mm * c.px_per_mm), 1) / c.px_per_mm if module_mm * c.px_per_mm > 0.8 else module_mm
    quiet, type_mm = 11 * module_mm, 9.5 * module_mm
    width = (N_MODULES + 18) * module_mm
    c.rect(x, y, x + width, y + height_mm, paper)
    x0 = round((x + quiet) * c.px_per_mm) / c.px_per_mm
    foot = y + height_mm - type_mm
    guards = {*range(3), *range(45, 50), *range(92, 95)}
    for k, bit in enumerate(modules):
        if bit == "1":
            bottom = foot + (type_mm * 0.5 if k in guards else 0.0)
            c.rect(x0 + k * module_mm, y + module_mm * 3, x0 + (k + 1) * module_mm, bottom, ink)
    base = y + height_mm - type_mm * 0.16
    c.text(x0 - 6.0 * module_mm, base, digits[0], type_mm, ink, "regular", anchor="ms")
    for k in range(6):
        c.text(x0 + (6.5 + 7 * k) * module_mm, base, digits[1 + k], type_mm, ink, "regular", anchor="ms")
        c.text(x0 + (53.5 + 7 * k) * module_mm, base, digits[7 + k], type_mm, ink, "regular", anchor="ms")
    return width, height_mm
