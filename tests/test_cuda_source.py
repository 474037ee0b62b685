"""The CUDA sources as the compiler gets them: found, inlined, and told apart."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuconv.backends.cuda import source
from gpuconv.backends.cuda.source import Program, digest, families, folder, inlined
from gpuconv.errors import DeviceError


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sources that may be edited, in place of the real ones."""
    copy = tmp_path / "kernels_cuda"
    shutil.copytree(folder(), copy)
    monkeypatch.setattr(source, "folder", lambda: copy)
    inlined.cache_clear()
    yield copy
    inlined.cache_clear()


FAMILIES = families()


def test_every_source_is_a_family() -> None:
    assert {"dense", "deposit", "repair", "separable"} <= set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_include_is_left_and_no_header_comes_twice(family: str) -> None:
    text = inlined(f"{family}.cu")
    assert "#include" not in text
    assert "#pragma once" not in text
    assert len(re.findall(r"struct half \{", text)) <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_messages_of_the_compiler_name_the_file_and_line_that_people_edit(family: str) -> None:
    """Follow the #line directives: each line must be what the named file has there."""
    files = {path.name: path.read_text("utf-8").splitlines() for path in folder().glob("*.cu*")}
    name, number, seen = "", 0, set[str]()
    for line in inlined(f"{family}.cu").splitlines():
        if found := re.fullmatch(r'#line (\d+) "([\w.]+)"', line):
            name, number = found[2], int(found[1])
            seen.add(name)
            continue
        original = files[name][number - 1]
        assert line == original.replace("#pragma once", "")
        number += 1
    assert f"{family}.cu" in seen


def test_macros_stand_before_the_text() -> None:
    program = Program("deposit", "deposit", (("VALUE", "float"), ("CHUNK", "448")))
    assert program.text.startswith("#define VALUE float\n#define CHUNK 448\n#line 1")


def test_an_edited_header_is_another_text_and_digest(elsewhere: Path) -> None:
    """CuPy's cache on disk keys on the text: it cannot run what was compiled before the edit."""
    program, before = Program("dense", "dense", ()), digest("dense")
    text = program.text
    header = elsewhere / "border.cuh"
    header.write_text(header.read_text("utf-8").replace("entry >= 0", "entry >= 1"), "utf-8")
    inlined.cache_clear()
    assert Program("dense", "dense", ()).text != text
    assert digest("dense") != before
    assert digest("deposit") == source.digest("deposit")


def test_comments_and_spaces_do_not_count_in_a_digest(elsewhere: Path) -> None:
    before = {family: digest(family) for family in FAMILIES}
    for path in elsewhere.glob("*.cu*"):
        text = path.read_text("utf-8")
        path.write_text("// Another remark.\n\n" + text.replace("    ", "  "), "utf-8")
    inlined.cache_clear()
    assert {family: digest(family) for family in FAMILIES} == before


def test_an_installation_without_sources_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    folder.cache_clear()
    monkeypatch.setattr(source, "__file__", "/nowhere/gpuconv/backends/cuda/source.py")
    with pytest.raises(DeviceError, match=r"neither in /nowhere/gpuconv nor beside it; install"):
        folder()
    folder.cache_clear()
