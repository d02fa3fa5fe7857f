// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "install.h"

static void replace(u64 addr, const u8 *bytes, size_t len, const struct rw_ops *ops)
{
	u8 wait = RW_WAIT_OPCODE;

	if (rw_is_atomic(addr, len)) {
		ops->write(ops->ctx, addr, bytes, len);
		return;
	}
	ops->write(ops->ctx, addr, &wait, 1);
	ops->sync(ops->ctx);
	ops->write(ops->ctx, addr + 1, bytes + 1, len - 1);
	ops->sync(ops->ctx);
	ops->write(ops->ctx, addr, bytes, 1);
}

void rw_install(const struct rw_stub *stub, const struct rw_ops *ops)
{
	/* nobody executes padding before the short jump leads there */
	if (stub->kind == RW_HOLE)
		ops->write(ops->ctx, stub->jmp, stub->jmp_new, RW_JMP_LEN);
	replace(stub->patch, stub->new, stub->patch_len, ops);
}

void rw_remove(const struct rw_stub *stub, const struct rw_ops *ops)
{
	/* the padding keeps its jump: a thread may be about to execute it */
	replace(stub->patch, stub->old, stub->patch_len, ops);
}
