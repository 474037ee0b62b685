"""Make a cartoon of a photograph: flat colours, dark lines. ``cartoon.py photo.png cartoon.npz``"""

import sys

import cv2
import numpy as np
from PIL import Image


def lines(grey):
    """Return the outlines, 255 where there is ink."""
    calm = cv2.medianBlur(grey, 5)
    across = cv2.Sobel(calm, cv2.CV_16S, 1, 0, ksize=3)
    down = cv2.Sobel(calm, cv2.CV_16S, 0, 1, ksize=3)
    steep = np.abs(across.astype(np.int32)) + np.abs(down)
    light = cv2.blur(grey, (31, 31), borderType=cv2.BORDER_REPLICATE)
    ink = (steep > 90) | (grey.astype(np.int16) < light.astype(np.int16) - 25)
    return cv2.GaussianBlur(ink.astype(np.uint8) * 255, (3, 3), 0)


def flat(photo):
    """Return the colours in steps, sharper where they change."""
    calm = cv2.GaussianBlur(photo, (0, 0), 2.5)
    sharpen = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float32)
    return cv2.filter2D(calm // 32 * 32, -1, sharpen)


def main(source, target):
    with Image.open(source) as opened:
        photo = np.asarray(opened.convert("RGB"))
    ink = lines(np.ascontiguousarray(photo[..., 1]))
    cartoon = np.where(ink[..., None] > 127, 20, flat(photo)).astype(np.uint8)
    print(f"{(ink > 127).mean():.1%} of the cartoon are lines")
    np.savez(target, ink=ink, cartoon=cartoon)


if __name__ == "__main__":
    main(*sys.argv[1:])
