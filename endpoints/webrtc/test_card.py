"""A test picture that carries the number of its point and the time it was drawn, both readable
by machine. Pure; arrays are planar YUV 4:2:0.

The upper part holds 4 rows of 16 cells, dark (0) or bright (1), row by row: 8 bits point
number, 40 bits milliseconds, 16 bits CRC-CCITT of the six octets before. Cells are far
larger than a macroblock, so the pattern survives strong compression and scaling. The browser
tests read it in JavaScript (tests/live/card.js).
"""

from __future__ import annotations

import binascii
import colorsys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COLUMNS = 16
ROWS = 4
CELL_HEIGHT = 1 / 9  # of the picture's height; the rows take 4/9
DARK, BRIGHT = 40, 215
THRESHOLD = 128
TIME_MODULUS = 1 << 40

# 3 × 5 digits, a bit a pixel, rows from the top.
DIGITS = (
    0o75557,
    0o26227,
    0o71747,
    0o71717,
    0o55711,
    0o74717,
    0o74757,
    0o71111,
    0o75757,
    0o75717,
)

Plane = npt.NDArray[np.uint8]


class Reading(NamedTuple):
    """What a card says: the point's number (1 to 255) and when it was drawn (ms, modulo 2^40)."""

    number: int
    time_ms: int


def encode(number: int, time_ms: int) -> list[int]:
    """The 64 bits of the cells that say this number and time."""
    body = bytes([number]) + (time_ms % TIME_MODULUS).to_bytes(5, "big")
    word = body + binascii.crc_hqx(body, 0xFFFF).to_bytes(2, "big")
    value = int.from_bytes(word, "big")
    return [value >> (63 - bit) & 1 for bit in range(64)]


def decode(bits: list[int]) -> Reading | None:
    """Read 64 bits; None where the checksum does not hold."""
    value = 0
    for bit in bits:
        value = value << 1 | bit
    word = value.to_bytes(8, "big")
    if binascii.crc_hqx(word[:6], 0xFFFF) != int.from_bytes(word[6:], "big"):
        return None
    return Reading(word[0], int.from_bytes(word[1:6], "big"))


def hue(number: int) -> float:
    """The hue of a point's card, 0–1; those of neighbouring numbers are far apart."""
    return (number * 0.381966) % 1.0


class TestCard:
    """Draws the cards of one point. Width and height in pixels, both even."""

    __test__ = False  # not a test class, whatever its name

    def __init__(self, number: int, *, width: int = 320, height: int = 180) -> None:
        if not 1 <= number <= 255:
            raise ValueError("the point number must be 1 to 255")
        self.number = number
        self.width = width
        self.height = height
        red, green, blue = colorsys.hsv_to_rgb(hue(number), 0.75, 0.75)
        luma = 16 + 219 * (0.2126 * red + 0.7152 * green + 0.0722 * blue)
        self._base: Plane = np.empty((height * 3 // 2, width), np.uint8)
        self._base[:height] = round(luma)
        # Planar 4:2:0 as av lays it out: both chroma planes follow, two lines to a row.
        chroma = self._base[height:].reshape(2, -1)
        chroma[0] = round(128 + 224 * (blue * 219 + 16 - luma) / 219 / 1.8556 * 1)
        chroma[1] = round(128 + 224 * (red * 219 + 16 - luma) / 219 / 1.5748 * 1)
        self._rows = round(height * CELL_HEIGHT)
        self._edges = [round(i * width / COLUMNS) for i in range(COLUMNS + 1)]
        # Under the cells the picture is grey, or strong colours would bleed into them.
        half = ROWS * self._rows // 2
        chroma.reshape(2, height // 2, width // 2)[:, :half] = 128
        self._draw_number()

    def _draw_number(self) -> None:
        scale = max(2, self.height // 14)
        text = str(self.number)
        left = (self.width - (4 * len(text) - 1) * scale) // 2
        top = ROWS * self._rows + scale
        for position, character in enumerate(text):
            glyph = DIGITS[int(character)]
            for bit in range(15):
                if glyph >> (14 - bit) & 1:
                    y = top + bit // 3 * scale
                    x = left + (4 * position + bit % 3) * scale
                    self._base[y : y + scale, x : x + scale] = 235

    def render(self, time_ms: int) -> Plane:
        """A card for this moment, shape (height * 3 // 2, width), with a bar that moves."""
        picture = self._base.copy()
        bits = encode(self.number, time_ms)
        for row in range(ROWS):
            top = row * self._rows
            for column in range(COLUMNS):
                level = BRIGHT if bits[row * COLUMNS + column] else DARK
                left, right = self._edges[column], self._edges[column + 1]
                picture[top : top + self._rows, left:right] = level
        bar = max(4, self.width // 40)
        x = time_ms // 20 % (self.width - bar)
        picture[self.height - bar : self.height, x : x + bar] = 235
        return picture


def read(luma: Plane) -> Reading | None:
    """Read a card out of a luma plane of any size; None where there is none."""
    height, width = luma.shape
    rows = height * CELL_HEIGHT
    columns = width / COLUMNS
    if rows < 4 or columns < 4:
        return None
    bits: list[int] = []
    for row in range(ROWS):
        top, bottom = int((row + 0.3) * rows), int((row + 0.7) * rows) + 1
        for column in range(COLUMNS):
            left, right = int((column + 0.3) * columns), int((column + 0.7) * columns) + 1
            bits.append(int(luma[top:bottom, left:right].mean() > THRESHOLD))
    return decode(bits)
