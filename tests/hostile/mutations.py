"""The defences, each with the edit that removes it and the case that then fails.

`python tests/hostile/mutate.py` proves it: in a copy of the tree it makes one edit at a time and runs the case. A
defence that another one stands behind cannot be missed alone; where that is so, `behind` says what the other one is,
and the edits remove both.
"""

from __future__ import annotations

from dataclasses import dataclass

HOSTILE = "tests/hostile/"


@dataclass(frozen=True, slots=True)
class Edit:
    """One text of a file, which must be there exactly once, and what takes its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A defence, the edits that remove it, and the test that must fail without it."""

    defence: str
    edits: tuple[Edit, ...]
    case: str
    behind: str = ""


def without(defence: str, file: str, old: str, new: str, case: str) -> Mutation:
    """A mutation of one edit."""
    return Mutation(defence, (Edit(f"workbench/{file}", old, new),), HOSTILE + case)


def both(defence: str, behind: str, case: str, *edits: tuple[str, str, str]) -> Mutation:
    """A mutation that removes a defence and the one behind it; each edit is file, old and new."""
    return Mutation(
        defence, tuple(Edit(f"workbench/{file}", old, new) for file, old, new in edits), HOSTILE + case, behind
    )


POLICY, ADDRESSES, PROXY = "sandbox/egress/policy.py", "sandbox/egress/addresses.py", "sandbox/egress/proxy.py"
HEAD, TUNNEL, STREAM = "sandbox/egress/http_head.py", "sandbox/egress/tunnel.py", "sandbox/egress/buffered_stream.py"
CONTAINER, CHANNELS, MULTIPLEXER = "sandbox/container.py", "sandbox/guest/channels.py", "sandbox/guest/multiplexer.py"


def egress(name: str) -> str:
    return f"test_egress.py::test_held[{name}]"


def inside(name: str) -> str:
    return f"test_sandbox.py::test_held[{name}]"


def worn(name: str) -> str:
    return f"test_exhaustion.py::test_held[{name}]"


def guest(name: str) -> str:
    return f"test_guest.py::test_a_breach_ends_the_link[{name}]"


def server(name: str) -> str:
    return f"test_servers.py::test_held[{name}]"


def secret(name: str) -> str:
    return f"test_secrets.py::{name}"


VETTED = "test_egress.py::test_only_vetted_addresses_were_dialed_and_only_allowed_hosts_were_asked"
RECORDED = "test_egress.py::test_every_attempt_is_in_the_trace_also_the_one_left_open"

