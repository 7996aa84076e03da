"""The bytes of a WebSocket frame from a server, so that one frame serves a thousand sockets (RFC 6455, 5.2)."""

from typing import Final

_FINAL_TEXT: Final = b"\x81"
_FINAL_BINARY: Final = b"\x82"


def text_frame(payload: bytes) -> bytes:
    """Return an unmasked, unfragmented text frame."""
    return _FINAL_TEXT + _length(payload) + payload


def binary_frame(payload: bytes) -> bytes:
    """Return an unmasked, unfragmented binary frame."""
    return _FINAL_BINARY + _length(payload) + payload


def _length(payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return length.to_bytes(1)
    if length < 1 << 16:
        return b"\x7e" + length.to_bytes(2)
    return b"\x7f" + length.to_bytes(8)
