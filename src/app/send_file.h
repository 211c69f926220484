/* A file of this machine as an upload of the server: POST /api/v1/uploads with the raw bytes,
 * streamed. */
#ifndef APP_SEND_FILE_H
#define APP_SEND_FILE_H

#include "app/client.h"

enum { SEND_FILE_URL_SIZE = 64 };

/* Sends it and gives its "reel://upl_…". At a terminal a bar shows how far it is, unless
 * `is_quiet`. Otherwise the exit status to end with; why has been said. */
int send_file_run(struct client *client, const char *path, bool is_quiet, bool as_json,
                  char ret_url[static SEND_FILE_URL_SIZE]);

#endif