MUTATIONS: tuple[Mutation, ...] = (
    # The way out.
    without(
        "hosts that are not allowed are refused",
        POLICY,
        "if self.allow.match(host) is None:",
        "if False:",
        egress("not-allowed"),
    ),
    without("deny wins", POLICY, "denied = self.deny.match(host)", "denied = None", egress("denied")),
    without("only ports 80 and 443", POLICY, "if port not in PORTS:", "if False:", egress("ports")),
    without(
        "addresses are vetted after resolution",
        PROXY,
        "_refuse(self._policy.refuse_addresses(target.host, addresses, self._is_own))",
        "pass",
        egress("names-that-lead-inside"),
    ),
    both(
        "addresses that are written in the request are vetted",
        "they are vetted again after resolution",
        egress("loopback-forms"),
        (POLICY, 'return _refuse_address(host, f"{host} is")', "return None"),
        (PROXY, "_refuse(self._policy.refuse_addresses(target.host, addresses, self._is_own))", "pass"),
    ),
    without(
        "special addresses are known",
        ADDRESSES,
        "return next((kind for network, kind in _SPECIAL_IPV4 if address in network), None)",
        "return None",
        egress("names-that-lead-inside"),
    ),
    without(
        "one bad address refuses all",
        POLICY,
        "for address in addresses:",
        "for address in addresses[:1]:",
        egress("mixed-answer"),
    ),
    without(
        "this machine's own addresses are refused", POLICY, "if is_own(address):", "if False:", egress("own-address")
    ),
    without(
        "what was vetted is dialed: no second look-up",
        PROXY,
        "return await self._dial(address, port)",
        "return await self._dial((await self._resolved(attempt.target))[-1], port)  # type: ignore[arg-type]",
        VETTED,
    ),
    without(
        "numbers are addresses, in whatever base",
        ADDRESSES,
        "if _NUMBER.fullmatch(labels[-1]):",
        "if False:",
        egress("loopback-forms"),
    ),
    without(
        "IPv4 behind NAT64 is judged as IPv4",
        ADDRESSES,
        "return why_not_public(IPv4Address(int(address) & 0xFFFFFFFF))",
        "return None",
        egress("names-that-lead-inside"),
    ),
    both(
        "IPv4 mapped into IPv6 is special",
        "only global unicast IPv6 is public at all",
        egress("names-that-lead-inside"),
        (ADDRESSES, '("::ffff:0:0/96", "an IPv4 address in an IPv6 one"),', ""),
        (ADDRESSES, "if special is None and address not in _GLOBAL_UNICAST_IPV6:", "if False:"),
    ),
    without(
        "the TLS server name must be the tunnel's host", TUNNEL, "if not is_same:", "if False:", egress("sni-mismatch")
    ),
    without("the TLS hello must name a server", TUNNEL, "if isinstance(host, str):", "if False:", egress("no-sni")),
    without(
        "a tunnel to 443 carries TLS",
        PROXY,
        "await check_tls(client, target.host, self._limits.head_bytes)",
        "pass",
        egress("not-tls"),
    ),
    without(
        "a tunnel to 80 is for its host",
        HEAD,
        "_check_host_field(head, tunnel.host, tunnel.port)",
        "pass",
        egress("tunnel-to-80"),
    ),
    without(
        "Host and target are one host",
        HEAD,
        "if _authority(value, default) != (host, port):",
        "if False:",
        egress("host-disagrees"),
    ),
    without("no length beside an encoding", HEAD, "if lengths and encodings:", "if False:", egress("smuggle-CL.TE")),
    without(
        "no encoding but chunked",
        HEAD,
        'if len(encodings) > 1 or encodings[0].lower() != "chunked":',
        "if False:",
        egress("smuggle-TE-unknown"),
    ),
    without(
        "one length",
        HEAD,
        "if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):",
        "if not _LENGTH.fullmatch(lengths[0]):",
        egress("smuggle-two-lengths"),
    ),
    without(
        "lengths are digits",
        HEAD,
        '_LENGTH = re.compile(r"[0-9]{1,18}")',
        '_LENGTH = re.compile(r"[+]?[0-9]{1,18}")',
        egress("smuggle-signed-length"),
    ),
    without(
        "no blank before a colon",
        HEAD,
        r"{1,256}):[ \t]*+",
        r"{1,256}) ?:[ \t]*+",
        egress("smuggle-space-before-colon"),
    ),
    both(
        "no bare line feeds",
        "a line feed is no character of a field",
        egress("smuggle-bare-line-feed"),
        (STREAM, 'if head.count(b"\\n") != head.count(b"\\r\\n"):', "if False:"),
        (HEAD, r'[ \t]*+([\t -~\x80-\xff]*+)")', r'[ \t]*+([\n\t -~\x80-\xff]*+)")'),
    ),
    without(
        "heads have a limit",
        STREAM,
        "if end > limit or (end < 0 and len(self._buffer) > limit):",
        "if False:",
        egress("huge-head"),
    ),
    without(
        "heads have a time",
        PROXY,
        "async with asyncio.timeout(self._limits.head_seconds):",
        "async with asyncio.timeout(None):",
        egress("slow-head"),
    ),
    without(
        "connections have a limit",
        PROXY,
        "asyncio.Semaphore(self._limits.connections)",
        "asyncio.Semaphore(10_000)",
        egress("connection-flood"),
    ),
    without(
        "bytes have a limit",
        PROXY,
        "self._bytes_left -= sent + received",
        "self._bytes_left -= 0",
        egress("byte-budget"),
    ),
    without(
        "attempts have a limit", PROXY, "if attempt.number > self._limits.attempts:", "if False:", worn("attempts")
    ),
    without(
        "events of attempts have a limit",
        PROXY,
        "if attempt.number and attempt.number <= self._limits.attempts + 1:",
        "if attempt.number:",
        worn("attempts"),
    ),
    without(
        "attempts before anyone listens are told",
        "sandbox/docker_sandbox.py",
        "self.unheard.append(egress)",
        "pass",
        RECORDED,
    ),
    without(
        "attempts that are open at the end are told",
        "engine/run.py",
        "await self._workplace.end_egress()",
        "pass",
        RECORDED,
    ),
    without(
        "attempts from a sandbox that replaced another are told",
        "engine/calls.py",
        "workplace.sandbox.on_egress(self._record)",
        "pass",
        worn("egress-of-the-new-sandbox"),
    ),
    # The walls of the sandbox.
    without(
        "tools are another user than the guest",
        "sandbox/guest/processes.py",
        "return os.getuid() == 0 and self.uid != 0",
        "return False",
        inside("kill-guest"),
    ),
    without(
        "/source is read-only",
        CONTAINER,
        "mounts.append(_bind(spec.source.resolve(), SOURCE, read_only=True))",
        "mounts.append(_bind(spec.source.resolve(), SOURCE, read_only=False))",
        inside("write-source"),
    ),
    without(
        "the root file system is read-only",
        CONTAINER,
        '"ReadonlyRootfs": True,',
        '"ReadonlyRootfs": False,',
        inside("unmetered-disk"),
    ),
    without("capabilities are dropped", CONTAINER, '"CapDrop": ["ALL"],', '"CapDrop": [],', inside("capabilities")),
    without(
        "the shell's script can only be read by tools",
        "sandbox/guest/shell.py",
        "os.fchmod(script, 0o644)",
        "os.fchmod(script, 0o666)",
        inside("forge-messages"),
    ),
    without(
        "file tools stay in their folders",
        "sandbox/guest/paths.py",
        "if within(full, root) or (",
        "if True or (",
        inside("read-etc"),
    ),
    without(
        "file tools follow links before they judge",
        "sandbox/guest/paths.py",
        "full = canonical(candidate if candidate.is_absolute() else root / candidate)",
        "full = candidate if candidate.is_absolute() else root / candidate",
        inside("read-link"),
    ),
    without(
        "only a proven gVisor runs tools",
        "sandbox/proof.py",
        "if proof.gvisor or requested == PLAIN_RUNTIME:",
        "if True:",
        "test_guest.py::test_a_sandbox_that_is_not_proven_runs_nothing[host-kernel]",
    ),
    without(
        "a sandbox with an interface runs nothing",
        "sandbox/proof.py",
        "    if outside:\n",
        "    if False:\n",
        "test_guest.py::test_a_sandbox_that_is_not_proven_runs_nothing[interface]",
    ),
    # More than there is.
    without(
        "memory has a limit",
        CONTAINER,
        '"Memory": container.memory_bytes,\n        "MemorySwap": container.memory_bytes,',
        '"Memory": 0,',
        worn("memory"),
    ),
    without(
        "processes have a limit",
        CONTAINER,
        '"nproc": spec.container.pids, "nofile"',
        '"nofile"',
        worn("many-processes"),
    ),
    without("/tmp has a size", CONTAINER, ",mode=1777,size={container.memory_bytes // 2}", ",mode=1777", worn("tmp")),
    without(
        "the workspace has a size",
        "sandbox/disk_watchdog.py",
        "if size.bytes > self._limit:",
        "if False:",
        worn("disk"),
    ),
    without(
        "the workspace has so many files",
        "sandbox/disk_watchdog.py",
        "if size.files > self._most_files and",
        "if False and",
        worn("files"),
    ),
    without(
        "file tools do not wait for a pipe's reader",
        "sandbox/guest/files.py",
        "os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC",
        "os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC",
        worn("pipe-write"),
    ),
    # A guest that was taken over.
    without("a channel has a window", CHANNELS, "if self._held > WINDOW:", "if False:", guest("beyond-window")),
    without("credit is for what was sent", CHANNELS, "if self._credit > WINDOW:", "if False:", guest("credit")),
    without(
        "nothing comes after the end",
        CHANNELS,
        "if self._peer_ended:\n            raise",
        "if False:\n            raise",
        guest("after-end"),
    ),
    without("exit codes are numbers", CHANNELS, "if not isinstance(code, int):", "if False:", guest("exit-code-text")),
    without(
        "frames have a size",
        "sandbox/guest/frames.py",
        "if not OPEN <= kind <= EXIT or length > MAX_PAYLOAD:",
        "if not OPEN <= kind <= EXIT:",
        guest("huge-frame"),
    ),
    without(
        "channels have an owner and an order",
        MULTIPLEXER,
        "if number % 2 != self._peer_parity or number <= self._peer_last:",
        "if False:",
        guest("backwards"),
    ),
    without(
        "channels have a number", MULTIPLEXER, "if self._peer_channels >= self._most:", "if False:", guest("too-many")
    ),
    without(
        "a guest may only ask to connect",
        "sandbox/link.py",
        'if request.get("kind") != "connect":',
        "if False:",
        guest("other-kind"),
    ),
    without(
        "answers are for questions",
        "sandbox/link.py",
        "elif not isinstance(number, int) or not 0 < number < self._next_id:",
        "elif False:",
        guest("answer-unasked"),
    ),
    # Servers that lie.
    without(
        "messages have a number of values",
        "sandbox/mcp_transport.py",
        "if _values(line) > MOST_VALUES and",
        "if False and",
        server("many-values"),
    ),
    without(
        "servers ask a bounded number of questions",
        "tools/watched.py",
        "return self._questions >= 0",
        "return True",
        server("questions"),
    ),
    without(
        "messages have an end",
        "sandbox/mcp_transport.py",
        "if len(self._buffer) > LONGEST_MESSAGE:",
        "if False:",
        server("huge-frame"),
    ),
    without(
        "lines of servers are rationed",
        "tools/server_log.py",
        "if not self._may_show():",
        "if False:",
        server("stderr"),
    ),
    without(
        "results have a size",
        "tools/content.py",
        "TEXT_BYTES = 256 * 1024",
        "TEXT_BYTES = 256 * 1024 * 1024",
        server("huge-text"),
    ),
    without(
        "results have a number of blocks",
        "tools/content.py",
        "for item in result.content[:BLOCKS]",
        "for item in result.content",
        server("many-blocks"),
    ),
    without(
        "listings have a number of pages",
        "tools/life.py",
        "for _ in range(MAX_PAGES):",
        "for _ in range(10**9):",
        server("endless-pages"),
    ),
    # Secrets.
    without(
        "the model sees no secret of a result",
        "engine/calls.py",
        "outcome = redacted(await tools.call(name, arguments), self._redactor)",
        "outcome = await tools.call(name, arguments)",
        secret("test_the_model_never_sees_one"),
    ),
    without(
        "the model sees no secret of a tool's description",
        "engine/run.py",
        "return redacted(opened.toolbox.parameters, self._world.redactor)",
        "return opened.toolbox.parameters",
        secret("test_the_model_never_sees_one"),
    ),
    without(
        "the model sees no secret of the input",
        "engine/run.py",
        "self._input = world.redactor.text(order.input)",
        "self._input = order.input",
        secret("test_the_model_never_sees_one"),
    ),
    without(
        "the trace holds no secret",
        "engine/recorder.py",
        "data=redacted(data, self._redactor),",
        "data=data,",
        secret("test_the_trace_and_every_file_of_the_store_hold_none"),
    ),
    without(
        "the stream shows no secret",
        "engine/live.py",
        "text = self._stream.feed(delta.text)",
        "text = delta.text",
        secret("test_the_live_stream_shows_none"),
    ),
    without(
        "what may begin a secret waits for the next piece",
        "definition/secrets.py",
        "kept = next((beginning for beginning in begun if beginning >= end), len(text))",
        "kept = len(text)",
        secret("test_a_stream_shows_none_however_it_is_cut"),
    ),
    without(
        "base64 is looked for at any offset",
        "definition/encodings.py",
        "for offset in range(3):",
        "for offset in range(1):",
        secret("test_held[http-echo]"),
    ),
    without(
        "hex is looked for",
        "definition/encodings.py",
        "yield Form(piece.hex(), wrapped=True)",
        "pass",
        secret("test_held[encoded]"),
    ),
    without(
        "URL encoding is looked for",
        "definition/encodings.py",
        "quote_plus(secret),",
        "secret,",
        secret("test_held[http-echo]"),
    ),
    # The workspace and the host.
    without(
        "the state folder is its owner's",
        "trace/places.py",
        "state.mkdir(mode=0o700, exist_ok=True)",
        "state.mkdir(exist_ok=True)",
        "test_workspace.py::test_other_users_cannot_reach_what_tools_left",
    ),
    without(
        "restored files are not setuid",
        "sandbox/snapshots/restore.py",
        "_FILE_MODE = 0o1777",
        "_FILE_MODE = 0o7777",
        "test_workspace.py::test_no_snapshot_holds_what_links_lead_to",
    ),
    without(
        "a timeline's lines are printable",
        "trace/gist.py",
        "return one_line(_text(data), LIMIT)",
        "return _text(data)[:LIMIT]",
        "test_exhaustion.py::test_no_escape_reaches_the_terminal",
    ),
    without(
        "`show` prints only what is printable",
        "commands/show.py",
        'print(printable(text, keep="\\n"))',
        "print(text)",
        "test_exhaustion.py::test_no_escape_reaches_the_terminal",
    ),
    without(
        "`runs` prints only what is printable",
        "commands/runs.py",
        "{printable(summary.agent):<{agent_width}}",
        "{summary.agent:<{agent_width}}",
        "test_host.py::test_a_database_that_lies_is_told_or_shown_safely[runs]",
    ),
    without(
        "errors print only what is printable",
        "commands/problems.py",
        "{printable(str(error), keep=chr(10))}",
        "{error}",
        "test_host.py::test_names_of_folders_cannot_drive_the_terminal",
    ),
    without(
        "problems print only what is printable",
        "definition/problems.py",
        'return printable(f"{self.file}',
        'return str(f"{self.file}',
        "test_host.py::test_names_of_folders_cannot_drive_the_terminal",
    ),
    without(
        "YAML has a number of values",
        "definition/yamltree.py",
        "        if self._count > MAX_NODES:\n            raise _too_many(node.span.start)",
        "        pass",
        "test_host.py::test_a_file_that_is_made_to_hurt_is_refused[alias-bomb-agent.yaml]",
    ),
    without(
        "YAML has a depth as it is expanded",
        "definition/yamltree.py",
        "        if depth > MAX_DEPTH:\n            raise too_deep(node.span.start)",
        "        pass",
        "test_host.py::test_a_file_that_is_made_to_hurt_is_refused[alias-depth-agent.yaml]",
    ),
    both(
        "YAML has a depth as it is written",
        "it has one as it is expanded",
        "test_host.py::test_a_file_that_is_made_to_hurt_is_refused[depth-90-agent.yaml]",
        (
            "definition/yamltree.py",
            "        if depth > MAX_DEPTH:\n            raise too_deep(node.span.start)",
            "        pass",
        ),
        (
            "definition/yamltree.py",
            "        if depth > MAX_DEPTH:\n            raise too_deep(_span(event).start)",
            "        pass",
        ),
    ),
    without(
        "YAML has a length of lines",
        "definition/yamlfile.py",
        "if line.end() - line.start() > MAX_LINE:",
        "if False:",
        "test_host.py::test_a_file_that_is_made_to_hurt_is_refused[long-line-agent.yaml]",
    ),
    without(
        "YAML has a size",
        "definition/yamlfile.py",
        "if len(content) > max_bytes:",
        "if False:",
        "test_host.py::test_a_file_that_is_made_to_hurt_is_refused[huge-agent.yaml]",
    ),
    without(
        "paths stay in the agent's folder",
        "definition/agent_files.py",
        "resolved.is_relative_to(folder.resolve())",
        "True",
        "test_host.py::test_a_path_that_leads_out_is_refused[source-link]",
    ),
    without(
        "answers are unpacked piece by piece",
        "tools/host_http.py",
        "piece = self._decoder.decompress(data, PIECE)",
        "piece = self._decoder.decompress(data)",
        "test_host.py::test_a_compressed_bomb_is_not_unpacked[gzip]",
    ),
    without(
        "a store with an unknown status is told",
        "trace/runs.py",
        'if row["status"] not in get_args(Status):',
        "if False:",
        "test_host.py::test_a_database_that_lies_is_told_or_shown_safely[status]",
    ),
    # Money.
    without(
        "the fuse blows",
        "cost/fuse.py",
        "if worst_case is not None and status.left < _dollars(worst):",
        "if False:",
        "test_budget.py::test_many_processes_that_reserve_spend_and_die_never_pass_the_limit",
    ),
    without(
        "what is set aside counts",
        "cost/fuse.py",
        "self.limit - self.spent - self.reserved - self.abandoned",
        "self.limit - self.spent - self.abandoned",
        "test_budget.py::test_many_processes_that_reserve_spend_and_die_never_pass_the_limit",
    ),
    without(
        "what the dead had set aside counts",
        "cost/fuse.py",
        "self.limit - self.spent - self.reserved - self.abandoned",
        "self.limit - self.spent - self.reserved",
        "test_budget.py::test_many_processes_that_reserve_spend_and_die_never_pass_the_limit",
    ),
)

NOT_MISSED_HERE: dict[str, str] = {
    "NetworkMode none": "the runtime that setup registers has no network of its own (--network=none), and a sandbox with "
    "an interface is refused by its proof; tests/sandbox/test_docker_sandbox.py checks the setting itself",
    "no-new-privileges": "no image has a setuid program of root's, and a sandbox has no capability to give; "
    "tests/sandbox/test_container.py checks the setting itself",
    "the limit of open files": "Docker's own is in force where ours is not",
    "PidsLimit": "nproc bounds the tools long before; without both, a fork bomb would reach the machine, so it is not tried",
    "the guest's folder read-only": "it is root's, and tools are not root",
}
"""Defences that stand behind others and are not missed on this machine, with what stands before them."""
