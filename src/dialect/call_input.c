#include "dialect/call_input.h"

#include "base/id.h"
#include "catalog/reference.h"

void call_input_depend(struct call_ask *ask, struct span id, const char *field, bool reads,
                       struct faults *faults)
{
    int64_t key;
    if (!id_read(id, "gen_", &key)) {
        struct span shown = id.size > 40 ? (struct span){id.data, 40} : id;
        faults_add(faults, field, "ids of jobs (gen_…)", "names \"%s\", which is none",
                   span_is_utf8(shown) ? arena_copy(faults->arena, shown) : "something");
        return;
    }
    for (unsigned n = 0; n < ask->dependency_count; n++) {
        if (ask->depends_on[n] == key) {
            ask->reads[n] = ask->reads[n] || reads;
            return;
        }
    }
    if (ask->dependency_count == JOB_DEPENDENCIES_MAX) {
        faults_add(faults, field, "at most 32 jobs to wait for", "names more");
        return;
    }
    ask->reads[ask->dependency_count] = reads;
    ask->depends_on[ask->dependency_count++] = key;
}

struct finding {
    struct call_ask *ask;
    struct arena *arena;
    struct faults *faults;
};

static void add_upload(const struct finding *finding, const struct reference *reference,
                       struct span id)
{
    struct call_ask *ask = finding->ask;
    int64_t key;
    if (!id_read(id, "upl_", &key))
        return; /* reference_read_reel has looked */
    if (ask->upload_count == JOB_UPLOADS_MAX) {
        faults_add(finding->faults, arena_copy(finding->arena, span_of(reference->path)),
                   "at most 32 uploads in one request", "names more");
        return;
    }
    if (!ask->uploads)
        ask->uploads = arena_array(finding->arena, struct call_upload, JOB_UPLOADS_MAX);
    ask->uploads[ask->upload_count++] = (struct call_upload){
        .key = key,
        .id = arena_copy(finding->arena, id),
        .field = arena_copy(finding->arena, span_of(reference->path)),
        .media = reference->media,
    };
}

static void found(void *context, const struct reference *reference)
{
    const struct finding *finding = context;
    struct span id;
    unsigned output;
    if (!reference_read_reel(reference->url, &id, &output))
        return;
    if (reference->kind == REFERENCE_UPLOAD)
        add_upload(finding, reference, id);
    else if (reference->kind == REFERENCE_JOB)
        call_input_depend(finding->ask, id, reference->path, true, finding->faults);
}

void call_input_find(struct call_ask *ask, struct arena *arena, struct faults *faults)
{
    struct finding finding = {ask, arena, faults};
    reference_each(ask->model, ask->input, found, &finding);
}
