from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from workbench.sandbox.base_image import find_base
from workbench.sandbox.daemon import connect
from workbench.sandbox.distribution import read_host
from workbench.sandbox.leftovers import MAKER_LABEL, is_alive, remove_leftovers, temporary_labels

_PRINT_MAKER = "from workbench.sandbox.leftovers import *; print(temporary_labels('look')[MAKER_LABEL])"


def _maker_that_is_gone() -> str:
    done = subprocess.run([sys.executable, "-c", _PRINT_MAKER], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_this_process_lives_and_one_that_ended_does_not() -> None:
    own = temporary_labels("look")[MAKER_LABEL]
    assert is_alive(own)
    assert not is_alive(_maker_that_is_gone())


def test_a_process_id_that_was_given_again_is_another_process() -> None:
    boot, pid, _ = temporary_labels("look")[MAKER_LABEL].split("/")
    assert pid == str(os.getpid())
    assert not is_alive(f"{boot}/{pid}/1")
    assert not is_alive(f"earlier-boot/{pid}/1")


def test_what_nobody_signed_is_left_alone() -> None:
    assert is_alive("")
    assert is_alive("made by hand")


@pytest.mark.docker
def test_only_what_the_dead_left_is_removed() -> None:
    with contextlib.closing(connect(60)) as client:
        base = find_base(client, read_host())
        assert base, "run `workbench setup` first"
        ours = dict(temporary_labels("look"))
        theirs = {**ours, MAKER_LABEL: _maker_that_is_gone()}
        living = client.containers.create(base.id, ["true"], labels=ours)
        dead = client.containers.create(base.id, ["true"], labels=theirs)
        volume = client.volumes.create(labels=theirs)
        try:
            remove_leftovers(client)
            left = {container.id for container in client.containers.list(all=True)}
            assert living.id in left and dead.id not in left
            assert volume.name not in {each.name for each in client.volumes.list()}
        finally:
            living.remove(force=True)
