"""What the top line says of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.trace.errors import StoreError
from workbench.tui.run_panes import Proof
from workbench.tui.session import Session
from workbench.tui.widgets.status_line import GVisor, Status

if TYPE_CHECKING:
    from workbench.cost.fuse import FuseStatus

_PLAIN_RUNTIME = "runc"


def status_of(session: Session, proof: Proof | None, on_save: str) -> Status:
    """The status of a session; `proof` is what the shown run said of its sandbox."""
    definition = session.definition
    if definition is None:
        return Status(session.folder.resolve().name, broken=session.broken, busy=session.trouble or "")
    answered_by, offline = _answered_by(session)
    fuse = _fuse(session)
    return Status(
        agent=definition.name,
        model=definition.model.id,
        answered_by=answered_by,
        offline=offline,
        gvisor=_gvisor(session, proof),
        kernel=proof.kernel if proof is not None and proof.gvisor else "",
        allow=definition.network.allow,
        on_save=on_save,
        broken=session.broken,
        running=session.running_count,
        spent=fuse.spent if fuse is not None else None,
        limit=fuse.limit if fuse is not None else None,
    )


def _answered_by(session: Session) -> tuple[str, bool]:
    sitting = session.sitting
    if sitting is None:
        return "", False
    if sitting.offline is not None:
        return "OFFLINE SCRIPT", True
    endpoint = _endpoint(sitting.environment)
    return (f"endpoint {endpoint}" if endpoint else "API"), False


def _endpoint(environment: Mapping[str, str]) -> str | None:
    from workbench.model.access import model_access

    return model_access(environment).endpoint


def _gvisor(session: Session, proof: Proof | None) -> GVisor | None:
    from workbench.sitting.workplace import needs_sandbox

    if session.options.runtime == _PLAIN_RUNTIME:
        return "absent"
    if proof is not None:
        return "proven" if proof.gvisor else "absent"
    if session.definition is not None and not needs_sandbox(session.definition):
        return "no sandbox"
    return "not yet proven"


def _fuse(session: Session) -> FuseStatus | None:
    try:
        return session.fuse()
    except StoreError:
        return None
