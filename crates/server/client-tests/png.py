"""PNG files of 8 bits a number, read and written without any package."""

import base64
import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NUMBERS_A_PIXEL = {2: 3, 6: 4}  # by colour type


def size(text: str) -> tuple[int, int]:
    """Width and height of a whole picture in base64; fails if it cannot be unpacked."""
    data = base64.b64decode(text, validate=True)
    assert data.startswith(SIGNATURE), f"no PNG: {data[:16]!r}"
    at, pixels, kind = len(SIGNATURE), b"", b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content, (checksum,) = data[at + 8 : at + 8 + length], struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + content), f"the checksum of {kind} is wrong"
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", content[:10])
        elif kind == b"IDAT":
            pixels += content
        at += 12 + length
    assert depth == 8
    assert len(zlib.decompress(pixels)) == height * (1 + width * NUMBERS_A_PIXEL[colour])
    return width, height


def half(width: int, height: int, left: bytes, right: bytes) -> bytes:
    """A picture of two colours, each of three numbers, or of four with transparency."""
    row = b"\0" + left * (width // 2) + right * (width - width // 2)
    colour = next(colour for colour, numbers in NUMBERS_A_PIXEL.items() if numbers == len(left))
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
