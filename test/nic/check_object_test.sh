#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# tools/check-nic-object must catch each thing that it is there for.
# usage: check_object_test.sh SOURCE_ROOT
cd "$1" || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0
: >"$tmp/none"

# NAME EXPECTED-IN-MESSAGE (empty: must pass) C-SOURCE [UNDEFINED]
try() {
	printf '%s\n' "$3" >"$tmp/t.c"
	printf '%s\n' ${4-} >"$tmp/und"
	gcc -O2 -fPIE -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
		-c "$tmp/t.c" -o "$tmp/t.o" || exit 1
	if out=$(tools/check-nic-object "$tmp/t.o" "$tmp/und" 2>&1); then verdict=pass; else verdict=fail; fi
	if [ -z "$2" ] && [ $verdict = pass ]; then
		good=1
	elif [ -n "$2" ] && [ $verdict = fail ] && echo "$out" | grep -q -- "$2"; then
		good=1
	else
		good=0
	fi
	if [ $good = 1 ]; then
		passed=$((passed + 1))
		echo "ok $1"
	else
		failed=$((failed + 1))
		echo "not ok $1: $verdict: $out"
	fi
}

try "clean object passes" "" 'int f(int a) { return a + 1; }'
try "string instructions pass" "" 'void f(void *d, unsigned long n) { __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(0) : "memory"); }'
try "thread-local variable" "TLS\|TPOFF\|tbss" '__thread int x; int f(void) { return x; }'
try "%fs access" "instruction in f" 'long f(void) { long v; __asm__("mov %%fs:0,%0" : "=r"(v)); return v; }'
try "%gs access" "instruction in f" 'long f(void) { long v; __asm__("mov %%gs:8,%0" : "=r"(v)); return v; }'
for insn in syscall sysenter 'int $0x80' cpuid rdtsc rdtscp rdpmc 'in %dx,%al' 'out %al,%dx' hlt iretq swapgs; do
	try "instruction $insn" "instruction in f" "void f(void) { __asm__ volatile(\"$insn\"); }"
done
try "segment load" "instruction in f" 'void f(int v) { __asm__ volatile("mov %0,%%fs" :: "r"(v)); }'
try "constructor left over" "init_array" '__attribute__((constructor)) static void f(void) { __asm__ volatile(""); }'
try "GOT reference" "GOT" 'extern int x; long f(void) { long v; __asm__("movq x@GOTPCREL(%%rip),%0" : "=r"(v)); return v; }' "x _GLOBAL_OFFSET_TABLE_"
try "32-bit absolute address" "R_X86_64_32" 'extern char x[]; int f(void) { int v; __asm__("mov $x,%0" : "=r"(v)); return v; }' x
try "undefined symbol not listed" "not in" 'void g(void); void f(void) { g(); }'
try "listed symbol no longer used" "no longer" 'void f(void) { }' g
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
