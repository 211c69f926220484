#include "media/look.h"

#include <string.h>

static const struct look *const looks[] = {
    &look_aurora, &look_paper, &look_horizon, &look_blocks, &look_halftone, &look_orbit,
};

enum look_shape look_shape_of(int width, int height)
{
    double aspect = (double)width / height;
    return aspect > 1.45 ? LOOK_WIDE : aspect < 0.72 ? LOOK_TALL : LOOK_SQUARE;
}

int look_count(void)
{
    return (int)(sizeof looks / sizeof looks[0]);
}

const struct look *look_at(int index)
{
    return looks[index];
}

const struct look *look_find(const char *name)
{
    for (int i = 0; i < look_count(); i++) {
        if (strcmp(looks[i]->name, name) == 0)
            return looks[i];
    }
    return NULL;
}
