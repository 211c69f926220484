/* A model's parameters as JSON Schema 2020-12: for forms, OpenAPI documents and clients. */
#ifndef CATALOG_SCHEMA_H
#define CATALOG_SCHEMA_H

#include "catalog/catalog.h"

/* Writes one object under `name` (NULL at the top or in an array). */
void schema_write(const struct model *model, const char *name, struct json_writer *writer);

/* The same as a request's body takes it: with `model` among the properties, and open to further
 * ones, as the common fields are. Without "$schema". */
void schema_write_asked(const struct model *model, const char *name, struct json_writer *writer);

#endif
