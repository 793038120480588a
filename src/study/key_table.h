/* A table from keys (hashes) to counters that never outgrows its memory: it holds every key until it
 * is full, and from then on only those whose hash is below a threshold, which halves whenever it is
 * full again. What is counted of the keys held then stands for one_in times as much (adaptive
 * sampling: Flajolet, On adaptive sampling, 1990). */
#ifndef LLMSIM_STUDY_KEY_TABLE_H
#define LLMSIM_STUDY_KEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_table {
    uint64_t *keys;   /* owned; 0: a free place */
    uint32_t *values; /* owned, beside the keys */
    size_t mask;      /* places − 1 */
    size_t used;
    int halvings; /* of the threshold; at most 63 */
};

/* 2^bits places, of which 7 in 8 are used at most. False when memory cannot be had. */
bool key_table_init(struct key_table *table, int bits);
void key_table_fini(struct key_table *table);

/* The value of the key, 0 where it is new; NULL: it is none of those that are held. Valid until the
 * next call. Keys must be hashed well, as key_mix does. */
uint32_t *key_table_at(struct key_table *table, uint64_t key);

/* One in how many keys is held. */
static inline int64_t key_table_one_in(const struct key_table *table)
{
    return (int64_t)1 << table->halvings;
}

/* A hash of two numbers (the finaliser of MurmurHash3, by Austin Appleby). */
static inline uint64_t key_mix(uint64_t a, uint64_t b)
{
    uint64_t hash = a * UINT64_C(0x9e3779b97f4a7c15) + b;
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

#endif
