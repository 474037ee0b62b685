"""scikit-image on gpuconv: what is swapped, where, and that all is as it was afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import skimage.feature
import skimage.filters
import skimage.restoration
from skimage import data, metrics

import gpuconv.scipy
import gpuconv.skimage
from gpuconv.skimage import dispatch, swapping
from gpuconv.skimage.errors import DifferenceWarning

CAMERA = data.camera()[100:164, 200:250] / 255


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of gpuconv's functions that are called, in order."""
    made: list[str] = []

    def counted(name: str, function: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            made.append(name)
            return function(*given, **named)

        return call

    # All before one is changed, for they take names from each other.
    for module in [import_module(name) for name in swapping._MODULES.values()]:
        for name in module.__all__:
            monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    return made


@pytest.fixture(autouse=True)
def all_is_as_it_was() -> Iterator[None]:
    """Check that no module holds anything else after a test than before, and no finder is left."""
    before = {id(module): dict(vars(module)) for module in loaded()}
    finders = list(sys.meta_path)
    yield
    assert not swapping.is_enabled()
    assert sys.meta_path == finders
    for module in loaded():
        for name, value in vars(module).items():
            assert value is before.get(id(module), {}).get(name, value), f"{module}.{name}"


def loaded() -> list[ModuleType]:
    """Return the modules of scikit-image and SciPy that are loaded, and this one."""
    kept = ("skimage.", "scipy.ndimage", "scipy.signal")
    found = [module for name, module in list(sys.modules.items()) if name.startswith(kept)]
    return [*found, sys.modules[__name__]]


def fresh(code: str, **environment: str) -> str:
    """Return what `code` prints in a Python of its own."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


# ------------------------------------------------------------------------ what is swapped


def test_functions_are_gpuconvs_from_enable_to_disable(calls: list[str]) -> None:
    expected = skimage.filters.gaussian(CAMERA, 2)
    gpuconv.skimage.enable()
    try:
        assert gpuconv.skimage.swapping.is_enabled()
        found = skimage.filters.gaussian(CAMERA, 2)
        gpuconv.skimage.enable()  # once is enough
    finally:
        gpuconv.skimage.disable()
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert calls == ["gaussian"]
    skimage.filters.gaussian(CAMERA, 2)
    gpuconv.skimage.disable()
    assert calls == ["gaussian"]


@pytest.mark.parametrize(
    ("call", "within"),
    [
        (lambda image: skimage.feature.canny(image, 1.5), {"gaussian", "sobel"}),
        (lambda image: skimage.feature.corner_harris(image), {"gaussian", "sobel"}),
        (lambda image: skimage.filters.threshold_local(image, 11), {"gaussian"}),
        (
            lambda image: metrics.structural_similarity(image, image**2, data_range=1),
            {"uniform_filter"},
        ),
        (lambda image: skimage.feature.match_template(image, image[9:16, 9:20]), {"fftconvolve"}),
        (lambda image: skimage.feature.structure_tensor(image, 2), {"gaussian", "sobel"}),
        (lambda image: skimage.filters.sato(image, [1]), {"gaussian_filter"}),
        (lambda image: skimage.feature.blob_log(image, num_sigma=2), {"gaussian_laplace"}),
        (
            lambda image: skimage.restoration.richardson_lucy(image, np.ones((3, 3)) / 9, 2),
            {"richardson_lucy"},
        ),
    ],
    ids=["canny", "harris", "threshold", "ssim", "template", "tensor", "sato", "blobs", "lucy"],
)
def test_scikit_images_own_callers_run_on_gpuconv(
    calls: list[str], call: Any, within: set[str]
) -> None:
    expected = call(CAMERA)
    assert calls == []
    with gpuconv.skimage.enabled():
        found = call(CAMERA)
    assert within <= set(calls)
    for ours, theirs in zip(np.atleast_1d(found), np.atleast_1d(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_scipy_stays_as_it_is(calls: list[str]) -> None:
    with gpuconv.skimage.enabled():
        scipy.ndimage.sobel(CAMERA)
        assert calls == []
        # What is not gpuconv's is SciPy's, also in scikit-image's modules.
        corner = import_module("skimage.feature.corner")
        assert corner.ndi is not scipy.ndimage
        assert corner.ndi.label is scipy.ndimage.label
        assert dir(corner.ndi) == dir(scipy.ndimage)
    assert corner.ndi is scipy.ndimage


def test_every_function_there_is_is_swapped() -> None:
    for name in ("filters", "restoration"):
        theirs = import_module(f"skimage.{name}")
        for function in import_module(f"gpuconv.skimage.{name}").__all__:
            before = getattr(theirs, function)
            with gpuconv.skimage.enabled():
                assert getattr(theirs, function) is not before
                assert getattr(theirs, function).__wrapped__ is before
                assert getattr(theirs, function).__doc__ == before.__doc__


def test_what_gpuconv_has_no_answer_for_goes_to_scikit_image() -> None:
    pixels, volume = data.camera()[:40, :50], np.random.default_rng(0).random((6, 7, 8))
    expected = skimage.filters.median(pixels, np.ones((3, 3)), behavior="rank")
    means = skimage.restoration.denoise_nl_means(volume, 3, 2)
    with gpuconv.skimage.enabled():
        found = skimage.filters.median(pixels, np.ones((3, 3)), behavior="rank")
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(skimage.restoration.denoise_nl_means(volume, 3, 2), means)


def test_a_difference_is_told_where_scikit_image_was_called() -> None:
    with (
        gpuconv.skimage.enabled(),
        pytest.warns(DifferenceWarning, match="denoise_bilateral differs") as told,
    ):
        skimage.restoration.denoise_bilateral(CAMERA)
    assert told[0].filename == __file__


# ------------------------------------------------------------------------ when


def test_contexts_may_be_nested_and_left_by_an_exception(calls: list[str]) -> None:
    with gpuconv.skimage.enabled() as nothing:
        assert nothing is None
        with pytest.raises(KeyError), gpuconv.skimage.enabled():
            raise KeyError
        skimage.filters.sobel(CAMERA)
        gpuconv.skimage.enable()
    skimage.filters.sobel(CAMERA)
    gpuconv.skimage.disable()
    skimage.filters.sobel(CAMERA)
    assert calls.count("sobel") == 2


def test_it_may_be_used_together_with_what_patches_scipy() -> None:
    expected = skimage.feature.corner_harris(CAMERA)
    sobel = scipy.ndimage.sobel
    one, other = gpuconv.skimage.enabled(), gpuconv.scipy.use()
    for outer, inner in ((one, other), (other, one)):
        with outer:
            with inner:
                np.testing.assert_allclose(skimage.feature.corner_harris(CAMERA), expected)
            np.testing.assert_allclose(skimage.feature.corner_harris(CAMERA), expected)
        assert scipy.ndimage.sobel is sobel


def test_a_context_is_a_decorator(calls: list[str]) -> None:
    @gpuconv.skimage.enabled()
    def edges(deep: int) -> Any:
        return edges(deep - 1) if deep else skimage.filters.sobel(CAMERA)

    edges(2)
    assert calls == ["sobel"]


def test_a_name_that_was_taken_meanwhile_is_put_back() -> None:
    taken = ModuleType("taken")
    sys.modules["taken"] = taken
    try:
        with gpuconv.skimage.enabled():
            exec(
                "from skimage.filters import gaussian\nfrom skimage.feature.corner import ndi",
                vars(taken),
            )
            table = {"blur": taken.gaussian}
            assert taken.gaussian.__wrapped__ is not taken.gaussian
        assert taken.gaussian is skimage.filters.gaussian
        assert taken.ndi is scipy.ndimage
        # What cannot be found calls scikit-image's.
        np.testing.assert_array_equal(table["blur"](CAMERA), taken.gaussian(CAMERA))
    finally:
        del sys.modules["taken"]


def test_modules_that_are_imported_meanwhile_are_swapped_and_restored() -> None:
    code = """
import sys, scipy.ndimage, gpuconv.skimage
with gpuconv.skimage.enabled():
    import skimage.feature, skimage.metrics
    assert "skimage.feature._canny" not in sys.modules
    from skimage.feature import canny
    from skimage.metrics import structural_similarity
    module = sys.modules["skimage.feature._canny"]
    print(module.ndi is scipy.ndimage, hasattr(module.gaussian, "__wrapped__"))
    likeness = sys.modules[structural_similarity.__module__]
    print(likeness.uniform_filter is scipy.ndimage.uniform_filter)
print(module.ndi is scipy.ndimage, hasattr(module.gaussian, "__wrapped__"))
print(likeness.uniform_filter is scipy.ndimage.uniform_filter)
"""
    assert fresh(code).split() == ["False", "True", "False", "True", "False", "True"]


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, gpuconv.skimage, gpuconv.skimage.filters; print(*sys.modules)"
    assert not {"skimage", "scipy"} & set(fresh(code).split())


# ------------------------------------------------------------------------ dispatching


def test_the_functions_that_may_be_dispatched_are_those_there_are() -> None:
    names = [
        f"skimage.{module}:{name}"
        for module in ("filters", "metrics", "restoration")
        for name in import_module(f"gpuconv.skimage.{module}").__all__
    ]
    assert dispatch.information().supported_functions == names
    for name in names:
        assert callable(dispatch.get_implementation(name))


def test_what_scikit_image_dispatches_comes_here_once_it_is_enabled(
    tmp_path: Path, root: Path
) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    known = tmp_path / "named-1.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: named\nVersion: 1\n")
    (known / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in project["entry-points"].items()
        )
    )
    code = """
import sys, warnings
import numpy as np
from skimage import metrics
print("gpuconv.skimage.metrics" in sys.modules)
metrics.mean_squared_error(np.ones(3), np.zeros(3))
print("gpuconv.skimage.metrics" in sys.modules)
import gpuconv.skimage
gpuconv.skimage.enable()
with warnings.catch_warnings(record=True, action="always") as told:
    print(metrics.mean_squared_error(np.ones(3), np.zeros(3)))
    print(metrics.normalized_root_mse(np.ones(3), np.zeros(3)))
print(*{str(warning.message).split("'")[3] for warning in told})
gpuconv.skimage.disable()
metrics.mean_squared_error(np.ones(3), np.zeros(3))
"""
    printed = fresh(code, PYTHONPATH=os.pathsep.join([str(tmp_path), str(root)]))
    assert printed.split() == ["False", "False", "1.0", "1.0", "gpuconv"]


# ------------------------------------------------------------------------ scikit-image's tests


def test_its_own_tests_can_be_run_and_fail_where_gpuconv_calls_it(
    tmp_path: Path, root: Path
) -> None:
    folder = tmp_path / "filters"
    folder.mkdir()
    (folder / "test_gaussian.py").write_text(
        """
import numpy as np
from scipy import ndimage
from skimage.filters import gaussian, median

class Sly:
    def __array__(self, dtype=None, copy=None):
        return ndimage.gaussian_filter(np.ones((4, 4)), 1)

def test_blur():
    assert gaussian(np.ones((4, 4))).shape == (4, 4)

def test_rank():
    assert median(np.ones((4, 4), np.uint8), np.ones((3, 3)), behavior="rank").all()

def test_scipy():
    ndimage.gaussian_filter(np.ones((4, 4)), 1)

def test_sly():
    gaussian(Sly())
"""
    )
    ran = subprocess.run(
        [sys.executable, "-m", "upstream.skimage_swap", str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "tests"), str(root)])},
        capture_output=True,
        text=True,
        check=False,
    )
    told = (
        "3 passed, of which 2 called gpuconv and 1 had a call passed on to scikit-image",
        "1 failed, of which 1 called gpuconv and 0 had a call passed on to scikit-image",
        "AssertionError: gpuconv called",
    )
    assert [line for line in told if line not in ran.stdout] == [], ran.stdout + ran.stderr
    assert ran.returncode == 1


@pytest.mark.parametrize("where", ["rename_everywhere", "_found"])
def test_an_interrupted_entry_leaves_nothing(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = list(sys.meta_path), vars(swapping)["_users"].copy()
    with monkeypatch.context() as patch:
        patch.setattr(swapping, where, interrupted)
        with pytest.raises(KeyboardInterrupt), swapping.enabled():
            pass
    with swapping.enabled():
        pass
    assert (list(sys.meta_path), vars(swapping)["_users"]) == before
