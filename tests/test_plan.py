"""How many huge pages fit, and a fleet as it is: the public cases, and arithmetic against `HugePage.bill`."""

import pytest

import hvlib as hv
from hvlib.host_command import fleet, plan
from hvlib.kernels.host.inventory import inventory, of_reports


def test_f20_what_is_left_for_the_system():
    asked = hv.plan("128 GiB", {"1 GiB": 120})
    assert asked.left_without == 6 * hv.GiB
    assert asked.left_with == 6 * hv.GiB + hv.HugePage("1 GiB").bill("head page, copied", 120).saved * 4096
    assert "left with it                   7.87 GiB" in str(asked)
    assert asked.fits


def test_the_struct_pages_of_a_large_host_are_all_that_is_left_before_any_is_optimised():
    """The cover letter of 6.15's series: 3,072 GiB with 3,024 pages of 1 GiB have 48 GiB left, and 48 GiB of memmap."""
    asked = hv.plan("3072 GiB", {"1 GiB": 3024}, "40 GiB")
    assert asked.left_without == 0
    assert asked.fits_at_boot
    assert asked.fits
    assert not hv.plan("3072 GiB", {"1 GiB": 3025}, "40 GiB").fits_at_boot
    assert "not at boot" in str(hv.plan("3072 GiB", {"1 GiB": 3025}, "40 GiB"))


def test_only_pages_of_1_gib_are_said_to_do_without_struct_pages_at_boot():
    small = str(hv.plan("128 GiB", {"2 MiB": 64600}))
    large = str(hv.plan("3072 GiB", {"1 GiB": 3025}))
    assert "not at boot" in small
    assert "6.15" not in small
    assert "6.15" in large


def test_with_the_scheme_off_nothing_is_said_of_switching_it_on():
    asked = hv.plan("128 GiB", {"1 GiB": 100}, scheme="off")
    assert asked.boot_line() == "hugepagesz=1G hugepages=100"
    assert "vmemmap" not in str(asked)


@pytest.mark.parametrize("memory", ["497 MiB", "1921 GiB", "128 GiB"])
@pytest.mark.parametrize("scheme", ["tail page", "head page, copied", "shared tail"])
def test_the_most_that_are_said_to_fit_do_and_one_more_does_not(memory, scheme):
    """To the last byte: with the shared tail, and with a page table of which a part is used."""
    ((_, most),) = hv.plan(memory, {"2 MiB": 1}, scheme=scheme).most
    assert hv.plan(memory, {"2 MiB": most}, scheme=scheme).fits
    assert not hv.plan(memory, {"2 MiB": most + 1}, scheme=scheme).fits


@pytest.mark.parametrize("nodes", [1, 2, 3, 8])
@pytest.mark.parametrize("pools", [{"1 GiB": 130}, {"1 GiB": 100, "2 MiB": 20000}, {"2 MiB": 70000}])
def test_what_does_not_fit_gets_the_nearest_that_does_and_one_page_more_does_not(nodes, pools):
    asked = hv.plan("128 GiB", pools, "4 GiB", nodes=nodes)
    assert not asked.fits
    sizes = [page.size for page in asked.pages]
    near = dict(zip(sizes, asked.nearest, strict=True))
    assert hv.plan("128 GiB", near, "4 GiB", nodes=nodes).fits
    for size in sizes:
        more = near | {size: near[size] + nodes}
        assert not hv.plan("128 GiB", more, "4 GiB", nodes=nodes).fits


