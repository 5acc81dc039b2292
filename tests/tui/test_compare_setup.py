"""The dialog in which models and input of a comparison are chosen."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from textual.app import App
from textual.widgets import Input, Select, Static, TextArea

from workbench.cost.pricefile import read_price_file
from workbench.cost.prices import BUILTIN_FILE, PriceList
from workbench.tui.screens.compare_setup import DEFAULT_MODELS, CompareChoice, CompareSetup, ModelList

PRICES = PriceList.of(read_price_file(BUILTIN_FILE))


class Host(App[None]):
    """An app with nothing but the dialog, whose result it keeps."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.given = {"models": ["claude-haiku-5-5"], "text": "ticket-4812", **given}
        self.results: list[CompareChoice | None] = []

    def on_mount(self) -> None:
        dialog = CompareSetup(cost_of=lambda model, usage: PRICES.cost(model, usage, date(2026, 11, 27)), **self.given)
        self.push_screen(dialog, self.results.append)

    def note(self) -> str:
        return str(self.screen.query_one("#note", Static).content)


async def test_three_models_are_chosen_at_first() -> None:
    host = Host()
    async with host.run_test() as pilot:
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert host.results == [CompareChoice(DEFAULT_MODELS, "ticket-4812")]


async def test_models_are_chosen_and_left_out() -> None:
    host = Host()
    async with host.run_test() as pilot:
        await pilot.press("space", "j", "j", "j", "space", "ctrl+r")
        await pilot.pause()
        assert host.results == [
            CompareChoice(("claude-sonnet-4-6", "claude-opus-4-6", "claude-haiku-5-5"), "ticket-4812")
        ]


async def test_a_model_that_is_not_listed_is_added() -> None:
    host = Host()
    async with host.run_test() as pilot:
        host.screen.query_one("#another", Input).focus()
        await pilot.press(*"my-model", "enter", "ctrl+r")
        await pilot.pause()
        assert host.results == [CompareChoice((*DEFAULT_MODELS, "my-model"), "ticket-4812")]


async def test_a_model_that_is_listed_already_is_chosen_and_not_listed_twice() -> None:
    host = Host()
    async with host.run_test() as pilot:
        host.screen.query_one("#another", Input).focus()
        await pilot.press(*"claude-haiku-5-5", "enter")
        models = host.screen.query_one(ModelList)
        assert models.option_count == 4
        assert "claude-haiku-5-5" in models.selected


async def test_prices_are_told_and_unknown_ones_are_unknown() -> None:
    host = Host(models=["my-model"])
    async with host.run_test():
        models = host.screen.query_one(ModelList)
        said = [str(models.get_option_at_index(number).prompt) for number in range(models.option_count)]
        assert said[0].endswith("$1.00 in, $5.00 out per M tokens")
        assert said[3].endswith("price unknown")


@pytest.mark.parametrize(("chosen", "said"), [(("one",), "1 are chosen"), (tuple("abcde"), "5 are chosen")])
async def test_fewer_or_more_than_can_be_compared_is_said(chosen: tuple[str, ...], said: str) -> None:
    host = Host(chosen=chosen)
    async with host.run_test() as pilot:
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert host.results == []
        assert said in host.note()


async def test_an_empty_input_is_said() -> None:
    host = Host(text="  ")
    async with host.run_test() as pilot:
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert host.results == []
        assert "The input is empty" in host.note()


async def test_an_input_of_the_agent_fills_the_field() -> None:
    host = Host(inputs={"ticket-4813.json": '{"ticket_id": 4813}'}, note="each run at most $0.50")
    async with host.run_test() as pilot:
        assert "each run at most $0.50" in host.note()
        host.screen.query_one(Select).value = "ticket-4813.json"
        await pilot.pause()
        assert host.screen.query_one(TextArea).text == '{"ticket_id": 4813}'
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert host.results == [CompareChoice(DEFAULT_MODELS, '{"ticket_id": 4813}')]


async def test_escape_chooses_nothing() -> None:
    host = Host()
    async with host.run_test() as pilot:
        await pilot.press("escape")
        await pilot.pause()
        assert host.results == [None]


async def test_everything_is_in_reach_on_a_small_terminal() -> None:
    host = Host(inputs={"ticket-4813.json": "{}"}, note="each run at most $0.50")
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for widget in (ModelList, Input, Select, TextArea, Static):
            region = host.screen.query_one(widget).region
            assert region.height > 0
            assert region.bottom <= 24
