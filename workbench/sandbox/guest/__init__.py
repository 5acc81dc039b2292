"""What runs inside the sandbox. Standard library only: any image with a python3 (3.8 or newer) can run it.

* `launch` is the command that starts it, `__main__` the program, `service` puts it together.
* `frames`, `channels` and `multiplexer` are the pipe to the workbench, the same code on both ends; `pipe` is this end.
* `mcp_server` serves the tools; `toolset` declares them, `arguments` checks what they are given, `results` says what
  they give.
* `bash` is the bash tool and `shell` the shell under it; `files` and `search` are the file tools, `paths` where they
  may go, `worker` the processes that they run in.
* `programs` are MCP servers over stdio, `proxy` is the way out, `processes` starts and kills, `facts` reports.
"""
