#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Removes each CHECK_HOST of the driver in turn: some test must fail for each.
#	mutate.sh SOURCE_DIR
set -u
top=$1
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/enclave" "$tmp/test"
for d in abi enclave/nvme enclave/boundary test/nvme test/model test/lib; do
	mkdir -p "$tmp/$d" && cp "$top/$d"/*.[ch] "$tmp/$d" || exit 2
done
cd "$tmp" || exit 2
cflags="-std=gnu11 -D_GNU_SOURCE -O1 -fno-strict-aliasing -I. -w"

build_and_run() {
	for t in ctrl queue io; do
		gcc $cflags -o t_$t test/nvme/${t}_test.c test/nvme/fixture.c \
			test/model/nvme_model.c test/lib/boundary_arena.c test/lib/boundary.c enclave/nvme/*.c || return 2
		timeout 60 ./t_$t >/dev/null 2>&1 || return 1
	done
	# The shared memory transport has its own small test.
	gcc $cflags -o t_shm test/nvme/shm_test.c test/lib/boundary_arena.c test/lib/boundary.c enclave/nvme/*.c ||
		return 2
	timeout 60 ./t_shm >/dev/null 2>&1
}

if ! build_and_run; then
	echo "not ok unchanged: the tests fail as they are"
	exit 1
fi
passed=0 failed=0
for f in enclave/nvme/*.c; do
	count=$(grep -o 'CHECK_HOST(' "$f" | wc -l)
	i=1
	while [ $i -le "$count" ]; do
		cp "$f" keep
		awk -v n=$i '{ line = $0; out = ""
			while ((p = index(line, "CHECK_HOST(")) > 0) {
				k++
				out = out substr(line, 1, p - 1) (k == n ? "1 || (" : "CHECK_HOST(")
				line = substr(line, p + 11)
			}
			print out line }' keep > "$f"
		# `1 || (cond)` binds loosely: brackets around it, as CHECK_HOST() had.
		sed -i 's/1 || (/GONE(/' "$f"
		sed -i '1i #define GONE(...) (1)' "$f"
		build_and_run
		case $? in
		0) failed=$((failed + 1)); echo "not ok $f check $i: no test notices that it is gone" ;;
		1) passed=$((passed + 1)); echo "ok $f check $i" ;;
		*) failed=$((failed + 1)); echo "not ok $f check $i: does not compile" ;;
		esac
		mv keep "$f"
		i=$((i + 1))
	done
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
