"""An image in memory: pixels and what the channels mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import rule
from gpuconv.errors import ArgumentError, choose
from gpuconv.io.colour import cmyk_to_rgb, luma, plain, white
from gpuconv.io.mapping import map_pixels
from gpuconv.io.metadata import Metadata

__all__ = ["CHANNELS", "Image"]

#: What the last axis can mean. "L" (grey) has none: its pixels are (H, W).
CHANNELS = ("L", "LA", "RGB", "RGBA", "CMYK")
_BY_COUNT = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, eq=False)
class Image:
    """One picture, or one frame of several.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C)
        uint8, uint16, or any other real dtype that a TIFF file holds, in native byte order.
        The channels are not premultiplied with alpha.
    channels : {"L", "LA", "RGB", "RGBA", "CMYK"}
        What the last axis means.
    metadata : Metadata
        What the file said besides.

    Raises
    ------
    ArgumentError
        The shape does not fit the channels.

    Examples
    --------
    >>> image = Image(np.zeros((4, 6, 3), np.uint8), "RGB")
    >>> np.asarray(image).shape
    (4, 6, 3)
    """

    pixels: NDArray[Any]
    channels: str
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        choose("channels", self.channels, CHANNELS, "a kind of image")
        rule(self.pixels.dtype, "pixels")
        count = len(self.channels)
        expected = () if count == 1 else (count,)
        if self.pixels.ndim < 2 or self.pixels.shape[2:] != expected:
            wanted = "(H, W)" if count == 1 else f"(H, W, {count})"
            raise ArgumentError(
                f"pixels of shape {self.pixels.shape} are not {self.channels!r}, which is {wanted}"
            )

    @classmethod
    def from_array(cls, pixels: Any, metadata: Metadata | None = None) -> Self:
        """Wrap an array, telling grey, RGB and alpha from its shape.

        Parameters
        ----------
        pixels : array_like, shape (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4)
            Grey, grey, grey with alpha, RGB, RGB with alpha. True is white.
        metadata : Metadata, optional

        Raises
        ------
        ArgumentError
            Any other shape.
        ArgumentTypeError
            The dtype is no number.

        Examples
        --------
        >>> Image.from_array(np.array([[True, False]])).pixels.tolist()
        [[255, 0]]
        """
        array = np.asarray(pixels)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[..., 0]
        count = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
        if count not in _BY_COUNT:
            raise ArgumentError(
                f"pixels of shape {array.shape} are no image: it has shape (H, W) or (H, W, C)"
                " with C from 1 to 4"
            )
        return cls(plain(array), _BY_COUNT[count], metadata or Metadata())

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.channels.endswith("A")

    @property
    def channel_axis(self) -> int | None:
        """The axis of the channels, −1 or none: where :func:`gpuconv.convolve` looks for it."""
        return -1 if self.pixels.ndim == 3 else None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.pixels, dtype=dtype, copy=copy)

    def map(
        self,
        function: Callable[[NDArray[Any]], NDArray[Any]],
        *,
        alpha: Literal["premultiply", "straight"] = "premultiply",
        linear: bool = False,
    ) -> Image:
        """Return the image with `function` run over its pixels, rounded once.

        Parameters
        ----------
        function : callable
            Takes an ndarray (H, W) or (H, W, C), filters each channel in the same way, and returns
            the same of the same dtype (height and width may change), or bool, which is drawn black
            and white. Without alpha and without `linear` it gets the pixels as they are, so the
            result is that of ``function(pixels)``.
        alpha : {"premultiply", "straight"}
            "premultiply" weights colour with alpha, filters both, and divides again, so that the
            colour hidden under transparent pixels does not bleed out. It is float32 that `function`
            sees. An opaque image gives what it gives without alpha; of a :class:`gpuconv.Chain`
            so does each pixel that is made of opaque ones alone. Filters that take differences (a
            constant image becomes 0, in the middle) leave alpha as it was. Pixels that stay fully
            transparent keep their colour. To filters that are no convolutions, alpha is one more
            channel: ranks are taken of it as of colour, and likeness is that of colour and alpha.
            "straight" filters all channels alike, as stored.
        linear : bool
            Decode the colour from sRGB to linear light for `function`, in float32 and in the same
            units (0 … 255 for uint8), and encode the result. Alpha is linear already.

        Raises
        ------
        ArgumentError
            An unknown `alpha`; `linear` for CMYK or for a dtype without a white point; a `function`
            that changes the number of channels.

        Examples
        --------
        >>> image = Image(np.array([[10, 20]], np.uint8), "L")
        >>> image.map(lambda pixels: pixels * 1.25).pixels.tolist()
        [[12, 25]]
        """
        pixels = map_pixels(self.pixels, self.channels, function, alpha, linear)
        return replace(self, pixels=pixels)

    def grey(self) -> Image:
        """Return the image in grey (Rec. 601 luma, as Pillow), with its bit depth and alpha.

        Examples
        --------
        >>> Image(np.array([[[10, 20, 30]]], np.uint8), "RGB").grey().pixels.tolist()
        [[18]]
        """
        if self.channels in ("L", "LA"):
            return self
        colour = cmyk_to_rgb(self.pixels) if self.channels == "CMYK" else self.pixels[..., :3]
        shade = luma(colour)
        if not self.has_alpha:
            return replace(self, pixels=shade, channels="L")
        return replace(self, pixels=np.stack([shade, self.pixels[..., -1]], axis=-1), channels="LA")

    def promoted(self, channels: str) -> Image:
        """Return the image with more channels: grey repeated, alpha opaque.

        Examples
        --------
        >>> Image(np.array([[7]], np.uint8), "L").promoted("RGBA").pixels.tolist()
        [[[7, 7, 7, 255]]]
        """
        if channels == self.channels:
            return self
        pixels = self.pixels.reshape(*self.pixels.shape[:2], len(self.channels))
        colour = pixels[..., :-1] if self.has_alpha else pixels
        if channels.startswith("RGB") and colour.shape[2] == 1:
            colour = np.repeat(colour, 3, axis=2)
        if not channels.endswith("A"):
            return replace(self, pixels=colour, channels=channels)
        opaque = np.full((*colour.shape[:2], 1), white(pixels.dtype), pixels.dtype)
        cover = pixels[..., -1:] if self.has_alpha else opaque
        return replace(self, pixels=np.concatenate([colour, cover], axis=2), channels=channels)
