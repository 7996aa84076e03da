"""What travels between target and drivers: addresses, tokens, Phoenix frames, change messages.

Pure: bytes and values in, bytes and values out. No socket, no clock, nothing of the harness or the pipeline.
"""
