from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import pytest

from workbench.sandbox.base_image import find_base
from workbench.sandbox.daemon import connect
from workbench.sandbox.distribution import read_host
from workbench.sandbox.leftovers import TEMPORARY_LABEL, remove_leftovers, temporary_labels
from workbench.sandbox.ownership import OWNER_LABEL, owner_of
from workbench.trace.owner import current_owner

_PRINT_OWNER = """
from workbench.sandbox.leftovers import temporary_labels
from workbench.sandbox.ownership import OWNER_LABEL
print(temporary_labels("look")[OWNER_LABEL])
"""


def test_labels_tell_the_purpose_and_this_process() -> None:
    labels = temporary_labels("look")
    assert labels[TEMPORARY_LABEL] == "look"
    assert owner_of(labels) == current_owner()


@pytest.mark.docker
def test_only_what_the_dead_left_is_removed() -> None:
    done = subprocess.run([sys.executable, "-c", _PRINT_OWNER], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["pid"] != current_owner().pid
    ours = dict(temporary_labels("look"))
    theirs = {**ours, OWNER_LABEL: done.stdout.strip()}
    unsigned = {TEMPORARY_LABEL: "look"}
    with contextlib.closing(connect(120)) as client:
        base = find_base(client, read_host())
        assert base, "run `workbench setup` first"
        kept = [client.containers.create(base.id, ["true"], labels=labels) for labels in (ours, unsigned)]
        dead = client.containers.create(base.id, ["true"], labels=theirs)
        volume = client.volumes.create(labels=theirs)
        try:
            remove_leftovers(client)
            left = {container["Id"] for container in client.api.containers(all=True)}
            assert left >= {container.id for container in kept}
            assert dead.id not in left
            assert volume.name not in {each.name for each in client.volumes.list()}
        finally:
            for container in kept:
                container.remove(force=True)
