"""Serve the sample agency as `python -m services` serves the real ones: `python tests/services/kit/sample DATA RUN`.

The run folder holds `signing.json` (a JWK) beside the back door's token.
"""

import json
import sys
from pathlib import Path

from joserfc.jwk import RSAKey

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sample.app import service

from services.kit.process import run_until_stopped


def main() -> None:
    data, run = map(Path, sys.argv[1:])
    key = RSAKey.import_key(json.loads((run / "signing.json").read_text(encoding="ascii")))
    run_until_stopped([service(key)], data, run)


main()
