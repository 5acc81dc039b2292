"""`${ENV}` references, kept apart from plain text so that what they stand for can never be printed by accident."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """Text that may hold `${NAME}` references. Its `str` and `repr` show the references, never their values."""

    text: str

    @property
    def names(self) -> Sequence[str]:
        """The variables that it refers to, in order, each once."""
        return tuple(dict.fromkeys(_REFERENCE.findall(self.text)))

    def resolve(self, environment: Mapping[str, str]) -> str:
        """The text with each reference replaced by its value.

        Raises:
            UnsetVariableError: a variable that it refers to is unset or empty.
        """
        for name in self.names:
            if not environment.get(name):
                raise UnsetVariableError(name)
        return _REFERENCE.sub(lambda match: environment[match[1]], self.text)

    def __str__(self) -> str:
        return self.text


class UnsetVariableError(Exception):
    """A `${NAME}` reference to a variable that is unset or empty."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the environment variable {name} is unset or empty")
        self.name = name