def test_guests_are_pages_and_nodes_get_their_words():
    asked = hv.plan("256 GiB", guests=[(10, "15.5 GiB", "1 GiB")], nodes=2)
    assert asked.counts == (160,)
    assert asked.boot_line() == "hugepagesz=1G hugepages=0:80,1:80 hugetlb_free_vmemmap=on"
    assert hv.plan("256 GiB", {"1 GiB": 5}, guests=[(10, "15.5 GiB", "1 GiB")]).counts == (165,)
    assert hv.plan("16 GiB", {"1 GiB": 5}, nodes=2).boot_line().startswith("hugepagesz=1G hugepages=0:3,1:2 ")
    assert not hv.plan(["4 GiB", "64 GiB"], {"1 GiB": 8}).fits_at_boot, "the small node has no room for four"
    arm = hv.plan("256 GiB", {"1 GiB": 10}, architecture="arm64, 4 KiB base")
    assert arm.left_with == arm.left_without
    assert "off in this Linux" in str(arm)
    assert "hugetlb_free_vmemmap" not in arm.boot_line()


@pytest.mark.parametrize(
    "wrong",
    [{"memory": "x"}, {"memory": []}, {"pools": [1]}, {"pools": {"1 GiB": -1}}, {"pools": {"3 MiB": 1}}, {"nodes": 0},
     {"guests": [(1, 2)]}, {"system": "?"}, {"architecture": "vax"}, {"memory": 1 << 60}],
)  # fmt: skip
def test_what_cannot_be_planned_gets_a_sentence(wrong):
    with pytest.raises(hv.BadInput):
        hv.plan(**{"memory": "128 GiB", **wrong})


def test_the_command_plan(capsys):
    assert plan(["128GiB", "1G=120", "--system", "4GiB"]) == 0
    assert "7.87 GiB" in capsys.readouterr().out
    assert plan(["128GiB", "1G=140"]) == 1
    assert plan(["128GiB", "1G=x"]) == 2


# --- fleets ----------------------------------------------------------------------------------------------------------


def test_f10_where_linux_has_it_off_nothing_is_called_saved():
    text = repr(hv.Fleet(300, "256 GiB", (0.5, 0.8), "1 GiB", architecture="arm64, 4 KiB base"))
    assert "0 saved: off in this Linux" in text
    assert text.index("0 saved") < text.index("would allow")


def test_f11_several_sizes_and_counts():
    told = inventory("ram,kernel,architecture,1G,2M\n64 GiB,6.8.0-45-generic,x86_64,2,1024\n")
    assert told.all.to_save == 15358 * 4096
    assert inventory("ram,kernel,arch,hvo,pools\n64 GB,6.8,amd64,on,1G:2;2M:1024\n").all.saved == 15358 * 4096
    power = inventory("hosts;ram;kernel;architecture;16M\n7;64 GiB;6.4.0;ppc64le;676\n")
    assert str(power).count("0 saved: off in this Linux") == 2
    for line in (
        "6.8.0,arm64",
        "6.12.9,s390x",
        "6.18.2,s390x",
        "6.8.0-31-generic,s390x",
        "6.12.0,ppc64le",
        "6.8.0-31-generic,ppc64el",
    ):
        assert inventory(f"ram,kernel,architecture,1G\n64 GiB,{line},0\n").all.told() == "0 saved: off in this Linux", (
            line
        )
    either = inventory("ram,kernel,architecture,2M\n64 GiB,6.12.0-1.el8.cloud,x86_64,1000\n").all
    assert (either.saved, either.to_save, either.either, either.unknown) == (0, 0, 1000 * 28 * 1024, 1)
    assert either.told() == "not told for 1: 27.3 MiB saved or to save"
    arm = inventory("hosts,ram,kernel,architecture,1G\n300,256 GiB,6.8.0,arm64,100\n")
    assert (arm.all.saved, arm.all.to_save) == (0, 0)
    empty = inventory("hosts,ram,kernel,1G,2M\n1,64 GiB,6.1.0-18-amd64,,3\n")
    assert empty.all.huge == 3 * 2 * hv.MiB


def test_pages_of_one_size_told_twice_are_added_up():
    for header, cells in (("pools", "1G:3;1G:4"), ("pools,1G", "1G:3,4")):
        assert inventory(f"ram,kernel,{header}\n64 GiB,6.8.0,{cells}\n").all.huge == 7 * hv.GiB, header


