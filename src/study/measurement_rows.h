/* The kinds of measurement files: their columns, and what a row of them is. */
#ifndef LLMSIM_STUDY_MEASUREMENT_ROWS_H
#define LLMSIM_STUDY_MEASUREMENT_ROWS_H

#include "measured_models.h"

enum column {
    COLUMN_LATENCY,
    COLUMN_DTYPE,
    COLUMN_MODEL,
    COLUMN_TP,
    COLUMN_TOKENS,
    COLUMN_LAYER,
    COLUMN_M,
    COLUMN_N,
    COLUMN_K,
    COLUMN_BATCH_SIZE,
    COLUMN_Q_LEN,
    COLUMN_KV_LEN,
    COLUMN_NUM_HEADS,
    COLUMN_NUM_KV_HEADS,
    COLUMN_HEAD_DIM,
    COLUMN_ATTN_DTYPE,
    COLUMN_KV_CACHE_DTYPE,
    COLUMN_L2_WARM,
    COLUMN_NUM_TOKENS,
    COLUMN_HIDDEN_SIZE,
    COLUMN_INTER_SIZE,
    COLUMN_TOPK,
    COLUMN_NUM_EXPERTS,
    COLUMN_MOE_TP_SIZE,
    COLUMN_MOE_EP_SIZE,
    COLUMN_DISTRIBUTION,
    COLUMN_IMPL,
    COLUMN_VERSION,
    COLUMN_MODE,
    COLUMN_COLLECTIVE,
    COLUMN_NUM_GPUS,
    COLUMN_BYTES,
    COLUMN_SEQUENCES,
    COLUMN_PREFILL_CHUNK,
    COLUMN_KV_PREFILL,
    COLUMN_N_DECODE,
    COLUMN_KV_DECODE,
    COLUMN_ACTIVATED_EXPERTS,
    COLUMN_COUNT
};

/* What a column holds: a text, or a number between two. */
struct column_type {
    const char *name;
    enum { HOLDS_TEXT, HOLDS_WHOLE, HOLDS_REAL } holds;
    double minimum, maximum;
};
extern const struct column_type column_types[COLUMN_COUNT];

/* One row as its columns say. */
struct measured_row {
    double number[COLUMN_COUNT];
    const char *text[COLUMN_COUNT]; /* NULL: the file has no such column */
};

/* What a row of one file is made of, beside the row. */
struct row_context {
    struct measured_models *models;
    struct measurement_file *file;
    const struct measurement_options *options;
    const struct model *file_model; /* of kinds with a model, in files without that column */
    enum column wrong;              /* the column that is wrong */
    char part[48];                  /* of the file's rows, the one this belongs to */
    char left_out[96];              /* why it is not taken */
};

enum row_result {
    ROW_TAKEN,
    ROW_LEFT_OUT, /* context->left_out says why */
    ROW_WRONG,    /* *error says what is wrong with the column `wrong`, without its place */
    ROW_FAILED    /* *error is complete */
};

struct measurement_kind {
    const char *name;
    const enum column *columns; /* that it must have, beside latency_us */
    size_t column_count;
    bool has_model; /* in column `model`, or that of the file */
    /* Fill kernel and shape_group. */
    enum row_result (*convert)(const struct measured_row *row, struct row_context *context,
                               struct measurement *measurement, struct error *error);
};

extern const struct measurement_kind measurement_kinds[];
extern const size_t measurement_kind_count;

#endif
