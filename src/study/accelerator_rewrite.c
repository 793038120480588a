#include "accelerator_rewrite.h"

#include "accelerator_file.h"
#include "named_file.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool accelerator_source_read(struct accelerator_source *source, const char *name_or_path,
                             const char *config_directory, struct error *error)
{
    *source = (struct accelerator_source){.document = document_create(),
                                          .config_directory = config_directory};
    if (source->document == NULL)
        return error_run(error, "out of memory");
    const struct node reference = {.kind = NODE_SCALAR, .text = name_or_path};
    const struct name_lookup lookup = {.document = source->document,
                                       .folder = "accelerators",
                                       .config_directory = config_directory};
    source->path = named_file_path(&lookup, &reference, error);
    struct node *mapping =
        source->path != NULL ? document_read_file(source->document, source->path, error) : NULL;
    source->mapping = mapping;
    return mapping != NULL && accelerator_read(source->document, mapping, config_directory,
                                               &source->accelerator, error);
}

void accelerator_source_fini(struct accelerator_source *source)
{
    document_destroy(source->document);
    *source = (struct accelerator_source){0};
}

void accelerator_value_format(double value, enum unit unit, char text[32])
{
    double scale = 1.0;
    const char *symbol = "";
    if (unit == UNIT_SECONDS || unit == UNIT_SECONDS_PER_TOKEN) {
        scale = 1e6;
        symbol = " us";
    } else if (unit == UNIT_BYTES_PER_S) {
        scale = value < 1e12 ? 1e-9 : 1e-12;
        symbol = value < 1e12 ? " GB/s" : " TB/s";
    }
    snprintf(text, 32, "%.4g%s", value * scale, symbol);
    if (isnan(value))
        *text = '\0';
}

/* The file being written: the lines of the old one, some of them replaced. */
struct rewriting {
    const struct accelerator_source *source;
    const struct node *root; /* of the old text, without what efficiencies_from would add */
    const struct calibration_report *report;
    char **lines; /* of the old text; NUL-terminated */
    size_t line_count;
    FILE *out;
};

static bool names_section(const struct rewriting *rewriting, size_t fit, const char *section)
{
    assert(section != NULL);
    return strcmp(rewriting->report->fits[fit].section, section) == 0;
}