def test_two_columns_of_one_size_are_not_taken_for_more_pages():
    with pytest.raises(hv.BadInput, match="two of 1 GiB"):
        inventory("ram,kernel,1G total,1G free\n64 GiB,6.8.0,40,12\n")


def test_a_fleet_is_the_sum_of_its_hosts():
    rows = [(3, 256, "6.1.0-18-amd64", 10, 300), (5, 512, "5.15.0-91-generic", 40, 0), (7, 64, "5.4.0", 1, 1)]
    told = inventory(
        "hosts,ram,kernel,architecture,1G,2M\n" + "".join(f"{n},{r} GiB,{k},x86_64,{g},{m}\n" for n, r, k, g, m in rows)
    )
    one = [hv.observe.host(f"Linux a {k} #1 SMP x86_64 GNU/Linux\nMemTotal: {r << 20} kB\nhugepages-1048576kB/nr_hugepages {g}\n"
                           f"hugepages-2048kB/nr_hugepages {m}\n").hosts[0] for _, r, k, g, m in rows]  # fmt: skip
    assert told.all.to_save == sum(n * host.to_save for (n, *_), host in zip(rows, one, strict=True))
    assert told.all.ram == sum(n * r * hv.GiB for n, r, *_ in rows)
    assert of_reports(one).all.to_save == sum(host.to_save for host in one)


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "ram\n", "ram\nx\n", "ram,1G\n1 GiB,2\n", "hosts,ram\n-1,1 GiB\n", "ram\n99999999 TiB\n"]
)
def test_an_inventory_that_cannot_be_read_gets_a_sentence_with_an_example(text):
    with pytest.raises(hv.BadInput, match="write for example"):
        inventory(text)


def test_the_command_fleet(tmp_path, capsys):
    file = tmp_path / "fleet.csv"
    file.write_text("hosts,ram,kernel,architecture,1G\n2,64 GiB,6.1.0-18-amd64,x86_64,10\n")
    assert fleet([str(file), "--csv", "--picture", str(tmp_path / "f.svg")]) == 0
    assert ",".join(["all", "2", str(128 * hv.GiB)]) in capsys.readouterr().out
    assert (tmp_path / "f.svg").read_text().startswith("<?xml")
    assert fleet([str(tmp_path / "none.csv")]) == 2
    assert fleet([str(file.rename(tmp_path / "FLEET.CSV"))]) == 0
    assert "128 GiB" in capsys.readouterr().out
    file = tmp_path / "FLEET.CSV"
    assert fleet([str(file), "--picture", str(tmp_path / "f.nothing")]) == 2


# --- sizes and addresses of real logs --------------------------------------------------------------------------------


def test_f09_the_kernels_own_kb_is_a_size():
    assert hv.HugePage("2048kB").size == 2 * hv.MiB
    assert hv.Fleet(1, "593026380 kB", 0.5).memory.low == 593026380 * 1024
    with pytest.raises(hv.BadInput, match="512 GiB"):
        hv.Fleet(1, "512 GB", 0.5)


def test_f12_addresses_of_kernels_with_address_randomisation():
    assert hv.page_to_pfn(0xFFFFFC0000F68A00, base=0xFFFFFC0000000000) == 0x3DA28
    with pytest.raises(hv.BadInput, match=r"address randomisation .*base="):
        hv.page_to_pfn(0xFFFFF3B2EC3A8000)


def test_f21_a_vendors_release_number_does_not_tell_the_scheme():
    with pytest.raises(hv.BadInput, match="does not tell the scheme"):
        hv.trial.scheme_of_series("5.14.0-427.13.1.el9_4.x86_64")
    told = "Linux a 5.14.0-427.13.1.el9_4.x86_64 #1 SMP x86_64 GNU/Linux\nhugepages-2048kB/nr_hugepages 100\n"
    assert hv.observe.host(told).json()["to_save"] == 100 * 24 * 1024
    assert "24 or 28 KiB" in str(hv.observe.host(told))
    line = "HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page\n"
    assert hv.observe.host(told + line).json()["to_save"] == 100 * 28 * 1024
