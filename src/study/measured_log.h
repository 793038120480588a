/* What a real server, or the client that loaded it, recorded of every request.
 *
 * Files are told apart by what is in them:
 * - CSV with the columns arrival_s, input_tokens (or prompt_tokens), output_tokens, ttft_s or
 *   first_token_s, e2e_s or finished_s; optional scheduled_s, tpot_s, status. So is llmsim's own
 *   --requests.
 * - JSON of `vllm bench serve --save-result --save-detailed`
 * - JSON lines of aiperf (profile_export.jsonl)
 * - JSON of GuideLLM (benchmarks.json), of one benchmark */
#ifndef LLMSIM_STUDY_MEASURED_LOG_H
#define LLMSIM_STUDY_MEASURED_LOG_H

#include <llmsim/error.h>
#include <llmsim/request.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A larger file, or one that expands to more, is an error. (Fuzzers have a smaller limit.) */
#ifndef MEASURED_MAX_BYTES
#define MEASURED_MAX_BYTES ((size_t)256 << 20)
#endif

/* One completed request, by llmsim's definitions; times from the first arrival. */
struct measured_request {
    int64_t arrival_ns;                   /* ≥ 0 */
    int64_t scheduled_ns;                 /* −1: not recorded */
    int64_t first_token_ns;               /* ≥ arrival_ns */
    int64_t finished_ns;                  /* ≥ first_token_ns */
    int32_t prompt_tokens, output_tokens; /* ≥ 1 */
};

enum { MEASURED_NOTE_BYTES = 256, MEASURED_MAX_NOTES = 8 };

struct measured_log {
    const char *path;                  /* not owned */
    const char *format;                /* "vllm bench serve", … */
    struct measured_request *requests; /* owned; in order of arrival, equal times as in the file */
    size_t count;                      /* ≥ 1 */
    int64_t failed;                    /* that the file has as failed, and are left out */
    bool has_scheduled;                /* of every request */
    /* Where its definitions differ from llmsim's, or what is not as it seems: one line each. */
    char notes[MEASURED_MAX_NOTES][MEASURED_NOTE_BYTES];
    size_t note_count;
};

/* Read the file at `path` ("-": stdin; plain, gzip or zstd), which must outlive the log. The caller
 * ends the log, also after an error; what is wrong with the file is one with its line, where there is
 * one. */
bool measured_log_read(struct measured_log *log, const char *path, struct error *error);
void measured_log_fini(struct measured_log *log);

/* The log's requests as a stream, with their arrivals and lengths; of prefixes it knows nothing. */
struct measured_source {
    const struct measured_log *log;
    size_t next;
};

/* Sets up *source on *state; both, and the log, must outlive its use. There is nothing to destroy. */
void measured_source_init(struct measured_source *state, const struct measured_log *log,
                          struct request_source *source);

#endif
