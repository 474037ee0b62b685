"""Why a peer is ahead: reasons as data, the first that fits a row is its.

A reason says what the peer does that gpuconv's engine on that device does not, or cannot. A row
that none fits says that none is known.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.suite.row import Row

__all__ = ["REASONS", "UNKNOWN", "Reason", "reason"]

_BYTES, _FLOATS = ("uint8",), ("float16", "float32", "float64")
_SUMS = ("dense", "rank", "integer", "Gaussian", "box")


@dataclass(frozen=True)
class Reason:
    """Why peers are ahead in the rows that it fits."""

    #: In a few words, for the head of a table.
    title: str
    text: str
    #: What fits: names of peers and families of filters by how they begin, all if there are none.
    peers: tuple[str, ...] = ("",)
    families: tuple[str, ...] = ("",)
    dtypes: tuple[str, ...] = ("",)
    device: str = "cpu"
    #: Sides of windows, or σ, from … to.
    extents: tuple[float, float] = (0, float("inf"))

    def fits(self, row: Row, device: str) -> bool:
        """Tell whether it is the reason for a row of a kind of device."""
        return (
            device == self.device
            and row.peer.startswith(self.peers)
            and row.family.startswith(self.families)
            and row.dtype.startswith(self.dtypes)
            and self.extents[0] <= row.extent <= self.extents[1]
        )


UNKNOWN = Reason("No reason known", "Nobody has looked into these rows yet.")

REASONS = (
    Reason(
        "Weights rounded to small integers",
        "libvips's integer path multiplies bytes by weights of few bits, which is less work and "
        "another result, off by the levels that its rows allow. gpuconv's results are within one "
        "rounding of the definition.",
        peers=("libvips, integer",),
        families=_SUMS,
        dtypes=_BYTES,
    ),
    Reason(
        "An approximation",
        "Pillow replaces a Gaussian by box filters, one after the other, at a cost that does not "
        "depend on σ; its result is off by the levels that its rows allow.",
        peers=("Pillow",),
        families=("Gaussian",),
    ),
    Reason(
        "Running sums",
        "A box filter can add the pixel that enters a window and subtract the one that leaves, in "
        "a loop from pixel to pixel. NumPy has no such loop: gpuconv builds windows from smaller "
        "windows, in as many additions as the side has binary digits, or about twice as many.",
        peers=("OpenCV", "Pillow", "libvips"),
        families=("box",),
    ),
    Reason(
        "Bytes in integer registers",
        "OpenCV multiplies bytes by weights in fixed point, 16 bits or 32, many pixels to an "
        "instruction, and stores bytes from the registers. NumPy's only fast products are BLAS's, "
        "of floats: gpuconv casts each block to float32 and back, three passes through the cache.",
        peers=("OpenCV",),
        families=_SUMS,
        dtypes=("uint8", "uint16"),
    ),
    Reason(
        "Half floats cast eight at once",
        "Both sum in float32. OpenCV casts to it and back by an instruction for eight numbers; "
        "NumPy casts one number after the other, which is half of gpuconv's time here.",
        peers=("OpenCV",),
        families=_SUMS,
        dtypes=("float16",),
    ),
    Reason(
        "One pass instead of three",
        "For few taps memory decides. A compiled loop reads pixels, sums in registers and stores "
        "results; gpuconv copies a block with its border into scratch, multiplies it by BLAS, and "
        "stores the product. From about 11×11, or σ = 4, arithmetic decides, and gpuconv is ahead.",
        peers=("OpenCV", "torch", "libvips", "Pillow"),
        families=_SUMS,
    ),
    Reason(
        "Networks in registers",
        "Such a median is a network of minima and maxima. Compiled code keeps it in vector "
        "registers and touches memory once for a pixel; NumPy goes through the cache for each of "
        "its steps, of which larger windows have many more.",
        peers=("OpenCV", "Pillow", "libvips"),
        families=("median", "percentile"),
        extents=(0, 7),
    ),
    Reason(
        "A histogram that slides",
        "OpenCV's histogram of a window takes in pixels and drops others as it slides, at a cost "
        "that does not depend on the window (Perreault and Hébert 2007). NumPy has no loop from "
        "pixel to pixel: gpuconv halves the range of values, and counts at each step how many "
        "pixels of every window are below the middle.",
        peers=("OpenCV", "Pillow", "libvips", "scikit-image"),
        families=("median", "percentile"),
    ),
    Reason(
        "Minima in registers",
        "A compiled minimum or maximum keeps rows in vector registers and stores results only; "
        "NumPy goes through the cache once for each doubling of the window's side.",
        peers=("OpenCV", "Pillow", "libvips"),
        families=("minimum", "maximum"),
    ),
    Reason(
        "Weights from a table",
        "OpenCV reads a bilateral weight from a table of differences, interpolated for floats. To "
        "read a table is one of NumPy's slowest operations, so gpuconv computes exponentials, one "
        "for each pair of pixels.",
        peers=("OpenCV",),
        families=("bilateral",),
    ),
    Reason(
        "Differences in integers",
        "OpenCV compares patches of bytes in integers and reads the weights from a table; gpuconv "
        "has exponentials, and sums of float32.",
        peers=("OpenCV",),
        families=("nl_means",),
    ),
    Reason(
        "Edges followed from pixel to pixel",
        "Canny's last step follows weak edges from strong ones, and its first ones are short "
        "integer filters. Compiled code keeps a stack of pixels; gpuconv finds what is connected "
        "by passes over rows. OpenCV's directions of gradients are rounded otherwise, too.",
        peers=("OpenCV",),
        families=("Canny",),
    ),
    Reason(
        "Short filters in registers",
        "These are two or three short filters and an operation on their results. OpenCV's are "
        "compiled, each a pass over the image in vector registers, of bytes in integers; each step "
        "of gpuconv's is a pass through the cache, and its sums are of float32.",
        peers=("OpenCV",),
        families=("Sobel", "Gradient", "Unsharp"),
    ),
    Reason(
        "Zeros that are skipped",
        "The blur is a line across 9×13 pixels, of 117 weights 21 that are not zero. OpenCV's "
        "filter2D sums those; gpuconv multiplies by bands or transforms, zeros included.",
        peers=("OpenCV",),
        families=("RichardsonLucy",),
    ),
    Reason(
        "Transforms of the whole image",
        "Where the border is periodic, everyone transforms the whole image, and SciPy's transforms "
        "are faster than NumPy's. The bench makes what depends on the blur alone before the clock "
        "starts, for libraries in which the filter is written by hand.",
        peers=("SciPy", "scikit-image", "torch"),
        families=("Wiener",),
        dtypes=_FLOATS,
    ),
)


def reason(row: Row, device: str) -> Reason:
    """Return why a peer is ahead in a row, on "cpu" or "cuda"."""
    return next((each for each in REASONS if each.fits(row, device)), UNKNOWN)
