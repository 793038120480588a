/* What a real server, or the client that loaded it, recorded of every request.
 *
 * Files are told apart by what is in them:
 * - CSV with the columns arrival_s, input_tokens (or prompt_tokens), output_tokens, ttft_s, and
 *   e2e_s or finished_s; optional scheduled_s, first_token_s, tpot_s
 * - JSON of `vllm bench serve --save-result --save-detailed`
 * - JSON lines of aiperf (profile_export.jsonl)
 * - JSON of GuideLLM (benchmarks.json) */
#ifndef LLMSIM_STUDY_MEASURED_LOG_H
#define LLMSIM_STUDY_MEASURED_LOG_H

#include <llmsim/error.h>
#include <llmsim/request.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One completed request, by llmsim's definitions; times from the first arrival. */
struct measured_request {
    int64_t arrival_ns;                   /* ≥ 0 */
    int64_t scheduled_ns;                 /* −1: not recorded */
    int64_t first_token_ns;               /* ≥ arrival_ns */
    int64_t finished_ns;                  /* ≥ first_token_ns; with one output token the same */
    int32_t prompt_tokens, output_tokens; /* ≥ 1 */
    int64_t line; /* of the file, for messages; 0: of JSON, where only the position is known */
};

enum { MEASURED_NOTE_BYTES = 256, MEASURED_MAX_NOTES = 16 };

struct measured_log {
    const char *path;                  /* not owned */
    const char *format;                /* "vllm bench serve", … */
    struct measured_request *requests; /* owned; in order of arrival, equal times as in the file */
    size_t count;                      /* ≥ 1 */
    int64_t failed;                    /* that the file has as failed, and are left out */
    bool has_scheduled;                /* of every request */
    /* Where its definitions or its contents differ from what they are compared with: one line each. */
    char notes[MEASURED_MAX_NOTES][MEASURED_NOTE_BYTES];
    size_t note_count;
};

/* Read the file at `path` ("-": stdin; plain, .gz or .zst). The caller ends the log, also after an
 * error; what is wrong with the file is an error with line, and column where that is known. */
bool measured_log_read(struct measured_log *log, const char *path, struct error *error);
void measured_log_fini(struct measured_log *log);

/* The log's requests as a source, which refers to the log: arrivals and lengths, no prefixes. */
void measured_log_source(const struct measured_log *log, struct request_source *source,
                         struct error *error);

#endif
