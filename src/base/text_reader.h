/* Lines of a file or of stdin, plain, gzip or zstd, through one buffer that does not grow with the
 * file. */
#ifndef LLMSIM_BASE_TEXT_READER_H
#define LLMSIM_BASE_TEXT_READER_H

#include <llmsim/error.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is an error. (Fuzzers have a smaller limit.) */
#ifndef TEXT_READER_MAX_LINE_BYTES
#define TEXT_READER_MAX_LINE_BYTES (1 << 20)
#endif

struct text_reader;

/* Open `path` ("-": stdin). NULL with *error filled when it cannot be read. */
struct text_reader *text_reader_open(const char *path, struct error *error);
void text_reader_close(struct text_reader *reader);

/* The next line, without its LF or CRLF, not NUL-terminated but followed by a byte that may be
 * overwritten; valid until the next call. 1: a line; 0: the end; −1: *error is filled. */
int text_reader_next(struct text_reader *reader, char **line, size_t *length, struct error *error);

/* Whether the first byte that is not white space is an opening bracket: then the file is read by
 * text_reader_next_object, and never by text_reader_next. To be asked before all else:
 * consumes a byte order mark, and nothing more. False with *error filled when it cannot be read. */
bool text_reader_is_list(struct text_reader *reader, bool *is_list, struct error *error);

/* The next object of a JSON list of objects, of any number of lines, no longer than a line may be.
 * Only where it begins and ends is looked at. Otherwise as text_reader_next. */
int text_reader_next_object(struct text_reader *reader, char **object, size_t *length,
                            struct error *error);

/* Where the line last returned stands, with column 1, or the object begins. */
struct location text_reader_location(const struct text_reader *reader);

/* Bytes read of the file, as it lies there, over its size, 0 … 1; 0 where the size is unknown. */
double text_reader_progress(const struct text_reader *reader);

#endif