/* The first fit of each section stands for all of them. */
static bool is_first_of_section(const struct rewriting *rewriting, size_t fit)
{
    for (size_t i = 0; i < fit; i++) {
        if (names_section(rewriting, i, rewriting->report->fits[fit].section))
            return false;
    }
    return true;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* One word after the other behind "# ", in lines of at most 100. */
static void print_comment(const char *text, FILE *out)
{
    enum { WIDTH = 100 };
    size_t column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > 0 && column + 1 + length > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        fprintf(out, "%s%.*s", column == 0 ? "# " : " ", (int)length, text);
        column += (column == 0 ? 2 : 1) + length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', out);
}

static void print_sources(const struct rewriting *rewriting, const char *section)
{
    char text[512];
    print_comment("Fitted by llmsim calibrate: least squares on the logarithm of predicted over "
                  "measured time, robust against outliers.",
                  rewriting->out);
    for (size_t i = 0; i < rewriting->report->fit_count; i++) {
        const struct calibration_fit *fit = &rewriting->report->fits[i];
        if (!names_section(rewriting, i, section))
            continue;
        for (size_t j = 0; j < fit->source_count; j++) {
            const struct calibration_errors *errors = &fit->sources[j].errors;
            snprintf(text, sizeof text,
                     "%.200s: %lld rows, mean error %.1f %%, median %.1f %%, bias %+.1f %%%s",
                     file_name(fit->sources[j].path), (long long)errors->rows, errors->mape_pct,
                     errors->median_ape_pct, errors->bias_pct,
                     j + 1 < fit->source_count ? ";" : ".");
            print_comment(text, rewriting->out);
        }
        snprintf(text, sizeof text, "Shapes held out: mean error %.1f %%, median %.1f %%.",
                 fit->held_out.mape_pct, fit->held_out.median_ape_pct);
        if (fit->held_out.rows > 0)
            print_comment(text, rewriting->out);
    }
}

static const struct calibration_parameter *find_parameter(const struct rewriting *rewriting,
                                                          const char *section, const char *key)
{
    for (size_t i = 0; i < rewriting->report->fit_count; i++) {
        const struct calibration_fit *fit = &rewriting->report->fits[i];
        for (size_t j = 0; j < fit->parameter_count && names_section(rewriting, i, section); j++) {
            if (strcmp(fit->parameters[j].key, key) == 0)
                return &fit->parameters[j];
        }
    }
    return NULL;
}

static void print_fitted(const struct calibration_parameter *parameter, int indent, FILE *out)
{
    fprintf(out, "%*s%s: %s  # fitted\n", indent, "", parameter->key, parameter->after);
}

/* Of a section that is not in the file: what is not fitted, as it stood where it was taken from
 * (efficiencies_from), of which nothing is taken any more once there is such a section. */
static void print_lent(const struct rewriting *rewriting, const char *section,
                       const struct node *lent, int indent)
{
    for (size_t i = 0; lent != NULL && i < lent->count; i++) {
        const struct calibration_parameter *parameter =
            find_parameter(rewriting, section, lent->keys[i]);
        if (parameter == NULL || parameter->status != PARAMETER_FITTED)
            fprintf(rewriting->out, "%*s%s: %s\n", indent, "", lent->keys[i], lent->items[i]->text);
    }
}

/* The fitted keys that the section does not have yet; of a section that is not there at all, the
 * others too. */
static void print_missing(const struct rewriting *rewriting, const char *section,
                          const struct node *mapping, int indent)
{
    const struct node *lent =
        mapping == NULL ? node_find(rewriting->source->mapping, section) : NULL;
    print_lent(rewriting, section, lent, indent);
    for (size_t i = 0; i < rewriting->report->fit_count; i++) {
        const struct calibration_fit *fit = &rewriting->report->fits[i];
        for (size_t j = 0; j < fit->parameter_count && names_section(rewriting, i, section); j++) {
            const struct calibration_parameter *parameter = &fit->parameters[j];
            if (parameter->status == PARAMETER_FITTED && node_find(mapping, parameter->key) == NULL)
                print_fitted(parameter, indent, rewriting->out);
            else if (mapping == NULL && node_find(lent, parameter->key) == NULL &&
                     *parameter->before != '\0')
                fprintf(rewriting->out, "%*s%s: %s\n", indent, "", parameter->key,
                        parameter->before);
        }
    }
}

/* The value of a held key stays as it is written, and only its comment says so. */
static void print_held(const char *line, FILE *out)
{
    const char *comment = strstr(line, " #");
    size_t length = comment != NULL ? (size_t)(comment - line) : strlen(line);
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\r'))
        length--;
    fprintf(out, "%.*s  # held\n", (int)length, line);
}

static void print_member(const struct rewriting *rewriting, const char *section,
                         const struct node *mapping, size_t member)
{
    const char *line = rewriting->lines[mapping->key_at[member].line - 1];
    const struct calibration_parameter *parameter =
        find_parameter(rewriting, section, mapping->keys[member]);
    if (parameter != NULL && parameter->status == PARAMETER_FITTED)
        print_fitted(parameter, mapping->key_at[member].column - 1, rewriting->out);
    else if (parameter != NULL && parameter->status == PARAMETER_HELD)
        print_held(line, rewriting->out);
    else
        fprintf(rewriting->out, "%s\n", line);
}

/* The section whose key stands on this line, if it is fitted. */
static const char *section_at(const struct rewriting *rewriting, size_t line,
                              const struct node **mapping)
{
    for (size_t i = 0; i < rewriting->report->fit_count; i++) {
        const char *section = rewriting->report->fits[i].section;
        const struct node *root = rewriting->root;
        *mapping = node_find(root, section);
        if (*mapping != NULL && (size_t)node_key_location(root, section)->line == line)
            return section;
    }
    return NULL;
}

/* Comments right above a section are about its old values. */
static bool is_comment_of_section(const struct rewriting *rewriting, size_t line)
{
    const struct node *mapping = NULL;
    while (line <= rewriting->line_count && rewriting->lines[line - 1][0] == '#')
        line++;
    return section_at(rewriting, line, &mapping) != NULL;
}

static size_t last_line(const struct node *mapping)
{
    size_t last = 0;
    for (size_t i = 0; i < mapping->count; i++) {
        if ((size_t)mapping->key_at[i].line > last)
            last = (size_t)mapping->key_at[i].line;
    }
    return last;
}

/* The section that begins at `line`; the number of its last line. */
static size_t print_section(const struct rewriting *rewriting, const char *section,
                            const struct node *mapping, size_t line)
{
    print_sources(rewriting, section);
    fprintf(rewriting->out, "%s\n", rewriting->lines[line - 1]);
    size_t last = mapping->kind == NODE_MAPPING ? last_line(mapping) : 0;
    if (last <= line) { /* not a key a line: the check of what was written says so */
        print_missing(rewriting, section, mapping, 2);
        return line;
    }
    for (size_t i = line + 1; i <= last; i++) {
        size_t member = 0;
        while (member < mapping->count && (size_t)mapping->key_at[member].line != i)
            member++;
        if (member < mapping->count)
            print_member(rewriting, section, mapping, member);
        else
            fprintf(rewriting->out, "%s\n", rewriting->lines[i - 1]);
    }
    print_missing(rewriting, section, mapping, mapping->key_at[0].column - 1);
    return last;
}

static void print_file(const struct rewriting *rewriting)
{
    const struct node *mapping = NULL;
    for (size_t line = 1; line <= rewriting->line_count; line++) {
        const char *section = section_at(rewriting, line, &mapping);
        if (section != NULL)
            line = print_section(rewriting, section, mapping, line);
        else if (rewriting->lines[line - 1][0] != '#' || !is_comment_of_section(rewriting, line))
            fprintf(rewriting->out, "%s\n", rewriting->lines[line - 1]);
    }
    for (size_t i = 0; i < rewriting->report->fit_count; i++) {
        const char *section = rewriting->report->fits[i].section;
        if (node_find(rewriting->root, section) != NULL || !is_first_of_section(rewriting, i))
            continue;
        fputc('\n', rewriting->out);
        print_sources(rewriting, section);
        fprintf(rewriting->out, "%s:\n", section);
        print_missing(rewriting, section, NULL, 2);
    }
}

/* The whole file, and where its lines begin, NULs in the place of newlines. */
static bool read_lines(struct rewriting *rewriting, char **text, struct error *error)
{
    FILE *in = fopen(rewriting->source->path, "re");
    *text = calloc(DOCUMENT_MAX_BYTES + 2, 1);
    size_t length = in != NULL && *text != NULL ? fread(*text, 1, DOCUMENT_MAX_BYTES + 1, in) : 0;
    bool done = in != NULL && *text != NULL && ferror(in) == 0 && length <= DOCUMENT_MAX_BYTES;
    if (in != NULL)
        fclose(in);
    size_t newlines = 1;
    for (size_t i = 0; i < length; i++)
        newlines += (*text)[i] == '\n';
    rewriting->lines = calloc(newlines, sizeof *rewriting->lines);
    if (!done || rewriting->lines == NULL)
        return error_run(error, "%s: cannot be read again", rewriting->source->path);
    for (char *line = *text; *line != '\0';) {
        rewriting->lines[rewriting->line_count++] = line;
        line += strcspn(line, "\n");
        if (*line == '\n')
            *line++ = '\0';
    }
    return true;
}

static bool same_list(const struct real_list *a, const struct real_list *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (a->values[i] != b->values[i])
            return false;
    }
    return a->count == b->count;
}

