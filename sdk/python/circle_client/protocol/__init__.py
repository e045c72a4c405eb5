"""Circle's end-to-end protocol, version 1, without any I/O: bytes and plain values in, bytes and plain values out.

Server, Python SDK and test vectors all use this package. Every refusal is a `ProtocolError` (see `errors`).
"""
