# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The stages of tests/check, in their order: stage_NAME() prints TAP, or something with TAP in
# it, and fails if it could not run. It runs under set -euo pipefail in a shell of its own.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
vm=$top/tests/vm
scratch=$top/build/check/scratch
libexec=/usr/libexec/shmbuf
results=0
mkdir -p "$scratch"

# ok NAME CMD...: one test, passed if CMD succeeds.
ok() {
	local name=$1 word=ok
	shift
	"$@" || word='not ok'
	results=$((results + 1))
	echo "$word $results - $name"
}

# fails CMD...: CMD fails, with a status that is an answer and no accident.
fails() { local rc=0; "$@" || rc=$?; [ "$rc" -gt 0 ] && [ "$rc" -lt 124 ]; }

# The kernel that was asked for and those that are always tested, each once.
kernels() { printf '%s\n' "${KERNEL:-6.1}" 6.12 7.3 | awk '!seen[$0]++'; }

# A copy of the sources as a fresh clone would have them.
fresh_copy() {
	rm -rf "$1"
	mkdir -p "$1"
	rsync -a --exclude=/.git --exclude-from="$top/.gitignore" "$top/" "$1/"
}

stage_driver() { "$top/tests/driver"; }

stage_kernels() {
	for kernel in $(kernels); do
		ok "kernel $kernel is there" "$vm/prepare" "$kernel"
	done
	ok "kselftest's harness is there" "$vm/kselftest-harness"
}

userspace_strict() {
	rm -rf "$scratch/userspace"
	make -C "$top/userspace" BUILD="$scratch/userspace" CFLAGS='-O2 -g -Wall -Wextra -Werror'
}

stage_build() {
	for kernel in $(kernels); do
		ok "the module builds for $kernel without a warning, W=1" env WERROR=1 "$vm/prepare" --module "$kernel"
	done
	ok "userspace builds with -Wall -Wextra -Werror" userspace_strict
}

make_without_tree() {
	make -C "$1" KDIR=/nonexistent >"$scratch/make.out" 2>&1 || { cat "$scratch/make.out"; return 1; }
	grep -q '^No module: there is no kernel build tree /nonexistent' "$scratch/make.out"
}

# What a user does with make, on a fresh copy.
stage_make() {
	local copy=$scratch/copy kdir target
	kdir=$("$vm/prepare" "${KERNEL:-6.1}")/build
	fresh_copy "$copy"
	make -C "$copy" help >"$scratch/help"
	for target in module demo check check-kunit check-storm check-model fuzz lint check-debug check-matrix check-full coverage bench install uninstall dkms-install dkms-uninstall sign dist deb clean; do
		ok "make help lists $target" grep -qE "^ +make $target( |\$)" "$scratch/help"
	done
	ok "make without a build tree goes on" make_without_tree "$copy"
	ok "make module KDIR=... gives module/shmbuf.ko" make -C "$copy" module KDIR="$(realpath "$kdir")"
	ok "... which is there" test -s "$copy/module/shmbuf.ko"
	ok "make module without a build tree fails" fails make -C "$copy" module KDIR=/nonexistent
	ok "make install" make -C "$copy" install DESTDIR="$scratch/dest" PREFIX=/usr
	ok "it installs the library" test -e "$scratch/dest/usr/include/shmbuf.h"
	ok "make uninstall" make -C "$copy" uninstall DESTDIR="$scratch/dest" PREFIX=/usr
	ok "... removes all of it" test -z "$(find "$scratch/dest" ! -type d)"
	ok "make clean" make -C "$copy" clean KDIR="$(realpath "$kdir")"
	ok "and nothing is left" test ! -e "$copy/build" -a ! -e "$copy/module/shmbuf.ko"
	ok "NO_INSTALL=1 lists what is missing and stops" no_install "$copy"
}

# A machine that lacks what the tests need: only the essential commands are in PATH.
no_install() {
	local bin=$scratch/bin cmd
	rm -rf "$bin"
	mkdir -p "$bin"
	for cmd in bash sh env cat dirname sed awk make basename paste mkdir id apt-get; do
		ln -s "$(command -v "$cmd")" "$bin/$cmd"
	done
	fails env PATH="$bin" NO_INSTALL=1 make -C "$1" check >"$scratch/no_install" 2>&1
	cat "$scratch/no_install"
	grep -q 'qemu-system-x86: ' "$scratch/no_install" && grep -q 'NO_INSTALL is set' "$scratch/no_install" &&
		grep -qx '0 passed, 1 failed' "$scratch/no_install"
}

stage_readme() { "$top/tests/readme"; }

# What module/SECURITY.md promises has tests.
stage_security() { "$top/tests/security"; }

# A part of what `make check-model` searches.
stage_model() { "$top/tests/model/run" --quick; }

