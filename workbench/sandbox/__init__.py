"""Where tools run: containers in gVisor, their images, their one way out, their workspaces."""
