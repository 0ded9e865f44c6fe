# SPDX-License-Identifier: GPL-2.0-only
# Counts the tests of a (K)TAP log. Prints a line each: "failed NAME", "skipped NAME # SKIP why",
# and at last "total PASSED FAILED". Only leaves count: a result that sums up the deeper ones
# before it counts if it says "not ok" while all of those passed. A plan that promises more
# than came is a failure. Nesting is by spaces, or by the "# " of kselftest's runner.

function fail(what) { print "failed " what; failed++; bad_below = 1 }
function close_plan(d) {
	if (d in plan && seen[d] < plan[d])
		fail("planned " plan[d] " tests, " seen[d] + 0 " came" (last[d] == "" ? "" : ", the last was " last[d]))
	delete plan[d]; delete seen[d]; delete last[d]
}

{ sub(/\r$/, ""); line = $0; gsub(/\[[0-9. ]+\] /, "", line) }

match(line, /^[ #]*/) { depth = RLENGTH; text = substr(line, RLENGTH + 1) }

text ~ /^1\.\.0.*[Ss][Kk][Ii][Pp]/ { print "skipped " text; next }

text ~ /^1\.\.[0-9]+/ {
	# A plan may come last, too.
	if (!(depth in plan) && seen[depth] == substr(text, 4) + 0) next
	close_plan(depth)
	plan[depth] = substr(text, 4) + 0
	next
}

text ~ /^(ok|not ok) [0-9]+/ {
	name = text
	sub(/^(not )?ok [0-9]+( -)? */, "", name)
	below = 0
	for (d in plan)
		if (d + 0 > depth) close_plan(d + 0)
	bad = bad_below; bad_below = 0
	for (d in results)
		if (d + 0 > depth) {
			below += results[d]; bad += broken[d]
			delete results[d]; delete broken[d]; delete seen[d]
		}
	if (seen[depth] && text ~ /^(not )?ok 1( |$)/) close_plan(depth)
	seen[depth]++; last[depth] = name; results[depth]++
	if (text ~ /# *[Ss][Kk][Ii][Pp]/) {
		if (!below) print "skipped " name
	} else if (text ~ /^not ok/) {
		broken[depth]++
		if (!bad) { fail(name); bad_below = 0 }
	} else {
		broken[depth] += bad
		if (!below) passed++
	}
}

END {
	for (d in plan) close_plan(d + 0)
	print "total " passed + 0 " " failed + 0
}