# The module's parts by themselves, on a kernel that is a program.
stage_kunit() { "$top/tests/kunit/run"; }

stage_lint() { "$top/tests/lint"; }

stage_layout() { "$top/tests/layout/run"; }

stage_vm() { "$vm/selftest"; }

# The library on a device of its own needs no module, and so no guest, where it takes minutes.
stage_library() {
	local test
	make -C "$top/tests/selftests"
	for test in "$top"/tests/selftests/lib_fake*.c; do
		test=${test##*/}
		"$top/build/selftests/${test%.c}"
	done
}

stage_sanitizers() { "$top/tests/sanitizers"; }

# selftests_on KERNEL [OPTION...]: the tests of the project, run in a guest as if that were the host.
selftests_on() {
	local kernel=$1 fakes
	shift
	fakes=$(cd "$top/tests/selftests" && printf '%s ' lib_fake*.c)
	"$vm/run" -k "$kernel" "$@" -t $((1500 * ${SLOWNESS:-1})) -m 1024 --add "$top/tests/check-host" --add "$top/tests/host-ready" \
		--add "$top/tests/tap.awk" -- env EXCLUDE="${fakes//.c/}" SLOWNESS="${SLOWNESS-}" /host/check-host
}

stage_selftests() { ok "the run on ${KERNEL:-6.1} ends well" selftests_on "${KERNEL:-6.1}"; }

# Debian's kernels zero what they allocate: here they don't, and fill it with something else.
stage_leaks() {
	"$vm/run" -k "${KERNEL:-6.1}" -m 1024 --append "init_on_alloc=0 slub_debug=P" -- "$libexec/selftests/leaks"
}

# has_points KO: it is a module with the points of module/point.h.
has_points() { nm "$1" >"$scratch/symbols" && grep -q shmbuf_point "$scratch/symbols"; }

# Killed and held up in the middle of each step, in a module that is built for it.
stage_points() {
	local ordinary built
	ordinary=$("$vm/prepare" --module "${KERNEL:-6.1}")
	built=$(POINTS=1 WERROR=1 "$vm/prepare" --module "${KERNEL:-6.1}")
	ok "an ordinary module has no points" fails has_points "$ordinary"
	ok "... one that is built for tests does" has_points "$built"
	# Who is held up with a lock held keeps a processor, and who wants that lock another one.
	"$vm/run" -k "${KERNEL:-6.1}" -s 4 -m 1024 -t 900 --ko "$built" -- "$libexec/selftests/points"
}

# Processes that are killed at random moments; `make check-storm` kills more of them.
stage_storm() { KILLS=500 "$top/tests/storm/run"; }

# The same programs each time, but not as they meet; `make fuzz` makes more, of new seeds.
fuzz_programs() { "$top/build/fuzz/fuzz" --programs 20 1 "$1"; }
same_programs() { diff <(fuzz_programs 1) <(fuzz_programs 1); }
other_programs() { diff <(fuzz_programs 1) <(fuzz_programs 2) >/dev/null; }

stage_fuzz() {
	"$top/tests/fuzz/syzkaller/check"
	CALLS=200000 SEED=1 TRIES=6 "$top/tests/fuzz/run"
	ok "the same seed gives the same programs" same_programs
	ok "another seed gives others" fails other_programs
}

# What HOST=1 does where there is a module is what the selftests' stages do; here there is none.
stage_host() {
	echo 1..8
	# shellcheck disable=SC2016 # expanded in the guest
	"$vm/run" --add "$top/tests/check-host" --add "$top/tests/host-ready" --add "$top/tests/tap.awk" \
		--add "$top/tests/demo-host" -- sh -c '
			ok() { n=$((n + 1)); echo "$1 $n - $2"; }
			try() { name=$1; shift; if "$@"; then ok ok "$name"; else ok "not ok" "$name"; fi; }
			says() { /host/host-ready >/tmp/said 2>&1; [ $? -eq 1 ] || return; cat /tmp/said; grep -q "$1" /tmp/said; }
			refused() { /host/check-host >/tmp/out 2>&1; [ $? -eq 1 ] && [ "$(tail -n 1 /tmp/out)" = "0 passed, 1 failed" ]; }
			demo_refused() { ! /host/demo-host "$1"/examples/pipeline /etc/passwd >/dev/null 2>&1; }
			skipped() {
				for test in "$1"/selftests/*; do
					# These bring a device of their own.
					case $test in */lib_fake*) continue ;; esac
					[ -x "$test" ] && [ -f "$test" ] || continue
					"$test" >/tmp/out 2>&1; rc=$?
					[ $rc -eq 4 ] || { echo "$test: status $rc"; sed "s/^/| /" /tmp/out; return 1; }
					some=1
				done
				[ "${some-}" ]
			}
			n=0
			try "host-ready says yes where the module is" /host/host-ready
			try "to who is not in the group it says so" su nobody -c "! /host/host-ready 2>&1 | { ! grep -q adduser; }"
			try "the demo runs on the host" /host/demo-host "$1"/examples/pipeline /etc/passwd
			rmmod shmbuf
			try "without the module it says what to do" says "isn.t loaded"
			try "check-host fails then, with a count" refused
			try "the demo fails then" demo_refused "$1"
			try "selftests end with 4 where there is no device" skipped "$1"
			echo 1 >/proc/sys/kernel/modules_disabled
			try "where modules cannot load it says so" says modules_disabled
		' sh "$libexec"
}

