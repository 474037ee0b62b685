"""What a batch does with each file: one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from gpuconv.backends.host.threads import usable_cores
from gpuconv.errors import ArgumentError, choose
from gpuconv.io import DEFAULT_MAX_PIXELS
from gpuconv.streaming.memory import parse_bytes

__all__ = ["BatchOptions"]

#: Options of one word each, with the words that they accept.
_WORDS = {
    "exists": ("skip", "update", "error", "overwrite"),
    "frames": ("all", "first"),
    "orient": ("apply", "keep"),
    "alpha": ("premultiply", "straight"),
}

#: The options that change what an output looks like: the journal keeps them beside `spec`.
_RECORDED = ("frames", "orient", "alpha", "linear", "grey", "keep_metadata", "salvage")


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What a batch does with each file.

    Parameters
    ----------
    exists
        What to do where an output exists already: "skip" leaves it alone, so that the same call
        goes on where an earlier one stopped; "update" does so too, but makes anew what is out of
        date: made with other parameters, or older than its input; "error" counts the file as
        failed; "overwrite" makes it anew.
    jobs
        Files that are decoded, filtered and encoded at the same time; None takes one per
        processor. Beside those, as many are read ahead or being written; with one job, none.
    memory
        Bytes that the process may take, or text like "512M"; None takes half of what is free. Files
        wait until there is room for them. One that never fits is filtered in parts where that can
        be done (TIFF); else it fails if `memory` is given, and has all to itself if it is not.
    devices
        GPUs that share the work of a :class:`~gpuconv.filters.Chain`, such as ("cuda:0", "cuda:1");
        none given: it runs where it says itself.
    retries
        How often reading or writing a file is tried again after an error that may pass, as network
        drives have them.
    max_pixels
        Largest image that is read, in pixels; None is no limit.
    frames
        "all" frames of an animation or a multi-page file, or only the "first".
    orient
        "apply" turns a photograph upright as its EXIF orientation says; "keep" leaves it.
    alpha
        "premultiply" weights colour by opacity while filtering, "straight" does not.
    linear
        Filter linear light instead of the encoded sRGB values.
    grey
        Turn colour images to grey (Rec. 601 luma) first.
    keep_metadata
        Carry EXIF and the ICC profile over to the output.
    salvage
        Take from a truncated image what can be read, with a warning, instead of failing.
    fail_fast
        Start no more files after the first failure.
    max_errors
        Start no more files after so many failures; None goes on to the end.
    timeout
        Seconds that one file may take before it is written; a file over it fails and leaves no
        output. Checked between stages and frames, so one long stage is not cut short.
    spec
        The filter and its parameters as text. Recorded with each output, so that outputs made
        with other parameters are noticed.

    Raises
    ------
    ArgumentError
        If a value is not among those allowed.

    Examples
    --------
    >>> BatchOptions(exists="overwrite", jobs=4).jobs
    4
    """

    exists: Literal["skip", "update", "error", "overwrite"] = "skip"
    jobs: int | None = None
    memory: int | str | None = None
    devices: tuple[str, ...] = ()
    retries: int = 3
    max_pixels: int | None = DEFAULT_MAX_PIXELS
    frames: Literal["all", "first"] = "all"
    orient: Literal["apply", "keep"] = "apply"
    alpha: Literal["premultiply", "straight"] = "premultiply"
    linear: bool = False
    grey: bool = False
    keep_metadata: bool = True
    salvage: bool = False
    fail_fast: bool = False
    max_errors: int | None = None
    timeout: float | None = None
    spec: str = ""

    def __post_init__(self) -> None:
        for name, allowed in _WORDS.items():
            choose(name, getattr(self, name), allowed, "a way")
        for name in ("jobs", "max_errors", "max_pixels"):
            _check_count(name, getattr(self, name))
        if self.memory is not None:
            parse_bytes("memory", self.memory)
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or self.retries < 0:
            raise ArgumentError(f"retries={self.retries!r}: an integer, 0 or more")
        if self.timeout is not None and not self.timeout > 0:
            raise ArgumentError(f"timeout={self.timeout!r}: seconds above 0, or None for no limit")

    @property
    def workers(self) -> int:
        """How many files are decoded, filtered and encoded at the same time."""
        return self.jobs if self.jobs is not None else usable_cores()

    @property
    def error_limit(self) -> int | None:
        """After how many failures no more files are started; None: never."""
        return 1 if self.fail_fast else self.max_errors

    @property
    def recorded(self) -> str:
        """Everything that decides what an output looks like, as one text.

        >>> BatchOptions(spec="gaussian:sigma=2.0", grey=True).recorded
        'gaussian:sigma=2.0 grey=True'
        """
        changed = [f for f in fields(self) if f.name in _RECORDED]
        told = [
            f"{f.name}={getattr(self, f.name)}"
            for f in changed
            if getattr(self, f.name) != f.default
        ]
        return " ".join([self.spec, *told]).strip()


def _check_count(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ArgumentError(f"{name}={value!r}: an integer, 1 or more, or None")
