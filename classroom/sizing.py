"""From one measured lesson to what a class needs. Every number of the table in README.md is worked out here.

Memory. A student is guaranteed a server and two kernels: this chapter's, and last week's that nobody closed. A limit
leaves room for eight. Both from resident sets, which count shared pages in full: on the safe side.
CPU. A class arrives together: within ``START`` seconds everybody has a server and has run one chapter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from hvlib.errors import BadInput

HERE = Path(__file__).parent
MEASURED = HERE / "measured.json"
README = HERE / "README.md"
BEGIN, END = "<!-- sizing: begin (python -m classroom size --write) -->", "<!-- sizing: end -->"

START = 300  # seconds in which a class starts
KERNELS, MOST_KERNELS = 2, 8  # of one student: guaranteed, allowed
SYSTEM_GIB = 2  # operating system, hub and proxy, where all is on one machine
NODE_CORES, NODE_GIB, NODE_SHARE = 8, 32, 0.9  # a common machine of a cluster, and what of it is for students
NODE_PODS = 100  # of the 110 that Kubernetes allows on a machine by default
CLASSES = (30, 300, 3000)
ONE_MACHINE = 100  # up to here The Littlest JupyterHub


@dataclass(frozen=True)
class Student:
    """What one student needs, as measured; the guarantees and limits follow."""

    server_mib: float
    kernel_mib: float
    peak_server_mib: float
    peak_kernel_mib: float
    cpu_s: float
    hub_s: float

    @classmethod
    def of(cls, lesson: dict[str, Any]) -> Student:
        """From the record of a lesson in which nothing failed. Raises `BadInput` for another."""
        if lesson["errors"] or lesson["trouble"] or lesson["finished"] != lesson["students"]:
            raise BadInput("that lesson had errors; measure one that has none: make hub-demo RECORD=measured.json.")
        each = lesson["each"]
        server, kernel = each["server"], each["kernel"]
        central = each["hub"]["cpu_s"] + each["proxy"]["cpu_s"] - lesson["start_cpu_s"]
        return cls(
            server_mib=server["rss_mib"],
            kernel_mib=kernel["rss_mib"],
            peak_server_mib=server["peak_mib"],
            peak_kernel_mib=kernel["peak_mib"],
            cpu_s=server["cpu_s"] + kernel["cpu_s"],
            hub_s=central / lesson["students"],
        )

    @property
    def guarantee_mib(self) -> int:
        """Memory that a student must have: a server and two kernels, in steps of 64 MiB."""
        return 64 * ceil((self.server_mib + KERNELS * self.kernel_mib) / 64)

    @property
    def limit_mib(self) -> int:
        """Memory that a student may have: a server and eight kernels at their peaks, in steps of 256 MiB."""
        return 256 * ceil((self.peak_server_mib + MOST_KERNELS * self.peak_kernel_mib) / 256)

    @property
    def guarantee_cores(self) -> float:
        """The part of a core that lets a student start in time, in steps of a hundredth."""
        return ceil(100 * self.cpu_s / START) / 100


@dataclass(frozen=True)
class Need:
    """What a class needs."""

    students: int
    memory_gib: int
    cores: int
    machines: str
    hub_min: float

    @property
    def where(self) -> str:
        """The distribution of JupyterHub that fits."""
        return "The Littlest JupyterHub" if self.students <= ONE_MACHINE else "Zero to JupyterHub"


def students_per_node(student: Student) -> int:
    """Students that one machine of a cluster takes: whichever of pods, memory and cores ends first."""
    memory = int(NODE_SHARE * NODE_GIB * 1024 / student.guarantee_mib)
    return min(NODE_PODS, memory, int(NODE_SHARE * NODE_CORES / student.guarantee_cores))


def need(student: Student, students: int) -> Need:
    """What so many students need who work at the same time."""
    memory = ceil(students * student.guarantee_mib / 1024)
    cores = max(2, ceil(students * student.cpu_s / START))
    if students <= ONE_MACHINE:
        memory += SYSTEM_GIB
        machines = f"1 with {2 * ceil(cores / 2)} cores and {_power_of_two(memory)} GiB"
    else:
        nodes = ceil(students / students_per_node(student))
        machines = f"{nodes} with {NODE_CORES} cores and {NODE_GIB} GiB, and one for the hub"
    return Need(students, memory, cores, machines, students * student.hub_s / 60)


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


def table(lesson: dict[str, Any]) -> str:
    """The sizing table of README.md, with the numbers that it follows from."""
    student = Student.of(lesson)
    server, kernel, memory = student.server_mib, student.kernel_mib, student.guarantee_mib
    hub = lesson["versions"]["jupyterhub"]
    columns = [
        "students at once",
        "with",
        "memory",
        f"cores in the first {START // 60} minutes",
        "machines",
        "hub and proxy",
    ]
    lines = [
        f"Measured in a lesson of {lesson['students']} ({lesson['chapter']}, JupyterHub {hub}, "
        f"{lesson['cores']} cores): {server:.0f} MiB resident for a server, {kernel:.0f} MiB for a kernel, "
        f"{student.cpu_s:.1f} CPU seconds for a student to start and to run the chapter, "
        f"and {student.hub_s:.2f} of hub and proxy.",
        "",
        f"So a student is guaranteed {memory} MiB and {student.guarantee_cores:.2f} cores, and may use "
        f"{student.limit_mib} MiB. A machine of {NODE_CORES} cores and {NODE_GIB} GiB takes "
        f"{students_per_node(student)} students.",
        "",
        f"| {' | '.join(columns)} |",
        "|---:|---|---:|---:|---|---:|",
    ]
    for row in (need(student, students) for students in CLASSES):
        lines.append(f"| {row.students:,} | {row.where} | {row.memory_gib:,} GiB | {row.cores} | {row.machines} "
                     f"| {row.hub_min:.1f} min |")  # fmt: skip
    return "\n".join(lines)


def read(path: Path = MEASURED) -> dict[str, Any]:
    """The record of a lesson. Raises `BadInput` for a file that is none, or has errors."""
    try:
        lesson: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        Student.of(lesson)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read: {error.strerror}; make one with: make hub-demo RECORD={path}."
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ZeroDivisionError):
        raise BadInput(f"{path} is no record of a lesson; make one with: make hub-demo RECORD={path}.") from None
    return lesson


def with_table(readme: str, lesson: dict[str, Any]) -> str:
    """The text of README.md with the table made again."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(lesson)}\n{END}{after}"
