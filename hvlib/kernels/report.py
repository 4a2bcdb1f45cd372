"""Model beside observation, as text: for this machine, and for a record of the kernel lab."""

from __future__ import annotations

from pathlib import Path

from ..arithmetic.geometry import HugePage
from ..units import about, format_size
from . import observe, trial

COLUMNS = "{:44} {:>22}  {:>22}"


def this_machine() -> str:
    """One screen: what the model says of this machine, beside what the machine says of itself."""
    kernel = observe.here()
    memmap = kernel.memmap_pages * kernel.base_page
    ram = memmap // kernel.struct_page * kernel.base_page
    page = HugePage("2 MiB", kernel.base_page, kernel.struct_page)
    told = observe.huge_pages()
    lines = [kernel.origin, "", COLUMNS.format("", "model", "observed")]
    lines.append(
        COLUMNS.format("sizeof(struct page)", "64 bytes", _seen(kernel, "struct_page", f"{kernel.struct_page} bytes"))
    )
    whose = ("recorded RAM", "the recorded RAM") if "memmap_pages" in kernel.missing else ("RAM", "this RAM")
    lines.append(COLUMNS.format(f"struct pages of {about(ram)} of {whose[0]}", about(int(ram * page.share)),
                                _seen(kernel, "memmap_pages", about(memmap))))  # fmt: skip
    lines.append(COLUMNS.format("MemTotal", "less than the RAM", _seen(kernel, "mem_total", about(kernel.mem_total))))
    lines += ["", f"the optimisation (vm.hugetlb_optimize_vmemmap): {observe.switch()}"]
    for size, count in told.items():
        huge = HugePage(size, kernel.base_page, kernel.struct_page)
        each = huge.freed("head page") * huge.base_page
        all_of_them = about(each * count) if count else "none taken"
        saving = f"{format_size(each)} to save for each, {all_of_them}" if each else "nothing to save"
        lines.append(f"{count:,} huge pages of {format_size(size)}: {saving}")
    if not told:
        lines.append("huge pages: this system does not tell (/sys/kernel/mm/hugepages)")
    every = ram // page.size * page.freed("head page") * page.base_page
    lines.append(
        f"if all of {whose[1]} were 2 MiB pages: {about(every)} to save since 5.18"
        if every
        else str(page.obstacle("head page"))
    )
    lines += [f"({what}: recorded, because {why})" for what, why in kernel.missing.items()]
    return "\n".join(lines)


def _seen(kernel: observe.Kernel, name: str, text: str) -> str:
    return "not told" if name in kernel.missing else text


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
