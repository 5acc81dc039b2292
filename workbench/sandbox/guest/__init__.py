"""What runs inside the sandbox. Standard library only: any image with a python3 (3.8 or newer) can run it."""
