/* Families of kernels: the section of an accelerator's description that says how fast each is, the
 * keys of it that are fitted, and the measurements that they are fitted to. */
#ifndef LLMSIM_STUDY_KERNEL_FAMILIES_H
#define LLMSIM_STUDY_KERNEL_FAMILIES_H

#include "kernels.h"
#include "settings.h"

enum { FAMILY_MAX_KEYS = 12 };

/* Steps of equal ratio, or of equal difference. */
enum key_scale { SCALE_LOG, SCALE_LINEAR };

struct fitted_key {
    const char *name; /* NULL behind the last */
    enum key_scale scale;
    double lower, upper; /* that a fit may reach, in the base unit: within the setting's bounds */
    const char *told_by; /* the measurements that determine it: "GEMMs of few rows" */
};

struct kernel_family {
    const char *name;
    const char *section; /* of accelerator_settings */
    struct fitted_key keys[FAMILY_MAX_KEYS + 1];
    /* The family that this accelerator has, and whether a measurement informs it. */
    bool (*is_of)(const struct accelerator *accelerator);
    bool (*informs)(const struct kernel *kernel);
};

/* In the order in which they are fitted: elementwise kernels use what GEMMs say of the memory. */
extern const struct kernel_family kernel_families[];
extern const size_t kernel_family_count;

/* Where a fitted key is. */
struct family_parameter {
    const struct setting *setting;
    size_t offset; /* in struct accelerator */
};
struct family_parameter family_parameter(const struct kernel_family *family,
                                         const struct fitted_key *key);

static inline double *parameter_value(struct accelerator *accelerator, size_t offset)
{
    return (double *)(void *)((char *)accelerator + offset);
}

#endif
