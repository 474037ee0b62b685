"""What kernels cost a pixel, counted by running their machine code; and that it is run rightly."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv.apply import Choices, applied
from gpuconv.backends.cuda.launch import Kept, Transform, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.neighbourhood import Rank

sys.path.append(str(Path(__file__).parent.parent))  # benchmarks/ is no part of the package
from benchmarks.static import execution, nvrtc, report, sass
from benchmarks.static.cases import (
    CASES,
    Case,
    box,
    dense,
    finished,
    fourier,
    holed,
    integers,
    recursive,
    separable,
    sobel,
    together,
)
from benchmarks.static.memory import Memory
from benchmarks.static.neighbours import (
    NEIGHBOURS,
    Neighbours,
    bilateral,
    maximum,
    median,
    nl_means,
)
from benchmarks.static.stages import STAGES, Stage

Array = NDArray[Any]

LACKING = nvrtc.lacking() or sass.lacking()
pytestmark = pytest.mark.skipif(bool(LACKING), reason=LACKING or "never")

#: One multiprocessor: kernels for large images are chosen for small ones.
SMALL = Limits(1, 227 * 1024)

LISTING = """
\t.section\t.text.other,"ax",@progbits
        /*0000*/                   EXIT ;
\t.section\t.text.k,"ax",@progbits
.text.k:
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_1:
        /*0010*/              @!P0 FFMA.FTZ R2, R3.reuse, UR4, -R2 ;   (*"a remark"*)
        /*0020*/               @P1 BRA `(.L_x_1) ;
        /*0030*/                   EXIT ;
.L_x_2:
        /*0040*/                   BRA `(.L_x_2);
        /*0050*/                   RET.REL.NODEC R6 `(k) ;
"""


#: Larger windows take seconds to count, and say nothing else.
COUNTED = [case for case in (*CASES, *NEIGHBOURS) if case.budget and case.budget < 150]


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case.name)
def test_a_case_is_within_its_budget(case: Case | Neighbours) -> None:
    assert report.measure(case).misses == []


# That the machine is right: it computes what the reference does, borders and all


@pytest.mark.parametrize(
    "case",
    [
        dense(3),
        dense(4, "uint8"),
        dense(9),
        integers(3, 7),
        separable(5),
        separable(5, "float16"),
        box(9),
        finished(dense(3)),
        finished(dense(3, "uint8")),
        sobel("uint8"),
        sobel("float32"),
        together(2, 7),
        holed(dense(5)),
        holed(dense(5), "", "ignore"),
        holed(separable(13)),
        fourier(9),
        recursive(5),
    ],
    ids=lambda case: case.name,
)
def test_the_machine_computes_what_the_kernels_are_to(case: Case) -> None:
    # Launches in several steps take their time.
    shape = (40, 140) if case.method == "dense" else (20, 48)
    case = replace(case, shape=shape, border="mirror")
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, case.shape).astype(case.dtype)
    mask = rng.integers(0, 2, case.shape).astype(case.mask) if case.mask else None
    if case.nan == "ignore":
        image.flat[::7] = np.nan
    out = ran(case.work(SMALL), image, mask, np.zeros(case.out_shape, case.dtype))
    np.testing.assert_allclose(out.astype(float), wanted(case, image, mask), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "case",
    [
        median(3, "float32", "network"),
        median(5, "uint8", "network"),
        median(7, "uint8", "histogram"),
        median(5, "uint16", "histogram"),
        median(5, "float32", "sort"),
        maximum(9, "uint8"),
        bilateral(5, "float32", 105),
        nl_means(3, 2, "float32"),
    ],
    ids=lambda case: case.name,
)
def test_the_machine_computes_what_neighbourhoods_are_to(case: Neighbours) -> None:
    case = replace(case, shape=(20, 48), border="mirror")
    image = np.random.default_rng(1).integers(0, 256, case.shape).astype(case.dtype)
    out = ran(case.work(SMALL), image, None, np.zeros(case.out_shape, case.dtype))
    choices = Choices.of(case.filter, "mirror", 0, "auto")
    engine = applied(image, case.filter, choices, None, None, None, "cpu")
    most = 0 if isinstance(case.filter, Rank) else 1e-2
    np.testing.assert_allclose(out.astype(float), engine, rtol=0, atol=most)


def ran(work: Work, image: Array, mask: Array | None, out: Array) -> Array:
    """Return the output after all blocks of all launches, with NumPy for the transforms."""
    arrays = {"image": image, "out": out}
    if mask is not None:
        arrays["mask"] = mask
    for name, each in work.scratch.items():
        arrays[name] = np.zeros(each.shape, each.dtype)
        if isinstance(each, Kept):
            values = each.values()
            arrays[name][...] = np.fft.rfft2(values) if each.spectrum else values
    for step in work.steps:
        if isinstance(step, Transform):
            transform(arrays[step.source][: step.count], arrays[step.target][: step.count])
        else:
            for index in np.ndindex(step.grid):
                execution.run(step, arrays, block=index)
    return out


def transform(source: Array, target: Array) -> None:
    """Transform as a GPU's library does, which scales neither way."""
    if source.dtype.kind == "c":
        target[...] = np.fft.irfft2(source, target.shape[1:], norm="forward")
    else:
        target[...] = np.fft.rfft2(source)


def wanted(case: Case, image: Array, mask: Array | None) -> Array:
    """Return what the NumPy engine makes of a case."""
    if case.more:
        kernels = case.kernel, *case.more
        return gc.filter_bank(
            image, kernels, reduce=case.reduce, border=case.border, epilogue=case.epilogue
        )
    return gc.convolve(
        image,
        case.kernel,
        border=case.border,
        method=case.method,
        accuracy="fast" if case.method == "recursive" else "exact",
        mask=mask,
        nan=case.nan,
        epilogue=case.epilogue,
    )


def test_reading_outside_an_array_is_an_error() -> None:
    memory = Memory()
    memory.map(1000, np.zeros(4, np.float32), "image")
    lanes = np.ones(32, bool)
    with pytest.raises(IndexError, match="no array holds the bytes from 0x3f8 to 0x478"):
        memory.load(1016 + 4 * np.arange(32), 4, lanes)


# That it counts right


@pytest.mark.parametrize(
    ("step", "size", "sectors"), [(4, 4, 4), (16, 16, 16), (1, 1, 1), (128, 4, 32), (0, 4, 1)]
)
def test_sectors_of_a_request_are_counted(step: int, size: int, sectors: int) -> None:
    memory = Memory()
    memory.map(0, np.zeros(8192, np.uint8), "image")
    memory.load(step * np.arange(32), size, np.ones(32, bool))
    assert memory.requests["global load"] == 1
    assert memory.cost["global load"] == sectors == memory.loaded("image")


def test_what_is_stored_twice_is_written_once() -> None:
    memory = Memory()
    memory.map(0, np.zeros(1024, np.uint8), "out")
    lanes = np.ones(32, bool)
    for _ in range(2):
        memory.store(4 * np.arange(32), np.ones((32, 4), np.uint8), lanes)
    assert memory.requests["global store"] == 2
    assert (memory.stored("out"), memory.loaded("out")) == (4, 0)
    assert memory.written == {"out": 128}


@pytest.mark.parametrize(
    ("step", "size", "passes", "least"),
    [(4, 4, 1, 1), (8, 4, 2, 1), (128, 4, 32, 1), (0, 4, 1, 1), (16, 16, 4, 4), (16, 8, 4, 2)],
)
def test_bank_conflicts_are_counted(step: int, size: int, passes: int, least: int) -> None:
    memory = Memory(8192)
    memory.share(0)
    memory.load_shared(step * np.arange(32), size, np.ones(32, bool))
    assert memory.cost["shared load"] == passes
    assert memory.least["shared load"] == least


def test_a_listing_is_read() -> None:
    code = sass.parse(LISTING, "k")
    assert [each.name for each in code.instructions] == ["MOV", "FFMA", "BRA", "EXIT", "BRA", "RET"]
    assert code.instructions[1].guard == "!P0"
    assert code.instructions[1].operands == ("R2", "R3.reuse", "UR4", "-R2")
    assert code.instructions[5].operands == ("R6", "`(k)")
    assert code.loops() == [sass.Loop(1, 2, 0)]
    assert sass.mix(code.instructions) == {"move": 1, "fma": 1, "branch": 4}


