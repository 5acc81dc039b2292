"""What may be called: the toolbox over MCP clients, and the built-in http tool."""
