"""The bytes of a WebSocket frame from a server, so that one frame serves a thousand sockets (RFC 6455, 5.2)."""

from typing import Final

_FINAL_TEXT: Final = b"\x81"


def text_frame(payload: bytes) -> bytes:
    """Return an unmasked, unfragmented text frame."""
    length = len(payload)
    if length < 126:
        return _FINAL_TEXT + length.to_bytes(1) + payload
    if length < 1 << 16:
        return _FINAL_TEXT + b"\x7e" + length.to_bytes(2) + payload
    return _FINAL_TEXT + b"\x7f" + length.to_bytes(8) + payload