def test_registers_and_shared_memory_limit_the_warps(monkeypatch: pytest.MonkeyPatch) -> None:
    row = report.measure(dense(3))
    assert 0 < row.warps <= 64
    assert row.warps * 32 * row.registers <= 65536
    assert row.warps % 8 == 0  # blocks have 256 threads


def test_a_miss_is_said() -> None:
    row = report.measure(Case("tight", "float32", dense(3).kernel, "dense", budget=1, halo=0.001))
    assert [miss.partition(":")[0] for miss in row.misses] == ["tight", "tight"]


def test_the_table_is_printed_and_kept(root: Path, tmp_path: Path) -> None:
    record = tmp_path / "static.json"
    command = [sys.executable, "-m", "benchmarks.static", "--case", "float32 dense 3×3", "--mix"]
    done = subprocess.run([*command, "--json", str(record)], cwd=root, capture_output=True)
    printed = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    rows: list[dict[str, Any]] = json.loads(record.read_text("utf-8"))["rows"]
    assert [row["case"] for row in rows] == ["float32 dense 3×3"]
    assert f"{rows[0]['instructions']:.1f}" in printed
    assert rows[0]["mix"]["fma"] == 9
    assert "dense PIXEL=float" in printed


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_stages_are_counted_by_themselves(stage: Stage) -> None:
    row = report.measure(replace(stage, shape=(256, 256)))
    assert row.instances[0].startswith(stage.stage)
    assert 10 < row.instructions < 500
    assert row.copy is None


def test_numbers_are_counted_in_shared_memory() -> None:
    memory = Memory(130)
    memory.share(0)
    where, lanes = 4 * (np.arange(32) % 4), np.ones(32, bool)
    memory.add_shared(where, np.arange(32, dtype=np.uint32), lanes)
    found = memory.load_shared(4 * np.arange(32) % 16, 4, lanes).view(np.uint32)[:4, 0]
    assert found.tolist() == [sum(range(first, 32, 4)) for first in range(4)]
    assert (memory.cost["shared atomic"], memory.least["shared atomic"]) == (1, 1)
