"""One sitting at one agent: puts the definition, the model, the sandbox, the store and the fuse together into runs."""
