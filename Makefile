# Two commands do everything on a fresh machine with Python 3.11 or later:
#
#   make correct    install cofenet and correct the sample photographs
#   make test       install everything and pass every check

PYTHON ?= python3
VENV ?= .venv
BARE ?= .venv-bare
DATA ?= ../shared/data
UV := $(VENV)/bin/uv
RUN := $(VENV)/bin/python
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

.PHONY: correct test lint types layers unit debian-tools bench comparison clean

correct: $(VENV)/core
	$(VENV)/bin/cofenet correct samples/low-quality -o corrected --overwrite \
		--sheet corrected/before-after.png --report corrected/report.json
	@echo "Look at corrected/before-after.png"

test: lint types layers unit

lint: $(VENV)/all
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/all
	$(VENV)/bin/mypy

layers: $(VENV)/all
	$(VENV)/bin/lint-imports

unit: $(VENV)/all $(BARE)/core debian-tools
	$(RUN) -m pytest

# Other people's tools that tests need, from Debian; does nothing if they are there.
debian-tools:
	.ci/debian-tools

# The figures of README and model card; needs the photographs, which cannot be shipped.
bench: $(VENV)/all
	$(RUN) benchmarks/fov.py --data $(DATA)
	$(RUN) benchmarks/restoration.py --data $(DATA) --publish
	$(VENV)/bin/cofenet evaluate restoration --demo -o runs/evaluation/demo
	$(VENV)/bin/cofenet evaluate restoration --photos $(DATA)/manifest.csv --where split=test --where task=clean \
		--kind 111 -o runs/evaluation/test
	$(RUN) benchmarks/manifests.py --data $(DATA) --out runs/evaluation
	$(VENV)/bin/cofenet evaluate downstream --photos runs/evaluation/labelled.csv -o runs/evaluation/downstream
	$(VENV)/bin/cofenet evaluate quality --photos $(DATA)/manifest.csv --where split=test --where task=clean \
		-o runs/evaluation/grades
	$(VENV)/bin/cofenet evaluate robustness --photos runs/evaluation/cameras.csv -o runs/evaluation/robustness \
		--method clahe --method background-subtraction --method light \
		--family severity --family factor --family size --family jpeg --family side
	$(VENV)/bin/cofenet evaluate robustness --photos runs/evaluation/cameras.csv -o runs/evaluation/unseen \
		--family unseen
	$(VENV)/bin/cofenet evaluate real --photos $(DATA)/manifest.csv --where split=test --where task=lowquality \
		-o runs/evaluation/real
	$(RUN) benchmarks/evaluation.py --demo runs/evaluation/demo --evaluation runs/evaluation/test \
		--downstream runs/evaluation/downstream --grades runs/evaluation/grades \
		--robustness runs/evaluation/robustness --unseen runs/evaluation/unseen \
		--real runs/evaluation/real
	$(RUN) benchmarks/segmentation.py --data $(DATA) --publish --good models
	$(RUN) benchmarks/quality.py --data $(DATA) --publish
	$(RUN) benchmarks/safety.py --data $(DATA) --publish
	$(RUN) benchmarks/fit.py --data $(DATA)
	$(RUN) benchmarks/degradation.py --out docs/results/degradation.json
	$(RUN) benchmarks/speed.py --publish
	$(RUN) benchmarks/cohort.py --publish

# The comparison of docs/reference.md: minutes of training on a GPU, days without one.
COMPARED := reference reference-full without-lqa without-rsa single-scale
PARTS := light-field light-detail light-sharpening
METHODS := --method background-subtraction --method light-at-budget=runs/comparison/light.onnx \
	$(foreach row,$(COMPARED),--method $(row)=runs/comparison/$(row)/$(row).onnx)
comparison: $(VENV)/all
	for row in $(COMPARED) $(PARTS); do \
		$(VENV)/bin/cofenet train recipes/comparison/$$row.toml --run runs/comparison/$$row \
			--data $(DATA)/manifest.csv $$([ $$row = light-sharpening ] && echo --precision 32) || exit 1; \
	done
	$(VENV)/bin/cofenet export $(PARTS:%=runs/comparison/%) -o runs/comparison/light.onnx
	$(RUN) benchmarks/manifests.py --data $(DATA) --out runs/evaluation
	$(VENV)/bin/cofenet evaluate restoration --photos $(DATA)/manifest.csv --where split=test --where task=clean \
		--kind 111 --no-cost -o runs/comparison/restoration $(METHODS)
	$(VENV)/bin/cofenet evaluate downstream --photos runs/evaluation/labelled.csv --kind 111 \
		--no-cost -o runs/comparison/downstream $(METHODS)
	$(RUN) benchmarks/comparison.py --runs runs/comparison --publish

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet uv

$(VENV)/core: pyproject.toml | $(UV)
	$(UV) pip install --quiet --python $(VENV) --editable .
	@touch $@

$(VENV)/all: pyproject.toml constraints/cpu.txt | $(UV)
	$(UV) pip install --quiet --python $(VENV) --constraint constraints/cpu.txt --editable '.[all]' \
		--group test --group lint
	@touch $@ $(VENV)/core

# The lean install alone, with the older OpenCV: tests compare it with the full one.
$(BARE)/core: pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(VENV)/bin/python $(BARE)
	$(UV) pip install --quiet --python $(BARE) --editable . 'opencv-python-headless<5'
	@touch $@

clean:
	rm -rf $(VENV) $(BARE) corrected
