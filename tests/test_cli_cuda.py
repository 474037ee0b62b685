"""The command line with ``--device cuda``: the same files, whichever engine made them."""

from __future__ import annotations

from pathlib import Path

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import CpuRuntime
from PIL import Image

from gpuconv.backends.cuda import runtime
from gpuconv.cli import main

pytestmark = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())


@pytest.mark.parametrize(
    "chosen",
    [
        ["--filter", "gaussian", "--sigma", "3"],
        ["--filter", "box", "--size", "9", "--border", "wrap"],
        ["--filter", "laplacian", "--negative", "abs", "--grey"],
        ["--kernel", "0 -1 0; -1 5 -1; 0 -1 0"],
        ["--filter", "gaussian:sigma=1", "--filter", "unsharp:sigma=4,amount=0.8"],
    ],
    ids=lambda chosen: chosen[1],
)
def test_files_are_the_same_as_from_the_cpu(chosen: list[str], tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    colour = np.random.default_rng(1).integers(0, 256, (61, 83, 3), np.uint8)
    Image.fromarray(colour).save(source / "colour.png")
    Image.fromarray(colour[..., 0]).save(source / "grey.png")
    Image.fromarray(colour[..., 0].astype(np.uint16) * 257).save(source / "deep.png")
    with runtime.use(CpuRuntime(mode="fast")) as cpu:
        for device in ("cpu", "cuda"):
            out = str(tmp_path / device)
            assert main(["batch", str(source), "-o", out, "--device", device, *chosen]) == 0
    assert cpu.launches
    for path in sorted((tmp_path / "cpu").glob("*.png")):
        found, expected = (
            np.asarray(Image.open(tmp_path / device / path.name)).astype(int)
            for device in ("cuda", "cpu")
        )
        # Weights of a Gaussian are no integers: sums near a tie may round either way.
        assert np.abs(found - expected).max() <= 1
        assert (found != expected).mean() < 1e-2


def test_without_a_gpu_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUCONV_NO_GPU", "1")
    Image.new("L", (5, 5)).save(tmp_path / "a.png")
    arguments = ["batch", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    assert main([*arguments, "--filter", "box", "--device", "cuda"]) == 4
    assert "GPUCONV_NO_GPU" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
