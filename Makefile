# make demo   the main job on scikit-learn's digits, in its own .venv; writes backbench-demo/
# make test   the whole test suite
# make lint   ruff and mypy
# make light  .venv-light, the install without torch: reads, reports, compares, runs exported files
# make site   the docs as a site, in site/
# make docs   writes docs/parts.md and docs/commands.md from the code
# make lock   resolves pyproject.toml again (needs uv)
# make clean  removes the environments
#
# Needs Python 3.11 to 3.14; PYTHON=… says which one. With uv the install takes seconds, without it pip does the same.

CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
FITS := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'
RECENT = $(shell for python in $(CANDIDATES); do "$$python" $(FITS) 2>/dev/null && echo "$$python" && break; done)
PYTHON ?= $(RECENT)
UV ?= $(shell command -v uv 2>/dev/null)
PYTEST_FLAGS ?= -n 2 --dist loadscope --no-loadscope-reorder

# The stamp's name is a checksum of what the environment is made from: a changed lock makes a new environment.
STAMP := .installed-$(shell cat requirements.lock requirements-light.lock pyproject.toml Makefile 2>/dev/null | cksum | tr -d ' ')

.PHONY: demo test lint light docs site lock clean

demo: .venv/$(STAMP)
	.venv/bin/backbench demo

test: .venv/$(STAMP)
	.venv/bin/python -m pytest $(PYTEST_FLAGS)

lint: .venv/$(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

docs: .venv/$(STAMP)
	.venv/bin/python docs/generate.py
	.venv/bin/python docs/results_page.py
	.venv/bin/python docs/runtimes_page.py

site: .venv/$(STAMP)
	.venv/bin/mkdocs build --strict --quiet

light: .venv-light/$(STAMP)
	.venv-light/bin/backbench list runtimes

.venv/$(STAMP): LOCK = requirements.lock
.venv-light/$(STAMP): LOCK = requirements-light.lock

# Everything is installed by hash, the build backend too; the project itself comes last and brings nothing along.
%/$(STAMP):
	@"$(PYTHON)" $(FITS) || { echo "backbench needs Python 3.11 to 3.14: make PYTHON=/path/to/python"; exit 2; }
ifneq ($(UV),)
	"$(UV)" venv --quiet --clear --python "$(PYTHON)" $*
	"$(UV)" pip install --quiet --python $*/bin/python --require-hashes -r $(LOCK)
	"$(UV)" pip install --quiet --python $*/bin/python --no-deps --no-build-isolation --editable .
else
	"$(PYTHON)" -m venv --clear $*
	$*/bin/python -m pip install --quiet --require-hashes -r $(LOCK)
	$*/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endif
	@touch $@

lock:
	$(COMPILE) --extra torch --extra energy --extra dev -o requirements.lock
	$(COMPILE) --extra build -c requirements.lock -o requirements-light.lock

COMPILE = "$(UV)" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" pyproject.toml

clean:
	rm -rf .venv .venv-light
