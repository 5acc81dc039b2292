from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.definition.agent import ContainerSettings
from workbench.sandbox.package_specs import (
    MANAGERS,
    Manager,
    PackageError,
    PackageList,
    culprits,
    package_list,
    package_name,
    packages_digest,
    wrong_name,
)

GOOD: list[tuple[Manager, str]] = [
    ("pip", "requests"),
    ("pip", "requests==2.32.3"),
    ("pip", "httpx[http2,brotli] >= 0.27, < 1"),
    ("pip", "ruamel.yaml~=0.18"),
    ("pip", "torch==2.13.0+cpu"),
    ("npm", "typescript"),
    ("npm", "typescript@5.9.3"),
    ("npm", "@modelcontextprotocol/server-filesystem@^2026.8"),
    ("npm", "left-pad@>=1.0 <2 || 3.x"),
    ("npm", "vite@latest"),
    ("apt", "g++"),
    ("apt", "python3.11-venv"),
    ("apt", "libxml2-utils=2.9.14+dfsg-1.3~deb12u6"),
    ("apt", "libc6:arm64=1:2.36-9"),
]
BAD: list[tuple[Manager, str]] = [
    ("pip", "--index-url=http://evil"),
    ("pip", "-rfile"),
    ("pip", "x; rm -rf /"),
    ("pip", "x @ https://evil/x.whl"),
    ("pip", "./x"),
    ("pip", "/etc/passwd"),
    ("pip", "git+https://evil/x"),
    ("pip", "x; python_version < '3'"),
    ("pip", ""),
    ("pip", "a\nb"),
    ("npm", "git+ssh://evil"),
    ("npm", "user/repository"),
    ("npm", "../x"),
    ("npm", "x@npm:evil"),
    ("npm", "x@file:../y"),
    ("npm", "x@https://evil/x.tgz"),
    ("npm", "--global"),
    ("npm", "@scope"),
    ("apt", "-o=APT::Update::Pre-Invoke::=evil"),
    ("apt", "./x.deb"),
    ("apt", "bash-"),
    ("apt", "lib.*"),
    ("apt", "a b"),
    ("apt", "task^"),
    ("apt", "Bash"),
    ("apt", "bash/stable"),
]


@pytest.mark.parametrize(("manager", "spec"), GOOD)
def test_a_name_with_a_version_is_a_package(manager: Manager, spec: str) -> None:
    assert wrong_name(manager, spec) is None


@pytest.mark.parametrize(("manager", "spec"), BAD)
def test_anything_else_is_refused(manager: Manager, spec: str) -> None:
    assert f"container.packages.{manager}" in str(wrong_name(manager, spec))


@given(st.sampled_from(MANAGERS), st.text(max_size=12) | st.from_regex(r"[-a-z@/.=<>;:$`|& ]{1,12}", fullmatch=True))
def test_no_accepted_name_is_an_option_a_url_or_a_path(manager: Manager, spec: str) -> None:
    if wrong_name(manager, spec) is None:
        clean = spec.strip()
        assert not clean.startswith(("-", "/", "."))
        assert "://" not in clean and "\n" not in clean and "\0" not in clean
        assert "/" not in clean or clean.startswith("@")
        assert not set(clean) & set(";&$`\\'\"()")


def test_all_wrong_names_are_told_at_once() -> None:
    with pytest.raises(PackageError) as refused:
        package_list(ContainerSettings(pip=["-x", "six"], npm=["../y"], apt=["z!"]))
    assert len(str(refused.value).splitlines()) == 3


def test_order_and_repetition_do_not_matter() -> None:
    first = package_list(ContainerSettings(pip=["six", "attrs", "six "]))
    assert first == package_list(ContainerSettings(pip=["attrs", "six"])) == PackageList(pip=("attrs", "six"))
    assert not package_list(ContainerSettings())


def test_the_digest_tells_parent_packages_and_recipe_apart() -> None:
    six = PackageList(pip=("six",))
    digests = {
        packages_digest("a", six, "r"),
        packages_digest("b", six, "r"),
        packages_digest("a", PackageList(npm=("six",)), "r"),
        packages_digest("a", six, "s"),
    }
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("spec", "name"),
    [("a==1", "a"), ("a[x]>=1", "a"), ("@s/a@1", "@s/a"), ("a@1", "a"), ("g++=1", "g++"), ("libc6:arm64", "libc6")],
)
def test_the_bare_name(spec: str, name: str) -> None:
    assert package_name(spec) == name


def test_the_culprit_is_the_one_that_an_error_names() -> None:
    output = ["Collecting six", "ERROR: No matching distribution found for nope==1"]
    assert culprits(["six", "nope==1"], output) == ["nope==1"]
    assert culprits(["six", "nope"], ["something else"]) == ["six", "nope"]
    assert culprits(["six", "six-extra"], ["ERROR: six-extra is broken"]) == ["six-extra"]
