/* The bytes of a file or of stdin, decompressed where they are gzip or zstd: told by how they
 * begin, not by the file's name. In constant memory, whatever the file expands to. */
#ifndef LLMSIM_BASE_BYTE_READER_H
#define LLMSIM_BASE_BYTE_READER_H

#include <llmsim/error.h>
#include <stddef.h>
#include <stdint.h>

struct byte_reader;

/* Open `path` ("-": stdin). NULL with *error filled when it cannot be opened. */
struct byte_reader *byte_reader_open(const char *path, struct error *error);
void byte_reader_close(struct byte_reader *reader); /* accepts NULL */

/* The file as its user would name it; valid until the reader is closed. */
const char *byte_reader_name(const struct byte_reader *reader);

/* Up to `room` ≥ 1 bytes into `to`, and how many into *got; 0: the end. On failure *error says so at
 * `at`; what comes before the fault has been handed out by then. */
bool byte_reader_read(struct byte_reader *reader, char *to, size_t room, size_t *got,
                      const struct location *at, struct error *error);

/* The bytes of the file, as it lies there, that were needed for what has been handed out. */
int64_t byte_reader_position(const struct byte_reader *reader);

/* Of the file, as it lies there; 0: unknown. */
int64_t byte_reader_size(const struct byte_reader *reader);

#endif
