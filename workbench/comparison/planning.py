"""From what a person asks for to a plan: which models, prompts and inputs, and how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.cases.case import load_cases
from workbench.comparison.plan import MOST_CELLS, NAME, Plan, PlannedInput, Variant, default_name
from workbench.comparison.settings import on_model
from workbench.definition.agent import AgentDefinition
from workbench.definition.inputs import InputError, offered_inputs, resolve_input
from workbench.definition.secrets import Redactor, secrets_of
from workbench.sitting.overrides import Overrides
from workbench.sitting.sitting import Sitting
from workbench.sitting.stored_files import stored_workspace

MOST_REPEATS = 1_000


class PlanError(Exception):
    """The comparison cannot be made as it was asked for. `str` tells a person what is wrong and what to do."""


class ChangedError(PlanError):
    """A stored plan cannot be gone on with: the agent is another. `what` tells only that, without the advice."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} Give --models (and --prompts) to compare it as it is now, or --no-run to see what there is."
        )
        self.what = what


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for. Empty `models` and `prompts` mean the agent's own, no inputs the first that it offers.

    `prompts` are files. `inputs` are as on the command line (text, @FILE, `-` for `standard_input`, a name under
    inputs/), `folder` holds more of them, one a file; `cases` names cases of the agent whose inputs are taken, () means
    all of them. `judge` is the model that judges the answers in pairs, if any. `name` is what the comparison is called,
    None for a name made from its content.
    """

    models: Sequence[str] = ()
    prompts: Sequence[Path] = ()
    inputs: Sequence[str] = ()
    standard_input: str | None = None
    folder: Path | None = None
    cases: Sequence[str] | None = None
    repeats: int = 1
    judge: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and the agent of each of its variants by the variant's digest."""

    plan: Plan
    definitions: Mapping[str, AgentDefinition]


def make_plan(sitting: Sitting, wish: Wish) -> Planned:
    """The plan that `wish` means for the sitting's agent.

    An agent that keeps its workspace gets a private copy of it for each run, as it is now: runs at the same time on one
    workspace would answer different questions.

    Raises:
        PlanError: there is nothing to compare, a file cannot be read, or it is too much.
        InputError, CaseError: an input or a case is not there.
        DefinitionError: something is wrong with a case.
        SandboxError: the kept workspace cannot be recorded.
    """
    definitions = _definitions(sitting.definition, wish)
    variants = tuple(definitions)
    inputs = _inputs(sitting, wish)
    if not 1 <= wish.repeats <= MOST_REPEATS:
        raise PlanError(f"the number of repeats is 1 to {MOST_REPEATS:,}, not {wish.repeats:,}")
    name = wish.name or default_name(variants, inputs)
    if not NAME.fullmatch(name):
        raise PlanError(
            f"a comparison's name is letters, digits, dots, dashes and underscores, at most 64, not {name!r}"
        )
    runs = len(variants) * len(inputs) * wish.repeats
    if runs > MOST_CELLS:
        raise PlanError(f"that would be {runs:,} runs; a comparison may have {MOST_CELLS:,}")
    plan = Plan(
        name=name,
        agent=sitting.definition.name,
        variants=variants,
        inputs=inputs,
        repeats=wish.repeats,
        offline=sitting.offline is not None,
        files=stored_workspace(sitting.definition),
        judge=wish.judge,
    )
    return Planned(plan, {variant.digest: definition for variant, definition in definitions.items()})


def plan_again(sitting: Sitting, stored: Plan) -> Planned:
    """A stored plan with the agents of its variants, to be gone on with.

    Raises:
        PlanError: the agent or a prompt is no longer what it was, or another answers as the model.
    """
    if stored.offline != (sitting.offline is not None):
        asked, now = ("the offline script", "a model") if stored.offline else ("a model", "the offline script")
        raise PlanError(f"the comparison {stored.name} asked {asked}; now {now} would answer")
    wish = Wish(
        models=tuple(dict.fromkeys(variant.model for variant in stored.variants)),
        prompts=tuple(dict.fromkeys(Path(variant.prompt) for variant in stored.variants if variant.prompt is not None)),
    )
    definitions = {variant.digest: agent for variant, agent in _definitions(sitting.definition, wish).items()}
    changed = [variant.name for variant in stored.variants if variant.digest not in definitions]
    if changed:
        raise ChangedError(
            f"{', '.join(changed)}: the agent or its prompt has changed since the comparison {stored.name} was made."
        )
    return Planned(stored, definitions)


