// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// A Go program that uses what Go programs use: goroutines on several threads, channels, the garbage
// collector, timers, preemption by signal, local TCP and HTTP, files, child processes, panics.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func goroutines() int {
	var wg sync.WaitGroup
	ch := make(chan int)
	sum := 0
	done := make(chan bool)
	go func() {
		for n := range ch {
			sum += n
		}
		done <- true
	}()
	for i := 0; i < 1000; i++ {
		wg.Add(1)
		go func(n int) { defer wg.Done(); ch <- n }(i)
	}
	wg.Wait()
	close(ch)
	<-done
	return sum
}

// Compute loops without calls: only signals preempt them.
func preempted() bool {
	var stop int32
	for i := 0; i < 8; i++ {
		go func() {
			for n := 0; atomic.LoadInt32(&stop) == 0; n++ {
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	runtime.GC()
	atomic.StoreInt32(&stop, 1)
	return true
}

func garbage() int {
	var keep [][]byte
	for i := 0; i < 20000; i++ {
		b := make([]byte, 10000)
		b[i%10000] = byte(i)
		if i%1000 == 0 {
			keep = append(keep, b)
		}
	}
	runtime.GC()
	n := 0
	for i, b := range keep {
		if b[i*1000%10000] == byte(i*1000%256) {
			n++
		}
	}
	return n
}

func web() (int, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err.Error()
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "path %s", r.URL.Path)
	})
	go http.Serve(l, nil)
	var wg sync.WaitGroup
	var good int32
	for i := 0; i < 50; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			r, err := http.Get(fmt.Sprintf("http://%s/%d", l.Addr(), i))
			if err != nil {
				return
			}
			defer r.Body.Close()
			b, _ := io.ReadAll(r.Body)
			if string(b) == fmt.Sprintf("path /%d", i) {
				atomic.AddInt32(&good, 1)
			}
		}(i)
	}
	wg.Wait()
	return int(good), ""
}

func signals() bool {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	return <-c == syscall.SIGUSR1
}

func nilPointer() (r string) {
	defer func() { r = fmt.Sprint(recover()) }()
	var p *int
	*p = 1
	return "no panic"
}

func child() string {
	out, err := exec.Command("/bin/echo", "from a child").Output()
	if err != nil {
		return err.Error()
	}
	cmd := exec.Command("/bin/cat")
	cmd.Stdin = bytes.NewReader(make([]byte, 100000))
	all, err := cmd.Output()
	return fmt.Sprintf("%q %d %v", out, len(all), err)
}

func timers() bool {
	a := time.Now()
	<-time.After(30 * time.Millisecond)
	t := time.NewTicker(time.Millisecond)
	for i := 0; i < 5; i++ {
		<-t.C
	}
	return time.Since(a) >= 35*time.Millisecond
}

func main() {
	fmt.Println("goroutines", goroutines())
	fmt.Println("preempted", preempted())
	fmt.Println("garbage", garbage())
	fmt.Println(web())
	fmt.Println("signals", signals())
	fmt.Println("nil", nilPointer())
	fmt.Println("child", child())
	fmt.Println("timers", timers())
	fmt.Printf("sha %x\n", sha256.Sum256(make([]byte, 1<<20)))
	os.WriteFile("/tmp/go-file", []byte("go"), 0600)
	b, err := os.ReadFile("/tmp/go-file")
	fmt.Println(string(b), err)
	os.Exit(6)
}
