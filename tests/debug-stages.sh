# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The stages of make check-debug, in their order: on KERNEL, which checks itself. As in stages.sh.

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"

stage_kernel() { ok "kernel $KERNEL is there" "$vm/prepare" "$KERNEL"; }

stage_detects() { "$vm/selftest-debug"; }

stage_selftests() { ok "the run on $KERNEL ends well" selftests_on "$KERNEL"; }

stage_storm() { KILLS=${KILLS:-200} "$top/tests/storm/run"; }
