/* Measured kernel times, read from CSV files that are told apart by their header. */
#ifndef LLMSIM_STUDY_MEASUREMENTS_H
#define LLMSIM_STUDY_MEASUREMENTS_H

#include "kernels.h"
#include <llmsim/error.h>
#include <llmsim/model.h>
#include <stddef.h>

/* Chunks and decodes of a measured step. */
#define MEASUREMENT_MAX_BATCH 4096

struct measurement {
    struct kernel kernel;
    double latency_s;
    uint64_t shape_group; /* rows with equal ones differ in their tokens only */
    int64_t line;
    int32_t file;  /* index in struct measurements */
    int32_t part;  /* index in the file's parts */
    bool fit_only; /* informs a fit, a little, and is compared with nothing */
};

/* Rows of a file that are not compared, for one and the same reason. */
struct left_out {
    char reason[96];
    int64_t rows;
};

enum { MEASUREMENT_MAX_PARTS = 64, MEASUREMENT_MAX_REASONS = 16 };

struct measurement_file {
    const char *path; /* as given; not owned */
    const char *kind; /* a string literal: "gemm", "dense_layers" */
    int64_t rows;     /* taken: part of the measurements */
    int part_count, left_out_count;
    char parts[MEASUREMENT_MAX_PARTS][48]; /* what its rows are divided into: dtypes, layers */
    struct left_out left_out[MEASUREMENT_MAX_REASONS];
};

struct measurements {
    struct measurement *rows; /* owned; in the order of the files, and of their lines */
    size_t count, capacity;
    struct measurement_file *files; /* owned */
    size_t file_count;
};

/* What the files do not say of themselves. */
struct measurement_options {
    /* "NAME=FILE": the file that describes the model of that name; "FILE" or a shipped model's name
     * alone: the model of files that have no such column. */
    const char *const *models;
    size_t model_count;
    /* Collectives: "NAME" or "NAME/VERSION" of the implementations to take, with commas between them;
     * NULL: all. */
    const char *implementation;
    const char *config_directory; /* that holds models/; may be NULL */
};

/* Read the files and leave out what `accelerator` cannot run. Neither a bad row nor a file without
 * any row is accepted; one whose every row is left out is. The caller ends it with
 * measurements_fini, whatever is returned. */
bool measurements_read(struct measurements *measurements, const char *const *paths, size_t count,
                       const struct accelerator *accelerator,
                       const struct measurement_options *options, struct error *error);
void measurements_fini(struct measurements *measurements);

/* Count a row of the file as left out. */
void measurement_file_leave_out(struct measurement_file *file, const char *reason);

#endif
