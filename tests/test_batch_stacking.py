"""Images of equal size that wait for a device go there as a stack, with the bits of each alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from cuda_on_cpu import CpuRuntime
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from gpuconv.backends.cuda import runtime
from gpuconv.batch import BatchOptions, plan_jobs, run_jobs, stacking
from gpuconv.batch.stacking import Stacker, on_gpu, stackable
from gpuconv.errors import ArgumentError
from gpuconv.filters import Chain

CAT = data.chelsea()[60:100, 100:148]
SPECS = [
    "gaussian:sigma=1.5",
    "box:size=5",
    "sobel",
    "median:size=3",
    "bilateral:sigma_color=20,diameter=5",
    "nl_means:h=10,patch_size=3,search_distance=2",
    "unsharp_mask:sigma=1",
    "motion_blur:length=7,angle=30",
    "laplacian_of_gaussian:sigma=1.2",
    "maximum:size=3",
]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@settings(max_examples=15, deadline=None)
@given(
    specs=st.lists(st.sampled_from(SPECS), min_size=1, max_size=2),
    border=st.sampled_from([None, "wrap", "mirror", "constant"]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    channels=st.sampled_from([None, 1, 3]),
    size=st.tuples(st.integers(1, 8), st.integers(1, 9)),
    count=st.integers(2, 3),
    seed=st.integers(0, 99),
)
def test_a_stack_has_the_bits_of_its_images_one_by_one(
    specs, border, dtype, channels, size, count, seed
):
    chain = Chain.parse(specs, border=border, device="cuda")
    shape = size if channels is None else (*size, channels)
    noise = np.random.default_rng(seed).integers(0, 256, (count, *shape))
    stack = noise.astype(dtype)
    with runtime.use(CpuRuntime()):
        if stackable.__wrapped__(chain, shape, stack.dtype):
            found = chain(stack, stacked=True)
            alone = [chain(image) for image in stack]
            assert all(same_bits(a, b) for a, b in zip(found, alone, strict=True))


@pytest.mark.parametrize("spec", SPECS)
def test_filters_of_neighbourhoods_can_be_stacked_on_a_gpu_alone(spec):
    for shape in (CAT.shape, CAT.shape[:2]):
        with runtime.use(CpuRuntime()):
            chain = Chain.parse([spec], device="cuda")
            assert stackable.__wrapped__(chain, shape, CAT.dtype)
        assert not stackable(Chain.parse([spec]), shape, CAT.dtype)


@pytest.mark.parametrize("spec", ["canny", "wiener:psf=box", "richardson_lucy:psf=box", "nl_means"])
def test_filters_that_look_at_the_whole_image_are_not_stacked(spec):
    assert not stackable(Chain.parse([spec]), CAT.shape, CAT.dtype)


def test_sums_that_run_on_are_not_stacked():
    with runtime.use(CpuRuntime()):
        chain = Chain.parse(["box:size=61"], device="cuda")
        assert not stackable.__wrapped__(chain, (200, 300), np.dtype("float32"))


def test_a_gpu_gives_a_stack_the_bits_of_its_images_in_fewer_launches():
    chain = Chain.parse(["gaussian:sigma=1"], device="cuda")
    images = [np.roll(CAT[:20, :24], n, axis=0) for n in range(3)]
    assert on_gpu(chain, images[0].shape, CAT.dtype)
    launched = []

    class Counting(CpuRuntime):
        def launch(self, *arguments, **options):
            launched.append(1)
            return super().launch(*arguments, **options)

    with runtime.use(Counting()):
        alone = [chain(image) for image in images]
        one_by_one = len(launched)
        stack = chain(np.stack(images), stacked=True)
    assert all(same_bits(one, other) for one, other in zip(stack, alone, strict=True))
    assert one_by_one == 3 * (len(launched) - one_by_one)


class Watched(Stacker):
    """A stacker on a device that a test holds back, and that notes what it is given."""

    def __init__(self, chain, monkeypatch, **options):
        monkeypatch.setattr(stacking, "on_gpu", lambda *told: True)
        monkeypatch.setattr(stacking, "stackable", lambda *told: True)
        super().__init__(chain, **options)
        self.groups = []
        self.go = threading.Event()
        filtered = stacking._filter

        def wait(chain, group):
            self.groups.append(len(group))
            assert self.go.wait(30)
            filtered(chain, group)

        monkeypatch.setattr(stacking, "_filter", wait)


def wait_for_line(stacker, length):
    with stacker._turn:
        pass
    while True:
        with stacker._turn:
            if len(stacker._line) == length:
                return


def test_what_waits_while_the_device_is_at_work_goes_together(monkeypatch):
    chain = Chain.parse(["box:size=3"])
    stacker = Watched(chain, monkeypatch)
    small, large = CAT[:9, :9], CAT[:12, :9]
    given = [small, *[np.roll(small, n, 0) for n in range(1, 6)], large, large[::-1].copy()]
    with ThreadPoolExecutor(len(given)) as pool:
        first = pool.submit(stacker, given[0])
        while not stacker.groups:
            pass
        rest = [pool.submit(stacker, pixels) for pixels in given[1:]]
        wait_for_line(stacker, 7)
        stacker.go.set()
        found = [first.result(), *(future.result() for future in rest)]
    assert stacker.groups[0] == 1
    assert sorted(stacker.groups[1:]) == [2, 5]
    assert all(same_bits(one, chain(image)) for one, image in zip(found, given, strict=True))


def test_a_stack_has_a_limit_in_bytes(monkeypatch):
    monkeypatch.setattr(stacking, "_MOST_BYTES", 3 * CAT.nbytes)
    stacker = Watched(Chain.parse(["box:size=3"]), monkeypatch)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(stacker, CAT)]
        while not stacker.groups:
            pass
        futures += [pool.submit(stacker, CAT) for _ in range(7)]
        wait_for_line(stacker, 7)
        stacker.go.set()
        for future in futures:
            future.result()
    assert stacker.groups == [1, 3, 3, 1]


def test_several_devices_work_at_the_same_time(monkeypatch):
    seen, both = [], threading.Barrier(2, timeout=30)

    def work(chain, group):
        both.wait()
        seen.append(chain.device)
        for one in group:
            one.result = one.pixels

    monkeypatch.setattr(stacking, "_filter", work)
    monkeypatch.setattr(stacking, "stackable", lambda *told: False)
    stacker = Stacker(Chain.parse(["box"]), ["cuda:0", "cuda:1"])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(stacker, [CAT, CAT[:5]]))
    assert sorted(seen) == ["cuda:0", "cuda:1"]


def test_an_error_is_that_of_the_image_that_caused_it(monkeypatch):
    class Picky(Chain):
        def __call__(self, pixels, *, stacked=False):
            if stacked or pixels[0, 0] == 1:
                raise ArgumentError("a bad image" if not stacked else "a bad stack")
            return pixels

    stacker = Watched(Picky(Chain.parse(["box"]).filters), monkeypatch)
    images = [np.full((4, 4), value, np.uint8) for value in (0, 0, 1, 2)]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(stacker, images[0])]
        while not stacker.groups:
            pass
        futures += [pool.submit(stacker, image) for image in images[1:]]
        wait_for_line(stacker, 3)
        stacker.go.set()
    errors = [future.exception() for future in futures]
    assert [str(error) for error in errors if error] == ["a bad image"]
    assert errors[2] is not None


def test_the_processor_is_left_to_others_while_a_device_works(monkeypatch):
    entered = []

    @contextmanager
    def away():
        entered.append("away")
        yield
        entered.append("back")

    monkeypatch.setattr(stacking, "on_gpu", lambda *told: True)
    Stacker(Chain.parse(["box"]), (), away)(CAT)
    assert entered == ["away", "back"]
    monkeypatch.setattr(stacking, "on_gpu", lambda *told: False)
    Stacker(Chain.parse(["box"]), (), away)(CAT)
    assert entered == ["away", "back"]


def test_a_batch_whose_images_are_stacked_gives_the_same_files(tmp_path, monkeypatch):
    from gpuconv.io import write_image

    (tmp_path / "in").mkdir()
    for n in range(12):
        pixels = np.roll(CAT[: 20 + 4 * (n % 2)], n, axis=1)
        if n % 3 == 0:
            cover = np.full((*pixels.shape[:2], 1), 40 * (n % 5), np.uint8)
            pixels = np.concatenate([pixels, cover], axis=2)
        write_image(tmp_path / f"in/{n}.png", pixels)
    chain, contents = Chain.parse(["gaussian:sigma=1.5"]), []
    monkeypatch.setattr(stacking, "stackable", lambda *told: True)
    for name, gpu in (("a", False), ("b", True)):
        monkeypatch.setattr(stacking, "on_gpu", lambda *told, gpu=gpu: gpu)
        plan = plan_jobs(tmp_path / "in", tmp_path / name)
        assert run_jobs(plan, chain, BatchOptions(jobs=4)).counts["done"] == 12
        contents.append([job.output.read_bytes() for job in plan])
    assert contents[0] == contents[1]


def test_devices_are_for_chains(tmp_path):
    (tmp_path / "a.png").touch()
    plan = plan_jobs(tmp_path / "a.png", tmp_path / "out")
    with pytest.raises(ArgumentError, match=r"devices=\('cuda:0',\) is for a Chain"):
        run_jobs(plan, lambda pixels: pixels, BatchOptions(devices=("cuda:0",)))
    assert not (tmp_path / "out").exists()