# A module in use can't be unloaded, one that was in use can.
stage_unload() {
	cc -static -Wall -Wextra -I"$top/module/uapi" -o "$scratch/hold" "$top/tests/vm/hold.c"
	echo 1..6
	export GUEST_PARTS=
	# shellcheck disable=SC2016 # expanded in the guest
	"$vm/run" --add "$scratch/hold" -- sh -c '
		ok() { n=$((n + 1)); if "$@"; then echo "ok $n - $name"; else echo "not ok $n - $name"; fi; }
		refused() { ! rmmod shmbuf 2>/dev/null; }
		works() { rmmod shmbuf && modprobe shmbuf; }
		n=0
		exec 3<>/dev/shmbuf
		name="rmmod with an open handle is refused"; ok refused
		exec 3>&-
		name="and works after its close"; ok works
		mkfifo /tmp/said
		/host/hold map >/tmp/said &
		read -r said </tmp/said
		name="rmmod with nothing left but a mapping is refused"; ok refused
		kill -9 $!
		wait $! 2>/dev/null
		name="and works once its process is gone"; ok works
		/host/hold stays
		name="rmmod is refused while a buffer stays by its name"; ok refused
		/host/hold -u stays
		name="and works once that is unlinked"; ok works
	'
}

# make demo, with FILE... : the digests match and somebody was killed.
demo() {
	make -C "$top" --no-print-directory demo "$@" >"$scratch/demo.out" 2>&1 || { cat "$scratch/demo.out"; return 1; }
	cat "$scratch/demo.out"
	grep -q '^By sha256sum, too, file and output are the same' "$scratch/demo.out"
}

# Of a pipeline whose first process is killed nobody is left hanging, be they many or one.
demo_orphans() {
	# shellcheck disable=SC2016 # expanded in the guest
	GUEST_PARTS=userspace "$vm/run" -- sh -euc '
		pid_of() {
			until grep -lxs "$1" /proc/[0-9]*/comm >/tmp/pid; do sleep 0.1; done
			cut -d/ -f3 /tmp/pid
		}
		gone() { for pid; do until [ ! -e "/proc/$pid" ]; do sleep 0.1; done; done; }
		# Nobody reads what comes out, so that all of them soon wait.
		start() {
			sleep 10000 </tmp/out &
			reader=$!
			"$pipeline" --workers 3 /tmp/large /tmp/out >/tmp/said 2>&1 &
			supervisor=$!
			one=$(pid_of "worker 0")
			collector=$(pid_of "the collector")
			rest="$(pid_of "worker 1") $(pid_of "worker 2") $(pid_of "the producer")"
		}
		ends() {
			wait "$supervisor" || true
			gone "$@"
		}
		pipeline=$1/examples/pipeline
		mkfifo /tmp/out
		# Never collected as far as to where a worker is killed.
		truncate -s 1000000000000 /tmp/large

		start
		kill -9 "$supervisor"
		ends "$one" $rest
		kill "$reader"
		gone "$collector"
		cat /tmp/said
		grep -q "^pipeline: worker 0: the supervisor has died" /tmp/said
		grep -q "^pipeline: the producer: the supervisor has died" /tmp/said

		start
		kill -STOP "$one"
		kill -9 "$supervisor" "$collector" $rest
		ends "$collector" $rest
		kill -CONT "$one"
		gone "$one"
		cat /tmp/said
		grep -q "^pipeline: worker 0: waiting on a queue: no other process is joined" /tmp/said
	' sh "$libexec"
}

stage_demo() {
	local large=$scratch/large
	: >"$scratch/empty"
	echo short >"$scratch/short"
	# Larger than a guest of 128 MiB, of an odd size, and no two blocks alike.
	head -c 150000001 /dev/urandom >"$large"
	ok "the kernel image, three killed" demo KILLS=3
	ok "an empty file" demo FILE="$scratch/empty"
	ok "a file shorter than a block" demo FILE="$scratch/short"
	ok "a file larger than the guest's memory" demo MEMORY=128 FILE="$large"
	rm -f "$large"
	ok "a FILE that is absent is refused" fails make -C "$top" demo FILE=/nonexistent
	ok "KILLS=0 is refused" fails make -C "$top" demo KILLS=0
	ok "if the pipeline itself is killed, its processes end" demo_orphans
}

