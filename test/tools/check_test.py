#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The checks find what they claim to find: each gets a planted violation."""
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
import harness  # noqa: E402
from harness import Skip, expect, run  # noqa: E402

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CHECK = os.path.join(TOP, "tools", "check")
CHECK_IMAGE = os.path.join(TOP, "tools", "check-image")
INSTALL_DEPS = os.path.join(TOP, "tools", "install-deps")
RUN_TESTS = os.path.join(TOP, "tools", "run-tests")
HEAD = "/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n"


def tree(top, files):
    shutil.rmtree(top + "/t", ignore_errors=True)
    for name, text in files.items():
        path = os.path.join(top, "t", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    subprocess.run(["git", "init", "-q", top + "/t"], check=True)
    return top + "/t"


def check(top, name, files):
    return run([sys.executable, CHECK, "--top", tree(top, files), name])


def expect_found(top, name, path, text, why):
    r = check(top, name, {path: text})
    expect(r.code == 1 and f"{path}:" in r.out and why in r.out, f"{path}: {r.out!r} {r.err!r}")


def expect_none(top, name, path, text):
    r = check(top, name, {path: text})
    expect(r.code == 0, f"{path}: {r.out!r} {r.err!r}")


def test_includes(top):
    for path, aim in (("enclave/a/x.c", "host/b.h"), ("enclave/x.h", "owner/b.h"),
                      ("host/x.c", "enclave/b.h"), ("owner/x.c", "host/b.h"),
                      ("abi/x.h", "host/b.h"), ("enclave/a/x.c", "../../host/b.h"),
                      ("owner/x.c", "enclave/b.h"), ("host/x.c", "test/b.h")):
        expect_found(top, "includes", path, f'{HEAD}#  include "{aim}"\n', "may not include")
    for path, aim in (("enclave/x.c", "abi/b.h"), ("host/x.c", "abi/b.h"),
                      ("host/x.c", "owner/b.h"), ("test/x.c", "host/b.h"),
                      ("test/x.c", "enclave/b.h")):
        expect_none(top, "includes", path, f'{HEAD}#include "{aim}"\n')


def test_calls(top):
    for call in ("system(x)", "sprintf(a, b)", "strcat (a, b)", "alloca(8)"):
        expect_found(top, "calls", "host/x.c", f"{HEAD}int f(void) {{ {call}; }}\n", "not used here")
    expect_found(top, "calls", "enclave/x.c", f"{HEAD}void f(void) {{ strcpy(a, b); }}\n", "strcpy")
    for text in ("/* system(x) */", 'x = "system(x)";', "my_system(x);", "a->system(x);",
                 "snprintf(a, 1, b);", "// popen(x)"):
        expect_none(top, "calls", "host/x.c", f"{HEAD}{text}\n")


def test_format(top):
    if not shutil.which("clang-format"):
        raise Skip("clang-format is not installed")
    with open(os.path.join(TOP, ".clang-format"), encoding="utf-8") as f:
        style = f.read()
    files = {".clang-format": style, "host/x.c": HEAD + "int  x;\n"}
    r = check(top, "format", files)
    expect(r.code == 1 and "host/x.c:2:" in r.out, r.out)
    files["host/x.c"] = HEAD + "int x;\n"
    expect(check(top, "format", files).code == 0, "well formatted")


def test_spdx(top):
    expect_found(top, "spdx", "host/x.c", "int x;\n", "no SPDX")
    expect_found(top, "spdx", "tools/x", "#!/bin/sh\n", "no SPDX")
    expect_found(top, "spdx", "host/x.c", "/* SPDX-License-Identifier: MIT */\n", "MIT")
    expect_found(top, "spdx", "enclave/linux/x.c", HEAD + "#include <linux/mm.h>\n", "kernel headers")
    expect_none(top, "spdx", "docs/x.md", "text\n")
    expect_none(top, "spdx", "host/x.h", HEAD)
    expect_none(top, "spdx", "tools/x", "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0-only\n")


def test_words(top):
    expect_found(top, "words", "docs/x.md", "see /work" + "/main/README\n", "one machine")
    expect_found(top, "words", "host/x.c", HEAD + "// http://" + "mirror.x/\n", "one machine")
    expect_none(top, "words", "docs/x.md", "networking/maintenance\n")


def test_sizes(top):
    body = "\tx++;\n" * 71
    expect_found(top, "sizes", "host/x.c", f"{HEAD}void f(void)\n{{\n{body}}}\n", "71 lines")
    body = "\tx++;\n" * 70
    expect_none(top, "sizes", "host/x.c", f"{HEAD}void f(void)\n{{\n{body}}}\n")
    body = "\t1,\n" * 100
    expect_none(top, "sizes", "host/x.c", f"{HEAD}int x[] = {{\n{body}}};\n")


def image(top, asm, *link):
    """A static-PIE with one function that holds the given instructions."""
    with open(top + "/a.S", "w", encoding="ascii") as f:
        f.write(f".globl _start\n.type _start,@function\n_start:\n\tnop\n{asm}\n\tud2\n"
                ".size _start, . - _start\n.section .note.GNU-stack,\"\",@progbits\n")
    out = top + "/a.tee"
    subprocess.run(["gcc", "-nostdlib", "-static-pie", "-Wl,-z,noexecstack", "-o", out, top + "/a.S",
                    *link], check=True, capture_output=True)
    return out


def check_image(top, path, allow=""):
    with open(top + "/allow", "w", encoding="ascii") as f:
        f.write(allow)
    return run([sys.executable, CHECK_IMAGE, "--allow", top + "/allow", path])


def test_image_clean(top):
    r = check_image(top, image(top, "\tmov %gs:8, %rsp\n\tjmp *%gs:16\n\trdfsbase %rax\n"
                                    "\txrstor (%rax)\n\tpopfq\n\tint3"))
    expect(r.code == 0, r.out + r.err)


ILLEGAL = (
    "syscall", "sysenter", "int $0x80", "iretq", "lretq", "ljmp *(%rax)", "lcall *(%rax)",
    "mov %ax, %ds", "mov (%rax), %es", "mov %ax, %gs", "pop %fs", "pop %gs", "lss (%rax), %esp",
    "lfs (%rax), %eax", "in %dx, %al", "out %al, $4", "insb", "rep outsl", "rdpmc", "hlt", "cli",
    "sti", "swapgs", "rdmsr", "wrmsr", "mov %cr0, %rax", "mov %rax, %cr3", "mov %rax, %dr7",
    "lgdt (%rax)", "sidt (%rax)", "str %ax", "smsw %ax", "xsetbv", "wbinvd", "invlpg (%rax)",
    "vmcall", "vmfunc", "sysretq", "getsec", "monitor", "mwait", "clts", "cpuid", "rdtsc", "rdtscp",
    "mov %fs:0, %rax", "lock addl $1, %fs:8", "encls", "xsaves (%rax)")


def test_image_instructions(top):
    functions = "".join(f".globl f{n}\n.type f{n},@function\nf{n}:\n\tnop\n\t{asm}\n\tnop\n"
                        for n, asm in enumerate(ILLEGAL))
    r = check_image(top, image(top, functions))
    expect(r.code == 1, "status")
    for n, asm in enumerate(ILLEGAL):
        expect(r.out.count(f"<f{n}>") == 1, f"{asm}: {r.out}")
    expect(f"not ok image-instructions: {len(ILLEGAL)} findings" in r.out, r.out)


def test_image_allow_list(top):
    path = image(top, "\trdtsc")
    expect(check_image(top, path, "rdtsc _start  # clock\n").code == 0, "listed")
    expect(check_image(top, path, "rdtsc other  # clock\n").code == 1, "another function")
    r = check_image(top, image(top, "\tnop"), "rdtsc _start  # clock\n")
    expect(r.code == 1 and "does not occur" in r.out, r.out)
    expect(check_image(top, path, "rdtsc _start\n").code != 0, "an entry without a reason")
    expect(check_image(top, image(top, "\tcpuid"), "cpuid _start  # features\n").code == 1, "cpuid")


def test_image_segments(top):
    r = check_image(top, image(top, "", "-Wl,-N"))
    expect(r.code == 1 and "writable and executable" in r.out, r.out)
    r = check_image(top, image(top, "", "-Wl,-z,execstack"))
    expect(r.code == 1 and "GNU_STACK" in r.out, r.out)
    r = check_image(top, image(top, ".section .tbss,\"awT\",@nobits\n.globl t\n.type t,@object\n"
                                    "t: .zero 8\n.size t, 8\n.text"))
    expect(r.code == 1 and "segment TLS" in r.out and "symbol t" in r.out, r.out)
    out = top + "/a.tee"
    image(top, "")
    subprocess.run(["gcc", "-nostdlib", "-static", "-no-pie", "-o", out, top + "/a.S"], check=True)
    expect("not a static-PIE" in check_image(top, out).out, "ET_EXEC")
    r = check_image(top, shutil.which("ls"))
    expect(r.code == 1 and "INTERP" in r.out and "shared libraries" in r.out, r.out[-300:])


def test_image_is_missing_or_no_elf(top):
    expect(run([sys.executable, CHECK_IMAGE, top + "/none"]).code == 1, "missing")
    with open(top + "/text", "w", encoding="ascii") as f:
        f.write("x" * 100)
    expect(check_image(top, top + "/text").code == 1, "no ELF")


def fake_apt(top, missing, uid=0, sudo=True):
    """A PATH on which everything but `missing` is installed; calls are logged."""
    scripts = {
        "dpkg-query": f'for p; do :; done; [ "$p" = "{missing}" ] || printf installed',
        "apt-get": f'echo "apt-get $*" >>{top}/log; ls {top}/policy >>{top}/log 2>&1 || :',
        "id": f"echo {uid}",
    }
    if sudo:
        scripts["sudo"] = f'echo sudo >>{top}/log; exec "$@"'
    os.makedirs(top + "/bin", exist_ok=True)
    for tool in ("sed", "sh", "dirname", "rm", "chmod", "tee", "env", "ls"):
        if not os.path.lexists(f"{top}/bin/{tool}"):
            os.symlink(shutil.which(tool), f"{top}/bin/{tool}")
    for name, text in scripts.items():
        with open(f"{top}/bin/{name}", "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(f"{top}/bin/{name}", 0o755)
    return run([INSTALL_DEPS], env={"PATH": top + "/bin", "POLICY_RC_D": top + "/policy"})


def test_install_deps(top):
    r = fake_apt(top, "none")
    expect(r.code == 0 and not r.out and not os.path.exists(top + "/log"), "not a no-op")
    r = fake_apt(top, "meson")
    with open(top + "/log", encoding="ascii") as f:
        log = f.read()
    expect(r.code == 0 and "install meson\n" in log and "sudo" not in log, r.err + log)
    expect(log.count(top + "/policy\n") == 1, "services could start while it installs")
    expect(not os.path.exists(top + "/policy"), "the policy stayed behind")
    fake_apt(top, "meson", uid=1000)
    with open(top + "/log", encoding="ascii") as f:
        expect("sudo" in f.read(), "sudo was not used")


def test_install_deps_without_sudo(top):
    r = fake_apt(top, "meson", uid=1000, sudo=False)
    expect(r.code == 1 and "install: meson" in r.err, r.err)


def test_packages_have_reasons(top):
    with open(os.path.join(TOP, "tools", "packages.txt"), encoding="ascii") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                expect(re.match(r"[a-z0-9.+-]+ +# \w", line), line)


def test_run_tests_counts(top):
    sys.path.insert(0, top)
    shutil.copy(RUN_TESTS, top + "/run_tests.py")
    import run_tests  # pylint: disable=import-error,import-outside-toplevel
    expect(run_tests.count("ok a\n1 passed, 0 failed, 2 skipped\n", True) == (1, 0, 2), "plain")
    expect(run_tests.count("1 passed, 0 failed, 2 skipped\n", False) == (1, 1, 2), "bad status")
    expect(run_tests.count("x\n", True) is None, "no closing line")
    expect(run_tests.count("9 passed, 9 failed, 9 skipped\n1 passed, 0 failed, 0 skipped\n", True)
           == (1, 0, 0), "the last one counts")
    total = run_tests.Sum()
    with contextlib.redirect_stdout(io.StringIO()):
        run_tests.run_suite("a", ["sh", "-c", "exit 0"], [], "build", total)
        run_tests.run_suite("b", ["echo", "3 passed, 0 failed, 1 skipped"], [], "build", total)
        run_tests.run_suite("c", ["true"], ["{build}/none"], "none", total)
        run_tests.run_suite("d", ["true"], ["none/none"], "none", total)
    expect(str(total) == "3 passed, 1 failed, 2 skipped", str(total))


if __name__ == "__main__":
    sys.exit(harness.main(sys.modules[__name__]))
