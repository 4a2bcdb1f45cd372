"""Texts of other kinds of host than the public cases, written by hand in the forms of their tools, and what is right."""

import json

import pytest

import hvlib as hv
from hvlib.kernels.host import ask

GIB = 1 << 30
TEXTS = {}
TEXTS["azure"] = """azureuser@vm1:~$ uname -a
Linux vm1 6.8.0-1017-azure #20~22.04.1-Ubuntu SMP Tue Oct 22 20:20:01 UTC 2024 x86_64 x86_64 x86_64 GNU/Linux
azureuser@vm1:~$ cat /proc/meminfo
MemTotal:       65851684 kB
HugePages_Total:    1024
HugePages_Free:     1024
HugePages_Rsvd:        0
HugePages_Surp:        0
Hugepagesize:       2048 kB
Hugetlb:         2097152 kB
DirectMap4k:      150080 kB
DirectMap2M:    10334208 kB
DirectMap1G:    58720256 kB
"""
TEXTS[
    "awsgraviton"
] = """Linux ip-10-0-0-1.ec2.internal 6.1.109-118.189.amzn2023.aarch64 #1 SMP Tue Sep 10 08:58:40 UTC 2024 aarch64 aarch64 aarch64 GNU/Linux
[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x413fd0c1]
[    0.033] HugeTLB: registered 1.00 GiB page size, pre-allocated 0 pages
[    0.033] HugeTLB: 0 KiB vmemmap can be freed for a 1.00 GiB page
[    0.033] HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages
[    0.033] HugeTLB: 0 KiB vmemmap can be freed for a 2.00 MiB page
MemTotal:       130523188 kB
HugePages_Total:   30000
Hugepagesize:       2048 kB
"""
TEXTS[
    "rhel9"
] = """Linux dbhost 5.14.0-427.13.1.el9_4.x86_64 #1 SMP PREEMPT_DYNAMIC Wed Apr 10 10:29:16 EDT 2024 x86_64 x86_64 x86_64 GNU/Linux
[    0.000000] Command line: BOOT_IMAGE=(hd0,gpt2)/vmlinuz-5.14.0-427.13.1.el9_4.x86_64 root=/dev/mapper/rhel-root ro crashkernel=1G-4G:192M,4G-64G:256M,64G-:512M default_hugepagesz=1G hugepagesz=1G hugepages=200
[    0.041] Memory: 1048576K/527636480K available (16384K kernel code, 5596K rwdata, 11464K rodata, 3824K init, 18424K bss, 218103808K reserved, 0K cma-reserved)
[    0.542] HugeTLB: registered 1.00 GiB page size, pre-allocated 200 pages
[    0.542] HugeTLB: 16380 KiB vmemmap can be freed for a 1.00 GiB page
[    0.542] HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages
[    0.542] HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page
kernel.osrelease = 5.14.0-427.13.1.el9_4.x86_64
vm.hugetlb_optimize_vmemmap = 0
vm.hugetlb_shm_group = 0
vm.nr_hugepages = 200
"""
TEXTS[
    "rhel8"
] = """Linux x 4.18.0-513.5.1.el8_9.x86_64 #1 SMP Fri Sep 29 05:21:10 EDT 2023 x86_64 x86_64 x86_64 GNU/Linux
MemTotal:       263750420 kB
HugePages_Total:   65536
Hugepagesize:       2048 kB
"""
TEXTS["suse"] = """#==[ Command ]======================================#
# /bin/uname -a
Linux sles15 6.4.0-150600.23.7-default #1 SMP PREEMPT_DYNAMIC x86_64 x86_64 x86_64 GNU/Linux

#==[ Configuration File ]===========================#
# /proc/cmdline
BOOT_IMAGE=/boot/vmlinuz-6.4.0-150600.23.7-default root=UUID=abc hugepagesz=2M hugepages=512 quiet

#==[ Command ]======================================#
# /usr/sbin/sysctl -a
vm.hugetlb_optimize_vmemmap = 0
vm.hugetlb_shm_group = 0
vm.nr_hugepages = 512

#==[ Command ]======================================#
# /usr/bin/getconf -a
PAGESIZE                           4096
PAGE_SIZE                          4096
_AVPHYS_PAGES                      7000000
_PHYS_PAGES                        8173000
"""
TEXTS["pve"] = """root@pve1:~# cat /proc/cmdline
BOOT_IMAGE=/boot/vmlinuz-6.8.12-4-pve root=/dev/mapper/pve-root ro quiet hugepagesz=1G hugepages=16 default_hugepagesz=1G hugetlb_free_vmemmap=on
root@pve1:~# grep -i huge /proc/meminfo
AnonHugePages:    501760 kB
HugePages_Total:      16
HugePages_Free:       16
Hugepagesize:    1048576 kB
Hugetlb:        16777216 kB
root@pve1:~# free -m
               total        used        free      shared  buff/cache   available
Mem:          128754       30000       90000         100       8000       98000
Swap:           8191           0        8191
root@pve1:~# uname -r
6.8.12-4-pve
"""
TEXTS[
    "rpi"
] = """Linux raspberrypi 6.6.31+rpt-rpi-2712 #1 SMP PREEMPT Debian 1:6.6.31-1+rpt1 (2024-05-29) aarch64 GNU/Linux
[    0.000000] Memory: 8153840K/8388608K available (13824K kernel code, 2268K rwdata, 4432K rodata, 5120K init, 1104K bss, 169232K reserved, 65536K cma-reserved)
[    0.041] HugeTLB: registered 1.00 GiB page size, pre-allocated 0 pages
[    0.041] HugeTLB: 0 KiB vmemmap can be freed for a 1.00 GiB page
[    0.041] HugeTLB: registered 32.0 MiB page size, pre-allocated 0 pages
[    0.041] HugeTLB: 0 KiB vmemmap can be freed for a 32.0 MiB page
[    0.041] HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages
"""
TEXTS["z"] = """Linux version 5.14.0-427.el9.s390x (mockbuild@s390) (gcc (GCC) 11.4.1) #1 SMP
Linux is running natively in 64-bit mode
Memory: 8064048K/8388608K available (10752K kernel code, 3000K rwdata, 4000K rodata, 2000K init, 800K bss, 324560K reserved, 0K cma-reserved)
HugeTLB: registered 1.00 MiB page size, pre-allocated 100 pages
"""
TEXTS["power"] = """Linux p9 6.4.0-150600.21-default #1 SMP ppc64le ppc64le ppc64le GNU/Linux
radix-mmu: Initializing Radix MMU
HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages
HugeTLB: registered 1.00 GiB page size, pre-allocated 10 pages
MemTotal:       266123456 kB
"""
TEXTS["riscv"] = """Linux version 6.12.20-generic (riscv64-linux-gnu-gcc-14) #1 SMP
Memory: 16000000K/16777216K available (11111K kernel code, 1K rwdata, 1K rodata, 1K init, 1K bss, 777216K reserved, 0K cma-reserved)
HugeTLB: registered 64.0 KiB page size, pre-allocated 0 pages
HugeTLB: 0 KiB vmemmap can be freed for a 64.0 KiB page
HugeTLB: registered 2.00 MiB page size, pre-allocated 64 pages
HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page
HugeTLB: registered 1.00 GiB page size, pre-allocated 0 pages
HugeTLB: 16380 KiB vmemmap can be freed for a 1.00 GiB page
vm.hugetlb_optimize_vmemmap = 1
"""
TEXTS["nodes"] = """Linux version 6.6.50-custom (x86_64-linux-gnu-gcc) #1
Command line: root=/dev/sda1 default_hugepagesz=1G hugepagesz=1G hugepages=0:20,1:24 hugetlb_free_vmemmap=1
HugeTLB: allocating 24 of page size 1.00 GiB failed node1.  Only allocated 22 hugepages.
HugeTLB: registered 1.00 GiB page size, pre-allocated 42 pages
node 0 size: 64101 MB
node 1 size: 64496 MB
"""
TEXTS["german free"] = """              gesamt       benutzt     frei      gemns.  Puffer/Cache verfügbar
Speicher:   65481216    10000000    50000000       1000     5000000    54000000
Auslager:    2097148           0     2097148
Linux h 6.1.0-26-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.112-1 (2024-09-30) x86_64 GNU/Linux
/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages:2048
"""
TEXTS["kubectl"] = """Name:               worker-1
Labels:             kubernetes.io/arch=amd64
Capacity:
  cpu:                64
  hugepages-1Gi:      40Gi
  hugepages-2Mi:      0
  memory:             131072000Ki
Allocatable:
  cpu:                63
  hugepages-1Gi:      40Gi
  hugepages-2Mi:      0
  memory:             88000000Ki
System Info:
  Kernel Version:             5.15.0-113-generic
  Architecture:               amd64
"""
TEXTS["hugeadm"] = """      Size  Minimum  Current  Maximum  Default
   2097152     1024     1024     1024        *
1073741824        2        2        2
"""
TEXTS["dpdk"] = """Node Pages Size Total
0    20    1Gb    20Gb
1    20    1Gb    20Gb

Hugepages mounted on /dev/hugepages
"""
TEXTS[
    "prom"
] = """node_uname_info{domainname="(none)",machine="x86_64",nodename="h1",release="6.1.0-18-amd64",sysname="Linux"} 1
node_memory_HugePages_Total 40
node_memory_Hugepagesize_bytes 1.073741824e+09
node_memory_MemTotal_bytes 6.7052765184e+10
"""
TEXTS["e820"] = """Linux version 5.4.0 (x86_64-linux-gnu-gcc) #1
BIOS-provided physical RAM map:
BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
BIOS-e820: [mem 0x000000000009fc00-0x000000000009ffff] reserved
BIOS-e820: [mem 0x0000000000100000-0x00000000bffdffff] usable
BIOS-e820: [mem 0x0000000100000000-0x000000103fffffff] usable
"""
TEXTS["7.3 e820"] = TEXTS["e820"].replace("usable", " System RAM").replace("5.4.0", "7.3.4")
TEXTS["lxcfs"] = """Linux ct1 6.8.12-4-pve #1 SMP x86_64 GNU/Linux
MemTotal:        2097152 kB
HugePages_Total:      16
Hugepagesize:    1048576 kB
"""
TEXTS[
    "oom"
] = """[12.3] Node 0 Normal free:1234kB boost:0kB min:2kB low:3kB present:62914560kB managed:61800000kB mlocked:0kB
[12.3] Node 0 DMA32 free:1234kB boost:0kB min:2kB low:3kB present:3145728kB managed:3100000kB mlocked:0kB
[12.3] Node 0 hugepages_total=40 hugepages_free=3 hugepages_surp=0 hugepages_size=1048576kB
[12.3] Node 0 hugepages_total=512 hugepages_free=3 hugepages_surp=0 hugepages_size=2048kB
[12.3] 16515072 pages RAM
[12.3] 0 pages HighMem/MovableOnly
"""
TEXTS["virsh"] = """Memory size:         65481216 KiB
<pages unit='KiB' size='4'>8000000</pages>
<pages unit='KiB' size='2048'>0</pages>
<pages unit='KiB' size='1048576'>40</pages>
"""
TEXTS["numastat"] = """                          Node 0          Node 1           Total
MemTotal                64101.00        64496.00       128597.00
HugePages_Total         20480.00        20480.00        40960.00
Linux h 6.1.0-18-amd64 #1 SMP x86_64 GNU/Linux
"""
TEXTS["config"] = """# Linux/x86 6.12.9 Kernel Configuration
CONFIG_HUGETLBFS=y
CONFIG_HUGETLB_PAGE=y
CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP=y
CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP_DEFAULT_ON=y
CONFIG_X86_64=y
"""

