# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What make check-full has beside the stages of make check, check-matrix and check-debug. As in stages.sh.

# shellcheck source=tests/stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"

# shellcheck disable=SC2034 # tests/check reads it
beside="coverage whole_model fuzz_6_1 fuzz_6_12 fuzz_7_3 fuzz_debug fuzz_kcsan large_storm large_storm_debug"

# The long ones first, so that none is left over at the end.
stage_coverage() { ok "each line that no test reaches is explained" "$top/tests/coverage/run"; }

stage_whole_model() { "$top/tests/model/run"; }

# As much of these as there is time for beside the others. CALLS=n, SEED=n and KILLS=n make more of it, as
# what the README puts on record was made.
# fuzz_on KERNEL CALLS SEED [SLOWNESS]
fuzz_on() { KERNEL=$1 CALLS=${CALLS:-$2} SEED=${SEED:-$3} SLOWNESS=${4:-${SLOWNESS-}} "$top/tests/fuzz/run"; }

stage_fuzz_6_1() { fuzz_on 6.1 300000 601; }
stage_fuzz_6_12() { fuzz_on 6.12 300000 612; }
stage_fuzz_7_3() { fuzz_on 7.3 300000 703; }
# What costs most to look for is left to the selftests and the storms.
stage_fuzz_debug() { APPEND="kmemleak=off no_debug_objects lockdep.prove_locking=0" fuzz_on 6.12-debug 100000 1612 8; }
stage_fuzz_kcsan() { fuzz_on 6.12-kcsan 50000 2612 8; }

stage_large_storm() { KILLS=${KILLS:-3000} "$top/tests/storm/run"; }
stage_large_storm_debug() {
	APPEND="kmemleak=off no_debug_objects" KERNEL=6.12-debug SLOWNESS=${SLOWNESS:-8} KILLS=${KILLS:-1000} "$top/tests/storm/run"
}

# Those that stage_bench has no time for.
stage_bench_rest() {
	local rest=contended,memory,recovery,scan,readers
	ok "the rest of the benchmarks runs" make -C "$top" bench KERNEL=6.1 BENCH="$rest" ROUNDS=1
	"$top/tests/bench/check" --shape "$top/build/bench" ${rest//,/ } # a list of words
	ok "and is drawn" test -s "$top/build/bench/contended-fairness.svg"
}
