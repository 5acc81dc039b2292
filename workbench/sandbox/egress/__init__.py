"""The one way out of a sandbox: a proxy on the host that decides, connects and records.

Each connection of the sandbox's proxy arrives as a `ByteStream` and carries one attempt: a CONNECT, or one plain HTTP
request for a whole URL. The host is judged by the agent's network setting, resolved here, its addresses are vetted,
and the connection goes to the vetted address itself: nothing is looked up twice. Each attempt ends in one event.

What a tunnel carries is checked as far as it can be read: at port 443 the TLS hello must name the host of the CONNECT
and hide no other name (encrypted hello), at port 80 it is read as one plain HTTP request for that host. Not covered:

* inside TLS nothing is read, so a server that answers for many names may be asked for another of its names there;
* an allowed host may pass on what it is sent: what is allowed is reached, whoever stands behind it;
* a gateway that maps a prefix of public IPv6 addresses of its own into a private network is not recognised, nor is
  a public address that a router sends back to this machine.
"""

from workbench.sandbox.egress.policy import EgressPolicy, PatternError
from workbench.sandbox.egress.proxy import EgressLimits, EgressProxy

__all__ = ["EgressLimits", "EgressPolicy", "EgressProxy", "PatternError"]
