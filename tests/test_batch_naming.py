from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from gpuconv.batch import FIELDS, NameTemplate
from gpuconv.errors import ArgumentError, ArgumentTypeError


def fill(template, path="sub/cat.JPG", index=7, filter_name="gaussian"):
    return NameTemplate(template).fill(PurePosixPath(path), index=index, filter_name=filter_name)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{dir}/{stem}{ext}", "sub/cat.JPG"),
        ("{dir}/{stem}_{filter}{ext}", "sub/cat_gaussian.JPG"),
        ("{stem}_{filter}.png", "cat_gaussian.png"),
        ("{name}.png", "cat.JPG.png"),
        ("{filter}/{name}", "gaussian/cat.JPG"),
        ("{index:04d}{ext}", "0007.JPG"),
        ("{dir}//{stem}.TIF", "sub/cat.TIF"),
        ("{{{stem}}}{ext}", "{cat}.JPG"),
    ],
)
def test_templates(template, expected):
    assert fill(template) == expected


def test_a_file_that_lies_in_no_folder_stays_below_the_output_folder():
    assert fill("{dir}/{stem}{ext}", "cat.png") == "cat.png"


def test_names_with_odd_parts():
    assert fill("{stem}|{ext}.png", "archive.tar.gz") == "archive.tar|.gz.png"
    assert fill("{stem}{ext}", "no_suffix") == "no_suffix"
    assert fill("{stem}{ext}", ".hidden") == ".hidden"
    assert fill("{stem}{ext}", "brace{s}.png") == "brace{s}.png"


def test_a_filter_name_makes_no_folders():
    assert fill("{stem}_{filter}.png", filter_name="0 1/2; *") == "cat_0_1_2_.png"


def test_the_format_follows_the_input_or_stands_in_the_template():
    assert NameTemplate("{stem}{ext}").keeps_format
    assert NameTemplate("out_{name}").keeps_format
    assert not NameTemplate("{stem}.png").keeps_format
    assert not NameTemplate("{stem}{ext}.png").keeps_format


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{stm}{ext}", r"name_template field='stm' .* did you mean 'stem'\?"),
        ("{}{ext}", r"name_template field='' is not a field of a name"),
        ("{stem.__class__}{ext}", r"field='stem.__class__' is not a field"),
        ("/{stem}{ext}", r"name_template='/\{stem\}\{ext\}' has to stay below the output folder"),
        ("../{stem}{ext}", r"has to stay below the output folder"),
        ("{stem}", r"name_template='\{stem\}' has no extension; end it with \{ext\}"),
        ("", r"has no extension"),
        ("{stem}.{index}", r"has no extension"),
        ("{stem}.xyz", r"ends with '.xyz', which cannot be written \(one of .*\.png"),
        ("{stem:04d}{ext}", r"cannot be filled in: Unknown format code 'd'"),
        ("{stem:{width}}{ext}", r"cannot be filled in"),
        ("{stem{ext}", r"name_template='\{stem\{ext\}' cannot be read"),
        ("{stem}.png/", r"gives 'b.png/', which is no file name"),
    ],
)
def test_templates_that_are_refused(template, message):
    with pytest.raises(ArgumentError, match=message):
        NameTemplate(template)


def test_a_template_is_a_text():
    with pytest.raises(ArgumentTypeError, match=r"name_template=3 is not a text"):
        NameTemplate(3)


def test_every_field_is_filled():
    for field in FIELDS:
        assert fill(f"{{{field}}}-{{ext}}") != "-.JPG"
