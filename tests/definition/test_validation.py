from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from workbench.definition.problems import Problem
from workbench.definition.validation import fault, validate
from workbench.definition.yamlfile import parse_yaml


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def even(value: int) -> int:
    if value % 2:
        raise fault("this is odd", expected="an even number", suggestion=str(value + 1))
    return value


class Cat(Part):
    type: Literal["cat"]
    lives: Annotated[int, AfterValidator(even)] = 8
    mood: Literal["calm", "wild"] = "calm"


class Dog(Part):
    type: Literal["dog"]
    name: str = Field(description="What it is called.")
    weight: float | None = Field(default=None, ge=0.5, le=90)
    tricks: list[str] = []
    tags: dict[str, str] = {}
    headers: dict[str, str] = {}


class Bowl(Part):
    size: int = 1
    empty: bool = False


class Shelter(Part):
    animals: list[Annotated[Cat | Dog, Field(discriminator="type")]]
    bowl: Bowl = Bowl()
    mixed: list[Bowl | str] = []


def check(text: str) -> list[Problem]:
    model, problems = validate(Shelter, parse_yaml(Path("zoo.yaml"), text.encode()))
    assert (model is None) == bool(problems)
    return problems


def only(text: str) -> Problem:
    problems = check(text)
    assert len(problems) == 1, problems
    return problems[0]


def test_what_fits_is_the_model() -> None:
    yaml = parse_yaml(Path("zoo.yaml"), b"animals: [{type: cat, lives: 2}]")
    model, problems = validate(Shelter, yaml)
    assert model == Shelter(animals=[Cat(type="cat", lives=2)])
    assert problems == []


@pytest.mark.parametrize(
    ("text", "place", "where", "message", "suggestion"),
    [
        ("animals: [{type: cat, lifes: 2}]", (1, 23), "animals[0].lifes", "unknown key 'lifes'", "lives"),
        ("animals: [{type: cat, cat: 2}]", (1, 23), "animals[0].cat", "unknown key 'cat'", None),
        ("animals: [{type: cta}]", (1, 18), "animals[0].type", "'cta' is not known here", "cat"),
        ("animals: [{type: 5}]", (1, 18), "animals[0].type", "the number 5 is not known here", None),
        ("animals: [{tpye: cat}]", (1, 12), "animals[0].tpye", "unknown key 'tpye'", "type"),
        ("animals: [{mood: calm}]", (1, 11), "animals[0].type", "the key 'type' is missing", None),
        ("animals: [cat]", (1, 11), "animals[0]", "found 'cat'", "{type: cat}"),
        ("animals: [7]", (1, 11), "animals[0]", "expected a mapping", None),
        ("animals: {type: cat}", (1, 10), "animals", "expected a list, found a mapping", None),
        ("animals: []\nsize: 5", (2, 1), "size", "unknown key 'size'", "bowl.size"),
        ("animals: []\nbowl: {empty: yes}", (2, 15), "bowl.empty", "expected true or false, found 'yes'", "true"),
        ("animals: []\nbowl: {size: '1_000'}", (2, 14), "bowl.size", "expected a whole number", "1000"),
        ("animals: []\nbowl: {size: 1.5}", (2, 14), "bowl.size", "found the number 1.5", None),
        ("animals: [{type: cat, mood: clam}]", (1, 29), "animals[0].mood", "'clam' is not known", "calm"),
        ("animals: [{type: cat, lives: 3}]", (1, 30), "animals[0].lives", "this is odd", "4"),
        ("animals: [{type: dog}]", (1, 11), "animals[0].name", "the key 'name' is missing", None),
        ("animals: [{type: dog, name: 5}]", (1, 29), "animals[0].name", "expected text, found the number 5", '"5"'),
        ("animals: [{type: dog, name: true}]", (1, 29), "animals[0].name", "found true", '"true"'),
        ("animals: [{type: dog, name: x, weight: 0.25}]", (1, 40), "animals[0].weight", "at least 0.5", None),
        ("animals: [{type: dog, name: x, weight: 91}]", (1, 40), "animals[0].weight", "at most 90", None),
        ("animals: [{type: dog, name: x, tricks: sit}]", (1, 40), "animals[0].tricks", "expected a list", "[sit]"),
        ("animals: [{type: dog, name: x, tags: {a: 1}}]", (1, 42), "animals[0].tags.a", "expected text", '"1"'),
        ("animals: []\nmixed: [7]", (2, 9), "mixed[0]", "a mapping of keys to values or text", None),
        ("animals: []\nmixed: [{sise: 7}]", (2, 10), "mixed[0].sise", "unknown key 'sise'", "size"),
        ("5", (1, 1), "", "expected a mapping of keys to values, found the number 5", None),
    ],
)
def test_a_problem_names_place_and_remedy(
    text: str, place: tuple[int, int], where: str, message: str, suggestion: str | None
) -> None:
    found = only(text)
    assert (found.line, found.column) == place
    assert found.where == where
    assert message in found.message
    assert found.suggestion == suggestion


def test_a_missing_key_tells_what_it_is_for() -> None:
    assert only("animals: [{type: dog}]").expected == "What it is called."


def test_an_unknown_key_tells_what_there_is() -> None:
    assert only("animals: [{type: cat, x: 1}]").expected == "one of type, lives, mood"


def test_a_misspelt_key_is_not_missing_too() -> None:
    found = only("animals: [{type: dog, nmae: x}]")
    assert found.suggestion == "name"


def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    problems = check("x: 1\nanimals:\n  - {type: cat, mood: 1}\n  - {type: dg}\nbowl: {size: x, empty: 1}\n")
    assert [problem.line for problem in problems] == [1, 3, 4, 5, 5]


def test_a_value_that_may_be_secret_is_never_told() -> None:
    problems = check("animals: [{type: dog, name: x, headers: {A: 987654321, B: [s3cret], s3cret: {s3cret: 1}, C: }}]")
    assert problems
    for problem in problems:
        told = f"{problem.found}{problem.expected}{problem.suggestion}{problem.message}{problem.source}"
        assert "s3cret" not in told.replace("s3cret:", "")
        assert "987654321" not in told


def test_a_long_value_is_cut() -> None:
    found = only(f"animals: [{{type: {'x' * 5000}}}]")
    assert len(found.message) < 120
