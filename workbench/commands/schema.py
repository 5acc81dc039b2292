"""`workbench schema`: the JSON Schema of agent.yaml or offline.yaml."""

from __future__ import annotations

import argparse
import json

from workbench.commands.exit_codes import DONE


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    from workbench.definition.jsonschema import agent_schema
    from workbench.model.offline_loader import offline_schema

    schema = offline_schema() if options.offline else agent_schema()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return DONE
