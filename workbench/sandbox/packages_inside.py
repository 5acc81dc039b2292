"""Runs inside a container: fetches packages (`fetch`), or installs what was fetched and packs what changed (`install`).

Standard library of Python 3.7 only, and nothing of ours: this file is copied into any image.

`fetch` runs with network, and only the package managers' own code: nothing of a package is executed. `install` runs
what packages bring (maintainer scripts, npm's install scripts) and has no network. Both end with 10 + the position
of the manager that failed in MANAGERS.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import Any

JOB = Path("/agent-workbench-job")
VOLUME = Path("/agent-workbench-volume")
MANAGERS = ("apt", "npm", "pip")
NOT_OURS = frozenset(
    ("/proc", "/sys", "/dev", "/tmp", "/run", str(JOB), str(VOLUME), "/.dockerenv", "/etc/hosts", "/etc/hostname",  # noqa: S108
     "/etc/resolv.conf", "/var/lib/apt/lists", "/var/cache/apt", "/var/log", "/root/.npm", "/root/.cache")
)  # fmt: skip
"""What a container has that an image should not hold."""


def main(phase: str) -> int:
    """Do one phase for each manager that has packages, in order; gives the exit code."""
    job = json.loads((JOB / "job.json").read_text(encoding="utf-8"))
    os.environ.update(job["env"])
    os.environ.update(HOME="/tmp", DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")  # noqa: S108 - the container's
    before = tree("/") if phase == "install" else {}
    for position, manager in enumerate(MANAGERS):
        specs = job["packages"][manager]
        if specs and not WORK[phase, manager](specs, job):
            return 10 + position
    if phase == "install":
        pack(before, tree("/"))
    return 0


def say(line: str) -> None:
    """Print a line at once, so that it comes before what the next command prints."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(command: list[str]) -> bool:
    """True if the command succeeds; what it prints goes to our output."""
    try:
        return subprocess.call(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) == 0
    except OSError as error:
        say(f"E: this image has no {command[0]} ({error.strerror})")
        return False


def output_of(command: list[str]) -> str:
    """What the command prints on its standard output; nothing if it cannot be run."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return ""
    return done.stdout.decode(errors="replace").strip()


def fetch_apt(specs: list[str], job: dict[str, Any]) -> bool:
    """Fetch Debian packages and what they depend on beyond what the image has."""
    settings = ["APT::Sandbox::User=root", "Acquire::Retries=2", f"Dir::Cache::archives={VOLUME}/apt"]
    if job["apt_codename"] and job["apt_codename"] == codename():
        settings += [f"Dir::Etc::sourcelist={JOB}/apt.sources", "Dir::Etc::sourceparts=-"]
    if (JOB / "auth.conf").exists():
        settings.append(f"Dir::Etc::netrc={JOB}/auth.conf")
    if (JOB / "ca.crt").exists():
        settings.append(f"Acquire::https::CAInfo={JOB}/ca.crt")
    if (JOB / "apt.conf").exists():
        os.environ["APT_CONFIG"] = str(JOB / "apt.conf")
    options = [part for setting in settings for part in ("-o", setting)]
    (VOLUME / "apt" / "partial").mkdir(parents=True, exist_ok=True)
    if not run(["apt-get", "-qq", *options, "-o", "APT::Update::Error-Mode=any", "update"]):
        return False
    missing = [spec for spec in specs if not known_to_apt(spec, options)]
    if missing:
        say("E: apt has no package " + ", ".join(missing))
        return False
    install = ["install", "--yes", "--no-install-recommends", "--download-only", "--", *specs]
    return run(["apt-get", "-q", *options, *install])


def known_to_apt(spec: str, options: list[str]) -> bool:
    """True if apt has a package of exactly this name: else `apt-get install` would take the name for a pattern."""
    policy = output_of(["apt-cache", *options, "policy", spec.partition("=")[0]])
    return "Candidate: " in policy and "Candidate: (none)" not in policy


def codename() -> str:
    """The codename of the image's distribution, as os-release has it."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return (found.get("UBUNTU_CODENAME") or found.get("VERSION_CODENAME") or "").strip('"')


def fetch_npm(specs: list[str], _job: dict[str, Any]) -> bool:
    """Fetch npm packages and what they depend on, unpacked, without running their scripts."""
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    return run(["npm", "install", "--global", "--prefix", f"{VOLUME}/npm", "--ignore-scripts", *quiet, "--", *specs])


def fetch_pip(specs: list[str], _job: dict[str, Any]) -> bool:
    """Fetch Python packages and what they depend on. Wheels only: a source distribution runs its code when fetched."""
    options = ["--only-binary=:all:", "--no-input", "--no-cache-dir", "--progress-bar", "off"]
    return run([sys.executable, "-m", "pip", "download", *options, "--dest", f"{VOLUME}/pip", "--", *specs])