static bool same_value(const struct setting *setting, const void *left, const void *right)
{
    const char *a = (const char *)left + setting->offset,
               *b = (const char *)right + setting->offset;
    if (setting_is_unset(setting, left) || setting_is_unset(setting, right))
        return setting_is_unset(setting, left) && setting_is_unset(setting, right);
    switch (setting->kind) {
    case SETTING_SECTION:
        for (size_t i = 0; i < setting->section->count; i++) {
            if (!same_value(&setting->section->settings[i], a, b))
                return false;
        }
        return true;
    case SETTING_TEXT:
    case SETTING_PATH:
        return strcmp(*(const char *const *)(const void *)a,
                      *(const char *const *)(const void *)b) == 0;
    case SETTING_REAL:
        return *(const double *)(const void *)a == *(const double *)(const void *)b;
    case SETTING_REALS:
        return same_list((const struct real_list *)(const void *)a,
                         (const struct real_list *)(const void *)b);
    case SETTING_INTEGER:
        return *(const int64_t *)(const void *)a == *(const int64_t *)(const void *)b;
    case SETTING_BOOL:
        return *(const bool *)(const void *)a == *(const bool *)(const void *)b;
    case SETTING_SWITCH:
    case SETTING_CHOICE:
        return *(const int *)(const void *)a == *(const int *)(const void *)b;
    case SETTING_MAP: /* an accelerator has none */
        break;
    }
    return false;
}

