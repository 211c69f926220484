/* What the store's tests share: a store of either kind that can be reopened, and short ways to make
 * jobs and changes. */
#ifndef STORE_STORE_SCENE_H
#define STORE_STORE_SCENE_H

#include "store/store.h"

struct store_scene {
    bool ram;
    char folder[64], path[96]; /* SQLite: a folder of its own */
    struct store *store;
    struct reader *reader;
    struct output output; /* changes to be applied */
    ms_t now;
};

void store_scene_open(struct store_scene *scene, bool ram);
void store_scene_close(struct store_scene *scene);
/* As after the process's death: what was committed is there. */
void store_scene_reopen(struct store_scene *scene);

/* Distinct values in every field; the caller frees. */
struct job *store_scene_full_job(int64_t key);
/* A queued job of tenant "ann" and model "m"; the caller frees. */
struct job *store_scene_job(int64_t key, ms_t queued_at);
void store_scene_assert_equal(const struct job *a, const struct job *b);

void store_scene_insert(struct store_scene *scene, const struct job *job);
void store_scene_update(struct store_scene *scene, const struct job *job);
void store_scene_bucket(struct store_scene *scene, const struct job *job, int delta_count,
                        int delta_arrived);
/* Each asserts success. */
void store_scene_apply(struct store_scene *scene);
void store_scene_commit(struct store_scene *scene);
/* A turn of its own: begin, apply what was gathered, commit. */
void store_scene_turn(struct store_scene *scene);
enum store_result store_scene_try_apply(struct store_scene *scene);

/* A turn that inserts queued jobs with the keys first … first + count − 1, counted by the bucket.
 */
void store_scene_insert_many(struct store_scene *scene, int64_t first, int64_t count);
void store_scene_begin(struct store_scene *scene);
/* The row must be there; the caller frees. */
struct job *store_scene_load(struct store_scene *scene, int64_t key);
/* Of tenant "ann" and model "m". */
void store_scene_claim(struct store_scene *scene, int priority, unsigned limit,
                       struct got *ret_got);
void store_scene_free_got(struct got *got);

/* Runs every test of the table over both kinds of store; each gets an open scene. */
struct store_scene_test {
    const char *name;
    void (*run)(struct store_scene *scene);
};
int store_scene_run(const struct store_scene_test *tests, size_t count);

/* Removes a folder that holds only files. */
void store_scene_remove(const char *folder);

#endif
