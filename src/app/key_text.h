/* The text of a new key: "reel_" and 256 random bits as 64 hexadecimal digits. It is shown once and
 * kept nowhere; the row gets its digest and its first letters. */
#ifndef APP_KEY_TEXT_H
#define APP_KEY_TEXT_H

#include "core/api_key.h"

enum { KEY_TEXT_SIZE = 70 /* with the terminator */ };

/* Fills id, prefix and hash of the row. The caller wipes the text when it was shown. */
void key_text_make(ms_t now, struct api_key_row *row, char ret_text[static KEY_TEXT_SIZE]);

#endif
