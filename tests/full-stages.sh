# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What make check-full has beside the stages of make check, check-matrix and check-debug. As in stages.sh.

# shellcheck source=tests/stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"

stage_whole_model() { "$top/tests/model/run"; }

stage_large_storm() { KILLS=10000 "$top/tests/storm/run"; }

stage_coverage() { ok "each line that no test reaches is explained" "$top/tests/coverage/run"; }
