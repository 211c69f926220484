/* A request's body held against a model: strictly, and with every fault at once. What comes out is
 * the canonical input: only known parameters, defaults filled in, whole numbers as integers, so
 * that equal requests have the equal text under json_canonical, which is what gets hashed.
 *
 * The body holds the model's parameters and nothing else: take the common fields (model,
 * webhookUrl, metadata, …) out before. null is no value of any parameter: leave out what is not
 * given. */
#ifndef CATALOG_INPUT_H
#define CATALOG_INPUT_H

#include "base/fault.h"
#include "catalog/catalog.h"

/* True, with an object in *ret_input that the caller frees with json_decref; or false, with the
 * faults added to `faults` and *ret_input untouched. Values in the input are copies. */
bool input_check(const struct model *model, const json_t *body, struct faults *faults,
                 json_t **ret_input);

/* Whether this offer can do what a checked input asks; if not, *ret_parameter (may be NULL) names
 * the first parameter that it cannot. */
bool input_fits(const struct offer *offer, const json_t *input, const char **ret_parameter);

#endif
