"""What a host's text of 100 MB costs, and a fleet of a million hosts drawn one by one. Each time in a new Python."""

from __future__ import annotations

import json
from typing import Any

from .measure import output, summary, told

MEGABYTES, HOSTS = 100, 1_000_000
HOST = """import json, resource, sys, time
import hvlib as hv
record = hv.observe.recorded(hv.observe.records()[0])
log = "".join(f"[{n / 1e3:12.6f}] usb 1-1: a line that has nothing to do with huge pages, number {n}\\n"
              for n in range(20_000)).encode()
head = "\\n".join([f"Linux lab {record.release} #1 SMP x86_64 GNU/Linux", *record.boot_log, ""]).encode()
tail = b"HugePages_Total: 64\\nHugepagesize: 2048 kB\\nMemTotal: 24000000 kB\\n"
text = head + log * (int(sys.argv[1]) * 1_000_000 // len(log)) + tail
before = time.process_time()
hv.observe.host(text)
print(json.dumps([time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(text)]))
"""
FLEET = """import json, sys, time
import hvlib as hv
before = time.process_time()
sample = hv.Fleet(int(sys.argv[1]), ("64 GiB", "1 TiB"), (0.1, 0.9)).sample()
sample.percentile(5), sample.percentile(95), sample.total
print(json.dumps(time.process_time() - before))
"""


def run(turns: int = 3, megabytes: int = MEGABYTES, hosts: int = HOSTS) -> dict[str, Any]:
    """CPU seconds and peak memory."""
    read = [json.loads(output("-c", HOST, str(megabytes))) for _ in range(turns)]
    drawn = [json.loads(output("-c", FLEET, str(hosts))) for _ in range(turns)]
    seconds, mib, sizes = zip(*read, strict=True)
    told(f"{sizes[0] / 1e6:.0f} MB of text: {min(seconds):.2f} CPU s; {hosts:,} hosts: {min(drawn):.2f} CPU s")
    return {"megabytes": sizes[0] / 1e6, "hosts": hosts, "text": summary(seconds), "text_mib": summary(mib),
            "fleet": summary(drawn)}  # fmt: skip
