/* A model as GET /api/v1/models shows it. */
#ifndef CATALOG_DESCRIBE_H
#define CATALOG_DESCRIBE_H

#include "catalog/catalog.h"

/* Told by the caller: whether the offer's environment variables are set. */
typedef bool describe_configured_f(void *context, const struct offer *offer);

struct describe {
    describe_configured_f *configured;
    void *context;
    bool full; /* also the parameters' schema, the inputs and the offers */
};

/* One object, as an item of an array or at the top. */
void describe_model(const struct model *model, const struct describe *how,
                    struct json_writer *writer);

#endif
