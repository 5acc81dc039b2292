"""Puts the sample agents into the package that is built; in a checkout they are found where they are."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SAMPLES = Path(__file__).parent / "sample_agents"


class BuildWithSamples(build_py):
    """The usual build, and the folder `sample_agents` as `workbench/samples`."""

    def run(self):
        """Build, then copy."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "workbench" / "samples"
            shutil.copytree(SAMPLES, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "__pycache__"))


setup(cmdclass={"build_py": BuildWithSamples})
