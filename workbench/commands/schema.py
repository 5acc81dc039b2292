"""`workbench schema`: the JSON Schema of agent.yaml, offline.yaml or a case."""

from __future__ import annotations

import argparse
import json

from workbench.commands.exit_codes import DONE


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    from workbench.cases.schema import case_schema
    from workbench.definition.jsonschema import agent_schema
    from workbench.model.offline_loader import offline_schema

    schema = case_schema() if options.case else offline_schema() if options.offline else agent_schema()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return DONE
