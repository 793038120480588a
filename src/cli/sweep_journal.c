#include "sweep_journal.h"

#include "output_file.h"
#include "sweep_table.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

/* Longer than any row: the values of a sweep fit into a document. */
enum { LINE_BYTES = 2 * DOCUMENT_MAX_BYTES };

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return text == NULL ? XXH64("", 0, hash + 1) : XXH64(text, strlen(text) + 1, hash);
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

static json_t *make_mark(const struct sweep_plan *plan, const struct sweep_journal_options *options)
{
    uint64_t hash = hash_text(hash_file(0, plan->base), LLMSIM_VERSION);
    hash = hash_text(hash, options->study);
    for (size_t i = 0; i < options->override_count; i++)
        hash = hash_text(hash, options->overrides[i]);
    for (size_t run = 0; run < plan->run_count; run++) {
        for (size_t key = 0; key < plan->key_count; key++)
            hash = hash_text(hash, sweep_plan_value(plan, run, key));
    }
    char digits[17];
    snprintf(digits, sizeof digits, "%016" PRIx64, hash);
    json_t *keys = json_array();
    for (size_t key = 0; key < plan->key_count; key++)
        json_array_append_new(keys, json_string(plan->keys[key]));
    return json_pack("{s:s, s:b, s:I, s:o}", "llmsim_sweep", digits, "capacity", options->capacity,
                     "runs", (json_int_t)plan->run_count, "keys", keys);
}

static bool init(struct sweep_journal *journal, size_t run_count, struct error *error)
{
    journal->run_count = run_count;
    journal->offsets = malloc(run_count * sizeof *journal->offsets);
    journal->wanted = calloc(run_count, sizeof *journal->wanted);
    journal->line = malloc(LINE_BYTES);
    if (journal->offsets == NULL || journal->wanted == NULL || journal->line == NULL ||
        journal->mark == NULL)
        return error_run(error, "out of memory for the sweep");
    for (size_t run = 0; run < run_count; run++)
        journal->offsets[run] = -1;
    return true;
}

static bool write_mark(struct sweep_journal *journal, struct error *error)
{
    char *mark = json_dumps(journal->mark, JSON_COMPACT);
    const bool done = mark != NULL && fseek(journal->stream, 0, SEEK_SET) == 0 &&
                      ftruncate(fileno(journal->stream), 0) == 0 &&
                      fprintf(journal->stream, "%s\n", mark) > 0 && fflush(journal->stream) == 0;
    free(mark);
    return done ||
           error_run(error, "the journal of the sweep cannot be written: %s", strerror(errno));
}

/* The next whole line, without its end. False: there is none. */
static bool read_line(struct sweep_journal *journal, FILE *stream)
{
    if (fgets(journal->line, LINE_BYTES, stream) == NULL)
        return false;
    char *end = strchr(journal->line, '\n');
    if (end != NULL)
        *end = '\0';
    return end != NULL;
}

/* The number of the run whose row this is; −1: it is none of the sweep's. */
static int64_t run_of(const struct sweep_journal *journal, const json_t *row)
{
    const json_t *run = json_object_get(row, "run");
    if (!json_is_integer(run) || json_integer_value(run) < 0 ||
        json_integer_value(run) >= (json_int_t)journal->run_count ||
        !json_is_object(json_object_get(row, "values")))
        return -1;
    return json_integer_value(run);
}

/* Note which rows are there; behind the last whole one the next is written. */
static bool find_rows(struct sweep_journal *journal, struct error *error)
{
    int64_t at = ftell(journal->stream);
    while (read_line(journal, journal->stream)) {
        json_t *row = json_loads(journal->line, JSON_REJECT_DUPLICATES, NULL);
        const int64_t run = run_of(journal, row);
        json_decref(row);
        if (run < 0)
            return error_input(error, NULL, "%s: holds what is no row of the sweep",
                               journal->partial_path);
        journal->done_runs += journal->offsets[run] < 0;
        journal->offsets[run] = at;
        at = ftell(journal->stream);
    }
    return (ferror(journal->stream) == 0 && at >= 0 &&
            ftruncate(fileno(journal->stream), at) == 0 &&
            fseek(journal->stream, at, SEEK_SET) == 0) ||
           error_run(error, "%s: %s", journal->partial_path, strerror(errno));
}

