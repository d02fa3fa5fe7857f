// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kbuild.h>
#include <linux/sched.h>
#include <asm/ptrace.h>
#include <asm/vcpu.h>

#define PT(reg) OFFSET(PT_##reg, pt_regs, reg)

int main(void)
{
	OFFSET(TASK_THREAD_SP, task_struct, thread.sp);
	OFFSET(TASK_TI_FLAGS, task_struct, thread_info.flags);
	DEFINE(PT_SIZE, sizeof(struct pt_regs));
	PT(r15); PT(r14); PT(r13); PT(r12); PT(bp); PT(bx);
	PT(r11); PT(r10); PT(r9); PT(r8); PT(ax); PT(cx); PT(dx); PT(si); PT(di);
	PT(orig_ax); PT(ip); PT(cs); PT(flags); PT(sp); PT(ss);
	OFFSET(VCPU_CURRENT, vcpu, current_task);
	OFFSET(VCPU_ENTRY_SP, vcpu, entry_sp);
	OFFSET(VCPU_SYSCALL_TABLE, vcpu, syscall_table);
	OFFSET(VCPU_POLL_BUDGET, vcpu, poll_budget);
	OFFSET(VCPU_PENDING, vcpu, pending);
	OFFSET(VCPU_USER_IP, vcpu, user_ip);
	OFFSET(VCPU_USER_SP, vcpu, user_sp);
	OFFSET(VCPU_EXC_IP, vcpu, exc.ip);
	OFFSET(VCPU_EXC_SP, vcpu, exc.sp);
	OFFSET(VCPU_EXC_FLAGS, vcpu, exc.flags);
	OFFSET(VCPU_THREAD, vcpu, thread);
	return 0;
}