/* What was written says exactly what was fitted, and all else as before. */
static bool reads_back(const struct rewriting *rewriting, const char *text, size_t length)
{
    const struct accelerator_source *source = rewriting->source;
    struct document *document = document_create();
    struct accelerator got;
    struct error ignored = {0};
    struct node *root = document != NULL
                            ? document_read_text(document, source->path, text, length, &ignored)
                            : NULL;
    bool same = root != NULL;
    if (same) {
        /* Names in it are looked up from where the old file is. */
        char *directory = document_copy_text(document, source->path);
        char *slash = directory != NULL ? strrchr(directory, '/') : NULL;
        if (slash != NULL)
            slash[1] = '\0';
        root->directory = slash != NULL ? directory : NULL;
        struct node *lender = node_find(root, "efficiencies_from");
        if (lender != NULL)
            lender->directory = root->directory;
        same = accelerator_read(document, root, source->config_directory, &got, &ignored);
    }
    for (size_t i = 0; i < accelerator_settings.count && same; i++)
        same = same_value(&accelerator_settings.settings[i], &got, rewriting->report->accelerator);
    document_destroy(document);
    return same;
}

/* The new text, for the caller to free; NULL when memory cannot be had. */
static char *print_text(struct rewriting *rewriting, size_t *length)
{
    char *text = NULL;
    rewriting->out = open_memstream(&text, length);
    if (rewriting->out == NULL)
        return NULL;
    print_file(rewriting);
    if (fclose(rewriting->out) == 0)
        return text;
    free(text);
    return NULL;
}

char *accelerator_rewrite(const struct accelerator_source *source,
                          const struct calibration_report *report, struct error *error)
{
    struct rewriting rewriting = {.source = source, .report = report};
    struct document *document = document_create();
    char *old = NULL, *text = NULL;
    size_t length = 0;
    bool done = document != NULL || error_run(error, "out of memory");
    if (done) {
        rewriting.root = document_read_file(document, source->path, error);
        done = rewriting.root != NULL && read_lines(&rewriting, &old, error);
    }
    if (done) {
        text = print_text(&rewriting, &length);
        done = text != NULL || error_run(error, "out of memory");
    }
    const struct location at = {source->path, 0, 0};
    if (done && !reads_back(&rewriting, text, length))
        done = error_input(error, &at,
                           "cannot be written with new values: a section is not in YAML's block "
                           "style, one 'key: value' a line");
    free(rewriting.lines);
    free(old);
    document_destroy(document);
    if (!done) {
        free(text);
        text = NULL;
    }
    return text;
}
