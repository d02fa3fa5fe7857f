// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/client.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/lib/json.h"
#include "host/run/rundir.h"
#include "host/run/value.h"

static int client_connect(const char *name, struct err *err)
{
	const struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_MS / 1000 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char base[PATH_MAX];
	int fd, ret;

	if (!name_valid(name))
		return err_set(err, E_OPTION, "'%s' is not a name", name);
	ret = rundir_base(base, sizeof(base), err);
	if (ret)
		return ret;
	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s/ctl", base, name) >=
	    (int)sizeof(addr.sun_path))
		return err_set(err, E_RUNDIR, "%s: too long for a socket", base);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(err, E_HOST, errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	ret = errno == ENOENT || errno == ECONNREFUSED
		      ? err_set(err, E_NAME, "no TEE named '%s' runs", name)
		      : err_set_errno(err, E_CONTROL, errno, "%s", addr.sun_path);
	close(fd);
	return ret;
}

static int client_talk(int fd, const char *request, char *answer, struct err *err)
{
	size_t used = 0;
	ssize_t n;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL | MSG_MORE) < 0 ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		return err_set_errno(err, E_CONTROL, errno, "send");
	while (!memchr(answer, '\n', used)) {
		if (used == CLIENT_ANSWER_MAX - 1)
			return err_set(err, E_CONTROL, "the answer is too long");
		n = recv(fd, answer + used, CLIENT_ANSWER_MAX - 1 - used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, E_CONTROL, errno, "recv");
		if (n == 0)
			return err_set(err, E_CONTROL, "the launcher hung up");
		used += n;
	}
	*(char *)memchr(answer, '\n', used) = '\0';
	return 0;
}

static int client_verdict(const char *answer, struct err *err)
{
	char ok[8], why[256];

	if (json_field(answer, "ok", ok, sizeof(ok)))
		return err_set(err, E_CONTROL, "the answer is malformed");
	if (!strcmp(ok, "true"))
		return 0;
	if (json_field(answer, "error", why, sizeof(why)))
		strcpy(why, "refused");
	return err_set(err, E_CONTROL, "%s", why);
}

int client_ask(const char *name, const char *request, char *answer, struct err *err)
{
	int fd = client_connect(name, err), ret;

	if (fd < 0)
		return fd;
	ret = client_talk(fd, request, answer, err) ?: client_verdict(answer, err);
	close(fd);
	return ret;
}
