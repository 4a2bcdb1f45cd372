"""Model beside observation, as text: for this machine, and for a record of the kernel lab."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput
from . import observe, trial


def this_machine() -> str:
    """One screen: what the model says of this machine, beside what the machine says of itself.

    Where the system does not tell, what a recorded machine says, and why.
    """
    kernel = observe.here()
    try:
        return f"{kernel.origin}\n{observe.host()}"
    except BadInput as why:
        return f"{kernel.origin}\n(recorded below, because here {why})\n{observe.recorded_host()}"


def judged(file: str | Path) -> tuple[str, bool]:
    """A record's verdict as text, and whether the kernel did what the model expects (known bugs aside)."""
    record = observe.read_record(file)
    findings = trial.judge(record)
    broken = [f for f in findings if not f.holds]
    known = [(finding, trial.known_bug(finding, record.version)) for finding in broken]
    scheme = trial.scheme_of_series(record.series) if "on" in record.states else "off"
    lines = [f"{record.origin}: {len(findings) - len(broken)} of {len(findings)} expectations hold (scheme: {scheme})"]
    lines += [f"  {f'known bug: {bug}:' if bug else 'BREAKS'} {finding}" for finding, bug in known]
    good = all(bug for _, bug in known)
    if not good and not record.short:
        nearest, left = trial.nearest(record)
        if nearest != trial.scheme_of_series(record.series):
            lines.append(f"  it comes nearest to the scheme '{nearest}', {nearest.releases}: {len(left)} break")
    return "\n".join(lines), good
