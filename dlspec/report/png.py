"""PNG files of 8 bits per channel (ISO/IEC 15948), and the addresses by which a page carries them along."""

import struct
import zlib
from base64 import b64encode

COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels: grey, RGB, RGB with opacity
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(pixels: bytes, *, width: int, height: int, channels: int) -> bytes:
    """The file of an image.

    Args:
        pixels: `height` rows of `width` pixels of `channels` bytes.
        width: at least 1.
        height: at least 1.
        channels: 1 (grey), 3 (RGB) or 4 (RGB and opacity).

    Raises:
        ValueError: another number of channels or bytes.
    """
    if channels not in COLOUR_TYPES or len(pixels) != width * height * channels:
        raise ValueError(f"{len(pixels)} bytes; expected {width} x {height} pixels of 1, 3 or 4 channels")
    stride = width * channels
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, len(pixels), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def address(png: bytes) -> str:
    """A `data:` address that holds the file itself."""
    return f"data:image/png;base64,{b64encode(png).decode('ascii')}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
