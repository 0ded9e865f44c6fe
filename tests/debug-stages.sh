# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The stages of make check-debug, in their order. As in stages.sh.

# shellcheck source=tests/stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"

# shellcheck disable=SC2034 # tests/check reads it
beside="debug_selftests debug_storm kcsan_kernel kcsan_selftests kcsan_storm"

# With all checks on everything takes longer, above all what starts and ends processes.
export SLOWNESS=${SLOWNESS:-8}

# kernel_there KERNEL: and that it finds what it is for.
kernel_there() {
	ok "kernel $1 is there" "$vm/prepare" "$1"
	KERNEL=$1 "$vm/selftest-debug"
}

stage_debug_kernel() { kernel_there 6.12-debug; }
# What .ci/run has time for: the module's parts by themselves, some kills.
stage_debug_brief() {
	"$top/tests/kunit/run" -k 6.12-debug
	KERNEL=6.12-debug KILLS=300 "$top/tests/storm/run"
}

stage_debug_selftests() { ok "the run on 6.12-debug ends well" selftests_on 6.12-debug; }
stage_debug_storm() { KERNEL=6.12-debug KILLS=${KILLS:-200} "$top/tests/storm/run"; }

stage_kcsan_kernel() { kernel_there 6.12-kcsan; }
stage_kcsan_selftests() { ok "the run on 6.12-kcsan ends well" selftests_on 6.12-kcsan; }
stage_kcsan_storm() { KERNEL=6.12-kcsan KILLS=${KILLS:-200} "$top/tests/storm/run"; }
