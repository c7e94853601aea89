"""The baseline: an empty FastAPI route on the server that the agencies use. `python bench/empty.py PORT`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import uvicorn
import uvloop
from fastapi import FastAPI

from services.kit.server import http_config, public_socket

app = FastAPI()


@app.get("/empty")
async def empty() -> dict[str, str]:
    return {}


async def serve(port: int) -> None:
    await uvicorn.Server(http_config(app)).serve([public_socket("127.0.0.1", port)])


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
