/* Providers' keys, which adapters name and never see: the egress puts them in on the way out. */
#ifndef APP_CREDENTIAL_H
#define APP_CREDENTIAL_H

#include "app/reload.h"

/* As struct egress_config's `credential`: a provider's key is the first variable that it needs, by
 * the catalogue in force. The context is a struct reload. */
bool credential_write(void *reload, struct span provider, struct buffer *target);

#endif