# name -> architecture, base page, RAM in GiB, how it is known, pools, optimisation, bytes saved, bytes to save
RIGHT = {
    "azure": ("x86_64", 4096, 62.80, "at least", {"2 MiB": 1024}, "off", 0, 1024 * 28 << 10),
    "awsgraviton": (
        "aarch64",
        4096,
        124.48,
        "at least",
        {"1 GiB": 0, "2 MiB": 30000},
        "not on this architecture",
        0,
        0,
    ),
    "rhel9": ("x86_64", 4096, 503.19, "exact", {"1 GiB": 200, "2 MiB": 0}, "off", 0, 200 * 16380 << 10),
    "rhel8": ("x86_64", 4096, 251.53, "at least", {"2 MiB": 65536}, "not in this kernel", 0, 0),
    "suse": ("x86_64", 4096, 31.18, "at least", {"2 MiB": 512}, "off", 0, 512 * 28 << 10),
    "pve": ("x86_64", 4096, 125.74, "at least", {"1 GiB": 16}, "on", 16 * 16380 << 10, 0),
    "rpi": ("aarch64", 16384, 8.0, "exact", {"1 GiB": 0, "32 MiB": 0, "2 MiB": 0}, "not on this architecture", 0, 0),
    "z": ("s390x", 4096, 8.0, "exact", {"1 MiB": 100}, "not on this architecture", 0, 0),
    "power": ("ppc64le", 65536, 253.80, "at least", {"1 GiB": 10, "2 MiB": 0}, "not on this architecture", 0, 0),
    "riscv": ("riscv64", 4096, 16.0, "exact", {"1 GiB": 0, "2 MiB": 64, "64 KiB": 0}, "on", 64 * 28 << 10, 0),
    "nodes": ("x86_64", 4096, 125.58, "at least", {"1 GiB": 42}, "on", 42 * 16380 << 10, 0),
    "german free": ("x86_64", 4096, 62.45, "at least", {"2 MiB": 2048}, "off", 0, 2048 * 28 << 10),
    "kubectl": ("x86_64", 4096, 125.0, "at least", {"1 GiB": 40, "2 MiB": 0}, "off", 0, 40 * 16376 << 10),
    "hugeadm": (None, 4096, 4.0, "at least", {"1 GiB": 2, "2 MiB": 1024}, "unknown", None, None),
    "dpdk": (None, 4096, 40.0, "at least", {"1 GiB": 40}, "unknown", None, None),
    "prom": ("x86_64", 4096, 62.45, "at least", {"1 GiB": 40}, "off", 0, 40 * 16380 << 10),
    "e820": ("x86_64", 4096, 64.0, "exact", {}, "not in this kernel", 0, 0),
    "7.3 e820": ("x86_64", 4096, 64.0, "exact", {}, "unknown", None, None),
    "oom": (None, 4096, 63.0, "exact", {"1 GiB": 40, "2 MiB": 512}, "unknown", None, None),
    "virsh": (None, 4096, 62.45, "at least", {"1 GiB": 40, "2 MiB": 0}, "unknown", None, None),
    "numastat": ("x86_64", 4096, 125.58, "at least", {}, "off", None, None),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_text_of_this_kind_is_read_right(name):
    architecture, base_page, gib, known, pools, optimisation, saved, to_save = RIGHT[name]
    answer = hv.observe.host(TEXTS[name]).json()
    assert (answer["architecture"], answer["base_page"]) == (architecture, base_page)
    assert abs(answer["memory"]["bytes"] / GIB - gib) < 0.01
    assert answer["memory"]["known"] == known
    assert {pool["size"]: pool["count"] for pool in answer["pools"]} == pools
    assert (answer["optimisation"], answer["saved"], answer["to_save"]) == (optimisation, saved, to_save)
    assert answer["not_understood"] == []


def test_what_cannot_be_of_one_host_is_not_reckoned_with():
    """A container's MemTotal beside the pools of its host."""
    answer = hv.observe.host(TEXTS["lxcfs"])
    assert (answer.hosts[0].saved, answer.hosts[0].to_save) == (None, None)
    assert "cannot be of one host" in str(answer)


def test_a_configuration_says_what_is_built_in_and_on():
    answer = hv.observe.host(TEXTS["config"]).json()
    assert (answer["release"], answer["architecture"], answer["optimisation"]) == ("6.12.9", "x86_64", "on")


# --- traps: a short text each, and what is right of it ---------------------------------------------------------------

X = "Linux db1 6.12.5-custom #1 SMP x86_64 GNU/Linux\n"
BANNER = "Linux version {} (x86_64-linux-gnu-gcc) #1\n"
QP = "/proc/sys/vm/hugetlb_optimize_vmemmap"
TRAPS = {
    "a number before the next line's word": (
        "Hugetlb:         2097152 kB\nMemTotal:       65851684 kB\n", {"ram": 65851684 << 10}),
    "node short of pages": (
        BANNER.format("6.12.5") + "Command line: hugepagesz=1G hugepages=0:8,1:8\n"
        "HugeTLB: allocating 8 of page size 1.00 GiB failed node1.  Only allocated 5 hugepages.\n", {"1 GiB": 13}),
    "hugepages= twice": (BANNER.format("6.1.5") + "Command line: hugepagesz=1G hugepages=4 hugepages=5\n", {"1 GiB": 4}),
    "hugepagesz= twice": (
        BANNER.format("6.1.5") + "Command line: hugepagesz=1G hugepages=4 hugepagesz=1G hugepages=9\n", {"1 GiB": 4}),
    "a size that x86 has not": (
        BANNER.format("6.1.5") + "Command line: hugepagesz=16M hugepages=9 hugepagesz=1G hugepages=4\n", {"1 GiB": 4}),
    "the default size named first": (
        BANNER.format("6.1.5") + "Command line: default_hugepagesz=1G hugepagesz=1G hugepages=4\n", {"1 GiB": 4}),
    "memblock": (
        BANNER.format("6.6.5") + " memory size = 0x0000000fff5ae000 reserved size = 0x0000000000345678\n",
        {"ram": 0xFFF5AE000}),
    "highmem without brackets": (
        "Linux version 3.10.0 (x) #1\nMemory: 511740k/511740k available, 12548k reserved, 0K highmem\n",
        {"optimisation": "not on this architecture", "struct_page": None}),
    "head's own marks are no quoted-printable": (
        f"==> {QP} <==\n1\n==> /proc/sys/vm/nr_hugepages <==\n77\n==> /proc/version <==\n{BANNER.format('6.12.5')}",
        {"optimisation": "on", "2 MiB": 77}),
    "quoted-printable breaks a number": (
        BANNER.format("6.1.0-18-amd64") + "HugeTLB: registered 1.00 GiB page size, pre-allocated 1=\n6 pages\n"
        "Memory: 1K/6707=\n5384K available (20480K kernel code)\n", {"ram": 67075384 << 10, "1 GiB": 16}),
    "a UUID that looks encoded": (
        BANNER.format("6.1.0-18-amd64") + "Command line: root=UUID=3D5C-1234 hugepages=7\nvm.nr_hugepages = 7\n", {"2 MiB": 7}),
    "an early kernel that says disabled": (
        BANNER.format("5.10.134-x") + "HugeTLB: disable freeing vmemmap pages for hugepages-2048kB\n", {"optimisation": "off"}),
    "free in powers of ten": (
        X + "$ free --si -h\n        total   used   free   shared  buff/cache   available\nMem:    67G   10G   40G   1.0G   12G   51G\n",
        {"ram": 66 * 10**9}),
    "a table of a page": (
        X + "<table><tr><td>MemTotal</td><td>65481216 kB</td></tr><tr><td>HugePages_Total</td><td>512</td></tr></table>",
        {"ram": 65481216 << 10, "2 MiB": 512}),
    "capacity as JSON": (
        '"hugepages-1Gi": "40Gi",\n"memory": "65481216Ki"\n"kernelVersion": "6.8.0-45-generic",\n"architecture": "amd64"\n',
        {"ram": 65481216 << 10, "1 GiB": 40, "architecture": "x86_64"}),
    "grep's own names": (
        "/proc/cmdline:BOOT_IMAGE=/boot/vmlinuz-6.1.0-18-amd64 root=/dev/sda1 hugepagesz=1G hugepages=4\n"
        f"/proc/meminfo:MemTotal: 65481216 kB\n{QP}:1\n",
        {"release": "6.1.0-18-amd64", "1 GiB": 4, "optimisation": "on", "ram": 65481216 << 10}),
    "a bare command line": (
        "ro quiet root=/dev/sda1 default_hugepagesz=1G hugepagesz=1G hugepages=4\n" + X, {"1 GiB": 4}),
    "folders with their numbers": (
        X + "/sys/kernel/mm/hugepages/hugepages-1048576kB\n4\n/sys/kernel/mm/hugepages/hugepages-2048kB\n512\n",
        {"1 GiB": 4, "2 MiB": 512}),
    "a vendor's arm64": (
        "Linux version 6.6.30-vendor (aarch64-linux-gnu-gcc) #1\nHugeTLB: registered 2.00 MiB page size, pre-allocated 9 pages\n"
        "HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page\nvm.hugetlb_optimize_vmemmap = 1\n",
        {"optimisation": "on", "saved": 9 * 28 << 10}),
    "a struct page that crosses": (
        BANNER.format("5.15.85") + 'HugeTLB: cannot free vmemmap pages because "struct page" crosses page boundaries\n',
        {"optimisation": "not in this kernel", "struct_page": None}),
    "CMA in their place": (
        BANNER.format("6.1.5") + "Command line: hugepagesz=1G hugepages=4 hugetlb_cma=8G\n"
        "HugeTLB: hugetlb_cma is enabled, skip boot time allocation\n", {"1 GiB": 0}),
    "pages that were no good": (
        BANNER.format("6.12.5") + "Command line: hugepagesz=1G hugepages=4\n"
        "HugeTLB: 1.00 GiB page size: 3 invalid pages discarded\n", {"1 GiB": 1}),
    "no HugeTLB": (X + "HugeTLB: huge pages not supported, ignoring associated command-line parameters\n",
                   {"optimisation": "not in this kernel"}),
    "no HugeTLB built": (X + "# CONFIG_HUGETLBFS is not set\n", {"optimisation": "not in this kernel"}),
    "KMSAN built": (X + "CONFIG_KMSAN=y\n", {"struct_page": 80, "optimisation": "not in this kernel"}),
    "node ranges": (
        X + "Early memory node ranges\n  node   0: [mem 0x0000000000001000-0x000000000009ffff]\n"
        "  node   1: [mem 0x0000000000100000-0x00000000bfffffff]\nInitmem setup\n", {"ram": 0x9F000 + 0xBFF00000}),
    "totalpages of nodes": (X + "On node 0 totalpages: 200000\nOn node 1 totalpages: 100000\n", {"ram": 300000 << 12}),
    "what nobody asks": (
        X + "HugeTLB: Using hugepages=7 for number of default huge pages\n  DMA32 zone: 12224 pages used for memmap\n",
        {"not_understood": []}),
    "an old firmware's map": (
        X + "BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)\n"
        "BIOS-e820: 0000000000100000 - 0000000040000000 (usable)\n", {"ram": 0x9FC00 + 0x3FF00000}),
    "an old ARM": ("Linux version 3.2.0 (gcc) #1\nMemory: 256MB 256MB = 512MB total\n",
                   {"ram": 512 << 20, "architecture": "armv7l", "optimisation": "not on this architecture"}),
    "riscv's own words": ("Linux version 6.12.5 (gcc) #1\nriscv: base ISA extensions acdfim\n", {"architecture": "riscv64"}),
    "a 32-bit meminfo": ("MemTotal: 2000000 kB\nHighTotal: 1000000 kB\n", {"optimisation": "not on this architecture"}),
    "Kubernetes' node": ("kernelVersion: 6.1.0-18-amd64\n", {"release": "6.1.0-18-amd64", "optimisation": "off"}),
    "DPDK's list": (X + "Pages Size Total\n512 2Mb 1Gb\n4 1Gb 4Gb\n", {"2 MiB": 512, "1 GiB": 4}),
    "a journal as JSON": (
        "\n".join(json.dumps({"MESSAGE": message, "_HOSTNAME": "db7", "_BOOT_ID": "a1"}) for message in (
            "Linux version 6.1.5 (gcc) #1", "Memory: 1K/16777216K available ()",
            list(b"HugeTLB: registered 2.00 MiB page size, pre-allocated 9 pages"))), {"ram": 16 << 30, "2 MiB": 9}),
    "dmesg as JSON": (
        json.dumps({"dmesg": [{"msg": "Linux version 6.1.5 (gcc) #1"}, {"msg": "Memory: 1K/16777216K available ()"}]}),
        {"ram": 16 << 30, "release": "6.1.5"}),
    "quoted-printable": (
        "MemTotal:       65851684=20kB\nHugePages_Total=3A 7\nHugepagesize=3A=\n 2048 kB\n",
        {"ram": 65851684 << 10, "2 MiB": 7}),
    "a switch that a command asks for": (
        X.replace("x86_64", "aarch64") + "$ sudo sysctl -w vm.hugetlb_optimize_vmemmap=1\nsysctl: cannot stat "
        f"{QP}: No such file or directory\nvm.nr_hugepages = 9\n", {"optimisation": "not on this architecture"}),
    "a switch that a sentence asks for": (
        X + "Should I put vm.hugetlb_optimize_vmemmap=1 into a file?\n", {"optimisation": "unknown"}),
    "a switch that a file asks for": (
        X + "$ cat /etc/sysctl.d/9.conf\n# pools\nvm.nr_hugepages = 9\nvm.hugetlb_optimize_vmemmap = 1\n",
        {"optimisation": "unknown", "pools": []}),
    "a file that asks for what is": (
        X + "# sysctl -p /etc/sysctl.d/9.conf\nvm.hugetlb_optimize_vmemmap = 1\n", {"optimisation": "on"}),
    "a file, and what is after all": (
        X + "# cat /etc/sysctl.conf\nvm.hugetlb_optimize_vmemmap = 1\n# sysctl vm.hugetlb_optimize_vmemmap\n"
        "vm.hugetlb_optimize_vmemmap = 0\n", {"optimisation": "off"}),
    "a switch read by its name alone": (X + "$ sysctl -n vm.hugetlb_optimize_vmemmap\n1\n", {"optimisation": "on"}),
    "transparent huge pages have sizes too": (
        "/sys/kernel/mm/transparent_hugepage/hugepages-1024kB/enabled:never\n"
        "/sys/kernel/mm/transparent_hugepage/hugepages-16384kB/enabled:never\nMemTotal: 65481216 kB\n",
        {"architecture": None, "base_page": 4096, "optimisation": "unknown"}),
    "the cells of libvirt": (
        "<cpu><arch>x86_64</arch><pages unit='KiB' size='4'/></cpu>" + "".join(
            f"<cell id='{n}'>\n<memory unit='KiB'>131741696</memory>\n<pages unit='KiB' size='4'>1717552</pages>\n"
            f"<pages unit='KiB' size='1048576'>{n + 60}</pages>\n</cell>\n" for n in range(2)),
        {"architecture": "x86_64", "ram": 2 * 131741696 << 10, "1 GiB": 121}),
    "megabytes are no kB": ("MemTotal: 64308 MB\n" + X, {"ram": None}),
    "what a pod asks for": (
        X + "resources:\n  limits:\n    hugepages-2Mi: 100Mi\n    memory: 100Mi\n", {"pools": []}),
    "what a boot loader's file asks for": (
        X + 'GRUB_CMDLINE_LINUX="quiet hugepagesz=1G hugepages=40 x"\noptions root=/dev/sda hugepages=40\n'
        "linux /vmlinuz root=/dev/sda hugepages=40\n", {"pools": []}),
    "counters beside a pool, and no RAM": (
        X + "nr_memmap_boot_pages 262144\nvm.hugetlb_optimize_vmemmap = 0\nhugepages-2048kB/nr_hugepages 1024\n",
        {"agrees": None, "saved": 0, "to_save": 28 << 20}),
    "sizes that arm64 has beside": (
        X.replace("x86_64", "aarch64") + "HugePages_Total: 0\nHugepagesize: 2048 kB\nHugetlb: 33554432 kB\n", {"2 MiB": 0}),
    "off, on who knows what": (
        BANNER.format("6.8.0-45-generic").replace("x86_64-linux-gnu-", "") + "vm.nr_hugepages = 9\nhugepages-2048kB/nr_hugepages 9\n",
        {"saved": None, "to_save": None, "architecture": None}),
    "an oops": (
        "CPU: 3 PID: 99 Comm: a Not tainted 5.14.0-427.el9.aarch64+64k #1\n2096128 pages RAM\n",
        {"release": "5.14.0-427.el9.aarch64+64k", "ram": 2096128 << 16, "optimisation": "not on this architecture"}),
    "an oops of a kernel with foreign modules": (
        "CPU: 1 PID: 9 Comm: b Kdump: loaded Tainted: G        W  OE      6.4.0-150600.23.25-default #1 SLE15-SP6\n",
        {"release": "6.4.0-150600.23.25-default"}),
    "the release as a file": ("==> /proc/sys/kernel/osrelease <==\n6.1.0-13-amd64\n", {"release": "6.1.0-13-amd64"}),
    "uname -srm": ("$ uname -srm\nLinux 6.6.32 x86_64\n", {"release": "6.6.32", "architecture": "x86_64"}),
    "uname -rm": ("$ uname -mr\n6.1.0-28-x aarch64\n", {"release": "6.1.0-28-x", "architecture": "aarch64"}),
    "Ansible's facts": (
        json.dumps({"ansible_architecture": "aarch64", "ansible_kernel": "6.8.0-9-x", "ansible_pagesize": 65536,
                    "ansible_memtotal_mb": 128714}, indent=4),
        {"release": "6.8.0-9-x", "architecture": "aarch64", "base_page": 65536, "ram": 128714 << 20}),
    "an inventory's own names": (
        json.dumps({"hostname": "edge-1", "kernel": "6.6.52-0-lts", "arch": "x86_64", "MemTotal": "16303412 kB"}),
        {"release": "6.6.52-0-lts", "architecture": "x86_64", "ram": 16303412 << 10}),
    "the same as YAML": ("kernel: 6.6.52-0-lts\narchitecture: x86_64\n", {"release": "6.6.52-0-lts"}),
    "what Prometheus says of its numbers": (
        "# HELP node_memory_HugePages_Total Memory information field HugePages_Total.\n"
        "# TYPE node_memory_HugePages_Total gauge\nnode_memory_HugePages_Total 9\nnode_memory_Hugepagesize_bytes 2097152\n"
        'node_memory_numa_HugePages_Total{node="0"} 5\n', {"2 MiB": 9, "not_understood": []}),
    "words of a command line in a sentence": (
        X + "They say that booting with hugetlb_free_vmemmap=on hugepages=2048 helps\n", {"optimisation": "unknown", "pools": []}),
    "what a profile asks for": (
        X + "[sysctl]\nvm.nr_hugepages=1024\n[bootloader]\ncmdline=hugepagesz=1G hugepages=16 hugetlb_free_vmemmap=on\n",
        {"optimisation": "unknown", "pools": []}),
    "what a cloud writes": (
        X + "  - path: /etc/sysctl.d/9.conf\n    content: |\n      vm.nr_hugepages = 9\n"
        "      vm.hugetlb_optimize_vmemmap = 1\n", {"optimisation": "unknown", "pools": []}),
    "free in megabytes, otherwise": ("$ free -w -m\n  total used free\nMem:  64308  10000  50000  100\n" + X, {"ram": 64308 << 20}),
    "free with its sum": ("$ free -t\n  total used free\nMem:  65851684  10000  50000  100\n" + X, {"ram": 65851684 << 10}),
    "free in who knows what": ("  total used free\nMem:  64308  10000  50000  100\n" + X, {"ram": None}),
    "two files and two numbers": (
        X + "$ cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages "
        "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages\n512\n40\n", {"pools": []}),
    "a form to fill in": (
        "**Kernel version**: 6.1.0-18-amd64\n**MemTotal**: 131925844 kB\n**HugePages_Total:** 60\n"
        "**Hugepagesize**: 1048576 kB\n", {"release": "6.1.0-18-amd64", "ram": 131925844 << 10, "1 GiB": 60}),
    "virsh names the architecture": (
        "CPU model:           aarch64\nMemory size:         65481216 KiB\n", {"architecture": "aarch64"}),
    "pages of a base page that is guessed": (
        X.replace("x86_64", "aarch64") + "1048000 pages RAM\n",
        {"memory": {"bytes": 1048000 << 12, "known": "at least"}}),
    "a group that was asked for by name is no list": (
        X + "$ sysctl vm.hugetlb_shm_group vm.nr_hugepages\nvm.hugetlb_shm_group = 0\nvm.nr_hugepages = 9\n",
        {"optimisation": "unknown"}),
    "nor is a group that a file asks for": (
        X + "$ cat /etc/sysctl.conf\nvm.hugetlb_shm_group = 1001\nvm.nr_hugepages = 5000\n", {"optimisation": "unknown"}),
    "a list without the switch": (
        X + "$ sysctl -a | grep huge\nvm.hugetlb_shm_group = 0\nvm.nr_hugepages = 9\n",
        {"optimisation": "not in this kernel"}),
    "a line of another kernel": (
        X + 'In 5.15 it prints "HugeTLB: can free 6 vmemmap pages for hugepages-2048kB".\n', {"optimisation": "unknown"}),
    "a vendor may take more words": (
        "/proc/cmdline: BOOT_IMAGE=/vmlinuz-5.14.0-503.el9.x86_64 root=/dev/sda hugetlb_free_vmemmap=1 hugepages=9\n",
        {"optimisation": "unknown"}),
    "and does, if its log is of 6.0": (
        BANNER.format("5.14.0-503.el9.x86_64") + "Command line: root=/dev/sda hugetlb_free_vmemmap=1 hugepages=9\n"
        "HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page\n", {"optimisation": "on", "saved": 9 * 28 << 10}),
    "a table drawn": (
        X + "┌──────────┐\n│ MemTotal │ 65851684 kB │\n│ HugePages_Total│ 9 │\n│ Hugepagesize │ 2048 kB │\n",
        {"ram": 65851684 << 10, "2 MiB": 9}),
    "libvirt's cells, quoted anew": (
        "".join(f'<cell id="{n}"><memory unit="KiB">131741696</memory><pages unit="KiB" size="1048576">{n + 60}</pages></cell>'
                for n in range(2)), {"ram": 2 * 131741696 << 10, "1 GiB": 121}),
    "hostnamectl as JSON": ('{"Hostname":"db9","KernelRelease":"6.12.5-200.fc41.x86_64"}\n', {"release": "6.12.5-200.fc41.x86_64"}),
    "what a dump says of itself": (
        "OSRELEASE=5.14.0-427.el9.aarch64+64k\nPAGESIZE=65536\n",
        {"release": "5.14.0-427.el9.aarch64+64k", "optimisation": "not on this architecture"}),
    "crash": (
        "    NODENAME: db3\n     RELEASE: 6.6.30-x\n     MACHINE: x86_64  (2400 Mhz)\n",
        {"release": "6.6.30-x", "architecture": "x86_64"}),
    "Proxmox's report": ("proxmox-ve: 8.2.0 (running kernel: 6.8.12-4-pve)\n", {"release": "6.8.12-4-pve"}),
    "meminfo without its units": (
        X + "MemTotal: 131925844\nHugePages_Total: 60\nHugepagesize: 1048576\n", {"ram": 131925844 << 10, "1 GiB": 60}),
    "meminfo in bytes": (
        X + '{"MemTotal": 67432124416, "HugePages_Total": 9, "Hugepagesize": 2097152}\n', {"ram": 67432124416, "2 MiB": 9}),
    "a size in other units": (X + "HugePages_Total: 9\nHugepagesize: 1 GB\n", {"1 GiB": 9}),
    "before and after are no hosts": (
        X + "== before ==\nHugePages_Total: 0\nHugepagesize: 2048 kB\n== after ==\nHugePages_Total: 9\n"
        "Hugepagesize: 2048 kB\n", {"2 MiB": 9, "release": "6.12.5-custom"}),
    "page_ext in the counters": (
        BANNER.format("6.12.5") + "Command line: page_owner=on\nMemory: 1K/67075384K available ()\n"
        "vm.hugetlb_optimize_vmemmap = 1\nhugepages-1048576kB/nr_hugepages 40\nnr_memmap_boot_pages 198304\n",
        {"saved_is": "assumed", "agrees": None}),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_not_fallen_into(name):
    text, right = TRAPS[name]
    answer = hv.observe.host(text).json()
    found = {**answer, "ram": answer["memory"]["bytes"], **{pool["size"]: pool["count"] for pool in answer["pools"]}}
    assert {key: found.get(key) for key in right} == right
    if sizes := {key for key in right if key.endswith("iB")}:
        assert {pool["size"] for pool in answer["pools"]} == sizes, "and no other pool"


SAID = ("HugePages_Total: {}", "Hugepagesize: 2048 kB", "MemTotal: 65851684 kB", "vm.hugetlb_optimize_vmemmap = {}")


@pytest.mark.parametrize("how", ["a line each", "each at once", "Ansible", "dshbak", "a loop", "Salt", "Prometheus"])
def test_hosts_that_answer_one_command_are_not_mixed(how):
    """The pool of the last was said to be that of all."""
    told = [[line.format(n) for line in SAID] for n in (0, 1)]
    lines = {
        "a line each": [f"n{n}: {told[n][at]}" for at in range(len(SAID)) for n in (0, 1)],
        "each at once": [f"n{n}: {line}" for n in (0, 1) for line in told[n]],
        "Ansible": [line for n in (0, 1) for line in (f"n{n} | CHANGED | rc=0 >>", *told[n])],
        "a loop": [line for n in (0, 1) for line in (f"== n{n}", *told[n])],
        "Salt": [line for n in (0, 1) for line in (f"n{n}:", *(f"    {line}" for line in told[n]))],
        "Prometheus": [
            f'node_memory_{what}{{instance="n{n}:9100"}} {(2097152, n)[at]}'
            for n in (0, 1)
            for at, what in enumerate(("Hugepagesize_bytes", "HugePages_Total"))
        ],
        "dshbak": [line for n in (0, 1) for line in ("-" * 16, f"n{n}", "-" * 16, *told[n])],
    }[how]
    hosts = hv.observe.host("\n".join(lines)).hosts
    if how == "Prometheus":  # which has no switch
        assert [(host.name, [pool.count for pool in host.pools]) for host in hosts] == [("n0", [0]), ("n1", [1])]
        return
    found = [(host.name, host.memory, [pool.count for pool in host.pools], host.optimisation) for host in hosts]
    assert found == [("n0", 65851684 << 10, [0], "off"), ("n1", 65851684 << 10, [1], "on")]


def test_the_log_of_a_log_server_is_of_several_hosts():
    """The pool of one was said to be that of another."""
    log = ("Linux version 6.6.30-x (gcc)", "HugeTLB: registered 1.00 GiB page size, pre-allocated {} pages",
           "HugeTLB: 16380 KiB vmemmap can be freed for a 1.00 GiB page")  # fmt: skip
    lines = [f"Nov 27 12:00:0{at} h{n} kernel: {line.format(n)}" for at, line in enumerate(log) for n in (4, 9)]
    hosts = hv.observe.host("\n".join(lines)).hosts
    assert [(host.name, [pool.count for pool in host.pools]) for host in hosts] == [("h4", [4]), ("h9", [9])]


def test_a_size_that_is_not_told_is_said_to_be_the_usual_one():
    text = X + "HugePages_Total: 60\n"
    assert "of the usual size, which the text does not tell" in str(hv.observe.host(text))
    for told in ("Hugepagesize: 2048 kB\n", "Command line: root=/dev/sda quiet\n"):
        assert "usual size" not in str(hv.observe.host(text + told))


def test_hosts_of_prometheus_are_called_as_they_call_themselves():
    lines = [f'node_memory_HugePages_Total{{instance="{n}"}} {n}' for n in (1, 2)]
    lines += [
        f'node_uname_info{{instance="{n}",nodename="n{n}",release="6.1.0-18-amd64",machine="x86_64"}} 1' for n in (1, 2)
    ]
    hosts = hv.observe.host("\n".join(lines)).hosts
    assert [(host.name, [pool.count for pool in host.pools]) for host in hosts] == [("n1", [1]), ("n2", [2])]


def test_what_would_tell_more_is_said_once_and_to_its_end():
    told = str(hv.observe.host("HugePages_Total: 60\nMemTotal: 65851684 kB\n")).splitlines()[-1]
    assert told.endswith("tells what is saved")
    assert told.count("hugetlb_optimize_vmemmap") == 1


def test_files_of_a_report_are_known_by_their_names(tmp_path):
    """A file of sysfs holds a number alone; the log of a crash kernel is another's; a second log is the same boot's."""
    log = "[    0.0] " + BANNER.format("5.14.0-427.el9.x86_64") + "[    0.1] Memory: 1K/527636480K available ()\n"
    files = {
        "proc/sys/vm/hugetlb_optimize_vmemmap": "1\n", "proc/sys/vm/nr_hugepages": "200\n", "hostname": "db7\n",
        "sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": "200\n",
        "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "5\n",
        "sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages": "77\n",
        "sos_commands/kernel/dmesg": log, "sos_commands/kernel/dmesg_-T": log.replace("[    0.", "[Fri Nov 27 2026] ["),
        "var/crash/kexec-dmesg.log": BANNER.format("5.14.0-427.el9.x86_64") + "Command line: elfcorehdr=0x5b000000\n"
        "Memory: 1K/262144K available ()\n", "etc/sysctl.conf": "vm.nr_hugepages = 999\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    answer = ask.files([str(tmp_path)], bytes)
    assert len(answer.hosts) == 1
    assert answer.hosts[0].name == "db7"
    told = answer.json()
    assert told["pools"] == [{"size": "1 GiB", "count": 200}, {"size": "2 MiB", "count": 5}]
    assert (told["optimisation"], told["memory"]["bytes"]) == ("on", 527636480 << 10)
    assert (
        ask.files([str(tmp_path / name) for name in files if name.startswith("sys/")], bytes).json()["pools"]
        == told["pools"]
    )


def test_an_older_boot_of_the_same_host_has_its_architecture():
    text = ("Nov 20 10:00:00 s1 kernel: Linux version 6.4.0-150600.21-default (geeko@buildhost) #1 SMP\n"
            "Nov 20 10:00:00 s1 kernel: HugeTLB: registered 2.00 MiB page size, pre-allocated 9 pages\n-- Boot 5f3a --\n"
            "Nov 27 10:00:00 s1 kernel: Linux version 6.4.0-150600.23-default (geeko@buildhost) #1 SMP\n"
            "Linux s1 6.4.0-150600.23-default #1 SMP x86_64 GNU/Linux\n")  # fmt: skip
    answers = hv.observe.host(text)
    assert [(host.name, host.architecture) for host in answers.hosts] == [("s1", "x86_64")] * 2
