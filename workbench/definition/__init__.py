"""What an agent is: agent.yaml and prompt.md, loaded, checked and watched."""
