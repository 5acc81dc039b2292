"""Which hosts and addresses a sandbox may reach: pure decisions, no network.

A request passes when its host matches `network.allow` and not `network.deny`, its port is 80 or 443, and every
address that the name resolves to is an ordinary public one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress.addresses import Address, Host, HostError, parse_host, why_not_public
from workbench.sandbox.sandbox import SandboxError

PORTS = (80, 443)
"""The ports that can be reached; an agent cannot widen this."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something may not be reached, and what a person can do about it."""

    reason: str
    advice: str


class PatternError(SandboxError):
    """An entry of network.allow or network.deny that is neither a host nor `*.suffix`. `str` says what to write."""


@dataclass(frozen=True, slots=True)
class HostPatterns:
    """A list of hosts: exact names, addresses, and suffixes that stand for every name below them."""

    hosts: frozenset[Host] = frozenset()
    suffixes: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> HostPatterns:
        """Read patterns as they are written in agent.yaml.

        Raises:
            PatternError: a text is neither a host nor `*.suffix`.
        """
        hosts: set[Host] = set()
        suffixes: set[str] = set()
        for text in texts:
            suffix = text.strip().removeprefix("*.")
            try:
                host = parse_host(suffix)
            except HostError as error:
                form = "write a name as in example.com or *.example.com"
                raise PatternError(f"network: {text!r} is {error}; {form}") from error
            if suffix == text.strip():
                hosts.add(host)
            elif isinstance(host, str):
                suffixes.add(host)
            else:
                raise PatternError(f"network: {text!r} has an address after *; only names have subdomains")
        return cls(frozenset(hosts), frozenset(suffixes))

    def match(self, host: Host) -> str | None:
        """The pattern that `host` matches, as it could be written in agent.yaml, or None."""
        if host in self.hosts:
            return str(host)
        if isinstance(host, str):
            labels = host.split(".")
            parents = (".".join(labels[start:]) for start in range(1, len(labels)))
            return next((f"*.{parent}" for parent in parents if parent in self.suffixes), None)
        return None


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """The decisions of one agent's `network` setting."""

    allow: HostPatterns = HostPatterns()
    deny: HostPatterns = HostPatterns()

    @classmethod
    def from_network(cls, network: NetworkPolicy) -> EgressPolicy:
        """The policy that an agent declares.

        Raises:
            PatternError: an entry is neither a host nor `*.suffix`.
        """
        return cls(HostPatterns.parse(network.allow), HostPatterns.parse(network.deny))

    def refuse_target(self, host: Host, port: int) -> Refusal | None:
        """Why `host` and `port` may not be asked for, None if they may; an address must be allowed and public."""
        denied = self.deny.match(host)
        if denied is not None:
            return Refusal(
                f"network.deny holds {denied}", f"It is refused by {denied} in network.deny of agent.yaml; deny wins."
            )
        if self.allow.match(host) is None:
            advice = f'To allow it, add "{host}" to network.allow in agent.yaml.'
            return Refusal("not in network.allow", advice)
        if port not in PORTS:
            return Refusal(f"port {port} is not 80 or 443", "Only ports 80 and 443 can be reached from a sandbox.")
        if not isinstance(host, str):
            return _refuse_address(host, f"{host} is")
        return None

    def refuse_addresses(
        self, host: Host, addresses: Sequence[Address], is_own: Callable[[Address], bool]
    ) -> Refusal | None:
        """Why `host` may not be reached at the addresses that it resolved to, None if it may.

        One bad address refuses all: an honest public name has none, and a mixture is the mark of DNS rebinding.
        `is_own` tells the addresses of this machine.
        """
        if not addresses:
            return Refusal("the name has no address", "Check that the name is spelled right.")
        for address in addresses:
            if self.deny.match(address) is not None:
                return Refusal(
                    f"resolves to {address}, which network.deny holds",
                    f"It resolves to {address}, which network.deny of agent.yaml holds; deny wins.",
                )
            refusal = _refuse_address(address, f"{host} resolves to {address},")
            if refusal is not None:
                return refusal
            if is_own(address):
                return Refusal(
                    f"resolves to {address}, an address of this machine", "A sandbox cannot reach its own machine."
                )
        return None


def _refuse_address(address: Address, subject: str) -> Refusal | None:
    kind = why_not_public(address)
    if kind is None:
        return None
    return Refusal(
        f"{address} is {kind}",
        f"{subject} {kind}: a sandbox reaches public addresses only. "
        "An API inside your network can be a `type: http` server in agent.yaml, which runs on the host.",
    )
