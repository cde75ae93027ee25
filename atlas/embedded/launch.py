"""Runs before each child of the supervisor, in the child's own process, then becomes it.

`python -I -S launch.py OPTIONS -- COMMAND ARGS…` ties the process to its parent
(it gets a signal when the parent dies, even by SIGKILL), drops root for another
user, keeps at most one capability, leaves the machine's network for one of its own,
and execs; without a command it only shows that this can be done. It is a program of its
own, not a `preexec_fn`, because code between fork and exec of a threaded parent may
deadlock. It imports only the standard library, since it must start when nothing else does,
and little of that, since a start of the stack waits for it half a dozen times.
"""

import ctypes
import os
import sys

# <linux/prctl.h>, <linux/securebits.h>, <linux/capability.h>
PR_SET_PDEATHSIG = 1
PR_GET_SECUREBITS = 27
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
# <linux/sched.h>, <linux/sockios.h>, <linux/if.h>
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
_OWN_NETWORK = "--own-network"
CAPABILITIES = {"dac_override": CAP_DAC_OVERRIDE, "dac_read_search": CAP_DAC_READ_SEARCH}


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def main(arguments: list[str]) -> None:
    """Prepare this process as told, then exec the command after `--`."""
    split = arguments.index("--")
    command = arguments[split + 1 :]
    options = _parse(arguments[:split])
    try:
        if "--user" in options:
            capability = options.get("--capability")
            _become(int(options["--user"]), int(options["--group"]), capability)
        if _OWN_NETWORK in options:
            _enclose()
        if "--parent" in options:
            _die_with(int(options["--parent"]), int(options["--death-signal"]))
        if command:
            os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        program = command[0] if command else sys.executable
        sys.stderr.write(f"atlas: cannot start {program}: {error.strerror}\n")
        sys.exit(126)


def _parse(arguments: list[str]) -> dict[str, str]:
    """Options by name. Those of unprivileged.py and gate.py, so none has to be explained."""
    given = iter(arguments)
    return {name: "" if name == _OWN_NETWORK else next(given) for name in given}


def _prctl(option: int, *arguments: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    result: int = libc.prctl(option, *padded)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
    return result


def _die_with(parent: int, death_signal: int) -> None:
    """Have the kernel send `death_signal` when `parent` dies (Linux; elsewhere nothing).

    Set after the user changed, which would clear it (prctl(2), PR_SET_PDEATHSIG).
    """
    if not sys.platform.startswith("linux"):
        return
    _prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(125)


def _enclose() -> None:
    """Leave the machine's network for an empty one of our own (Linux): what listens on its loopback
    is reached by nobody but what we start. Sockets that were opened before stay where they were.

    Without root that takes a user namespace, in which we are who we were and no more.
    """
    import fcntl
    import socket
    import struct

    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if user != 0 or libc.unshare(CLONE_NEWNET) < 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"unshare: {os.strerror(number)}")
        _tell("setgroups", "deny")  # the kernel asks for it first
        _tell("uid_map", f"{user} {user} 1")
        _tell("gid_map", f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))


def _tell(name: str, text: str) -> None:
    # As bytes: in the new namespace we may not be able to read the codec of another encoding.
    with open(f"/proc/self/{name}", "wb", buffering=0) as file:  # noqa: PTH123
        file.write(text.encode())


def _become(user: int, group: int, capability: str | None) -> None:
    if capability is not None:
        # Keeps the capabilities over setuid, and makes access(2) count them for the new
        # user too: PostgreSQL looks for its own executable with access(2).
        _prctl(PR_SET_SECUREBITS, _prctl(PR_GET_SECUREBITS) | SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if capability is not None:
        _keep_only(CAPABILITIES[capability])


def _keep_only(capability: int) -> None:
    """Drop every capability but one, which the executed program inherits (capabilities(7))."""
    libc = ctypes.CDLL(None, use_errno=True)
    mask = 1 << capability
    data = (_Data * 2)(_Data(mask, mask, mask), _Data(0, 0, 0))
    header = _Header(CAPABILITY_VERSION_3, 0)
    if libc.capset(ctypes.byref(header), data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


if __name__ == "__main__":
    main(sys.argv[1:])
