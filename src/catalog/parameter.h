/* Reads the parameters of a model from its data. Private to the room. */
#ifndef CATALOG_PARAMETER_H
#define CATALOG_PARAMETER_H

#include "catalog/reader.h"

/* An object of parameters by name, in its order. `depth` is 0. */
void parameter_read_all(const struct node *node, unsigned depth,
                        const struct parameter **ret_parameters, unsigned *ret_count);
/* A value that must suit the parameter, as a canonical copy; NULL after a fault. */
const json_t *parameter_read_value(const struct parameter *parameter, const struct node *node);
/* The parameter of that name; a fault at `node`, and NULL, when there is none. */
const struct parameter *parameter_must_find(const struct parameter *parameters, unsigned count,
                                            const struct node *node, const char *name);
/* An object {"parameter": …, "value": …} about one of these parameters. */
void parameter_read_condition(const struct node *node, const struct parameter *parameters,
                              unsigned count, struct condition *ret_condition);

#endif
