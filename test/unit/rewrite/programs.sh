#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds what the distribution has no ready file of: static musl, static glibc and Go programs.
# programs.sh COVERAGE_TEST WORKDIR
set -e
test=$1 dir=$2
mkdir -p "$dir"
cat >"$dir/p.c" <<'P'
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
static void *f(void *a)
{
	usleep(1);
	return a;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, f, 0);
	pthread_join(t, 0);
	printf("%d %d\n", (int)getppid(), socket(1, 1, 0));
	return 0;
}
P
cat >"$dir/p.go" <<'P'
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	l.Close()
	os.Stat("/")
	fmt.Println("hi")
}
P
set --
gcc -O2 -static -o "$dir/static-glibc" "$dir/p.c"
set -- "$@" "$dir/static-glibc"
if command -v musl-gcc >/dev/null; then
	musl-gcc -O2 -static -o "$dir/static-musl" "$dir/p.c"
	set -- "$@" "$dir/static-musl"
fi
if command -v go >/dev/null; then
	[ -e "$dir/go" ] || (cd "$dir" && HOME=${HOME:-$dir} GOFLAGS=-mod=mod GO111MODULE=off go build -o go p.go)
	[ -e "$dir/go-stripped" ] || strip -o "$dir/go-stripped" "$dir/go"
	set -- "$@" "$dir/go" "$dir/go-stripped"
fi
for f in /usr/lib/x86_64-linux-gnu/libcrypto.so.3; do
	[ -e "$f" ] && set -- "$@" "$f"
done
exec "$test" "$@"
