# SPDX-License-Identifier: GPL-2.0-only
# The kernel's build system reads Kbuild instead of this file. "make help" lists the targets.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
DKMS_SOURCE := /usr/src/shmbuf-$(VERSION)

.PHONY: all module module-if-any userspace help demo check check-kunit check-storm check-model fuzz lint check-debug check-matrix check-full coverage bench install uninstall dkms-source dkms-install dkms-uninstall sign dist deb clean

all: module-if-any userspace

help:
	@echo 'shmbuf $(VERSION): shared-memory buffers with crash-safe synchronization'
	@echo
	@echo '  make                          the module (where KDIR exists), the library and the tools'
	@echo '  make module [KDIR=path]       module/shmbuf.ko for that kernel build tree'
	@echo '                                [/lib/modules/RUNNING-KERNEL/build]'
	@echo '  make demo [FILE=path] [KILLS=n]'
	@echo '                                send a file through processes that are killed on the way'
	@echo '  make check                    all tests; the last line is "N passed, N failed"'
	@echo '  make check-kunit [SUITE=name]   the KUnit suites, on a kernel that is a program (UML)'
	@echo '  make check-storm [KILLS=10000] [SEED=n]'
	@echo '                                kill so many processes at random moments; SEED repeats a run'
	@echo '  make check-model              search models of locks, conditions, semaphores and readers (spin)'
	@echo '  make fuzz [CALLS=1000000] [SEED=n]'
	@echo '                                random calls by processes that are killed; SEED repeats what they do'
	@echo '  make lint                     static checks of all sources (sparse, checkpatch, clang-tidy and others)'
	@echo '  make check-debug              all selftests and a storm on kernels that check themselves: one with'
	@echo '                                KASAN, lockdep, kmemleak and others, and one that finds data races'
	@echo '  make check-matrix             all selftests on 6.1 to 7.3, with PREEMPT_RT, on arm64, with 32 bits'
	@echo '  make coverage                 which lines of the module the selftests reach, and why not the rest'
	@echo '  make check-full               all of these; each stage can be run alone: tests/check-full --list'
	@echo '  make bench [BENCH=a,b] [ROUNDS=9] [NATIVE=1] [ICOUNT=1]'
	@echo '                                benchmarks; tables, and build/bench/*.json and *.svg. NATIVE=1: what'
	@echo '                                does without the kernel, here; ICOUNT=1: instructions, not time'
	@echo '  make install [DESTDIR=] [PREFIX=/usr/local]'
	@echo '                                library, headers, tools, manual pages, udev rule, group'
	@echo '  make uninstall [DESTDIR=] [PREFIX=/usr/local]'
	@echo '                                remove what make install has installed there'
	@echo '  make dkms-install             the module for this and later kernels, through DKMS (as root)'
	@echo '  make dkms-uninstall           remove it from DKMS, in all versions (as root)'
	@echo '  make sign KEY=file CERT=file [KDIR=path]'
	@echo '                                sign module/shmbuf.ko for Secure Boot, see userspace/dist/SIGNING.md'
	@echo '  make dist                     build/shmbuf-$(VERSION).tar.gz, the same from the same sources'
	@echo '  make deb                      Debian packages of that, in build/deb'
	@echo '  make clean                    remove what was built (downloads stay in the cache)'
	@echo '  make help                     this list'
	@echo
	@echo 'demo, check, check-storm, fuzz and bench run in a virtual machine with KERNEL=6.1, 6.12, 7.3, a'
	@echo 'Debian package version, or the path of a bzImage (its build tree in KDIR). HOST=1 uses the'
	@echo 'module that is loaded on this system instead. They install what they need with apt, unless NO_INSTALL=1.'

module-if-any:
	@if [ -e '$(KDIR)/Makefile' ]; then $(MAKE) --no-print-directory module; \
	else echo 'No module: there is no kernel build tree $(KDIR) (KDIR=path names another).'; fi

module:
	@[ -e '$(KDIR)/Makefile' ] || { echo 'There is no kernel build tree $(KDIR):' \
		'install the headers of your kernel, or name another tree with KDIR=path.' >&2; exit 1; }
	$(MAKE) -C '$(KDIR)' M='$(CURDIR)' modules

userspace:
	$(MAKE) -C userspace

demo:
	@tests/demo

check:
	@tests/check

check-kunit:
	@tests/kunit/run $(if $(SUITE),'$(SUITE)')

check-storm:
	@tests/storm/run

check-model:
	@tests/model/run

check-debug:
	@tests/check-debug

check-matrix:
	@tests/check-matrix

coverage:
	@tests/coverage/run

check-full:
	@tests/check-full

lint:
	@tests/lint

fuzz:
	@tests/fuzz/run

bench:
	@tests/bench/run

install:
	$(MAKE) -C userspace install PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)'

uninstall:
	$(MAKE) -C userspace uninstall PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)'

# What DKMS needs of this tree, and no more: it copies all that it is given.
dkms-source:
	rm -rf '$(DESTDIR)$(DKMS_SOURCE)'
	mkdir -p '$(DESTDIR)$(DKMS_SOURCE)'
	tar -c --exclude-from=.gitignore dkms.conf Kbuild LICENSE module | tar -x --no-same-owner -C '$(DESTDIR)$(DKMS_SOURCE)'

# $(1): the target
need_dkms = @command -v dkms >/dev/null || { echo 'dkms is not installed (Debian: apt install dkms)' >&2; exit 1; }; \
	[ "$$(id -u)" -eq 0 ] || { echo 'make $(1) must be run as root' >&2; exit 1; }; \
	[ ! -e /var/lib/dpkg/info/shmbuf-dkms.list ] || { echo 'the module is of the package shmbuf-dkms: use apt' >&2; exit 1; }; \
	[ -z '$(DESTDIR)' ] || { echo 'make $(1) is for this system: with DESTDIR, make dkms-source has what a package needs' >&2; exit 1; }

# All versions, and the sources that only DKMS was given.
dkms_remove = for source in /var/lib/dkms/shmbuf/*/source; do \
		[ -L "$$source" ] || continue; \
		version=$${source%/source} version=$${version\#\#*/}; \
		dkms remove "shmbuf/$$version" --all || exit; \
		rm -rf "/usr/src/shmbuf-$$version"; \
	done

dkms-install:
	$(call need_dkms,$@)
	$(dkms_remove)
	$(MAKE) --no-print-directory dkms-source
	dkms install shmbuf/$(VERSION)
	@echo 'Installed. "modprobe shmbuf" loads it now; modules-load.d is for every boot.'
	@[ ! -e /sys/module/shmbuf ] || echo 'The module that is loaded stays until "rmmod shmbuf" or the next boot.'

dkms-uninstall:
	$(call need_dkms,$@)
	$(dkms_remove)
	@[ ! -e /sys/module/shmbuf ] || echo 'The module that is loaded stays until "rmmod shmbuf" or the next boot.'

sign:
	@userspace/dist/sign '$(KDIR)' '$(KEY)' '$(CERT)'

dist:
	@userspace/dist/tarball

deb: dist
	@userspace/dist/packages

clean:
	[ ! -e '$(KDIR)/Makefile' ] || $(MAKE) -C '$(KDIR)' M='$(CURDIR)' clean
	[ ! -e userspace/Makefile ] || $(MAKE) -C userspace clean
	rm -rf build
