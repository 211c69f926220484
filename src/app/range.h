/* A request's Range header (RFC 9110, 14.2) against a file. */
#ifndef APP_RANGE_H
#define APP_RANGE_H

#include "base/span.h"

/* WHOLE: it is to be ignored, as what can't be read and several ranges at once are, and everything
 * sent. BAD: 416. */
enum range { RANGE_WHOLE, RANGE_PART, RANGE_BAD };

/* "bytes=0-99", "bytes=100-", "bytes=-50". First and last byte are written for a PART only. */
enum range range_read(struct span text, uint64_t size, uint64_t *ret_first, uint64_t *ret_last);

#endif
