from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from workbench.sandbox.threads import in_thread


async def test_the_result_comes_back() -> None:
    assert await in_thread(lambda: threading.current_thread().daemon, 5) is True


async def test_so_does_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, 5)


async def test_a_call_that_hangs_is_left_behind() -> None:
    hanging = threading.Event()
    with pytest.raises(TimeoutError):
        await in_thread(hanging.wait, 0.01)
    hanging.set()


def test_a_call_that_hangs_does_not_keep_the_program_from_ending() -> None:
    program = (
        "import asyncio, time\n"
        "from workbench.sandbox.threads import in_thread\n"
        "async def main():\n"
        "    try: await in_thread(lambda: time.sleep(1000), 0.01)\n"
        "    except TimeoutError: print('left behind')\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "left behind\n"
