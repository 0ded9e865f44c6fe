# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What in a kernel log means that something is wrong. Sourced.

KLOG_BAD='WARNING:|\bBUG\b|\bOops\b|Kernel panic|general protection fault|unable to handle'
KLOG_BAD+='|rcu:? .*(detected .*stall|self-detected stall)|rcu_.*kthread starved|INFO: task .* blocked for more than'
KLOG_BAD+='|soft lockup|hard LOCKUP|\bLOCKDEP\b|possible .* locking dependency|INFO: trying to register non-static key'
KLOG_BAD+='|KASAN|KCSAN|UBSAN|KFENCE|ODEBUG|kmemleak: [0-9]+ new suspected|unreferenced object'
KLOG_BAD+='|kmemleak: .*disabled'
KLOG_BAD+='|refcount_t:|list_(add|del) corruption|cut here|shmbuf: .*leak'

# Without the reports of data races that happen elsewhere in the kernel: neither access is made by the
# module, nor by a function that it called for that. What a maple tree reads of its nodes is its own affair: under
# RCU it may be a node that call_rcu() has just been given, which the tree finds out by looking again.
klog_ours() {
	awk 'function done() { if (!race || ours) printf "%s", report; report = ""; race = ours = frames = 0 }
		/BUG: KCSAN/ { done(); race = 1; ours = /shmbuf/ }
		frames == 2 && / (mtree_load|mas_walk|mas_find)\+/ { frames = 0 }
		frames > 0 { frames--; if (/shmbuf/) ours = 1 }
		/(read|write|assert no [a-z]+)( \([a-z, ]*\))? to 0x.* by (task|interrupt)/ { frames = 2 }
		{ sub(/\r$/, ""); report = report $0 "\n" }
		!race || /==========/ { done() }
		END { done() }' "$1"
}

# klog_scan LOG: print each report with what follows it; 0 if there was one.
klog_scan() {
	# Read to the end: grep's status would be SIGPIPE's, and many reports none.
	klog_ours "$1" | grep -aE -A 30 "$KLOG_BAD" | awk 'NR <= 200'
	return "${PIPESTATUS[1]}"
}