def _definitions(agent: AgentDefinition, wish: Wish) -> Mapping[Variant, AgentDefinition]:
    """The variants in order, models first, each with its agent."""
    models = tuple(dict.fromkeys(wish.models or (agent.model.id,)))
    prompts: Sequence[Path | None] = tuple(dict.fromkeys(wish.prompts)) or (None,)
    labels = _prompt_names(prompts)
    found: dict[Variant, AgentDefinition] = {}
    for prompt in prompts:
        text = None if prompt is None else _prompt_text(prompt)
        for model in models:
            overrides = Overrides(system_prompt=text, persistent=False if agent.persistent else None)
            definition, left_out = on_model(overrides.apply(agent), model)
            parts = ([model] if len(models) > 1 or prompt is None else []) + ([labels[prompt]] if prompt else [])
            variant = Variant(
                " · ".join(parts), model, None if prompt is None else str(prompt), definition.digest, tuple(left_out)
            )
            found[variant] = definition
    if len({variant.digest for variant in found}) < len(found):
        raise PlanError("two prompts are the same text: there is nothing to compare between them")
    return found


def _prompt_names(prompts: Sequence[Path | None]) -> Mapping[Path | None, str]:
    """What prompts are called: by their file's name, or their whole path where that does not tell them apart."""
    names = [prompt.name for prompt in prompts if prompt is not None]
    return {
        prompt: prompt.name if names.count(prompt.name) == 1 else str(prompt)
        for prompt in prompts
        if prompt is not None
    }


def _prompt_text(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise PlanError(f"the prompt {path} is not text in UTF-8") from None
    except OSError as error:
        raise PlanError(f"the prompt {path} cannot be read: {error.strerror}") from error
    if not text.strip():
        raise PlanError(f"the prompt {path} is empty")
    return text.removeprefix("\ufeff")


def _inputs(sitting: Sitting, wish: Wish) -> tuple[PlannedInput, ...]:
    redactor = Redactor(secrets_of(sitting.definition, sitting.environment))
    found = [_named(sitting.folder, wanted, wish.standard_input, redactor) for wanted in wish.inputs]
    if wish.folder is not None:
        found += _of_folder(wish.folder)
    if wish.cases is not None:
        found += [PlannedInput(case.name, case.input) for case in load_cases(sitting.folder, wish.cases)]
    if not found:
        offered = offered_inputs(sitting.folder)
        found = [PlannedInput(offered[0].name if offered else "", resolve_input(sitting.folder, None))]
    inputs = tuple(dict.fromkeys(replace(item, text=redactor.text(item.text)) for item in found))
    names = [item.name for item in inputs]
    return tuple(
        replace(item, name=f"{item.name} #{at}") if names.count(item.name) > 1 else item
        for at, item in enumerate(inputs, start=1)
    )


def _named(folder: Path, wanted: str, standard_input: str | None, redactor: Redactor) -> PlannedInput:
    """An input with a name: its file's, or the beginning of its text, which is cut after secrets were found in it."""
    text = resolve_input(folder, wanted, standard_input)
    if wanted == "-":
        return PlannedInput("standard input", text)
    name = " ".join(redactor.text(wanted).split()) if text == wanted else Path(wanted.removeprefix("@")).name
    return PlannedInput(name if len(name) <= 40 else name[:39] + "…", text)


def _of_folder(folder: Path) -> list[PlannedInput]:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from error
    if not files:
        raise InputError(f"there is no file in {folder}")
    return [PlannedInput(path.name, resolve_input(folder, f"@{path}")) for path in files]
