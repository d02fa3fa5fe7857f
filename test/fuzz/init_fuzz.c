// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* init's parsers; the first byte chooses: 'c' configuration, 'h' from the host, 'w' wg-quick, 'd' DHCP. */
#include "enclave/init/dhcp.h"
#include "enclave/init/wg.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void fuzz_config(char *text, bool trusted)
{
	static struct init_config c;

	config_init(&c);
	if (!trusted)
		c.host_may_set = "env,nic.*,[a-b]*";
	if (config_parse(&c, text, trusted) || config_finish(&c))
		assert(*c.why);
	else
		assert(c.argc && !c.argv[c.argc] && !c.env[c.env_count]);
	config_wipe(&c);
}

static void fuzz_wg(char *text)
{
	static struct wg_config wg;

	if (wg_parse(&wg, text))
		assert(*wg.why);
}

static void fuzz_dhcp(const u8 *data, size_t size)
{
	struct dhcp_lease lease;
	u32 server, xid = 0;

	if (size >= 8)
		memcpy(&xid, data + 4, 4);
	dhcp_parse(data, size, xid, &lease, &server);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = calloc(1, size);
	memcpy(text, data + 1, size - 1);
	if (data[0] == 'd')
		fuzz_dhcp(data + 1, size - 1);
	else if (data[0] == 'w')
		fuzz_wg(text);
	else
		fuzz_config(text, data[0] == 'c');
	free(text);
	return 0;
}
