/* The configuration's table, printed: as documentation, and with the values in force. */
#ifndef APP_CONFIG_DOCS_H
#define APP_CONFIG_DOCS_H

#include "app/config.h"

#include <stdio.h>

/* Every key as a page of Markdown. */
void config_docs_write(FILE *target);
/* Every key with its value in force and where that came from, as JSON or as lines; a secret is
 * shown as "(set)". */
void config_docs_values(const struct config *config, bool as_json, FILE *target);

#endif
