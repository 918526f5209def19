"""A search for bytes by the C library: in a quarter of the time that `in` takes
(performance.md, "A search by the C library")."""

import ctypes

_memmem = getattr(ctypes.PyDLL(None), "memmem", None)  # it keeps the interpreter's lock: to give it away costs more
if _memmem is not None:
    _memmem.restype = ctypes.c_void_p
    _memmem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)


def holds(text: bytes, part: bytes) -> bool:
    """Whether a part, of at least one byte, stands somewhere in a text."""
    if _memmem is None:
        return part in text
    return _memmem(text, len(text), part, len(part)) is not None
