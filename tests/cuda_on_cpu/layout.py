"""The structures that Python and the runtime in rt/ share."""

from __future__ import annotations

import ctypes

import numpy as np

__all__ = ["ACCESS", "CArray", "Launch", "Parameter", "Program"]

#: One access of a traced block: Access of rt/checker.h.
ACCESS = np.dtype(
    [
        ("address", "u8"),
        ("line", "u8"),
        ("thread", "u4"),
        ("bytes", "u2"),
        ("write", "u1"),
        ("shared", "u1"),
    ]
)


class CArray(ctypes.Structure):
    """Array of rt/checker.h."""

    _fields_ = [
        ("begin", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
        ("legal", ctypes.c_void_p),
        ("initialised", ctypes.c_void_p),
        ("item", ctypes.c_uint),
        ("writable", ctypes.c_uint8),
        ("complete", ctypes.c_uint8),
    ]


class Parameter(ctypes.Structure):
    """Parameter of rt/entry.h."""

    _fields_ = [("kind", ctypes.c_char), ("bytes", ctypes.c_uint)]


class Program(ctypes.Structure):
    """Program of rt/entry.h."""

    _fields_ = [
        ("enter", ctypes.c_void_p),
        ("parameters", ctypes.POINTER(Parameter)),
        ("count", ctypes.c_size_t),
        ("begin", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
    ]


class Launch(ctypes.Structure):
    """Launch of rt/checker.h."""

    _fields_ = [
        ("enter", ctypes.c_void_p),
        ("begin", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
        ("arguments", ctypes.POINTER(ctypes.c_void_p)),
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("dynamic_shared", ctypes.c_size_t),
        ("reverse", ctypes.c_uint8),
        ("check", ctypes.c_uint8),
        ("arrays", ctypes.POINTER(CArray)),
        ("array_count", ctypes.c_size_t),
        ("trace", ctypes.c_void_p),
        ("trace_room", ctypes.c_size_t),
        ("trace_count", ctypes.c_size_t),
        ("trace_block", ctypes.c_size_t),
        ("accesses", ctypes.c_size_t),
        ("static_shared", ctypes.c_size_t),
        ("culprit", ctypes.c_size_t),
        ("address", ctypes.c_void_p),
        ("report", ctypes.c_char * 1024),
    ]
