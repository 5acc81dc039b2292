from __future__ import annotations

import re

from workbench.sandbox import base_recipe
from workbench.sandbox.base_recipe import BASE, LABEL_RECIPE, REGISTRY_IMAGES, base_labels, base_names, dockerfile


def test_the_name_tells_the_recipe() -> None:
    names = base_names("debian", "bookworm", "amd64")
    assert names == base_names("debian", "bookworm", "amd64")
    assert all(re.fullmatch(rf"{BASE}:[0-9a-f]{{12}}", name) for name in names.by_preference)
    assert names.by_preference[0] == names.registry


def test_another_distribution_or_processor_is_another_image_the_registrys_is_not() -> None:
    all_names = [
        base_names(*what)
        for what in (
            ("debian", "bookworm", "amd64"),
            ("debian", "trixie", "amd64"),
            ("debian", "bookworm", "arm64"),
            ("ubuntu", "noble", "amd64"),
        )
    ]
    assert len({names.distribution for names in all_names}) == 4
    assert len({names.registry for names in all_names}) == 1


def test_the_labels_carry_the_recipe() -> None:
    assert base_labels(f"{BASE}:abc", "registry", "x")[LABEL_RECIPE] == "abc"


def test_the_dockerfile_starts_from_what_is_probed_for() -> None:
    named = re.findall(r"^FROM (\S+)", dockerfile(), re.MULTILINE)
    assert sorted(named) == sorted(REGISTRY_IMAGES)


def test_both_ways_bring_the_same_programs() -> None:
    installed = re.search(r"no-install-recommends(.*?)&&", dockerfile().replace("\\\n", ""), re.DOTALL)
    assert installed
    from_image = {"coreutils", "python3", "python3-pip", "python3-venv"}
    assert set(installed.group(1).split()) | from_image == set(base_recipe.PACKAGES)
