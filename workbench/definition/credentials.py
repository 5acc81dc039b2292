"""What is a credential when it stands in plain text: by the header that it is in, or by its look."""

from __future__ import annotations

import re

from workbench.definition.masking import hide_credentials
from workbench.definition.references import Template

_HEADER = re.compile(r"(?i)auth|cookie|token|secret|password|passwd|credential|session|api-?key|access-?key|signature")
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey)\s+")
_URL_USER = re.compile(r"://([^/@\s]+)@")


def is_plain_credential(name: str, value: str) -> bool:
    """Whether the value of the header or variable `name` is a credential that is no `${NAME}` reference."""
    if Template(value).names or not value.strip():
        return False
    return bool(_HEADER.search(name)) or looks_like_credential(value)


def looks_like_credential(text: str) -> bool:
    """Whether a text holds what only a credential looks like, references left out."""
    return hide_credentials(text) != text


def bare_credential(value: str) -> str:
    """The value of a header without the scheme before it: `abc` of `Bearer abc`."""
    value = value.strip()
    match = _SCHEME.match(value)
    return value[match.end() :] if match else value


def url_password(url: str) -> str | None:
    """The password, or the user where there is none, that stands in a URL."""
    match = _URL_USER.search(url)
    return (match[1].partition(":")[2] or match[1]) if match else None
