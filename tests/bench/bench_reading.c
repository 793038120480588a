/* How fast a trace is read: bench_reading TRACE... reads each file as `workload.trace` would be,
 * and sets that beside only counting the lines of the same bytes, decompressed. Prints figures;
 * asserts none. CPU time of this process; MB as decompressed; the process's peak memory so far. */
#include "byte_reader.h"
#include "trace_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { BLOCK_BYTES = 128 << 10 };

static double cpu_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double peak_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024.0;
}

static bool read_trace(const char *path, int64_t *requests, struct error *error)
{
    const struct trace_options options = {.path = path, .format = -1};
    struct request_source source;
    struct request request;
    if (!trace_source_open(&options, &source, error))
        return false;
    enum request_source_result result;
    while ((result = source.next(source.state, &request, error)) == SOURCE_REQUEST)
        ++*requests;
    source.destroy(source.state);
    return result == SOURCE_END;
}

/* The least that can be done about lines. */
static bool count_lines(const char *path, int64_t *lines, int64_t *bytes, struct error *error)
{
    static char block[BLOCK_BYTES];
    struct byte_reader *reader = byte_reader_open(path, error);
    if (reader == NULL)
        return false;
    const struct location at = {path, 0, 0};
    size_t got = 0;
    bool read;
    while ((read = byte_reader_read(reader, block, sizeof block, &got, &at, error)) && got > 0) {
        const char *const end = block + got;
        const char *c = block;
        while ((c = memchr(c, '\n', (size_t)(end - c))) != NULL) {
            ++*lines;
            c++;
        }
        *bytes += (int64_t)got;
    }
    byte_reader_close(reader);
    return read;
}

static bool bench(const char *path, struct error *error)
{
    int64_t requests = 0;
    int64_t lines = 0;
    int64_t bytes = 0;
    const double start_s = cpu_clock_s();
    if (!read_trace(path, &requests, error))
        return false;
    const double read_s = cpu_clock_s() - start_s;
    const double peak = peak_mib();
    if (!count_lines(path, &lines, &bytes, error))
        return false;
    const double count_s = cpu_clock_s() - start_s - read_s;
    printf("%10" PRId64 " %9.1f %9.3f %8.1f %8.2f %8.1f %11.1f  %s\n", requests,
           1e-6 * (double)bytes, read_s, 1e-6 * (double)bytes / read_s,
           1e-6 * (double)requests / read_s, peak, read_s / count_s, path);
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: bench_reading TRACE...\n", stderr);
        return ERROR_INPUT;
    }
    printf("%10s %9s %9s %8s %8s %8s %11s\n", "requests", "MB", "s", "MB/s", "Mrows/s", "peak MiB",
           "read/count");
    for (int i = 1; i < argc; i++) {
        struct error error = {0};
        if (!bench(argv[i], &error)) {
            fprintf(stderr, "%s\n", error.text);
            return (int)error.kind;
        }
    }
    return 0;
}
