"""An agent's model settings on another model: what that model does not accept is left out, and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench.definition.agent import AgentDefinition, ModelSettings, Thinking
from workbench.model.capabilities import capabilities, default_max_tokens
from workbench.model.conversation import ModelError
from workbench.model.parameters import check_settings
from workbench.trace.digest import digest


def on_model(agent: AgentDefinition, model: str) -> tuple[AgentDefinition, Sequence[str]]:
    """The agent on `model`, and what of its settings that model does not accept, in words.

    On its own model an agent stays as it is, mistakes included.
    """
    if model == agent.model.id:
        return agent, ()
    settings, left_out = _accepted(replace(agent.model, id=model))
    thinking = {"type": settings.thinking.type, "budget_tokens": settings.thinking.budget_tokens}
    document = dict(agent.document)
    document["model"] = {
        "id": model,
        "effort": settings.effort,
        "max_tokens": settings.max_tokens,
        "thinking": thinking,
    }
    return replace(agent, model=settings, document=document, digest=digest(document)), left_out


def _accepted(settings: ModelSettings) -> tuple[ModelSettings, Sequence[str]]:
    able, left_out = capabilities(settings.id), []
    if settings.effort is not None and settings.effort not in able.efforts:
        left_out.append(f"effort {settings.effort}")
        settings = replace(settings, effort=None)
    if able.known and settings.max_tokens is not None and settings.max_tokens > able.max_output:
        left_out.append(f"max_tokens above {able.max_output:,}")
        settings = replace(settings, max_tokens=able.max_output)
    if settings.thinking.type != "auto" and not _is_accepted(settings):
        left_out.append(f"thinking {settings.thinking.type}")
        settings = replace(settings, thinking=Thinking())
    return settings, left_out


def _is_accepted(settings: ModelSettings) -> bool:
    try:
        check_settings(settings, settings.max_tokens or default_max_tokens(settings.id, settings.thinking))
    except ModelError:
        return False
    return True
