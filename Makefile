# Each target is one line that calls `lab`, after the set-up. Words after ## are what `make help` shows, in Bahasa
# Indonesia and, after the bar, in English (LAB_LANG=en).

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif
LAB := $(BIN)/lab
RUN := $(BIN)/python -m
OUT ?= grades/exercise-$(EXERCISE)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev up down status logs doctor reset grade audit test lint messages pictures bench secrets load kit lock

help: ## daftar perintah ini | this list
	@awk -v english=$(if $(filter en,$(LAB_LANG)),1,0) -f .ci/help.awk $(MAKEFILE_LIST)

setup: ## siapkan lab ini (sekali saja, perintah lain melakukannya sendiri) | set the lab up (once; other targets do it themselves)
	@$(PYTHON) bootstrap.py

setup-dev: ## siapkan juga alat pengembang | set up the developers' tools too
	@$(PYTHON) bootstrap.py --dev

up: setup ## nyalakan lab di latar belakang | start the lab in the background
	@$(LAB) up

down: setup ## matikan lab, tidak ada yang hilang | stop the lab, nothing is lost
	@$(LAB) down

status: setup ## alamat instansi dan kunci sandbox Anda | the agencies' addresses and your sandbox's client
	@$(LAB) status

logs: setup ## apa yang ditulis instansi ke catatannya | what the agencies have written to their log
	@$(LAB) logs

doctor: setup ## periksa apa yang kurang pada komputer ini | find what this computer lacks
	@$(LAB) doctor

exercise-%: setup ## periksa pekerjaan Anda pada latihan N | check your work on exercise N
	@$(LAB) exercise $*

hint-%: setup ## petunjuk berikutnya untuk latihan N | the next hint for exercise N
	@$(LAB) hint $*

trace-%: setup ## gambar apa yang dilakukan program Anda | draw what your program did
	@$(LAB) trace $*

reset: setup ## kembalikan kota ke hari pertama, nilai tetap | put your city back to its first day, scores stay
	@$(LAB) reset

reset-%: setup ## begitu juga, dan kerangka baru untuk latihan N | likewise, and a fresh starter for exercise N
	@$(LAB) reset $*

grade: setup ## nilai kiriman: SUBMISSIONS=folder EXERCISE=N OUT=folder | grade submissions: SUBMISSIONS=folder EXERCISE=N OUT=folder
	@$(LAB) grade $(if $(SUBMISSIONS),"$(SUBMISSIONS)") --exercise "$(EXERCISE)" --out "$(OUT)"

audit: setup ## buktikan bahwa setiap latihan menilai dengan benar | prove that every exercise grades rightly
	@$(LAB) audit

test: lint ## siapkan dan uji semuanya | set everything up and test it
	@$(RUN) pytest -n 2 --dist worksteal --cov --cov-report term

lint: setup-dev ## periksa kode, tipe, aturan impor, dan terjemahan | check code, types, import rules and translations
	@$(RUN) ruff check . && $(RUN) ruff format --check . && $(BIN)/lint-imports && $(RUN) lab.authoring.catalogues --check && $(RUN) mypy && $(RUN) mypy bootstrap.py

messages: setup-dev ## kumpulkan dan susun terjemahan | collect and compile the translations
	@$(RUN) lab.authoring.catalogues

pictures: setup-dev ## gambar ulang contoh di README | draw the examples in the READMEs anew
	@$(RUN) lab.authoring.pictures

bench: setup-dev ## ukur kecepatan lab | measure how fast the lab is
	@$(RUN) bench

secrets: setup ## buat rahasia untuk docker compose (LAB_MODE=docker membuatnya sendiri) | make the secrets for docker compose (LAB_MODE=docker makes its own)
	@$(RUN) lab.docker

load: setup-dev ## bebani lab yang menyala dengan 80 peserta tiruan | work the running lab with 80 simulated participants
	@$(RUN) load $(LOAD)

kit: setup ## buat kit luring untuk laptop tanpa internet | make the offline kit for laptops without internet
	@$(RUN) lab.authoring.kit $(KIT)

lock: setup-dev ## buat ulang berkas kunci paket | make the lock files anew
	@requirements/lock.sh
