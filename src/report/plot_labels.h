/* Where the labels of a picture's points go, so that they hide neither points nor one another. */
#ifndef LLMSIM_REPORT_PLOT_LABELS_H
#define LLMSIM_REPORT_PLOT_LABELS_H

#include <stdbool.h>

enum { PLOT_MAX_LABELS = 128, PLOT_MAX_OBSTACLES = 128 };

struct plot_box {
    double left, top, right, bottom; /* y grows downwards */
};

/* A label of a size that is known, of a point that has one too. */
struct plot_label {
    double x, y, radius;  /* of its point */
    double width, height; /* of its text */
    double importance;    /* those with more of it choose first */
    struct plot_box box;  /* the answer */
    bool apart;           /* so far from its point that a line should join them */
};

/* Where labels may be, and what else they had better not hide. */
struct plot_field {
    struct plot_box frame;
    int obstacle_count;
    struct plot_box obstacles[PLOT_MAX_OBSTACLES];
};

/* Place all labels within the frame, at most PLOT_MAX_LABELS. A label that finds no free place takes
 * the one where it hides least. */
void plot_labels_place(struct plot_label *labels, int count, const struct plot_field *field);

#endif
