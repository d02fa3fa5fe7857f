#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# dash without fork: builtins, arithmetic, functions, redirections, traps; pipelines, $() and external
# commands need fork, which is refused inside until a later stage brings it; exec works.
fib() {
	a=0 b=1 i=0
	while [ "$i" -lt "$1" ]; do
		t=$((a + b)) a=$b b=$t i=$((i + 1))
	done
	echo "fib $1 = $a"
}
fib 10
fib 80
for w in one two three; do echo "word $w"; done
case abcdef in *cd*) echo "pattern" ;; *) echo "no pattern" ;; esac
v=filename.tar.gz
echo "${v%.gz} ${v##*.} ${#v} ${unset:-default}"
echo "line one
line two" >/tmp/sh-out
n=0
while read -r first rest; do
	n=$((n + 1))
	echo "$n: $rest"
done </tmp/sh-out
trap 'echo caught' USR1
kill -USR1 $$
trap 'echo leaving' EXIT
set -- x y z
shift
echo "$# $*"
printf '%05d %s %x\n' 42 text 255
cd /tmp && pwd
umask 027
umask
test -d /proc && echo "proc is there"
eval 'echo evaluated $((6 * 7))'
exec 3>/tmp/sh-fd
echo "to three" >&3
exec 3>&-
read -r x </tmp/sh-fd
echo "$x"
exit 9
