"""``gpuconv plan``: what would be run, printed."""

from __future__ import annotations

import pytest

import gpuconv as gc
from gpuconv.cli import main


def said(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> str:
    """Return what the command prints."""
    assert main(["plan", *options]) == code
    out, err = capsys.readouterr()
    assert (err == "") == (code == 0)
    return err if code else out


def test_it_prints_what_the_plan_says(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "--shape", "480x640", "--filter", "gaussian", "--sigma", "3")
    plan = gc.plan((480, 640), "uint8", gc.kernels.gaussian(3))
    assert out == f"gaussian:sigma=3.0\n{plan.explain()}\n"


def test_every_option_reaches_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    options = "--dtype float32 --out-dtype float64 --border wrap --method dense --accuracy fast"
    out = said(capsys, "--shape=32×64×3", *options.split(), "--filter=box:size=5")
    assert "(3, 32, 64) → (3, 32, 64), float32 → float64 → float64" in out
    assert "wrap along y, wrap along x" in out
    assert "method='dense' was asked for" in out


def test_several_filters_are_explained_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "--shape", "9,9", "--filter", "box:size=5", "--kernel", "1 2; 3 4")
    parts = out.split("\n\n")
    assert [part.splitlines()[0] for part in parts] == ["box:size=5", "kernel"]
    assert "2×2" in parts[1]


def test_filters_that_are_no_convolutions_have_plans(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(
        capsys, *["--shape", "480x640", "--filter", "median", "--size", "5", "--border", "wrap"]
    )
    plan = gc.plan((480, 640), "uint8", gc.Rank.median(5), border="wrap")
    assert out == f"median:size=5\n{plan.explain()}\n"
    out = said(
        capsys,
        *[
            "--shape",
            "480x640x3",
            "--filter",
            "bilateral",
            "--diameter",
            "9",
            "--sigma-color",
            "25",
        ],
    )
    assert "3 channels together" in out


def test_filters_of_several_parts_have_a_plan_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "--shape=480x640", "--filter=gradient_magnitude", "--sigma=2")
    parts = out.split("\n\n")
    assert parts[0].startswith("gradient_magnitude:sigma=2.0\nalgorithm")
    assert [part.count("predicted, at rates") for part in parts] == [1, 1]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--filter box", 2, "--shape is needed, such as --shape 1080x1920"),
        ("--shape 9x9", 2, "no filter given: add --filter NAME or --kernel MATRIX"),
        ("--shape 9 --filter box", 2, "'9' is no shape; write it as 1080x1920"),
        ("--shape 0x9 --filter box", 2, "'0x9' is no shape; write it as 1080x1920"),
        ("--shape 9x9x7 --filter box", 2, "ends in 7 channels; allowed are 2…4"),
        ("--shape 9x9 --dtype uint7 --filter box", 2, "dtype='uint7' is not supported"),
        ("--shape 9x9 --method slow --filter box", 2, "method='slow' is not a method"),
        ("--shape 9x9 --accuracy no --filter box", 2, "accuracy='no' is not an accuracy"),
        ("--shape 9x9 --device tpu --filter box", 2, "device='tpu' is not a device"),
        ("--shape 9x9 --filter bix", 2, "did you mean 'box'?"),
        ("--shape 9x9 --filter box --seize 3", 2, "unrecognized arguments: --seize 3"),
        ("--shape 9x9 --method scale --filter box", 2, "method='scale' cannot run this"),
        ("--shape 9x9 --method dense --filter median", 2, "(one of 'auto', 'extreme', 'network'"),
        ("--shape 9x9 --accuracy fast --filter median", 2, "accuracy, masked, nan and epilogue"),
        ("--shape 9x9 --out-dtype float32 --filter median", 2, "returns pixels as they are"),
        ("--shape 9x9 --filter median --size 5x", 2, "size='5x' is not allowed"),
        ("--shape 9x9 --filter rank", 2, "filter 'rank' needs rank"),
        ("--shape 9x9 --device cuda:99 --filter box", 4, "device='cuda:99' cannot be used"),
    ],
)
def test_mistakes_are_named(
    options: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = said(capsys, *options.split(), code=code)
    assert error.startswith("gpuconv plan: error: ")
    assert message in error
