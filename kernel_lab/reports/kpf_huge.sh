#!/bin/sh
# Does a kernel still call frames huge when no huge page is left, and can it have a 1 GiB page again? Run as root in a
# virtual machine of 8 GiB that uses no HugeTLB page of its own: it empties both pools. Bit 17 of a word of /proc/kpageflags is
# KPF_HUGE (include/uapi/linux/kernel-page-flags.h). Expected: 0, and eight times 1, twice.
set -eu
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
large=/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
switch=/proc/sys/vm/hugetlb_optimize_vmemmap
uname -r
for hvo in 0 1; do
    echo $hvo >$switch
    echo "${1:-64}" >$pool
    got=$(cat $pool)
    echo 0 >$pool
    od -An -v -t u8 -w8 /proc/kpageflags |
        awk -v hvo=$hvo -v got="$got" 'int($1 / 131072) % 2 { n++ }
            END { printf "hugetlb_optimize_vmemmap=%d: %d pages of 2 MiB taken and given back, KPF_HUGE on %d frames\n", hvo, got, n }'
    again=
    for time in 1 2 3 4 5 6 7 8; do
        echo 1 >/proc/sys/vm/compact_memory
        echo 1 >$large
        again="$again $(cat $large)"
        echo 0 >$large
    done
    echo "hugetlb_optimize_vmemmap=$hvo: a page of 1 GiB, taken and given back:$again"
done