def install_apt(_specs: list[str], _job: dict[str, Any]) -> bool:
    """Install the fetched Debian packages."""
    files = sorted(str(file) for file in (VOLUME / "apt").glob("*.deb"))
    if not files:
        return True
    install = ["install", "--yes", "--no-install-recommends", "--allow-downgrades", *files]
    return run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0", *install])


def install_npm(_specs: list[str], _job: dict[str, Any]) -> bool:
    """Put the fetched npm packages where `npm install --global` would, and run their scripts."""
    prefix = output_of(["npm", "prefix", "--global"])
    if not prefix:
        say("E: npm names no folder for global packages")
        return False
    scripts = copy_npm(VOLUME / "npm", Path(prefix))
    if not scripts:
        return True
    say("running the install scripts of " + ", ".join(sorted(scripts)))
    return run(["npm", "rebuild", "--global", "--offline", "--foreground-scripts", "--no-update-notifier"])


def copy_npm(source: Path, prefix: Path) -> set[str]:
    """Copy the tree `source` over the folder `prefix`; gives the names of the packages that have install scripts."""
    scripts: set[str] = set()
    for name, folders, files in os.walk(source):
        folder = Path(name)
        target = prefix / folder.relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        for entry in files + [each for each in folders if (folder / each).is_symlink()]:
            place = target / entry
            if place.is_symlink() or place.exists():
                place.unlink()
            shutil.copy2(str(folder / entry), str(place), follow_symlinks=False)
        if "package.json" in files and has_scripts(folder):
            scripts.add(folder.name)
    return scripts


def has_scripts(folder: Path) -> bool:
    """True if `folder` is a package that wants something run when it is installed."""
    if folder.parent.name != "node_modules" and not folder.parent.name.startswith("@"):
        return False
    try:
        scripts = json.loads((folder / "package.json").read_text(encoding="utf-8")).get("scripts") or {}
    except (OSError, ValueError, AttributeError):
        return False
    return bool({"preinstall", "install", "postinstall"} & set(scripts)) or (folder / "binding.gyp").exists()


def install_pip(specs: list[str], _job: dict[str, Any]) -> bool:
    """Install the fetched wheels for the image's python3."""
    options = ["--no-index", "--find-links", f"{VOLUME}/pip", "--no-cache-dir", "--disable-pip-version-check"]
    if (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").exists():
        options.append("--break-system-packages")
    os.environ.update(PIP_ROOT_USER_ACTION="ignore", PIP_CONFIG_FILE=os.devnull)
    return run([sys.executable, "-m", "pip", "install", "-q", "--no-warn-script-location", *options, "--", *specs])


def tree(root: str) -> dict[str, tuple[int, ...]]:
    """All paths under `root` that an image may hold, each with what tells whether it changed."""
    found: dict[str, tuple[int, ...]] = {}
    open_folders = [root]
    while open_folders:
        with os.scandir(open_folders.pop()) as entries:
            for entry in entries:
                if entry.path in NOT_OURS:
                    continue
                seen = entry.stat(follow_symlinks=False)
                found[entry.path] = (seen.st_mode, seen.st_uid, seen.st_gid)
                if stat.S_ISDIR(seen.st_mode):
                    open_folders.append(entry.path)
                else:
                    found[entry.path] += (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    return found


def pack(before: dict[str, tuple[int, ...]], after: dict[str, tuple[int, ...]]) -> None:
    """Write layer.tar with what is new or changed, and deleted.json with the topmost paths that are gone."""
    changed = sorted(path for path, seen in after.items() if before.get(path) != seen)
    with tarfile.open(str(VOLUME / "layer.tar"), "w", format=tarfile.PAX_FORMAT) as tar:
        for path in changed:
            tar.add(path, recursive=False, filter=harmless)
    gone = set(before) - set(after)
    topmost = sorted(path for path in gone if str(Path(path).parent) not in gone)
    (VOLUME / "deleted.json").write_text(json.dumps(topmost), encoding="utf-8")
    say(f"{len(changed)} files and folders are new or changed")


def harmless(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Drop the bits that give a program another user's rights; leave devices and pipes out."""
    entry.mode &= 0o1777
    return entry if entry.isreg() or entry.isdir() or entry.issym() or entry.islnk() else None


WORK = {
    ("fetch", "apt"): fetch_apt, ("fetch", "npm"): fetch_npm, ("fetch", "pip"): fetch_pip,
    ("install", "apt"): install_apt, ("install", "npm"): install_npm, ("install", "pip"): install_pip,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
