// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Workload for trap_share: system calls of goroutines on several threads, through files and TCP.
package main

import (
	"io"
	"net"
	"os"
	"sync"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func files() {
	f, err := os.CreateTemp("/tmp", "calls")
	must(err)
	defer os.Remove(f.Name())
	buf := make([]byte, 512)
	for i := 0; i < 20000; i++ {
		_, err = f.WriteAt(buf, int64(i%64)*512)
		must(err)
		_, err = f.ReadAt(buf, int64(i%64)*512)
		must(err)
		_, err = os.Stat(f.Name())
		must(err)
	}
	must(f.Close())
}

func echo(l net.Listener) {
	c, err := l.Accept()
	must(err)
	io.Copy(c, c)
	c.Close()
}

func tcp() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go echo(l)
	c, err := net.Dial("tcp", l.Addr().String())
	must(err)
	buf := make([]byte, 64)
	for i := 0; i < 10000; i++ {
		_, err = c.Write(buf)
		must(err)
		_, err = io.ReadFull(c, buf)
		must(err)
	}
	c.Close()
	l.Close()
}

func main() {
	var wg sync.WaitGroup
	for _, f := range []func(){files, files, tcp} {
		wg.Add(1)
		go func(f func()) { defer wg.Done(); f() }(f)
	}
	wg.Wait()
}
