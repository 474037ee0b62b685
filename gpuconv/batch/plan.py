"""The plan of a batch: every input with the name of its output, before any work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gpuconv.batch.clashes import refuse_clashes
from gpuconv.batch.jobs import Job, NothingMatchedError, Plan
from gpuconv.batch.journal import Journal
from gpuconv.batch.naming import DEFAULT_TEMPLATE, NameTemplate
from gpuconv.batch.patterns import Selection, texts
from gpuconv.batch.scan import Finder, Found, read_list
from gpuconv.errors import ArgumentError

__all__ = ["plan_jobs"]

PathText = str | os.PathLike[str]


def plan_jobs(
    inputs: PathText | Iterable[PathText] = (),
    output_dir: PathText | None = None,
    *,
    recursive: bool = False,
    include: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
    files_from: PathText | None = None,
    null: bool = False,
    name_template: str | None = None,
    filter_name: str = "filtered",
    in_place: bool = False,
) -> Plan:
    """Find the inputs and name the outputs; nothing is read or written yet.

    Parameters
    ----------
    inputs
        Files, folders and patterns (``**`` is any number of folders). A file that is named is
        taken whatever its extension; folders give the files with an image's extension, in natural
        order.
    output_dir
        Where the outputs go. Needed unless `in_place`.
    recursive
        Enter subfolders. Their names are kept below `output_dir`.
    include, exclude
        Patterns; one without a slash is met by the name alone, at any depth.
    files_from
        A file with more names, one per line, or "-" for standard input. Relative names keep their
        folders below `output_dir`.
    null
        The names of `files_from` end with NUL bytes.
    name_template
        Name of an output below `output_dir`; see :class:`~gpuconv.batch.naming.NameTemplate`.
    filter_name
        What ``{filter}`` stands for.
    in_place
        Replace the inputs.

    Returns
    -------
    Plan
        The jobs, in order.

    Raises
    ------
    ArgumentError
        If two inputs have one output, an output is an input, or an argument is not as above.
    NothingMatchedError
        If no file is left.

    Examples
    --------
    >>> plan = plan_jobs(["scans/a.png"], "out", name_template="{stem}_{filter}{ext}",
    ...                  filter_name="sobel")
    >>> plan.jobs[0].output.as_posix()
    'out/a_sobel.png'
    """
    target = _target(output_dir, name_template, in_place)
    template = NameTemplate(DEFAULT_TEMPLATE if name_template is None else name_template)
    finder = Finder(
        recursive=recursive,
        selection=Selection(texts("include", include), texts("exclude", exclude)),
        output_dir=target,
        outputs=Journal(target).outputs() if target else [],
    )
    _find(finder, texts("inputs", inputs), files_from, null)
    if target is None:
        jobs = [Job(item.path, item.path, item.path.parent) for item in finder.found]
    else:
        jobs = list(_name(finder.found, target, template, filter_name))
        refuse_clashes(jobs)
    return Plan(tuple(jobs), target, dict(sorted(finder.ignored.items())), tuple(finder.notices))


def _target(output_dir: PathText | None, template: str | None, in_place: bool) -> Path | None:
    if in_place == (output_dir is not None):
        given = f"output_dir={output_dir!r}, in_place={in_place}"
        raise ArgumentError(f"{given}: give either a folder for the outputs or in_place=True")
    if in_place and template is not None:
        raise ArgumentError(f"name_template={template!r} has no meaning with in_place=True")
    return None if output_dir is None else Path(output_dir)


def _find(finder: Finder, named: tuple[str, ...], files_from: PathText | None, null: bool) -> None:
    if not named and files_from is None:
        raise ArgumentError("inputs is empty: give a file, a folder or a pattern, or files_from")
    for text in named:
        finder.add(text)
    if files_from is not None:
        for text in read_list(files_from, null=null):
            finder.add_listed(text)
    if not finder.found:
        left_out = ", ".join(f"{n} {reason}" for reason, n in sorted(finder.ignored.items()))
        told = [*finder.notices, *([f"left out: {left_out}"] if left_out else [])]
        raise NothingMatchedError("; ".join(["no image to work on", *told]))


def _name(
    found: Iterable[Found], target: Path, template: NameTemplate, filter_name: str
) -> Iterator[Job]:
    for index, item in enumerate(found, start=1):
        name = template.fill(item.below, index=index, filter_name=filter_name)
        yield Job(item.path, target / name, target, template.keeps_format, item.problem)
