/*
 * The helper inside the guest. Static, small, prints plain numbers.
 *
 *   hugeuser heads SHIFT     first PFN of every HugeTLB page of 2^SHIFT bytes, one a line
 *   hugeuser flags PFN N     /proc/kpageflags of N frames from PFN on, one a line
 *   hugeuser settle          /proc/vmstat, then the per-CPU pages and MemTotal, once the free pages stand still
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD (UINT64_C(1) << 15)
#define HUGE (UINT64_C(1) << 17)

static char text[1 << 19];

static int must_open(const char *path)
{
	int file = open(path, O_RDONLY);

	if (file < 0) {
		perror(path);
		exit(1);
	}
	return file;
}

static char *slurp(const char *path)
{
	size_t fill = 0;
	ssize_t got;
	int file = must_open(path);

	while ((got = read(file, text + fill, sizeof(text) - 1 - fill)) > 0)
		fill += got;
	text[fill] = 0;
	close(file);
	return text;
}

static void poke(const char *path)
{
	int file = open(path, O_WRONLY);

	if (file < 0 || write(file, "1", 1) != 1)
		perror(path);
	close(file);
}

/* Some kernels show fake heads here; only a frame aligned to the size can be a real one. */
static void heads(int shift)
{
	static uint64_t flags[4096];
	uint64_t pfn = 0, frames = UINT64_C(1) << (shift - 12);
	int file = must_open("/proc/kpageflags");
	ssize_t got;

	while ((got = read(file, flags, sizeof(flags))) > 0)
		for (ssize_t i = 0; i < got / 8; i++, pfn++)
			if (!(pfn % frames) && (flags[i] & (HEAD | HUGE)) == (HEAD | HUGE))
				printf("%llu\n", (unsigned long long)pfn);
}

static void flags(uint64_t pfn, long count)
{
	int file = must_open("/proc/kpageflags");
	uint64_t word;

	for (long i = 0; i < count && pread(file, &word, 8, (pfn + i) * 8) == 8; i++)
		printf("%llu\n", (unsigned long long)word);
}

static long number_after(const char *name)
{
	char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) : 0;
}

/* Pages in per-CPU lists are free, but not counted in nr_free_pages. */
static long free_pages(long *per_cpu)
{
	long in_buddy;

	poke("/proc/sys/vm/drop_caches");
	poke("/proc/sys/vm/stat_refresh");
	slurp("/proc/zoneinfo");
	*per_cpu = 0;
	for (char *at = text; (at = strstr(at, " count:")); at += 7)
		*per_cpu += atol(at + 7);
	slurp("/proc/vmstat");
	in_buddy = number_after("nr_free_pages ");
	return in_buddy + *per_cpu;
}

static void settle(void)
{
	long per_cpu, now, last = free_pages(&per_cpu);

	for (int same = 0, tries = 0; same < 4 && tries < 100; tries++) {
		usleep(30000);
		now = free_pages(&per_cpu);
		same = now == last ? same + 1 : 0;
		last = now;
	}
	fputs(text, stdout);
	printf("per_cpu_pages %ld\n", per_cpu);
	slurp("/proc/meminfo");
	printf("mem_total_kB %ld\n", number_after("MemTotal:"));
}

int main(int count, char **words)
{
	if (count == 3 && !strcmp(words[1], "heads"))
		heads(atoi(words[2]));
	else if (count == 4 && !strcmp(words[1], "flags"))
		flags(strtoull(words[2], NULL, 0), atol(words[3]));
	else if (count == 2 && !strcmp(words[1], "settle"))
		settle();
	else
		return 2;
	return 0;
}
