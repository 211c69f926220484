/* Folders of works are weighed while workers write in them. */
#include "app/work_private.h"

#include "depot/depot_weigh.h"

/* A worker or a program that writes without end, which the limit of one file does not end. A worker
 * may delete nothing (cage.h), so all that it wrote is there to be weighed. */
static bool is_too_heavy(struct work *work)
{
    if (work->stage != WORK_WORKING || work->stopped || work->error != ERROR_NONE ||
        depot_weigh(work->folder) <= work->weight_max)
        return false;
    unsigned long long most = work->works->config.output_max >> 20;
    if (work->command)
        work_fail(work, ERROR_TOO_LARGE, false,
                  "Its program wrote more than the %llu MB, or the %d files, that it may.", most,
                  DEPOT_WEIGH_ENTRIES_MAX);
    work_fail(work, ERROR_TOO_LARGE, false, "Its worker wrote more than the %llu MB it may.", most);
    return true;
}

static void watch(uv_timer_t *timer)
{
    struct works *works = timer->data;
    size_t cursor = 0;
    bool any = false;
    for (struct work *work; (work = map_next(&works->all, &cursor));) {
        any = any || work->stage == WORK_WORKING;
        if (work->stage == WORK_WORKING && work->command && work->command->program)
            work_command_tell(work);
        if (is_too_heavy(work))
            work_halt(work);
    }
    if (!any)
        (void)uv_timer_stop(timer);
}

void work_weigh(struct work *work)
{
    struct works *works = work->works;
    uint64_t inputs = depot_weigh(work->folder);
    work->weight_max = inputs + works->config.output_max + WORK_EXTRAS_MAX;
    if (inputs == UINT64_MAX || work->weight_max < inputs)
        work->weight_max = UINT64_MAX;
    if (!uv_is_active((uv_handle_t *)&works->watch))
        (void)uv_timer_start(&works->watch, watch, WORK_WATCH_MS, WORK_WATCH_MS);
}
