"""A test picture that carries the number of its point and the time it was drawn, both readable
by machine. Pure; arrays are planar YUV 4:2:0.

The upper part holds 4 rows of 16 cells, dark (0) or bright (1), row by row: 8 bits point
number, 40 bits milliseconds, 16 bits CRC-CCITT of the six octets before. Cells are far
larger than a macroblock, so the pattern survives strong compression and scaling. The browser
tests read it in JavaScript (tests/live/card.js).

The same cells, small and in the lower left corner, stand in the picture of a meeting room
(`endpoints.simulation.meeting_room`). Where that picture is encoded once and played in a loop, the
time in it is the phase of the loop, and the top octet says how long the loop is (`loop_time`).
"""

from __future__ import annotations

import binascii
import colorsys
import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COLUMNS = 16
ROWS = 4
CELL_HEIGHT = 1 / 9  # of the picture's height; the rows take 4/9
DARK, BRIGHT = 40, 215
THRESHOLD = 128
LOOP_MARK = 0xF0  # top octet of a time from here on: a loop of so many seconds more; 0: no time
LOOP_BITS = 32  # of the time, below the mark: the phase
TIME_MODULUS = LOOP_MARK << LOOP_BITS  # ms; a machine that runs for 32 years begins at 0 again

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


class Area(NamedTuple):
    """Where in a picture the cells are, as shares of its width and height."""

    left: float
    top: float
    width: float
    height: float


WHOLE = Area(0.0, 0.0, 1.0, ROWS * CELL_HEIGHT)
CORNER = Area(0.0, 1 - 8 / 45, 2 / 5, 8 / 45)  # square cells in a picture of 16:9
LEAST = 4  # pixels of a cell
SAMPLES = (0.35, 0.5, 0.65)  # where a cell is looked at, as shares of its size


class Reading(NamedTuple):
    """What a card says: the point's number (1 to 255) and when it was drawn (ms, modulo
    `TIME_MODULUS`, or a `loop_time`)."""

    number: int
    time_ms: int

    @property
    def loop_ms(self) -> int | None:
        """How long the loop is that the picture is part of, ms; 0 for its key picture, which has
        no time; None where it is of no loop."""
        mark = self.time_ms >> LOOP_BITS
        return (mark - LOOP_MARK) * 1000 if mark >= LOOP_MARK else None

    def age(self, now_ms: int) -> int | None:
        """How old the picture is at ``now_ms`` (monotonic milliseconds), ms; in a loop modulo its
        length. None where the card has no time."""
        loop = self.loop_ms
        if loop is None:
            return (now_ms - self.time_ms) % TIME_MODULUS
        return (now_ms - (self.time_ms & ((1 << LOOP_BITS) - 1))) % loop if loop else None


def loop_time(phase_ms: int, seconds: int) -> int:
    """The time in a card of a loop of ``seconds`` (1 to 15), at this phase; 0 seconds: no time."""
    if not 0 <= seconds <= 15:
        raise ValueError("a loop takes 15 seconds at most")
    return (LOOP_MARK + seconds) << LOOP_BITS | phase_ms


def encode(number: int, time_ms: int) -> list[int]:
    """The 64 bits of the cells that say this number and time."""
    body = bytes([number]) + (time_ms % (1 << 40)).to_bytes(5, "big")
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
        bits = encode(self.number, time_ms % TIME_MODULUS)
        draw_cells(picture[: self.height], bits, WHOLE)
        bar = max(4, self.width // 40)
        x = time_ms // 20 % (self.width - bar)
        picture[self.height - bar : self.height, x : x + bar] = 235
        return picture


def draw_cells(luma: Plane, bits: list[int], area: Area) -> None:
    """Draw 64 bits as cells into an area of a luma plane."""
    lines, columns = _edges(luma.shape, area)
    cells = np.where(np.array(bits, bool).reshape(ROWS, COLUMNS), np.uint8(BRIGHT), np.uint8(DARK))
    tall = np.repeat(cells, np.diff(lines), axis=0)
    luma[lines[0] : lines[-1], columns[0] : columns[-1]] = np.repeat(tall, np.diff(columns), axis=1)


def _edges(shape: tuple[int, ...], area: Area) -> tuple[list[int], list[int]]:
    """The edges of the cells in pixels: of rows, of columns."""
    height, width = shape
    lines = [round(height * (area.top + area.height * i / ROWS)) for i in range(ROWS + 1)]
    columns = [round(width * (area.left + area.width * i / COLUMNS)) for i in range(COLUMNS + 1)]
    return lines, columns


def read(luma: Plane) -> Reading | None:
    """Read a card out of a luma plane of any size; None where there is none."""
    return _read(luma, WHOLE) or _read(luma, CORNER)


def _read(luma: Plane, area: Area) -> Reading | None:
    samples = _samples(luma.shape, area)
    if samples is None:
        return None
    found = luma[samples].reshape(ROWS, len(SAMPLES), COLUMNS, len(SAMPLES))
    bright = found.sum(axis=(1, 3), dtype=np.int32) > THRESHOLD * len(SAMPLES) ** 2
    return decode(bright.ravel().astype(int).tolist())


@functools.lru_cache(maxsize=32)
def _samples(
    shape: tuple[int, ...], area: Area
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]] | None:
    """The rows and columns of the pixels that are looked at; None where cells are too small."""
    height, width = shape
    row, column = height * area.height / ROWS, width * area.width / COLUMNS
    if row < LEAST or column < LEAST:
        return None
    rows = [int(height * area.top + (i + s) * row) for i in range(ROWS) for s in SAMPLES]
    columns = [int(width * area.left + (i + s) * column) for i in range(COLUMNS) for s in SAMPLES]
    of_rows, of_columns = np.ix_(rows, columns)
    return of_rows, of_columns
