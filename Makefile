# The short front of the meson build. `make` builds, `make help` lists what else there is.
BUILD      = build
TEST_BUILD = build-test
PREFIX     = /usr/local
DESTDIR    =
LISTEN     = 127.0.0.1:8080
DEV_HOME   = $(CURDIR)/build-home

# AddressSanitizer's children (workers, programs under test) inherit these.
export ASAN_OPTIONS  ?= abort_on_error=1:detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS ?= halt_on_error=1:print_stacktrace=1

.PHONY: all deps run demo test check bench install format clean help

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)
	@ln -sfn src/media/reel-media $(BUILD)/reel-media
	@test -x $(BUILD)/reel && test -x $(BUILD)/reel-media

deps: ## install what building, running and testing need (Debian 12)
	@tools/deps

run: all ## serve on loopback, with a home of its own in build-home
	mkdir -p $(DEV_HOME)
	$(BUILD)/reel serve --home $(DEV_HOME) --listen $(LISTEN)

demo: ## from nothing to finished videos: installs, builds, serves, asks
	@tools/deps demo
	@$(MAKE) --no-print-directory all
	@tools/demo

test: $(TEST_BUILD)/build.ninja ## the short tests under ASan and UBSan, with tidy and format
	ninja -C $(TEST_BUILD)
	meson test -C $(TEST_BUILD) --no-rebuild --no-suite long --print-errorlogs

check: ## the long gates: the simulator at length, kills, a million jobs, figures
	@tools/deps bench
	@$(MAKE) --no-print-directory all
	tools/each $(BUILD)/check tests/check

bench: all ## the measurements of bench/*.sh, beside nginx, BullMQ and Celery (installs those)
	@tools/deps bench
	tools/each $(BUILD)/bench bench .sh

install: all ## PREFIX (/usr/local) and DESTDIR say where to
	meson configure $(BUILD) --prefix $(PREFIX)
	meson install -C $(BUILD) $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

format: ## lay out the C files as .clang-format says
	tools/format

clean:
	rm -rf $(BUILD) $(TEST_BUILD) build-fuzz build-coverage

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

$(BUILD)/build.ninja:
	meson setup $(BUILD) --prefix $(PREFIX)

$(TEST_BUILD)/build.ninja: | deps
	meson setup $(TEST_BUILD) -Db_sanitize=address,undefined -Db_lundef=false
