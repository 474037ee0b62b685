# `make` lists the targets. Everything is installed into .venv, once; nothing outside it changes.

PYTHON ?= python3
# Test processes; "auto" is one per core.
JOBS ?= auto

VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench report choice selection swap scipy skimage stream photos cluster static gpu notebooks clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.installed-base ## filter the sample photographs into demo/ and draw a contact sheet
	@$(BIN)/python samples/demo.py --output demo

test: $(VENV)/.installed-test ## run all tests
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --dist loadfile $(PYTEST_ARGS)

scipy: $(VENV)/.installed-test ## run SciPy's own tests on gpuconv, all of them (a minute or two)
	PYTHONPATH=tests $(BIN)/python -m upstream.scipy_own ndimage -n $(JOBS) $(PYTEST_ARGS)
	PYTHONPATH=tests $(BIN)/python -m upstream.scipy_own signal -n $(JOBS) $(PYTEST_ARGS)

skimage: $(VENV)/.installed-test ## run scikit-image's own tests on gpuconv (SKIMAGE_TESTS=its tests/skimage)
	PYTHONPATH=tests $(BIN)/python -m upstream.skimage_swap "$(SKIMAGE_TESTS)" -n $(JOBS) $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## check style (ruff) and types (mypy)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-bench ## time everything beside everyone, record it, write the report
	$(BIN)/gpuconv bench --section all --record $(BENCH_ARGS)
	$(BIN)/python -m benchmarks.report

report: $(VENV)/.installed-bench ## write the report of what is recorded; measure nothing
	$(BIN)/python -m benchmarks.report

choice: $(VENV)/.installed-bench ## time what the planner chooses beside all else, a quarter of an hour
	$(BIN)/python -m benchmarks.cpu choice $(BENCH_ARGS)

selection: $(VENV)/.installed-bench ## time what the planner chooses for rank filters, beside all else
	$(BIN)/python -m benchmarks.cpu selection $(BENCH_ARGS)

swap: $(VENV)/.installed-bench ## time calls of scipy.ndimage, SciPy's and our stand-in's
	$(BIN)/python -m benchmarks.cpu swap $(BENCH_ARGS)

stream: $(VENV)/.installed-test ## blur 65536² pixels in 512 MiB beside others; 18 GiB of disk
	$(BIN)/python -m benchmarks.stream large $(BENCH_ARGS)

photos: $(VENV)/.installed-test ## blur 2,000 photographs beside vips, ImageMagick and Pillow
	$(BIN)/python -m benchmarks.stream photos $(BENCH_ARGS)

cluster: $(VENV)/.installed-test ## time a Dask cluster of two workers beside the plain stream
	$(BIN)/python -m benchmarks.stream dask $(BENCH_ARGS)

static: $(VENV)/.installed-test ## count what the CUDA kernels cost a pixel, without a GPU
	$(BIN)/python -m benchmarks.static $(STATIC_ARGS)

gpu: ## test, verify and time on a GPU (RESULTS=dir); installs nothing
	PYTHONPATH=. $(PYTHON) -m benchmarks.gpu $(if $(RESULTS),--results "$(RESULTS)") $(GPU_ARGS)

notebooks: $(VENV)/.installed-notebook ## run the notebooks again and keep their pictures
	$(BIN)/python notebooks/build.py

clean: ## remove the environment, the demo and all caches
	rm -rf $(VENV) demo dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp per extra, newer than pyproject.toml: a second run installs nothing and needs no network.
INSTALL = .ci/install $(PYTHON) $(VENV)

$(VENV)/.installed-base: pyproject.toml
	@$(INSTALL) .
	@touch $@

$(VENV)/.installed-%: pyproject.toml | $(VENV)/.installed-base
	@$(INSTALL) '.[$*]'
	@touch $@