static bool go_on(struct sweep_journal *journal, struct error *error)
{
    if (flock(fileno(journal->stream), LOCK_EX | LOCK_NB) != 0)
        return error_input(error, NULL, "%s: another sweep is writing it", journal->partial_path);
    /* Killed before it had said whose rows these would be. */
    if (!read_line(journal, journal->stream))
        return write_mark(journal, error);
    json_t *found = json_loads(journal->line, JSON_REJECT_DUPLICATES, NULL);
    const bool same = found != NULL && json_equal(found, journal->mark);
    json_decref(found);
    if (!same)
        return error_input(error, NULL,
                           "%s: is not of this sweep, or of another version of it: remove it to "
                           "begin anew",
                           journal->partial_path);
    return find_rows(journal, error);
}

static bool begin(struct sweep_journal *journal, struct error *error)
{
    journal->stream = fopen(journal->partial_path, "wx+e");
    if (journal->stream == NULL && errno == EEXIST)
        return error_input(error, NULL,
                           "%s: is of a sweep that was interrupted: --resume goes on with it, or "
                           "remove it",
                           journal->partial_path);
    if (journal->stream == NULL)
        return error_run(error, "%s: cannot be written: %s", journal->partial_path,
                         strerror(errno));
    (void)flock(fileno(journal->stream), LOCK_EX | LOCK_NB); /* for those who would resume it */
    return write_mark(journal, error);
}

static bool begin_unnamed(struct sweep_journal *journal, struct error *error)
{
    journal->stream = tmpfile();
    if (journal->stream == NULL)
        return error_run(error, "a temporary file cannot be made: %s", strerror(errno));
    return write_mark(journal, error);
}

static bool open_file(struct sweep_journal *journal, const struct sweep_journal_options *options,
                      struct error *error)
{
    if (options->path == NULL || strcmp(options->path, "-") == 0)
        return begin_unnamed(journal, error);
    if (asprintf(&journal->partial_path, "%s.partial", options->path) < 0) {
        journal->partial_path = NULL;
        return error_run(error, "out of memory");
    }
    if (options->resume)
        journal->stream = fopen(journal->partial_path, "r+e");
    return journal->stream != NULL ? go_on(journal, error) : begin(journal, error);
}

bool sweep_journal_open(struct sweep_journal *journal, const struct sweep_plan *plan,
                        const struct sweep_journal_options *options, struct error *error)
{
    *journal = (struct sweep_journal){.path = options->path, .mark = make_mark(plan, options)};
    if (!init(journal, plan->run_count, error) || !open_file(journal, options, error))
        return false;
    for (size_t run = options->shard; run < journal->run_count; run += options->shards) {
        journal->wanted[run] = journal->offsets[run] < 0;
        journal->wanted_runs += journal->wanted[run];
    }
    return true;
}

/* The rows of one of the journals. */
static bool copy_rows(struct sweep_journal *journal, const char *path, FILE *from,
                      struct error *error)
{
    while (read_line(journal, from)) {
        json_t *row = json_loads(journal->line, JSON_REJECT_DUPLICATES, NULL);
        const int64_t run = run_of(journal, row);
        json_decref(row);
        if (run < 0)
            return error_input(error, NULL, "%s: holds what is no row of the sweep", path);
        if (journal->offsets[run] < 0 && !sweep_journal_add(journal, (size_t)run, journal->line))
            return error_run(error, "the journal of the sweep cannot be written: %s",
                             strerror(errno));
    }
    return true;
}

static bool is_mark(const json_t *mark)
{
    const json_t *runs = json_object_get(mark, "runs"), *keys = json_object_get(mark, "keys");
    if (!json_is_string(json_object_get(mark, "llmsim_sweep")) || !json_is_integer(runs) ||
        json_integer_value(runs) < 1 || json_integer_value(runs) > SWEEP_MAX_RUNS ||
        json_array_size(keys) < 1 || json_array_size(keys) > SWEEP_MAX_KEYS)
        return false;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (!json_is_string(json_array_get(keys, i)))
            return false;
    }
    return true;
}

