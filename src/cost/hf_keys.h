/* The keys of a Hugging Face config.json: which families read them, which say what llmsim cannot
 * represent, and which are without effect. */
#ifndef LLMSIM_COST_HF_KEYS_H
#define LLMSIM_COST_HF_KEYS_H

#include "hf_family.h"

/* The name that stands for a key and its synonyms. */
const char *hf_key_canonical(const char *key);

/* Whether the family's code knows the key (by its canonical name), if any does. */
bool hf_key_is_of(const struct hf_family *family, const char *key);

/* Without effect on the time and memory of serving. */
bool hf_key_is_harmless(const char *key);

/* Whether a value (NULL: no such key) says that there is nothing of the kind. */
bool hf_key_is_absent(const struct node *node);

/* False and an error at the first key of `mapping` that says what llmsim cannot represent. */
bool hf_keys_refuse(const struct hf_family *family, const struct node *mapping,
                    struct error *error);

#endif
