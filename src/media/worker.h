/* The protocol loop of reel-media: one JSON object a line in, JSON lines out (report.h), jobs one
 * after another until the input ends.
 *
 *   {"id","op":"render","renderer":"still"|"kenburns"|…,"input":{…},"dir":"…","seed":n,
 *    "cpuSeconds":n}                           its processor time, where it may have a longer one
 *   {"id","op":"inspect","dir":"…","files":["…"],"wish":{…}}   what others made: foreign.h
 *   {"id","op":"probe","file":"…"}
 *   {"id","op":"thumbnail","file":"…","output":"….jpg"}
 *   {"id","op":"ping"}
 *
 * Whatever a line holds, it is answered, and the next one is read. */
#ifndef MEDIA_WORKER_H
#define MEDIA_WORKER_H

#include "media/cage.h"
#include "media/encoder.h"
#include "media/folder.h"
#include "media/image.h"

enum { WORKER_LINE_MAX = 1 << 20 };

struct worker {
    struct folder folder;
    struct image_limits limits;
    struct encoder_choice encoder;
    const struct cage *cage; /* NULL in tests */
    int input, output;       /* borrowed descriptors */
};

/* Returns when the input ends, nobody reads the answers any more, or an answer said `last`. */
void worker_run(struct worker *worker);

#endif
