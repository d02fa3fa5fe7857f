// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A small memcached client: four threads set, get, increment and check. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 4, KEYS = 200, INCREMENTS = 500 };

static int port, bad;

static FILE *dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		exit(3);
	return fdopen(fd, "r+");
}

static void expect(FILE *f, const char *want)
{
	char line[2048];

	fflush(f);
	if (!fgets(line, sizeof(line), f) || strncmp(line, want, strlen(want)))
		__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
}

static void *client(void *arg)
{
	long me = (long)arg, i;
	char value[1001], want[64];
	FILE *f = dial();

	memset(value, 'a' + (int)me, 1000);
	value[1000] = 0;
	for (i = 0; i < KEYS; i++) {
		fprintf(f, "set key-%ld-%ld 0 0 1000\r\n%s\r\n", me, i, value);
		expect(f, "STORED");
	}
	for (i = 0; i < KEYS; i++) {
		fprintf(f, "get key-%ld-%ld\r\n", me, i);
		snprintf(want, sizeof(want), "VALUE key-%ld-%ld 0 1000", me, i);
		expect(f, want);
		expect(f, value);
		expect(f, "END");
	}
	for (i = 0; i < INCREMENTS; i++) {
		fprintf(f, "incr counter 1\r\n");
		expect(f, "");
	}
	fclose(f);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	char line[100];
	FILE *f;
	long i;

	port = argc > 1 ? atoi(argv[1]) : 11211;
	f = dial();
	fprintf(f, "set counter 0 0 1\r\n0\r\n");
	expect(f, "STORED");
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, client, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	fprintf(f, "get counter\r\n");
	expect(f, "VALUE counter 0 4");
	printf("counter %s", fgets(line, sizeof(line), f) ? line : "none\n");
	printf("%d bad answers\n", bad);
	return bad != 0;
}
