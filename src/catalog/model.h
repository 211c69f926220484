/* Reads a model from its data, all but its offers. Private to the room. */
#ifndef CATALOG_MODEL_H
#define CATALOG_MODEL_H

#include "catalog/reader.h"

void model_read(const struct node *node, struct model *ret_model);

#endif
