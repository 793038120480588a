/* What the JSON reports share. */
#ifndef LLMSIM_REPORT_JSON_VALUES_H
#define LLMSIM_REPORT_JSON_VALUES_H

#include "batch_means.h"
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Steals `value`; false when memory could not be had. */
static inline bool json_set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static inline bool json_set_whole(json_t *object, const char *key, int64_t value)
{
    return json_set(object, key, json_integer(value));
}

/* JSON has no NaN and no infinity: null. */
static inline json_t *json_real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static inline bool json_set_real(json_t *object, const char *key, double value)
{
    return json_set(object, key, json_real_or_null(value));
}

/* [low, high] */
static inline bool json_set_interval(json_t *object, const char *key,
                                     const struct interval *interval)
{
    return json_set(
        object, key,
        json_pack("[o, o]", json_real_or_null(interval->low), json_real_or_null(interval->high)));
}

/* A path or a name need not be UTF-8; JSON must be. NULL: null. */
static inline json_t *json_text_or_null(const char *value)
{
    if (value == NULL)
        return json_null();
    json_t *string = json_string(value);
    return string != NULL ? string : json_string("?");
}

static inline bool json_set_text(json_t *object, const char *key, const char *value)
{
    return json_set(object, key, json_text_or_null(value));
}

/* Steals `root`; writes it if it is complete, which it returns; write errors show when the stream is
 * closed. Seventeen digits read back as the very double: a configuration in it runs to the same
 * digest. */
static inline bool json_write(json_t *root, bool complete, FILE *stream)
{
    if (complete) {
        json_dumpf(root, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        fputc('\n', stream);
    }
    json_decref(root);
    return complete;
}

#endif
