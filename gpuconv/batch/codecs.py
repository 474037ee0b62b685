"""Decode and encode: in the calling thread, or in processes where a codec lets no thread run.

Pillow lets go of the interpreter's lock while it decodes, and while it encodes to a file; so
threads share the processors well. JPEG 2000 is the exception, in both directions: 99 % of its time
holds the lock, against 3 to 50 % for all other formats (``python benchmarks/batch/held.py``).
"""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from gpuconv.batch.options import BatchOptions
from gpuconv.errors import ImageFileError
from gpuconv.io import Image, read_frames, read_image
from gpuconv.io.formats import choose_format
from gpuconv.io.write import encode_image

__all__ = ["Codecs", "Helper", "serve"]

#: Formats whose codecs hold the lock, and what their files begin with.
_HELD = {"JPEG2000": (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")}
#: Seconds of processor time that a helper takes to start, most of them to import NumPy and Pillow
#: (``time python -c 'import gpuconv.batch.codecs, PIL.Image'``). Once codecs have held the lock
#: for as long, a helper is worth its while, however many files are to come: at worst twice that
#: time is lost.
_WORTH_A_HELPER = 0.3
#: What a helper runs.
_PROGRAM = "from gpuconv.batch.codecs import serve; serve()"


class Codecs:
    """Decoders and encoders for several threads.

    Parameters
    ----------
    workers
        How many threads there are; one alone has no use for helpers.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._held = 0.0
        self._idle: list[Helper] = []
        self._lock = threading.Lock()

    def decode(self, path: Path, data: bytes, options: BatchOptions) -> list[Image]:
        """Return the frames of a file that is in memory.

        Raises
        ------
        ImageFileError
            It cannot be decoded.
        """
        if not data.startswith(_HELD["JPEG2000"]):
            return _decode(path, data, options)
        frames: list[Image] = self._apart("decode", path, data, options)
        return frames

    def encode(
        self, file: IO[bytes], output: Path, frames: list[Image], options: BatchOptions
    ) -> tuple[str, ...]:
        """Write frames into a file as they would be written to `output`; return the warnings.

        Raises
        ------
        ImageFileError
            The format cannot hold them.
        """
        if choose_format(output, None) not in _HELD:
            return _encode(file, output, frames, options)
        data, warnings = self._apart("encode", output, frames, options)
        file.write(data)
        told: tuple[str, ...] = warnings
        return told

    def _apart(self, task: str, *arguments: Any) -> Any:
        """Do a task whose codec holds the lock: here at first, then in a process of its own."""
        if self._workers == 1 or self._held < _WORTH_A_HELPER:
            started = time.thread_time()
            try:
                return _TASKS[task](*arguments)
            finally:
                self._held += time.thread_time() - started
        with self._lock:
            helper = self._idle.pop() if self._idle else None
        helper = helper or Helper()
        answer = helper.ask(task, *arguments)
        with self._lock:
            self._idle.append(helper)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """End the processes."""
        for helper in self._idle:
            helper.close()


class Helper:
    """A process that decodes and encodes; it ends when this one does, however that comes about."""

    def __init__(self) -> None:
        # Not multiprocessing, which would run the caller's script once more in the new process. In
        # a session of its own, Ctrl-C is left to the process that the user sees.
        self._process = subprocess.Popen(
            # -P: a numpy.py in the folder that one works in is not NumPy.
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )

    def ask(self, task: str, *arguments: Any) -> Any:
        """Return what a task returns, or raised.

        Raises
        ------
        ImageFileError
            The process died, as it does where the system is out of memory.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump((task, arguments), self._process.stdin, protocol=5)
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self.close()
            path = next(each for each in arguments if isinstance(each, Path))
            code = self._process.returncode
            raise ImageFileError(
                f"cannot {task} {path}: the process that did it ended with code {code}"
            ) from error

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()


def _decode(path: Path, data: bytes, options: BatchOptions) -> list[Image]:
    wishes: dict[str, Any] = {
        "max_pixels": options.max_pixels,
        "orient": options.orient,
        "salvage": options.salvage,
        "data": data,
    }
    if options.frames == "first":
        return [read_image(path, **wishes)]
    return list(read_frames(path, **wishes))


def _encode(
    file: IO[bytes], output: Path, frames: list[Image], options: BatchOptions
) -> tuple[str, ...]:
    content = frames if len(frames) > 1 else frames[0]
    return encode_image(file, output, content, metadata=options.keep_metadata).warnings


def _encoded(
    output: Path, frames: list[Image], options: BatchOptions
) -> tuple[bytes, tuple[str, ...]]:
    with io.BytesIO() as file:
        warnings = _encode(file, output, frames, options)
        return file.getvalue(), warnings


_TASKS: dict[str, Any] = {"decode": _decode, "encode": _encoded}


def serve() -> None:
    """Answer on stdout what :class:`Helper` asks on stdin, until there is nobody who could ask."""
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(EOFError, BrokenPipeError, pickle.UnpicklingError):
        while True:
            task, arguments = pickle.load(sys.stdin.buffer)
            pickle.dump(_answer(task, arguments), answers, protocol=5)
            answers.flush()


def _answer(task: str, arguments: tuple[Any, ...]) -> Any:
    """Return what a task returns, or the error that it raises."""
    try:
        return _TASKS[task](*arguments)
    except Exception as error:
        return ImageFileError(str(error)) if isinstance(error, ImageFileError) else error
