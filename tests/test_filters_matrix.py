"""Kernels that people type or keep in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data

import gpuconv as gc
from gpuconv.errors import ArgumentError
from gpuconv.filters import Chain, Filter, anchor_of, kernel_of_file, kernel_of_text
from gpuconv.filters.matrix import normalized

CAMERA = data.camera()


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("0 -1 0; -1 5 -1; 0 -1 0", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("0,-1,0\n-1, 5, -1 # the middle\n\n0 -1 0\n", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("1/4 1/2 0.25;", [[0.25, 0.5, 0.25]]),
        ("1e-3 2E2", [[0.001, 200]]),
        ("+3", [[3]]),
    ],
)
def test_a_kernel_is_read_as_written(text: str, weights: list[list[float]]) -> None:
    assert kernel_of_text(text).weights.tolist() == weights


def test_fractions_stay_exact() -> None:
    kernel = kernel_of_text("1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9")
    assert kernel == gc.Kernel(np.ones((3, 3), int), divisor=9)
    assert kernel_of_text("0.1 0.2").numerators.tolist() == [[1, 2]]
    # A common divisor beyond what float64 holds exactly is no help.
    assert kernel_of_text("1/99999999977 1/99999999943").divisor == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "kernel is empty"),
        (" ; \n", "kernel is empty"),
        ("1 2; 3", r"kernel has rows of \[2, 1\] numbers; all rows must be equally long"),
        ("1 two 3", "kernel has the entry 'two'; entries are numbers"),
        ("1,,3", "kernel has the entry ''"),
        ("1/0 1", "kernel has the entry '1/0'"),
        ("nan 1", "kernel has the entry 'nan'"),
        ("1e999 1", "kernel has the entry '1e999'"),
    ],
)
def test_a_bad_kernel_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        kernel_of_text(text)


@given(
    st.lists(
        st.lists(st.integers(-(10**9), 10**9), min_size=3, max_size=3), min_size=1, max_size=4
    ),
    st.sampled_from([" ", ",", ", ", "\t"]),
)
@settings(max_examples=30, derandomize=True, deadline=None)
def test_any_integers_survive_writing(rows: list[tuple[int, ...]], comma: str) -> None:
    text = ";".join(comma.join(map(str, row)) for row in rows)
    assert kernel_of_text(text).weights.tolist() == list(map(list, rows))


def test_kernel_files(tmp_path: Path) -> None:
    weights = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    np.save(tmp_path / "k.npy", weights)
    np.savetxt(tmp_path / "k.csv", weights, fmt="%d", delimiter=",")
    np.savetxt(tmp_path / "float.csv", weights / 7, delimiter=",")
    (tmp_path / "k.txt").write_text("1 2 1\n0 0 0 # none\n-1 -2 -1\n")
    (tmp_path / "bom.csv").write_text("\ufeff1,2,1\r\n0,0,0\r\n-1,-2,-1\r\n", encoding="utf-8")
    for name in ("k.npy", "k.csv", "k.txt", "bom.csv"):
        assert kernel_of_file(tmp_path / name) == gc.Kernel(weights)
    assert np.array_equal(kernel_of_file(tmp_path / "float.csv").weights, weights / 7)


def test_kernel_files_that_hold_none(tmp_path: Path) -> None:
    np.save(tmp_path / "pickle.npy", np.array([{}], object))
    np.save(tmp_path / "flat.npy", np.arange(3))
    np.savez(tmp_path / "several.npz", a=np.eye(2), b=np.eye(2))
    (tmp_path / "several.npz").rename(tmp_path / "several.npy")
    (tmp_path / "empty.npy").touch()
    (tmp_path / "german.csv").write_text("0,5;0,5\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    cases = {
        "absent.txt": "No such file",
        "pickle.npy": "allow_pickle",
        "flat.npy": "1 dimension",
        "several.npy": "holds no kernel",
        "empty.npy": "holds no kernel",
        "german.csv": "separate entries by commas",
        "binary.txt": "holds no kernel",
        "kernel.png": r"not a kernel file \(one of .csv, .npy, .txt\)",
    }
    for name, message in cases.items():
        with pytest.raises(ArgumentError, match=message) as caught:
            kernel_of_file(tmp_path / name)
        assert name in str(caught.value)


def test_normalized_divides_by_the_sum() -> None:
    assert normalized(gc.Kernel([[1, 2, 1]])).weights.tolist() == [[0.25, 0.5, 0.25]]
    assert normalized(kernel_of_text("1/3 1/6")).weights.sum() == 1
    with pytest.raises(ArgumentError, match="sums to 0"):
        normalized(gc.Kernel([[0.1, 0.2, -0.3]]))
    with pytest.raises(ArgumentError, match="kernel is complex"):
        normalized(gc.Kernel([[1j, 2]]))


def test_anchors() -> None:
    assert anchor_of(" 1, 2") == (1, 2)
    for text in ("1", "a,b", "1,2,3", "-1,0"):
        with pytest.raises(ArgumentError, match=r"anchor='.*' must be y,x"):
            anchor_of(text)
    anchored = Filter.of_kernel([[1, 0, 0]], anchor=(0, 2))
    shifted = Chain((anchored,), border="wrap")(CAMERA)
    assert np.array_equal(shifted, np.roll(CAMERA, -2, axis=1))


def test_correlate_applies_a_kernel_as_written() -> None:
    weights = np.array([[1, 2, 0], [0, 0, 3]])
    result = Chain((Filter.of_kernel(weights, correlate=True),))(CAMERA.astype(float))
    assert np.allclose(result, ndimage.correlate(CAMERA.astype(float), weights))


def test_the_spec_of_a_kernel_tells_it_from_others() -> None:
    small, turned = Filter.of_kernel([[1, 2]]), Filter.of_kernel([[1, 2]], correlate=True)
    assert small.spec == "kernel:1 2|divisor=1|anchor=0,1"
    large = [Filter.of_kernel(np.eye(20) * scale) for scale in (1, 2)]
    assert len({small.spec, turned.spec, large[0].spec, large[1].spec}) == 4
    assert len(large[0].spec) < 150
