# Needs Python 3.11 or later, and nothing else. uv is used where it is installed, venv and pip where it is not.
PY ?= python3
CHAPTER ?= 00_the_number_that_lived_three_years
LABFLAGS ?=
SUITE ?= bookworm-security
INTO ?= observed
STUDENTS ?= 20
LESSON ?= 06_remap_to_page_1
PARTS ?=
PROXY := configurable-http-proxy@5.3.0

BIN := .venv/bin
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help lab quick test test-long generated-check test-lab book book-serve slides live-test live-engine live-pins assignments grade-demo grade-check hub-demo coverage observe observe-all notebooks notebooks-check mutants matrix bench binder-check lint types picture constraints clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

lab: .venv/lab.done  ## open the book in JupyterLab (CHAPTER=05_eight_pages for another chapter)
	@$(BIN)/jupyter trust notebooks/*.ipynb >/dev/null
	$(BIN)/jupyter lab $(ROOT_FLAG) $(LABFLAGS) --LabApp.default_url=/lab/tree/notebooks/$(CHAPTER).ipynb

quick: .venv/test.done  ## the first thing to run: what a change most often breaks, and one chapter, in half a minute
	$(BIN)/pytest -q -n auto -m "not slow and not generated" tests notebooks/06_remap_to_page_1.ipynb

test: .venv/test.done  ## prove it: tests of everything, strict nbval on every chapter, and a real browser if Chromium is there
	$(BIN)/pytest -q -n auto

test-long: .venv/test.done  ## what make test leaves out: pages that run Python, in Chromium and Firefox, PDF, slides, 10,000 games, all attacks (needs npm)
	$(BIN)/pytest -q -n auto -m long

generated-check: .venv/test.done  ## is what commands make as they make it now? A failure names the command (make test has it too)
	$(BIN)/pytest -q -m generated tests

book: .venv/test.done  ## build the published pages, which run Python, and the PDF: build/book (needs npm; LIVE=0 builds without Python)
	$(BIN)/python -m tools.book
	$(BIN)/python -m tools.book --pdf

slides: .venv/test.done  ## a deck of slides of each chapter, its panels alive: build/slides (needs npm)
	$(BIN)/python -m tools.slides

book-serve: book  ## the same, then read them at http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory build/book/html 8000

live-test: .venv/test.done  ## every chapter on its page and in JupyterLite against its notebook, in Chromium and Firefox (needs npm)
	$(BIN)/pytest -q -m long tests/test_live.py

live-engine: .venv/test.done  ## the engine's own tests inside the interpreter that the pages ship (needs Node.js and npm)
	$(BIN)/python -m live tests

live-pins: .venv/test.done  ## pin the newest interpreter and wheels for the pages that go together: live/pins.toml
	$(BIN)/python -m live pins

assignments: .venv/test.done  ## write the release of the problem sets from its one source
	$(BIN)/python -m grading sets

grade-demo: build/grade/done  ## grade a fabricated class of forty, ten of them hostile, by nbgrader and by our own grader
	build/grade/venv/bin/python -m grading demo --nbgrader

grade-check: build/grade/done  ## do nbgrader and our own grader give the same scores? A small class, and the class of forty
	build/grade/venv/bin/python -m pytest -q -p no:cacheprovider -m "grading or slow" -k "nbgrader or graders" \
		tests/test_grading.py tests/test_grading_course.py

hub-demo: build/hub/done  ## a JupyterHub on loopback with 20 simulated students, a chapter each (STUDENTS=5; needs npm)
	@build/hub/venv/bin/python -m classroom demo --students '$(STUDENTS)' --chapter '$(LESSON)' \
		--proxy build/hub/node_modules/.bin/configurable-http-proxy $(if $(RECORD),--record '$(RECORD)')

coverage: .venv/test.done  ## make the table of what is taught where again; list numbers in prose that nothing derives
	$(BIN)/python -m tools.taught
	$(BIN)/python -m tools.prose

notebooks: .venv/test.done  ## execute and normalise the notebooks
	$(BIN)/python -m tools.notebooks

notebooks-check: .venv/test.done  ## the same, but write nothing and fail if anything would change
	$(BIN)/python -m tools.notebooks --check

mutants: .venv/test.done  ## break the engine on purpose, and see what notices; writes book/mutants.md (SOME=12 for a dozen)
	$(BIN)/python -m tools.mutants $(if $(SOME),--some '$(SOME)')

bench: .venv/test.done  ## measure it: panel, large hosts, import, make lab, book; writes book/benchmarks.md (PARTS=panel)
	$(BIN)/python -m bench $(if $(PARTS),--only '$(PARTS)')

binder-check: .venv/test.done  ## do what Binder does, without Docker: install, postBuild, tests, sessions; say what it takes
	$(BIN)/python -m tools.binder

observe: .venv/lab.done  ## ask a real kernel: make observe SUITE=trixie [SERIES=6.12] [ARCH=riscv64], or IMAGE=FILE (needs QEMU)
	@$(BIN)/python -m kernel_lab $(if $(IMAGE),--image '$(IMAGE)',$(SUITE)) $(if $(SERIES),--series $(SERIES)) \
		$(if $(ARCH),--arch $(ARCH)) $(if $(FLAVOUR),--flavour $(FLAVOUR)) --into $(INTO)
	@$(BIN)/python -m hvlib "$$(ls -t $(INTO)/linux-*.json | head -1)"

observe-all: .venv/lab.done  ## ask every kernel of which the book keeps a record
	$(BIN)/python -m kernel_lab --all --into hvlib/kernels/data
	$(BIN)/python -m hvlib hvlib/kernels/data/linux-*.json

test-lab: .venv/test.done  ## fetch, boot and ask one real kernel, and judge what it says (needs QEMU)
	$(BIN)/pytest -q -m lab -s tests/test_lab.py

matrix: .venv/test.done  ## every supported Python with pinned, oldest and newest packages: long (ONLY=3.12/oldest, RESUME=1)
	$(BIN)/python -m tools.matrix $(if $(ONLY),--only '$(ONLY)') $(if $(RESUME),--resume)

lint: .venv/test.done  ## style, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/test.done  ## types
	$(BIN)/mypy

picture: .venv/test.done  ## draw the picture of the README again
	$(BIN)/python -m tools.picture

constraints: .venv/test.done  ## pin the newest versions that go together
	$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --all-extras --no-annotate --upgrade \
		--custom-compile-command "make constraints" pyproject.toml -o constraints.txt

clean:  ## remove the virtual environment and caches
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build *.egg-info

.venv/lab.done: pyproject.toml constraints.txt
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hvlib needs Python 3.11 or later; name one with: make PY=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (once, under a minute with a good connection) …"
	@if command -v uv >/dev/null; then uv venv -q --clear -p $(PY) .venv; else $(PY) -m venv --clear .venv; fi
	@$(install)
	@touch $@

.venv/test.done: .venv/lab.done
	@echo "Adding the tools for testing …"
	@$(install)
	@touch $@

build/grade/done: pyproject.toml constraints.txt
	@echo "Setting up build/grade: nbgrader, which brings another front end, apart from the readers' JupyterLab (once) …"
	@if command -v uv >/dev/null; then uv venv -q --clear -p $(PY) build/grade/venv; else $(PY) -m venv --clear build/grade/venv; fi
	@$(install)
	@touch $@

build/hub/done: pyproject.toml constraints.txt
	@command -v npm >/dev/null || { echo "make hub-demo needs npm, for the hub's proxy; install Node.js 20 or later."; exit 1; }
	@echo "Setting up build/hub: the readers' environment, JupyterHub and its proxy (once) …"
	@if command -v uv >/dev/null; then uv venv -q --clear -p $(PY) build/hub/venv; else $(PY) -m venv --clear build/hub/venv; fi
	@$(install)
	@npm install --loglevel=error --no-audit --no-fund --no-package-lock --prefix build/hub $(PROXY) >/dev/null
	@touch $@

build/hub/done: BIN := build/hub/venv/bin
build/hub/done: EXTRAS := lab,hub
.venv/lab.done: EXTRAS := lab
build/grade/done: BIN := build/grade/venv/bin
build/grade/done: EXTRAS := lab,test,nbgrader
.venv/test.done: EXTRAS := lab,test,dev,book,binder
install = if command -v uv >/dev/null; then uv pip install -q -p $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]'; \
	else $(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS)]'; fi