# Each as README.md of the examples says, with what is installed.
examples_compile() {
	local dest=$scratch/examples output name
	rm -rf "$dest"
	make -s -C "$top" install DESTDIR="$dest" PREFIX=/usr || return
	PKG_CONFIG_PATH=$(dirname "$(find "$dest" -name shmbuf.pc)")
	export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR=$dest
	for output in "$top"/userspace/examples/*.out; do
		name=$(basename "$output" .out)
		# shellcheck disable=SC2046 # a list of words
		cc -Wall -Wextra -Werror -o "$dest/$name" "$top/userspace/examples/$name.c" $(pkg-config --cflags --libs shmbuf) || return
	done
}

# What the examples print, and that they leave nothing when they are killed.
stage_examples() {
	ok "they compile as their README says" examples_compile
	GUEST_PARTS=userspace "$vm/run" -k "${KERNEL:-6.1}" --add "$top/tests/examples" --add "$top/tests/host-ready" \
		--add "$top/userspace/examples:/opt/outputs" -- /host/examples "$libexec/examples" /opt/outputs
}

# shmbufctl, each command of it.
stage_ctl() {
	"$top/tests/ctl/completion"
	"$top/tests/ctl/completion.zsh"
	"$top/tests/ctl/run"
}

# The manual's pages, and the programs in them.
stage_man() { "$top/tests/man"; }

# DKMS as a user would use it, into a tree of its own; the module that it made is booted.
stage_dkms() {
	local dir release version tree=$scratch/dkms args
	dir=$("$vm/prepare" 6.1)
	release=${dir##*/}
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf")
	rm -rf "$tree"
	mkdir -p "$tree/dkms" "$tree/lib/modules/$release"
	args=(--dkmstree "$tree/dkms" --sourcetree "$tree/src" --installtree "$tree/lib/modules" \
		-k "$release" --kernelsourcedir "$dir/build")
	make -C "$top" dkms-source DKMS_SOURCE="$tree/src/shmbuf-$version"
	ok "dkms add" dkms add "shmbuf/$version" "${args[@]}"
	ok "dkms build" dkms build "shmbuf/$version" "${args[@]}"
	ok "dkms install" dkms install --no-depmod "shmbuf/$version" "${args[@]}"
	ok "dkms calls it installed" grep -q ': installed' <(dkms status "${args[@]}")
	ok "the installed module loads and works" "$vm/run" --ko "$tree/lib/modules/$release/updates/dkms/shmbuf.ko" \
		--add "$top/tests/demo-host" --add "$top/tests/host-ready" -- /host/demo-host "$libexec/examples/pipeline" /bin/busybox
	ok "dkms remove" dkms remove --no-depmod "shmbuf/$version" "${args[@]}"
}

# What was released goes on working, and what is installed can be upgraded and removed.
stage_versions() { "$top/tests/versions"; }

stage_abi() { "$top/tests/abi/run"; }

stage_package() { "$top/tests/package"; }

stage_attach() {
	make -C "$top/tests/bench"
	"$vm/run" -k 6.1 --add "$(command -v strace):/usr/bin/strace" --add "$top/tests/bench/attach-syscalls" \
		--add "$top/build/bench-bin/attach" -- /host/attach-syscalls
}

# What the project promises of its speed, on one boot of 6.1 with two CPUs.
stage_bench() {
	local others=semaphore,condition,wake,barrier,attach
	ok "make bench" make -C "$top" bench KERNEL=6.1 BENCH=uncontended
	# Its promises are looked at in instructions, below: times are as the machine's other work lets them be.
	"$top/tests/bench/check" --shape "$top/build/bench" uncontended
	# Figures of one round mean nothing, but they can be had; those that take longer: make check-full.
	ok "other benchmarks run" make -C "$top" bench KERNEL=6.1 BENCH="$others" ROUNDS=1
	"$top/tests/bench/check" --shape "$top/build/bench" ${others//,/ } # a list of words
	ok "those that need no kernel run natively" make -C "$top" bench NATIVE=1 ROUNDS=1
	"$top/tests/bench/check" --shape "$top/build/bench" uncontended-native readers-native semaphore-native
	ok "instructions are counted" make -C "$top" bench KERNEL=6.1 ICOUNT=1 ROUNDS=1 BENCH=uncontended
	"$top/tests/bench/check" "$top/build/bench" uncontended-icount
	ok "there are pictures" test -s "$top/build/bench/barrier.svg"
	ok "a benchmark that there isn't is refused" fails make -C "$top" bench NATIVE=1 BENCH=nothing
	ok "NATIVE=1 with HOST=1 is refused" fails make -C "$top" bench NATIVE=1 HOST=1
}
