"""Settings of an agent that one run may have otherwise, without a change to agent.yaml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from workbench.definition.agent import AgentDefinition
from workbench.trace.digest import digest


@dataclass(frozen=True, slots=True)
class Overrides:
    """What differs; None keeps what agent.yaml says. `system_prompt` is the prompt's text, the timeout is seconds."""

    model: str | None = None
    system_prompt: str | None = None
    persistent: bool | None = None
    budget_usd: Decimal | None = None
    timeout: float | None = None

    def apply(self, definition: AgentDefinition) -> AgentDefinition:
        """The agent as it will run, its document and digest included.

        Raises:
            ValueError: the model has no name, or the timeout is out of bounds.
        """
        if self.model is not None and not self.model.strip():
            raise ValueError("the model's name is empty; claude-haiku-4-5 is one")
        if self.timeout is not None and not 1 <= self.timeout <= 86400:
            raise ValueError(f"the timeout is 1 to 86400 seconds, not {self.timeout:g}")
        document = dict(definition.document)
        changed = definition
        if self.model is not None:
            changed = replace(changed, model=replace(changed.model, id=self.model))
            settings = document.get("model")
            document["model"] = {**settings, "id": self.model} if isinstance(settings, dict) else self.model
        if self.system_prompt is not None:
            changed = replace(changed, system_prompt=self.system_prompt)
            document["system_prompt"] = self.system_prompt
        if self.persistent is not None:
            changed = replace(changed, persistent=self.persistent)
            document["storage"] = {"persistent": self.persistent}
        if self.budget_usd is not None:
            changed = replace(changed, budget_usd=self.budget_usd)
            document["budget"] = {"usd": str(self.budget_usd)}
        if self.timeout is not None:
            changed = replace(changed, timeout=self.timeout)
            document["timeout"] = self.timeout
        return replace(changed, document=document, digest=digest(document))
