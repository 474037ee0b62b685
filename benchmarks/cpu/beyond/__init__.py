"""Filters that are no convolutions, beside SciPy, scikit-image and OpenCV (``make beyond``)."""
