/* What the sandbox renders in place of what a provider would make: a picture, a clip or a voice of
 * our own renderers that is as long and as large as was asked for. It is no AI's work, and shows
 * the words that it was given. */
#ifndef APP_STAND_IN_H
#define APP_STAND_IN_H

#include "catalog/catalog.h"

struct stand_in {
    const struct model *model; /* a local one */
    json_t *input;             /* its canonical input; the caller frees */
};

/* For a checked input of the model. False when there is no renderer for what it makes. */
bool stand_in_make(const struct catalog *catalog, const struct model *model, const json_t *input,
                   struct stand_in *ret_stand_in);

#endif
