# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The few commands that people type. meson builds our programs, Kbuild (tools/build-kernel) the
# TEE image; everything built lies under build/.
BUILD ?= build
JOBS ?= $(shell nproc)

.DEFAULT_GOAL := all
.PHONY: all install-deps programs image run test test-debug test-emu stress bench format check docs install \
	clean distclean

all: programs image

install-deps:
	@tools/install-deps

$(BUILD)/build.ninja:
	meson setup $(BUILD)

programs: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet

# Cached by content: each step does nothing when no input changed.
image: programs
	@if [ -x tools/build-dpdk ]; then tools/build-dpdk $(BUILD)/dpdk; fi
	@if [ -x tools/mkinitramfs ]; then tools/mkinitramfs -o $(BUILD)/initramfs.cpio \
		--init $(BUILD)/enclave/init/init; fi
	@if [ -x tools/build-kernel ]; then tools/build-kernel -d $(BUILD); \
	else echo "tools/build-kernel is missing: no TEE image is built"; fi

run: install-deps
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)

test: install-deps
	@$(MAKE) --no-print-directory all
	@tools/run-tests --build $(BUILD)

# All of the guest suite and of e2e on --tee emu; `make test` has a part of it.
test-emu: all
	@tools/run-tests --emu --build $(BUILD)

# The kernel with lockdep, DEBUG_ATOMIC_SLEEP, slub_debug and UBSAN; our programs with ASan and UBSan.
test-debug: install-deps
	@test -f $(BUILD)-debug/build.ninja || meson setup $(BUILD)-debug -Db_sanitize=address,undefined
	@ninja -C $(BUILD)-debug -j $(JOBS) --quiet
	@tools/build-dpdk $(BUILD)-debug/dpdk
	@tools/mkinitramfs -o $(BUILD)-debug/initramfs.cpio --init $(BUILD)-debug/enclave/init/init
	@tools/build-kernel -d $(BUILD)-debug -c debug.config
	@tools/run-tests --debug --build $(BUILD)-debug

stress: all
	@test/stress $(MINUTES)

bench: all
	@bench/run

check:
	@tools/check

format:
	@tools/check --format

# Man pages and docs/ from the tables of the programs; committed, checked by a test.
docs: programs
	@tools/make-docs $(BUILD)/host/run/rktio-docgen

install: programs
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(BUILD)-debug
