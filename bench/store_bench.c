/* Measures the SQLite store: how many rows a second it takes in and gives out, with an empty and
 * with a long queue. Run it from the folder of the disk that is to be measured:
 *
 *     store_bench [queued rows, 1000000] [seconds a measure, 2] */
#include "store/ram.h"
#include "store/sqlite.h"

#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_MAX = 1024, TENANTS = 4, MODELS = 4, CHECKPOINT_MS = 20, RECENT_MAX = 16384 };

struct bench {
    char folder[64], path[96];
    struct store *store;
    struct reader *reader;
    struct output output;
    struct job *jobs[BATCH_MAX]; /* used again and again */
    int64_t key;                 /* the newest */
    int64_t recent[RECENT_MAX];  /* keys, in a ring */
    size_t recent_count;
    int turn_of; /* whose turn it is among the buckets */
    ms_t now;
    struct got gots[TENANTS * MODELS]; /* what a turn claimed */
    int got_count;
    double seconds; /* of a measure */
    pthread_t mover;
    atomic_bool stopping;
};

static double clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of this thread: what remains comparable when others use the machine too. */
static double cpu_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(bool worked, const char *what)
{
    if (worked)
        return;
    (void)fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

static void *move_log(void *context)
{
    struct bench *bench = context;
    const struct timespec pause = {.tv_nsec = CHECKPOINT_MS * 1000000};
    while (!atomic_load(&bench->stopping)) {
        (void)sqlite_checkpoint(bench->store);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void open_store(struct bench *bench)
{
    char fault[STORE_FAULT_SIZE] = "";
    bench->store = sqlite_open(bench->path, fault);
    must(bench->store, fault);
    bench->reader = store_open_reader(bench->store, fault);
    must(bench->reader, fault);
    atomic_store(&bench->stopping, false);
    must(pthread_create(&bench->mover, NULL, move_log, bench) == 0, "no thread");
}

static void close_store(struct bench *bench)
{
    atomic_store(&bench->stopping, true);
    (void)pthread_join(bench->mover, NULL);
    reader_close(bench->reader);
    store_close(bench->store);
}

static struct job *make_job(void)
{
    struct job *job = job_make();
    (void)span_copy(SPAN("local"), job->provider, sizeof job->provider);
    job->state = STATE_QUEUED;
    job->version = 1;
    job->price_max = 20000;
    job->input = memory_copy(
        SPAN("{\"duration\":6,\"fps\":24,\"height\":576,\"imageUrl\":\"https://example.com/images/"
             "a-picture-of-a-harbour.jpg\",\"prompt\":\"A slow pan over a quiet harbour at dawn, "
             "boats rocking, gulls in the air, soft light on the water\",\"seed\":123456789,"
             "\"width\":1024}"));
    job->metadata = memory_copy(SPAN("{\"project\":\"harbour\"}"));
    return job;
}

static void fill_job(struct bench *bench, struct job *job, int n)
{
    job->key = bench->key = id_next_key(bench->key, bench->now);
    bench->recent[bench->recent_count++ % RECENT_MAX] = job->key;
    id_write("gen_", job->key, (uint64_t)job->key * 0x9E3779B97F4A7C15u, job->id);
    (void)snprintf(job->tenant, sizeof job->tenant, "tenant-%d", n % TENANTS);
    (void)snprintf(job->model, sizeof job->model, "local/model-%d", n / TENANTS % MODELS);
    job->fingerprint = (uint64_t)job->key * 0x9E3779B97F4A7C15u;
    job->created_at = job->queued_at = bench->now;
    job->ticket = job->key;
}

static void change_bucket(struct bench *bench, int n, int delta_count, int delta_arrived)
{
    struct bucket_change *bucket = &output_change(&bench->output, CHANGE_BUCKET)->bucket;
    (void)snprintf(bucket->tenant, sizeof bucket->tenant, "tenant-%d", n % TENANTS);
    (void)snprintf(bucket->model, sizeof bucket->model, "local/model-%d", n / TENANTS % MODELS);
    bucket->delta_count = delta_count;
    bucket->delta_arrived = delta_arrived;
}

static void insert_turn(struct bench *bench, int batch)
{
    must(store_begin(bench->store) == STORE_OK, "begin");
    bench->now++;
    for (int n = 0; n < batch; n++) {
        fill_job(bench, bench->jobs[n], bench->turn_of + n);
        output_change(&bench->output, CHANGE_JOB_INSERT)->job = bench->jobs[n];
    }
    /* As the core flushes them: one change a bucket. */
    int buckets = batch < TENANTS * MODELS ? batch : TENANTS * MODELS;
    for (int n = 0; n < buckets; n++) {
        int count = batch / buckets + (n < batch % buckets);
        change_bucket(bench, bench->turn_of + n, count, count);
    }
    bench->turn_of = (bench->turn_of + batch) % (TENANTS * MODELS);
    must(store_apply(bench->store, &bench->output.changes) == STORE_OK, "apply");
    output_clear_changes(&bench->output);
    must(store_commit(bench->store, bench->now) == STORE_OK, "commit");
}

static void submit(struct bench *bench, struct job *job)
{
    job->state = STATE_SUBMITTING;
    job->started_at = bench->now;
    job->version++;
    job->timeline++;
    job->attempt = (struct attempt){.number = 1,
                                    .state = ATTEMPT_INTENT,
                                    .provider = "local",
                                    .intent_at = bench->now,
                                    .reserved = 20000};
    job->attempt_changed = true;
    output_change(&bench->output, CHANGE_JOB_UPDATE)->job = job;
    struct timeline_entry *entry = &output_change(&bench->output, CHANGE_TIMELINE)->timeline;
    entry->job = job->key;
    entry->number = 1;
    entry->at = bench->now;
    entry->from = STATE_QUEUED;
    entry->to = STATE_SUBMITTING;
    entry->attempt = 1;
}

/* One step of the lives of all that was claimed, as a turn of its own. */
static void step_lives(struct bench *bench, const struct got *got, enum state from, enum state to)
{
    must(store_begin(bench->store) == STORE_OK, "begin");
    bench->now++;
    for (unsigned n = 0; n < got->row_count; n++) {
        struct job *job = got->rows[n];
        job->state = to;
        job->version++;
        job->ended_at = to == STATE_SUCCEEDED ? bench->now : 0;
        job->attempt.state = to == STATE_SUCCEEDED ? ATTEMPT_DONE : ATTEMPT_ACCEPTED;
        job->outputs_changed = to == STATE_SUCCEEDED;
        job->output_count = to == STATE_SUCCEEDED;
        (void)span_copy(SPAN("output.mp4"), job->outputs[0].name, sizeof job->outputs[0].name);
        output_change(&bench->output, CHANGE_JOB_UPDATE)->job = job;
        struct timeline_entry *entry = &output_change(&bench->output, CHANGE_TIMELINE)->timeline;
        entry->job = job->key;
        entry->number = ++job->timeline;
        entry->at = bench->now;
        entry->from = from;
        entry->to = to;
    }
    must(store_apply(bench->store, &bench->output.changes) == STORE_OK, "apply");
    output_clear_changes(&bench->output);
    must(store_commit(bench->store, bench->now) == STORE_OK, "commit");
}

/* One claim from one bucket after another until `batch` jobs are taken; gives how many it took. */
static int claim_turn(struct bench *bench, int batch)
{
    int taken = 0, asked = 0;
    must(store_begin(bench->store) == STORE_OK, "begin");
    bench->now++;
    for (; taken < batch && asked < TENANTS * MODELS; asked++) {
        int bucket = (int)(bench->now % (TENANTS * MODELS) + asked) % (TENANTS * MODELS);
        char tenant[JOB_TENANT_SIZE], model[JOB_MODEL_SIZE];
        (void)snprintf(tenant, sizeof tenant, "tenant-%d", bucket % TENANTS);
        (void)snprintf(model, sizeof model, "local/model-%d", bucket / TENANTS % MODELS);
        struct want want = {.kind = WANT_CLAIM, .tenant = tenant, .model = model};
        want.limit = (unsigned)(batch - taken < 16 ? batch - taken : 16);
        struct got *got = &bench->gots[asked];
        must(store_get(bench->store, &want, got) == STORE_OK, "get");
        for (unsigned n = 0; n < got->row_count; n++)
            submit(bench, got->rows[n]);
        if (got->row_count)
            change_bucket(bench, bucket, -(int)got->row_count, 0);
        taken += (int)got->row_count;
    }
    must(store_apply(bench->store, &bench->output.changes) == STORE_OK, "apply");
    output_clear_changes(&bench->output);
    must(store_commit(bench->store, bench->now) == STORE_OK, "commit");
    bench->got_count = asked;
    return taken;
}

/* Outside of the measure: what was claimed ends, so that not everything is in flight at last. */
static void end_claims(struct bench *bench)
{
    for (int n = 0; n < bench->got_count; n++) {
        if (bench->gots[n].row_count)
            step_lives(bench, &bench->gots[n], STATE_SUBMITTING, STATE_SUCCEEDED);
        for (unsigned row = 0; row < bench->gots[n].row_count; row++)
            job_free(bench->gots[n].rows[row]);
    }
    bench->got_count = 0;
}

static int64_t resident_kib(void)
{
    int64_t pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident * 4;
}

struct figure {
    double rate, cpu_us, longest_ms;
};

static struct figure measure(struct bench *bench, bool claims, int batch)
{
    double busy = 0, longest = 0, cpu = 0;
    int64_t done = 0;
    for (int count = batch; busy < bench->seconds && count > 0; done += count) {
        double start = clock_now(), cpu_start = cpu_now();
        if (claims)
            count = claim_turn(bench, batch);
        else
            insert_turn(bench, batch);
        double taken = clock_now() - start;
        cpu += cpu_now() - cpu_start;
        busy += taken;
        longest = taken > longest ? taken : longest;
        end_claims(bench);
    }
    return (struct figure){(double)done / busy, cpu / (double)done * 1e6, longest * 1e3};
}

static double measure_reads(struct bench *bench)
{
    double start = clock_now();
    int64_t done = 0;
    struct job job;
    struct job_place place;
    uint64_t random = 88172645463325252u;
    while (clock_now() - start < bench->seconds) {
        for (int n = 0; n < 100; n++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            int64_t key = bench->recent[random % RECENT_MAX];
            must(reader_job(bench->reader, key, &job, &place) == STORE_OK, "read");
            reader_job_done(&job);
            done++;
        }
    }
    return (double)done / (clock_now() - start);
}

/* An fdatasync behind every 64 KiB, first appended, then written over. */
static void measure_disk(const struct bench *bench)
{
    enum { SIZE = 65536, COUNT = 200 };
    static char block[SIZE];
    char path[96];
    (void)snprintf(path, sizeof path, "%.63s/disk", bench->folder);
    int file = open(path, O_RDWR | O_CREAT, 0600);
    must(file >= 0, "no file for the disk's measure");
    for (int pass = 0; pass < 2; pass++) {
        double start = clock_now();
        for (int n = 0; n < COUNT; n++) {
            must(pwrite(file, block, SIZE, (off_t)n * SIZE) == SIZE, "disk full");
            must(fdatasync(file) == 0, "fdatasync");
        }
        printf("%-34s %10.3f ms\n",
               pass ? "fdatasync, 64 KiB written over" : "fdatasync, 64 KiB appended",
               (clock_now() - start) / COUNT * 1e3);
    }
    (void)close(file);
    (void)unlink(path);
}

/* Whole lives through the memory store: five turns for each handful of jobs. */
static void measure_lives(struct bench *bench)
{
    enum { HANDFUL = 8, LIVES = 20000 };
    static struct got got;
    bench->store = ram_open();
    double cpu = cpu_now();
    for (int64_t done = 0; done < LIVES; done += HANDFUL) {
        insert_turn(bench, HANDFUL);
        for (int n = 0; n < HANDFUL; n++) {
            must(store_begin(bench->store) == STORE_OK, "begin");
            struct want want = {.kind = WANT_CLAIM,
                                .tenant = bench->jobs[n]->tenant,
                                .model = bench->jobs[n]->model,
                                .limit = 1};
            must(store_get(bench->store, &want, &got) == STORE_OK, "get");
            submit(bench, got.rows[0]);
            change_bucket(bench, bench->turn_of - HANDFUL + TENANTS * MODELS + n, -1, 0);
            must(store_apply(bench->store, &bench->output.changes) == STORE_OK, "apply");
            output_clear_changes(&bench->output);
            must(store_commit(bench->store, bench->now) == STORE_OK, "commit");
            step_lives(bench, &got, STATE_SUBMITTING, STATE_RUNNING);
            step_lives(bench, &got, STATE_RUNNING, STATE_STORING);
            step_lives(bench, &got, STATE_STORING, STATE_SUCCEEDED);
            job_free(got.rows[0]);
        }
    }
    cpu = cpu_now() - cpu;
    printf("%-34s %10.0f a minute, %.2f us each\n", "lives through the memory store",
           LIVES / cpu * 60, cpu / LIVES * 1e6);
    store_close(bench->store);
}

static void start_meta(void *context, int64_t turn, ms_t now, int64_t last_key, ms_t next_due)
{
    *(int64_t *)context = 0;
}

static void start_pace(void *context, const struct pace *pace)
{
}

static void start_bucket(void *context, const struct bucket_change *totals, ms_t head_at)
{
    *(int64_t *)context += totals->delta_count;
}

static void start_job(void *context, struct job *job)
{
    job_free(job);
}

static void measure_start(struct bench *bench)
{
    close_store(bench);
    double start = clock_now();
    int64_t queued = 0;
    struct store_sink sink = {.context = &queued,
                              .meta = start_meta,
                              .pace = start_pace,
                              .bucket = start_bucket,
                              .job = start_job};
    open_store(bench);
    must(store_start(bench->store, &sink) == STORE_OK, "start");
    printf("%-34s %10.1f ms with %lld queued\n", "open and start", (clock_now() - start) * 1e3,
           (long long)queued);
}

/* The dearest load there is: a twin that does not exist, sought in a long queue. */
static void measure_twin(struct bench *bench)
{
    enum { COUNT = 20 };
    struct need need = {
        .kind = NEED_TWIN, .tenant = "tenant-1", .model = "local/model-1", .fingerprint = 1};
    struct job *job = NULL;
    must(store_begin(bench->store) == STORE_OK, "begin");
    double cpu = cpu_now();
    for (int n = 0; n < COUNT; n++)
        must(store_load_twin(bench->store, &need, &job) == STORE_NONE, "twin");
    printf("%-34s %10.2f ms\n", "a twin sought in vain", (cpu_now() - cpu) / COUNT * 1e3);
    store_rollback(bench->store);
}

static void measure_all(struct bench *bench, const char *name)
{
    const int batches[] = {1, 8, 64, 512};
    for (int claims = 0; claims < 2; claims++) {
        for (size_t n = 0; n < sizeof batches / sizeof batches[0]; n++) {
            struct figure figure = measure(bench, claims, batches[n]);
            printf("%-8s %-8s %3d a commit %10.0f /s %7.1f us of CPU each, longest turn %.1f ms\n",
                   name, claims ? "claims" : "inserts", batches[n], figure.rate, figure.cpu_us,
                   figure.longest_ms);
        }
    }
    printf("%-34s %10.0f /s\n", "status reads, one thread", measure_reads(bench));
    printf("%-34s %10lld KiB\n", "resident", (long long)resident_kib());
}

static void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    must(entries, "the folder has gone");
    for (struct dirent *entry; (entry = readdir(entries));)
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    (void)closedir(entries);
    (void)rmdir(folder);
}

int main(int count, char **words)
{
    int64_t queued = count > 1 ? strtoll(words[1], NULL, 10) : 1000000;
    static struct bench bench;
    bench = (struct bench){.seconds = count > 2 ? strtod(words[2], NULL) : 2, .now = 1790000000000};
    (void)snprintf(bench.folder, sizeof bench.folder, "store-bench-XXXXXX");
    must(mkdtemp(bench.folder), "no folder can be made here");
    (void)snprintf(bench.path, sizeof bench.path, "%s/reel.db", bench.folder);
    output_init(&bench.output);
    for (int n = 0; n < BATCH_MAX; n++)
        bench.jobs[n] = make_job();
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    measure_disk(&bench);
    open_store(&bench);
    measure_all(&bench, "empty");
    for (int64_t n = 0; n < queued; n += BATCH_MAX)
        insert_turn(&bench, BATCH_MAX);
    if (queued > 0) {
        measure_start(&bench);
        measure_twin(&bench);
        measure_disk(&bench);
        measure_all(&bench, "full");
    }
    close_store(&bench);
    measure_lives(&bench);
    for (int n = 0; n < BATCH_MAX; n++)
        job_free(bench.jobs[n]);
    output_done(&bench.output);
    remove_folder(bench.folder);
    return 0;
}
