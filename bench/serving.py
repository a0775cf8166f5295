"""Know how a measured server follows the commands on its standard input."""

import asyncio
import json
import sys
import time
from collections.abc import Callable

from child import used
from xds.cli.life import settle, tune_interpreter

_PAUSE = 0.05


async def follow(port: int, edit: Callable[[], float]) -> None:
    """Tell the port, then answer `edit` with when it was published, and `usage` once at rest.

    The interpreter is tuned as `xds serve` has it.
    """
    tune_interpreter()
    settle()
    print(json.dumps({"port": port, **used()}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "edit":
            print(json.dumps({"published": edit()}), flush=True)
        else:
            await _rest()
            print(json.dumps(used()), flush=True)


async def _rest() -> None:
    """Wait until nothing happens in this process."""
    before = -_PAUSE
    while (now := time.process_time()) - before > _PAUSE / 20:
        before = now
        await asyncio.sleep(_PAUSE)
