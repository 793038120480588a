#include <llmsim/error.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names up to this length are compared; none of ours is longer. */
enum { NAME_LENGTH_MAX = 64 };

/* One error is one line, whatever the input held. */
static void error_clean(struct error *error)
{
    for (char *c = error->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

static void error_format(struct error *error, const char *format, va_list arguments)
{
    size_t used = strlen(error->text);
    vsnprintf(error->text + used, sizeof error->text - used, format, arguments);
    error_clean(error);
}

bool error_input(struct error *error, const struct location *at, const char *format, ...)
{
    error->kind = ERROR_INPUT;
    error->text[0] = '\0';
    if (at != NULL && at->file != NULL) {
        if (at->line > 0 && at->column > 0)
            snprintf(error->text, sizeof error->text, "%s:%" PRId64 ":%d: ", at->file, at->line,
                     at->column);
        else if (at->line > 0)
            snprintf(error->text, sizeof error->text, "%s:%" PRId64 ": ", at->file, at->line);
        else
            snprintf(error->text, sizeof error->text, "%s: ", at->file);
    }
    va_list arguments;
    va_start(arguments, format);
    error_format(error, format, arguments);
    va_end(arguments);
    return false;
}

bool error_run(struct error *error, const char *format, ...)
{
    error->kind = ERROR_RUN;
    error->text[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    error_format(error, format, arguments);
    va_end(arguments);
    return false;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Edit distance where swapping two neighbours costs 1 (optimal string alignment), without regard to
 * case. Long names are infinitely far. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    if (length_a > NAME_LENGTH_MAX || length_b > NAME_LENGTH_MAX)
        return SIZE_MAX;
    size_t row[3][NAME_LENGTH_MAX + 1];
    size_t *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= length_b; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        now[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t substitution = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0 ? 0 : 1;
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + substitution);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[length_b];
}

static void error_append(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void error_append(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_format(error, format, arguments);
    va_end(arguments);
}

void error_suggest(struct error *error, const char *given, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            continue;
        named++;
        size_t distance = edit_distance(given, names[i]);
        if (distance < nearest_distance) {
            nearest = names[i];
            nearest_distance = distance;
        }
    }
    size_t length = strlen(given);
    size_t slip = length <= 3 ? 1 : length / 3 + 1;
    if (nearest != NULL && nearest_distance <= slip) {
        error_append(error, " (did you mean '%s'?)", nearest);
        return;
    }
    if (named == 0 || named > 12)
        return;
    const char *separator = " (known: ";
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            continue;
        error_append(error, "%s%s", separator, names[i]);
        separator = ", ";
    }
    error_append(error, ")");
}
