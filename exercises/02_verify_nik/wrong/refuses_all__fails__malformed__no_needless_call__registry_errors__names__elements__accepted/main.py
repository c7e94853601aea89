"""Wrong: refuses everybody for the form of the NIK, and asks nobody."""

import json
from pathlib import Path

registrants = json.loads(Path("pendaftar.json").read_text(encoding="utf-8"))
print(json.dumps([{"nomor": one["nomor"], "keputusan": "ditolak", "alasan": "format"} for one in registrants]))
