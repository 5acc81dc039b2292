"""Agent Workbench: run, trace, price, replay and compare Claude agents on your own machine."""

__version__ = "0.1.0"
