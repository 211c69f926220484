/* What libcurl is told about one hop, and what it asks back: the only file with libcurl's options.
 */
#ifndef EDGE_EGRESS_WIRE_H
#define EDGE_EGRESS_WIRE_H

#include "edge/egress_transfer.h"

/* Makes transfer->easy with everything it needs; false: the transfer has ended. */
bool egress_wire_make(struct egress_transfer *transfer);
/* Frees the handle and wipes the headers. Harmless without one. */
void egress_wire_free(struct egress_transfer *transfer);
/* Whether a TCP connection that this hop dialled stands. */
bool egress_wire_connected(const struct egress_transfer *transfer);
/* When TCP and TLS were through, in milliseconds since the dial; 0: not yet, or not needed. */
void egress_wire_times(const struct egress_transfer *transfer, ms_t *ret_connected,
                       ms_t *ret_secured);

#endif
