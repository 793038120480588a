/* How the formats of measured logs are read: each turns the file's text into rows. */
#ifndef LLMSIM_STUDY_MEASURED_FORMATS_H
#define LLMSIM_STUDY_MEASURED_FORMATS_H

#include "measured_log.h"
#include <jansson.h>

/* A file that is being read. */
struct measured_reading {
    struct measured_log *log;
    size_t capacity;  /* of log->requests */
    const char *text; /* all of the file, NUL-terminated */
    size_t length;
    const char *name; /* of the file, for messages */
    /* Of rows with a time per output token of their own: by which definition it is one. */
    int64_t with_tpot, vllm_tpot, all_tokens_tpot, whole_tpot;
    struct error *error;
};

/* One request as a file has it. */
struct measured_row {
    int64_t line;         /* of the file; 0: unknown */
    int64_t arrival_ns;   /* from whenever */
    double scheduled_s;   /* after the arrival; NaN: not recorded */
    double ttft_s, e2e_s; /* after the arrival */
    double tpot_s;        /* as the file says; NaN: it does not */
    double prompt_tokens, output_tokens;
};

/* Check the row and append it. False with *error filled. */
bool measured_add(struct measured_reading *reading, const struct measured_row *row);

/* One line more to be told; too many, or one that is there, are passed over. */
void measured_note(struct measured_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An error at the line (0: of the file). Always false. */
bool measured_refuse(struct measured_reading *reading, int64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Seconds since whenever as nanoseconds; false when that cannot be. */
bool measured_arrival_ns(double arrival_s, int64_t *arrival_ns);

/* The number under the key; NaN where there is none. */
double measured_number(const json_t *object, const char *key);

/* What all clients have in common. */
void measured_note_client(struct measured_log *log);

bool measured_read_csv(struct measured_reading *reading);
bool measured_read_vllm(struct measured_reading *reading, const json_t *root);
bool measured_read_guidellm(struct measured_reading *reading, const json_t *root);
bool measured_read_aiperf(struct measured_reading *reading); /* all lines */

#endif
