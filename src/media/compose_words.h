/* The words of a film: read, cut into cues for its size, written as files beside it, and in the
 * forms that are burnt in or go into the MP4. */
#ifndef MEDIA_COMPOSE_WORDS_H
#define MEDIA_COMPOSE_WORDS_H

#include "base/buffer.h"
#include "media/captions.h"
#include "media/compose_input.h"

struct job;

struct compose_words {
    struct buffer text; /* the ASS file */
    struct captions captions;
    struct caption *items; /* owned, with their texts in `store` */
    struct buffer store;
};

void compose_words_init(struct compose_words *words);
void compose_words_done(struct compose_words *words);
/* Does nothing where no words are given. False with a failure. */
bool compose_words_make(struct job *job, const struct compose_input *input,
                        struct compose_words *words);

#endif
