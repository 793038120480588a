#include "page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int argc;
    char **argv; /* owned copy of the list: getopt reorders the original */
} given;

void page_set_command(int argc, char **argv)
{
    given.argv = calloc((size_t)argc + 1, sizeof *given.argv);
    given.argc = given.argv != NULL ? argc : 0;
    for (int i = 0; i < given.argc; i++)
        given.argv[i] = argv[i];
}

/* In quotes where a shell would see more in it than a word. */
static void print_word(const char *word, FILE *stream)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./=:,+@%";
    if (*word != '\0' && strspn(word, plain) == strlen(word)) {
        fputs(word, stream);
        return;
    }
    fputc('\'', stream);
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'')
            fputs("'\\''", stream);
        else
            fputc(*c, stream);
    }
    fputc('\'', stream);
}

/* The caller frees it; NULL when memory cannot be had. */
static char *command_line(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    if (stream == NULL)
        return NULL;
    for (int i = 0; i < given.argc; i++) {
        if (i > 0)
            fputc(' ', stream);
        print_word(given.argv[i], stream);
    }
    return fclose(stream) == 0 ? text : NULL;
}

bool page_write(const struct page *page, FILE *stream, struct error *error)
{
    char *json = NULL, *command = command_line();
    size_t bytes = 0;
    FILE *text = open_memstream(&json, &bytes);
    bool done = command != NULL && text != NULL && page->print_json(page->context, text);
    if (text != NULL)
        done = fclose(text) == 0 && done;
    const struct html_report report = {.kind = page->kind,
                                       .title = page->title,
                                       .subtitle = page->subtitle,
                                       .command = command,
                                       .report_json = json,
                                       .extra = page->extra};
    done = done ? html_report_write(&report, stream, error)
                : error_run(error, "out of memory for the page");
    free(json);
    free(command);
    return done;
}

void page_title(const struct experiment_config *config, char title[256])
{
    snprintf(title, 256, "%s on %" PRId64 " × %s", config->model.name,
             engine_accelerators(&config->engine), config->accelerator.name);
}
