"""The error that users of OpenCV catch."""

from __future__ import annotations

from gpuconv.errors import ArgumentError

__all__ = [
    "ASSERTION",
    "BAD_ARGUMENT",
    "NOT_IMPLEMENTED",
    "OUT_OF_RANGE",
    "error",
    "refused",
]

#: OpenCV's numbers of what is wrong.
BAD_ARGUMENT = -5
OUT_OF_RANGE = -211
NOT_IMPLEMENTED = -213
ASSERTION = -215

_WORDS = {
    BAD_ARGUMENT: "Bad argument",
    OUT_OF_RANGE: "One of the arguments' values is out of range",
    NOT_IMPLEMENTED: "The function/feature is not implemented",
    ASSERTION: "Assertion failed",
}


class error(ArgumentError):
    """An argument of one of these functions has a value that is not allowed.

    It has OpenCV's name, and the attributes of OpenCV's.

    Parameters
    ----------
    message : str
    code : int
        OpenCV's number of what is wrong.
    err : str
        What is wrong, in OpenCV's words.
    func : str
        The function that says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gpuconv import cv2
    >>> try:
    ...     cv2.GaussianBlur(np.zeros((4, 4)), (2, 2), 1)
    ... except cv2.error as wrong:
    ...     print(wrong.code, wrong.func)
    -215 GaussianBlur
    """

    def __init__(self, message: str = "", code: int = 0, err: str = "", func: str = "") -> None:
        super().__init__(message)
        self.msg, self.code, self.err, self.func = message, code, err, func
        # Where OpenCV's source says so: nowhere.
        self.file, self.line = "", -1


def refused(function: str, code: int, err: str, told: str) -> error:
    """Return the error that is to be raised: OpenCV's words, then the value and what is allowed.

    Examples
    --------
    >>> print(refused("blur", ASSERTION, "ksize.width > 0", "ksize=(0, 3)"))
    (-215:Assertion failed) ksize.width > 0 in function 'blur': ksize=(0, 3)
    """
    message = f"({code}:{_WORDS[code]}) {err} in function '{function}': {told}"
    return error(message, code, err, function)
