# Every target installs what it needs and says what it could not get. A second run starts in seconds.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export UV_PYTHON_DOWNLOADS ?= never
export ROADHEAT_DATA ?= $(abspath ../shared/data)
RUN := .venv/bin/
READY := .venv/.roadheat-ready
# A test file stays in one process, so that its tests share their servers. Two: some tests have a deadline.
PARALLEL := -n 2 --dist loadfile
ARGS ?=

.PHONY: help demo test coverage check check-js check-flux fix bench soak docs screenshots sbom vm servers clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml uv.lock tools/get_uv.sh firmware/rh/__init__.py
	@uv=$$(tools/get_uv.sh) && "$$uv" sync --locked --quiet --all-extras --all-groups
	@touch $@

vm: $(READY) ## Get the MicroPython VM that runs the firmware
	@$(RUN)python -m tools.get_vm

servers: $(READY) ## Get InfluxDB, VictoriaMetrics, PostgreSQL, nginx, NATS, haproxy and Chromium for the tests: as root on Debian with apt-get, unless ROADHEAT_NO_APT=1
	@$(RUN)python -m tools.get_servers

demo: $(READY) vm ## One storm, end to end: emulated boards, supervisor, crew page, report
	@$(RUN)roadheat demo $(ARGS)

test: $(READY) vm servers ## All tests
	@$(RUN)pytest $(PARALLEL) $(ARGS)

coverage: $(READY) vm servers ## Coverage of the fast tests: neither VM nor browser
	@rm -rf .cache/coverage && mkdir -p .cache/coverage
	@$(RUN)coverage run -m pytest -q -m "not vm and not browser" $(ARGS); status=$$?; \
		$(RUN)coverage combine -q && $(RUN)coverage report; exit $$status

check-js: ## Types of the crew app's JavaScript, where npm is
	@tools/check_js.sh

check-flux: $(READY) ## Types of the Flux queries, where npm is
	@tools/check_flux.sh

check: $(READY) check-js check-flux ## ruff, mypy (host and firmware), import layers, JavaScript and Flux where npm is
	@$(RUN)ruff check .
	@$(RUN)ruff format --check .
	@$(RUN)mypy
	@UV=$$(tools/get_uv.sh) PYTHON=$(RUN)python tools/check_firmware.sh
	@$(RUN)lint-imports --no-cache

fix: $(READY) ## Let ruff repair and format; list the firmware's files in its package.json
	@$(RUN)python -m tools.firmware_package
	@$(RUN)ruff check --fix .
	@$(RUN)ruff format .

bench: $(READY) vm ## The figures behind the claims
	@$(RUN)roadheat bench road --data $(ROADHEAT_DATA)/road
	@$(RUN)roadheat bench planner
	@$(RUN)roadheat bench control --weather $(ROADHEAT_DATA)/weather/kr_seoul_2023_octdec.csv

soak: $(READY) vm servers ## Longer campaigns: more seeds, more faults, axe on every screen
	@HYPOTHESIS_PROFILE=soak ROADHEAT_FUZZ_FRAMES=200000 ROADHEAT_KILLS=50 ROADHEAT_CLUSTER_KILLS=20 ROADHEAT_INFLUX_KILLS=20 $(RUN)pytest -m "not browser" $(ARGS)
	@HYPOTHESIS_PROFILE=soak $(RUN)pytest supervisor/web/tests/test_web_browser_axe.py

docs: $(READY) ## Build docs/_build/html
	@$(RUN)sphinx-build -q -W -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

screenshots: $(READY) servers ## Renew the pictures of the app in docs/img, in Korean and English
	@$(RUN)python -m tools.screenshots

SBOM ?= sbom.cdx.json
sbom: $(READY) ## Write sbom.cdx.json: the service's locked packages as CycloneDX 1.5
	@uv=$$(tools/get_uv.sh) && "$$uv" export --quiet --locked --no-dev --preview-features sbom-export \
		--format cyclonedx1.5 --output-file $(SBOM)
	@echo $(SBOM)

clean: ## Remove what the targets made
	@rm -rf .venv .cache typings docs/_build demo-report sbom.cdx.json
