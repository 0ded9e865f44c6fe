# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The stages of make check-matrix, in their order. As in stages.sh.

# shellcheck source=tests/stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"

# shellcheck disable=SC2034 # tests/check reads it
beside="6_1 6_1_rt 6_12 6_12_rt 7_3 7_3_rt 6_1_arm64 6_12_arm64 32_bits"

# Some of them are slow: with PREEMPT_RT, of another architecture, with others beside.
export SLOWNESS=${SLOWNESS:-3}

whole() { ok "the run on $* ends well" selftests_on "$@"; }

stage_6_1() { whole 6.1; }
stage_6_1_rt() { whole 6.1-rt; }
stage_6_12() { whole 6.12; }
stage_6_12_rt() { whole 6.12-rt; }
stage_7_3() { whole 7.3; }
stage_7_3_rt() { whole 7.3-rt; }
stage_6_1_arm64() { whole 6.1-arm64; }
stage_6_12_arm64() { whole 6.12-arm64; }
stage_32_bits() { whole 6.1 --32; }
