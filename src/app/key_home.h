/* The keys of a home on which no server runs, for `reel keys`: the same requests and answers as the
 * API's, carried out on the store while holding the home's lock. */
#ifndef APP_KEY_HOME_H
#define APP_KEY_HOME_H

#include "app/client.h"

enum key_home_result {
    KEY_HOME_ANSWERED,
    KEY_HOME_BUSY,   /* a server runs there: ask it */
    KEY_HOME_MISSING /* there is no home, or nothing in it, and `may_make` is false */
};

/* GET and POST /api/v1/keys, DELETE /api/v1/keys/{id}, as the operator; of all tenants where none
 * is named. Once ANSWERED, ret_answer is as client_ask would have filled it; what went wrong with
 * the home itself is a CLIENT_REFUSED there. `may_make`: makes the home, but not what is above. */
enum key_home_result key_home_ask(const char *home, const struct client_request *request,
                                  bool may_make, struct client_answer *ret_answer);

#endif