/* Add what is in the journal at `path`; the first says what sweep it is. */
static bool merge_file(struct sweep_journal *journal, const char *path, FILE *from,
                       struct error *error)
{
    char first[65536];
    char *end = fgets(first, sizeof first, from) != NULL ? strchr(first, '\n') : NULL;
    json_t *mark = end != NULL ? json_loads(first, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!is_mark(mark)) {
        json_decref(mark);
        return error_input(error, NULL, "%s: is not what llmsim sweep --shard leaves", path);
    }
    if (journal->mark == NULL) {
        journal->mark = mark;
        return init(journal, (size_t)json_integer_value(json_object_get(mark, "runs")), error) &&
               begin_unnamed(journal, error) && copy_rows(journal, path, from, error);
    }
    const bool same = json_equal(mark, journal->mark);
    json_decref(mark);
    if (!same)
        return error_input(error, NULL, "%s: is of another sweep, or of another version of it",
                           path);
    return copy_rows(journal, path, from, error);
}

bool sweep_journal_merge(struct sweep_journal *journal, char **paths, size_t count,
                         struct error *error)
{
    *journal = (struct sweep_journal){0};
    for (size_t i = 0; i < count; i++) {
        FILE *from = fopen(paths[i], "re");
        if (from == NULL)
            return error_input(error, NULL, "%s: cannot be opened: %s", paths[i], strerror(errno));
        const bool merged = merge_file(journal, paths[i], from, error);
        fclose(from);
        if (!merged)
            return false;
    }
    size_t run = 0;
    while (run < journal->run_count && journal->offsets[run] >= 0)
        run++;
    return run == journal->run_count ||
           error_input(error, NULL,
                       "%zu of %zu runs are in none of these, the first of them run %zu",
                       journal->run_count - journal->done_runs, journal->run_count, run);
}

void sweep_journal_close(struct sweep_journal *journal)
{
    if (journal->stream != NULL)
        fclose(journal->stream);
    json_decref(journal->mark);
    free(journal->partial_path);
    free(journal->offsets);
    free(journal->wanted);
    free(journal->line);
    *journal = (struct sweep_journal){0};
}

bool sweep_journal_add(struct sweep_journal *journal, size_t run, const char *line)
{
    const int64_t at = ftell(journal->stream);
    if (at < 0 || fprintf(journal->stream, "%s\n", line) < 0 || fflush(journal->stream) != 0)
        return false;
    journal->offsets[run] = at;
    journal->done_runs++;
    return true;
}

json_t *sweep_journal_row(struct sweep_journal *journal, size_t run, struct error *error)
{
    const bool read = fseek(journal->stream, journal->offsets[run], SEEK_SET) == 0 &&
                      read_line(journal, journal->stream);
    json_t *row = read ? json_loads(journal->line, 0, NULL) : NULL;
    if (row == NULL)
        error_run(error, "the journal of the sweep cannot be read: %s", strerror(errno));
    return row;
}

size_t sweep_journal_keys(const struct sweep_journal *journal,
                          const char *keys[static SWEEP_MAX_KEYS])
{
    const json_t *list = json_object_get(journal->mark, "keys");
    const size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++)
        keys[i] = json_string_value(json_array_get(list, i));
    return count;
}

bool sweep_journal_print(struct sweep_journal *journal, bool json, FILE *stream,
                         struct error *error)
{
    const char *keys[SWEEP_MAX_KEYS];
    const struct sweep_columns columns = {
        .keys = keys,
        .key_count = sweep_journal_keys(journal, keys),
        .capacity = json_is_true(json_object_get(journal->mark, "capacity"))};
    if (!json)
        sweep_print_header(&columns, stream);
    for (size_t run = 0; run < journal->run_count; run++) {
        json_t *row = sweep_journal_row(journal, run, error);
        if (row == NULL)
            return false;
        if (json)
            fprintf(stream, "%s\n", journal->line);
        else
            sweep_print_csv(row, &columns, stream);
        json_decref(row);
    }
    return true;
}

bool sweep_journal_keep(struct sweep_journal *journal, struct error *error)
{
    return rename(journal->partial_path, journal->path) == 0 ||
           error_run(error, "%s: cannot be written: %s", journal->path, strerror(errno));
}

void sweep_journal_remove(struct sweep_journal *journal)
{
    if (journal->partial_path != NULL)
        unlink(journal->partial_path);
}
