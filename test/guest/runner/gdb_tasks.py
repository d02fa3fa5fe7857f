# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Run by gdb in a launcher that hangs: the vCPUs and all tasks of the TEE's kernel.

A stopped task's calls are found by looking for return addresses on its stack, so some lines are
of calls that have returned.
"""
import gdb

STACK_WORDS = 600
SHOWN = 24


def container(pointer, typename, member):
    offset = next(f for f in gdb.lookup_type(typename).fields() if f.name == member).bitpos // 8
    raw = int(pointer) - offset
    return gdb.Value(raw).cast(gdb.lookup_type(typename).pointer())


def threads_of(leader):
    head = leader["signal"]["thread_head"].address
    node = head["next"]
    while node != head:
        yield container(node, "struct task_struct", "thread_node")
        node = node["next"]


def tasks():
    init = gdb.parse_and_eval("&init_task")
    leader = init
    while True:
        yield from threads_of(leader)
        leader = container(leader["tasks"]["next"], "struct task_struct", "tasks")
        if leader == init:
            return


def symbol(addr):
    text = gdb.execute("info symbol %#x" % addr, to_string=True)
    return None if text.startswith("No symbol") else text.split(" in section")[0]


def stack(task):
    text = range(0x100000000, int(gdb.parse_and_eval("&_etext")))
    base, sp = int(task["stack"]), int(task["thread"]["sp"])
    top = base + 16384
    if not base <= sp < top:
        return []
    words = min(STACK_WORDS, (top - sp) // 8)
    data = gdb.selected_inferior().read_memory(sp, words * 8).tobytes()
    found = []
    for i in range(words):
        word = int.from_bytes(data[i * 8:i * 8 + 8], "little")
        name = symbol(word) if word in text else None
        if name and "+" in name:
            found.append(name.replace(" + ", "+"))
    return found[:SHOWN]


def show_vcpus():
    count = int(gdb.parse_and_eval("nr_cpu_ids"))
    for cpu in range(count):
        offset = int(gdb.parse_and_eval("__per_cpu_offset[%d]" % cpu))
        v = gdb.Value(int(gdb.parse_and_eval("&vcpu")) + offset).cast(
            gdb.lookup_type("struct vcpu").pointer())
        task = v["current_task"]
        print("vCPU %d: %s[%d] pending %#x sleeping %d irq_off %d deadline %d" % (
            cpu, task["comm"].string(), task["pid"], v["pending"], v["sleeping"], v["irq_off"],
            v["deadline"]))


def show_tasks():
    for t in tasks():
        print("task %s[%d/%d] state %#x flags %#x cpu %d" % (
            t["comm"].string("latin-1"), t["tgid"], t["pid"], t["__state"], t["thread_info"]["flags"],
            t["thread_info"]["cpu"]))
        for name in stack(t):
            print("    " + name)


show_vcpus()
show_tasks()
