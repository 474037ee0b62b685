"""The tags of TIFF files that this library reads or writes (TIFF 6.0, section 8)."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Tag"]


class Tag(IntEnum):
    """A number for each name."""

    SUBFILE = 254
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    OFFSETS = 273
    SAMPLES = 277
    ROWS = 278
    COUNTS = 279
    X_RESOLUTION = 282
    Y_RESOLUTION = 283
    PLANAR = 284
    UNIT = 296
    PREDICTOR = 317
    TILE_OFFSETS = 324
    TILE_COUNTS = 325
    EXTRA = 338
    FORMAT = 339
    ICC = 34675
