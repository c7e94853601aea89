"""The baseline: an empty FastAPI route on the server that the agencies use. `python bench/empty.py PORT`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import uvicorn
import uvloop
from fastapi import FastAPI

from services.kit.server import ClosableProtocol, public_socket

app = FastAPI()


@app.get("/empty")
async def empty() -> dict[str, str]:
    return {}


async def serve(port: int) -> None:
    config = uvicorn.Config(app, http=ClosableProtocol, ws="none", lifespan="off", access_log=False, loop="none")
    await uvicorn.Server(config).serve([public_socket("127.0.0.1", port)])


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
