#include "sweep_journal.h"

#include "output_file.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* "# llmsim sweep 0123456789abcdef\n": what the rows behind it are of. */
enum { MARK_BYTES = 32 };

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return XXH64(text, strlen(text) + 1, hash);
}

/* Of the base file's bytes; one that cannot be read says so when it is run. */
static uint64_t hash_file(uint64_t hash, const char *path)
{
    char bytes[4096];
    size_t got = 0;
    FILE *stream = fopen(path, "re");
    while (stream != NULL && (got = fread(bytes, 1, sizeof bytes, stream)) > 0)
        hash = XXH64(bytes, got, hash);
    if (stream != NULL)
        fclose(stream);
    return hash;
}

static void make_mark(const struct sweep_plan *plan, const struct sweep_journal_options *options,
                      char mark[MARK_BYTES + 1])
{
    uint64_t hash = hash_text(hash_file(0, plan->base), LLMSIM_VERSION);
    for (size_t i = 0; i < options->override_count; i++)
        hash = hash_text(hash, options->overrides[i]);
    for (size_t key = 0; key < plan->key_count; key++)
        hash = hash_text(hash, plan->keys[key]);
    for (size_t run = 0; run < plan->run_count; run++) {
        for (size_t key = 0; key < plan->key_count; key++)
            hash = hash_text(hash, sweep_plan_value(plan, run, key));
    }
    snprintf(mark, MARK_BYTES + 1, "# llmsim sweep %016" PRIx64 "\n", hash);
}

/* Up to the last whole line: rows that it holds, and where the next goes. */
static bool find_end(FILE *stream, size_t *lines, long *end)
{
    int c = 0;
    *lines = 0;
    *end = ftell(stream);
    while ((c = getc(stream)) != EOF) {
        if (c == '\n') {
            ++*lines;
            *end = ftell(stream);
        }
    }
    return ferror(stream) == 0 && *end >= 0;
}

static bool write_mark(struct sweep_journal *journal, const char *mark, struct error *error)
{
    journal->is_new = true;
    return (fseek(journal->stream, 0, SEEK_SET) == 0 &&
            ftruncate(fileno(journal->stream), 0) == 0 && fputs(mark, journal->stream) >= 0 &&
            fflush(journal->stream) == 0) ||
           error_run(error, "%s: cannot be written: %s", journal->partial_path, strerror(errno));
}

static bool go_on(struct sweep_journal *journal, const struct sweep_plan *plan,
                  const struct sweep_journal_options *options, const char *mark,
                  struct error *error)
{
    char found[MARK_BYTES + 1] = "";
    size_t lines = 0;
    long end = 0;
    const bool has_mark = fgets(found, sizeof found, journal->stream) != NULL;
    /* Killed before it had said whose rows these would be. */
    if (!has_mark || strchr(found, '\n') == NULL)
        return write_mark(journal, mark, error);
    if (strcmp(found, mark) != 0)
        return error_input(error, NULL,
                           "%s: is not of this sweep, or of another version of it: remove it to "
                           "begin anew",
                           journal->partial_path);
    if (!find_end(journal->stream, &lines, &end) || ftruncate(fileno(journal->stream), end) != 0 ||
        fseek(journal->stream, end, SEEK_SET) != 0)
        return error_run(error, "%s: %s", journal->partial_path, strerror(errno));
    const size_t before = options->has_header ? 1 : 0;
    journal->is_new = lines < before;
    journal->done_runs = lines > before ? lines - before : 0;
    if (journal->done_runs > plan->run_count)
        return error_input(error, NULL, "%s: holds more runs than the sweep has",
                           journal->partial_path);
    return true;
}

static bool begin(struct sweep_journal *journal, const char *mark, struct error *error)
{
    journal->stream = fopen(journal->partial_path, "wxe");
    if (journal->stream == NULL && errno == EEXIST)
        return error_input(error, NULL,
                           "%s: is of a sweep that was interrupted: --resume goes on with it, or "
                           "remove it",
                           journal->partial_path);
    if (journal->stream == NULL)
        return error_run(error, "%s: cannot be written: %s", journal->partial_path,
                         strerror(errno));
    return write_mark(journal, mark, error);
}

bool sweep_journal_open(struct sweep_journal *journal, const struct sweep_plan *plan,
                        const struct sweep_journal_options *options, struct error *error)
{
    char mark[MARK_BYTES + 1];
    *journal = (struct sweep_journal){.stream = stdout, .path = options->path, .is_new = true};
    if (options->path == NULL || strcmp(options->path, "-") == 0)
        return true;
    journal->stream = NULL;
    if (output_file_same(options->path, plan->base))
        return error_input(error, NULL, "%s: would overwrite %s, which is read", options->path,
                           plan->base);
    if (asprintf(&journal->partial_path, "%s.partial", options->path) < 0) {
        journal->partial_path = NULL;
        return error_run(error, "out of memory");
    }
    make_mark(plan, options, mark);
    if (options->resume)
        journal->stream = fopen(journal->partial_path, "r+e");
    if (journal->stream != NULL)
        return go_on(journal, plan, options, mark, error);
    return begin(journal, mark, error);
}

void sweep_journal_close(struct sweep_journal *journal)
{
    if (journal->partial_path != NULL && journal->stream != NULL)
        fclose(journal->stream);
    journal->stream = NULL;
    free(journal->partial_path);
    journal->partial_path = NULL;
}

bool sweep_journal_flush(struct sweep_journal *journal)
{
    return fflush(journal->stream) == 0 && ferror(journal->stream) == 0;
}

static bool copy_rows(FILE *from, FILE *to)
{
    char bytes[1 << 14];
    size_t got = 0;
    while ((got = fread(bytes, 1, sizeof bytes, from)) > 0) {
        if (fwrite(bytes, 1, got, to) != got)
            return false;
    }
    return ferror(from) == 0;
}

bool sweep_journal_finish(struct sweep_journal *journal, struct error *error)
{
    if (!sweep_journal_flush(journal))
        return error_run(error, "the results cannot be written");
    if (journal->partial_path == NULL)
        return true;
    struct output_file output = {0};
    FILE *rows = fopen(journal->partial_path, "re");
    bool done = rows != NULL && fseek(rows, MARK_BYTES, SEEK_SET) == 0;
    if (!done)
        error_run(error, "%s: %s", journal->partial_path, strerror(errno));
    done = done && output_file_open(&output, journal->path, error);
    if (done && !copy_rows(rows, output.stream))
        done = error_run(error, "%s: %s", journal->partial_path, strerror(errno));
    done = done && output_files_commit(&output, 1, error);
    output_file_discard(&output);
    if (rows != NULL)
        fclose(rows);
    if (done)
        unlink(journal->partial_path);
    return done;
}
