// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * garbage SECONDS: makes the kernel free much by RCU (inodes and names of files that come and go)
 * while another thread computes on vCPU 1. It says "go" once that has begun, and waits for a line.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

static void run_on(int vcpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(vcpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		exit(2);
}

static void *compute(void *arg)
{
	(void)arg;
	run_on(1);
	for (;;)
		__asm__ volatile("pause");
	return NULL;
}

int main(int argc, char **argv)
{
	time_t end;
	pthread_t t;
	char line[8];
	int fd;

	if (argc != 2 || mount("tmpfs", "/tmp", "tmpfs", 0, NULL) ||
	    pthread_create(&t, NULL, compute, NULL))
		return 2;
	run_on(0);
	sleep(1);
	if (write(1, "go\n", 3) != 3 || read(0, line, sizeof(line)) <= 0)
		return 2;
	for (end = time(NULL) + atoi(argv[1]); time(NULL) < end;) {
		fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);
		if (fd < 0 || close(fd) || unlink("/tmp/f"))
			return 1;
	}
	return 0;
}
