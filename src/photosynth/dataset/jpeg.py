"""What can be known of a JPEG without decoding it, and whether it decodes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})


def jpeg_size_wh(path: Path) -> tuple[int, int]:
    """Width and height from the frame header (ITU-T T.81, B.2.2), reading a few hundred bytes.

    Raises:
        OSError: if the file cannot be opened.
        ValueError: if it is not a JPEG, or is cut short; the message is the reason.
    """
    with open(path, "rb") as file:
        size_wh = _header_size_wh(file)
        file.seek(-2, 2)
        if file.read(2) != b"\xff\xd9":
            raise ValueError("is cut short: it has no end marker")
    return size_wh


def check_decodes(path: Path) -> None:
    """Decode the whole picture and forget it. Raises ValueError with the decoder's reason."""
    import simplejpeg

    simplejpeg.decode_jpeg(path.read_bytes(), fastdct=True)


def _header_size_wh(file: BinaryIO) -> tuple[int, int]:
    if file.read(2) != b"\xff\xd8":
        raise ValueError("is not a JPEG")
    while True:
        head = file.read(2)
        while len(head) == 2 and head == b"\xff\xff":  # fill bytes before a marker
            head = b"\xff" + file.read(1)
        if len(head) < 2 or head[0] != 0xFF:
            raise ValueError("has a broken JPEG header")
        marker = head[1]
        if marker in _BARE_MARKERS:
            continue
        length = file.read(2)
        if len(length) < 2 or marker in (0xD9, 0xDA):
            raise ValueError("has a JPEG header without a size")
        if marker in _SIZE_MARKERS:
            frame = file.read(5)
            if len(frame) < 5:
                raise ValueError("is cut short inside its header")
            _, height, width = struct.unpack(">BHH", frame)
            return width, height
        file.seek(struct.unpack(">H", length)[0] - 2, 1)
