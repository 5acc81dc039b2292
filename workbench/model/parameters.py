"""A request's settings in the terms of the Messages API, and the settings that a model would refuse."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.definition.agent import ModelSettings
from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.capabilities import Capabilities, capabilities
from workbench.model.conversation import ModelError

_LEAST_BUDGET = 1_024
_BY_RANK = ("low", "medium", "high", "xhigh", "max")


def parameters(settings: ModelSettings, max_tokens: int) -> JsonObject:
    """What is sent besides model, system, messages and tools: max_tokens, thinking and effort where they apply.

    Thinking is asked to come as a summary from models that would hide it, because they put their text between tool
    calls there.

    Raises:
        ModelError: of kind `unsupported_setting`, the model does not accept a setting.
    """
    able = capabilities(settings.id)
    check_settings(settings, max_tokens)
    sent: dict[str, JsonValue] = {"max_tokens": max_tokens}
    if thinking := _thinking(settings, able):
        sent["thinking"] = thinking
    if settings.effort is not None:
        sent["output_config"] = {"effort": settings.effort}
    return sent


def check_settings(settings: ModelSettings, max_tokens: int) -> None:
    """Refuse what the model is known to refuse, before anything is sent.

    Raises:
        ModelError: of kind `unsupported_setting`; its text says which setting, and what the model accepts.
    """
    able = capabilities(settings.id)
    _check_max_tokens(settings, max_tokens, able)
    _check_effort(settings, able)
    _check_thinking(settings, max_tokens, able)


def _thinking(settings: ModelSettings, able: Capabilities) -> JsonObject | None:
    asked = settings.thinking
    if asked.type == "disabled":
        return {"type": "disabled"}
    if asked.type == "enabled":
        return {"type": "enabled", "budget_tokens": asked.budget_tokens}
    if asked.type == "auto" and not able.thinks_unasked:
        return None
    return {"type": "adaptive", "display": "summarized"} if able.hides_thinking else {"type": "adaptive"}


def _check_max_tokens(settings: ModelSettings, max_tokens: int, able: Capabilities) -> None:
    if max_tokens < 1:
        raise _unsupported(f"model.max_tokens is {max_tokens:,}; it must be at least 1.")
    if able.known and max_tokens > able.max_output:
        raise _unsupported(
            f"model.max_tokens is {max_tokens:,}, but a reply of {settings.id} holds at most {able.max_output:,}."
        )


def _check_effort(settings: ModelSettings, able: Capabilities) -> None:
    if settings.effort is None or settings.effort in able.efforts:
        return
    if not able.efforts:
        raise _unsupported(f"{settings.id} has no effort setting. Remove model.effort, or use a model that has one.")
    raise _unsupported(f"{settings.id} does not accept effort {settings.effort}. It accepts {_listed(able.efforts)}.")


def _check_thinking(settings: ModelSettings, max_tokens: int, able: Capabilities) -> None:
    asked = settings.thinking
    if asked.type == "auto":
        return
    if asked.type not in able.thinking:
        always = " It always thinks." if able.thinking == ("adaptive",) and asked.type == "disabled" else ""
        raise _unsupported(
            f"{settings.id} does not accept thinking {asked.type}.{always} "
            f"It accepts {_listed(('auto', *able.thinking))}: set model.thinking to one of them."
        )
    if asked.type == "disabled":
        _check_disabled_effort(settings, able)
    if asked.type == "enabled":
        _check_budget(asked.budget_tokens, max_tokens)


def _check_disabled_effort(settings: ModelSettings, able: Capabilities) -> None:
    effort, limit = settings.effort or able.default_effort, able.disabled_up_to
    if effort is None or limit is None or _BY_RANK.index(effort) <= _BY_RANK.index(limit):
        return
    raise _unsupported(
        f"{settings.id} can do without thinking only up to effort {limit}, and the effort is {effort}. "
        "Lower model.effort, or leave thinking on."
    )


def _check_budget(budget: int | None, max_tokens: int) -> None:
    if budget is None:
        raise _unsupported("model.thinking is enabled without budget_tokens: say how many tokens it may take.")
    if budget < _LEAST_BUDGET:
        raise _unsupported(f"thinking.budget_tokens is {budget:,}; the least is {_LEAST_BUDGET:,}.")
    if budget >= max_tokens:
        raise _unsupported(
            f"thinking.budget_tokens is {budget:,} and must be less than max_tokens, which is {max_tokens:,}. "
            "Lower the budget or raise model.max_tokens."
        )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _unsupported(message: str) -> ModelError:
    return ModelError(message, kind="unsupported_setting")
