#include "app/config.h"

#include "edge/worker.h"

#include <stddef.h>

#define AT(member) offsetof(struct config, member)
#define KIB        1024LL
#define MIB        (1024 * KIB)
#define GIB        (1024 * MIB)

const struct config_key config_table[] = {
    {"home", NULL, "--home", CONFIG_PATH, AT(home), NULL, 0, 0, NULL,
     "The folder with everything that reel keeps: the database, outputs and work under way. By "
     "default `/var/lib/reel` for root, else `~/.local/share/reel`."},
    {"listen", "LISTEN", "--listen", CONFIG_ADDRESS, AT(listen), "127.0.0.1:8080", 0, 0, NULL,
     "Address and port at which the server answers; `0.0.0.0:8080` is every IPv4 address, "
     "`[::]:8080` every address, port 0 any free port."},
    {"publicUrl", "PUBLIC_URL", "--public-url", CONFIG_URL, AT(public_url), NULL, 0, 0, NULL,
     "Where clients and providers reach this server from outside; links to outputs start with it. "
     "By default the address that a request came to."},
    {"authToken", "AUTH_TOKEN", NULL, CONFIG_SECRET, AT(auth_token), NULL, 0, 0, NULL,
     "The operator's key, which clients send as `Authorization: Bearer KEY`; `reel keys` makes "
     "others. Where none is set, the server makes one at its first start and keeps it in "
     "`HOME/token`."},
    {"noAuth", NULL, "--no-auth", CONFIG_BOOLEAN, AT(no_auth), "false", 0, 0, NULL,
     "Ask for no key. Only possible while listening on a loopback address."},
    {"corsOrigins", "CORS_ORIGINS", NULL, CONFIG_LIST, AT(cors_origins), "", 0, 0, NULL,
     "Web origins whose pages may call the API (`https://app.example`), or `*`. By default none."},
    {"storage.mode", "STORAGE_MODE", NULL, CONFIG_CHOICE, AT(storage_mode), "local", 0, 0, "local",
     "Where outputs are kept: `local` is the home folder."},
    {"attempt.timeout", NULL, NULL, CONFIG_DURATION, AT(attempt_timeout), "15m", 10 * MS_SECOND,
     30 * MS_DAY, NULL,
     "How long an attempt may run before it is stopped, for models that name no time of their "
     "own."},
    {"uncertain.hold", NULL, NULL, CONFIG_DURATION, AT(uncertain_hold), "0s", 0, 30 * MS_DAY, NULL,
     "How long a submission may stay uncertain before its job fails and counts as paid; 0 is the "
     "model's longest run and ten minutes."},
    {"disk.reserve", NULL, NULL, CONFIG_BYTES, AT(disk_reserve), "256MiB", 0, 1024 * GIB, NULL,
     "Room that is kept free on the home's disk: new jobs are refused when less is left, so that "
     "running ones can end."},
    {"drain.timeout", NULL, NULL, CONFIG_DURATION, AT(drain_timeout), "10s", 0, MS_HOUR, NULL,
     "How long a stopping server waits for requests and renders under way. What is not done by "
     "then goes on at the next start."},
    {"catalog.folder", NULL, NULL, CONFIG_PATH, AT(catalog_folder), NULL, 0, 0, NULL,
     "A folder with catalogue files of your own, which add to those built in and override them."},

    {"log.level", NULL, NULL, CONFIG_CHOICE, AT(log.level), "info", 0, 0, "debug|info|warn|error",
     "The least serious kind of line that is logged."},
    {"log.format", NULL, NULL, CONFIG_CHOICE, AT(log.format), "auto", 0, 0, "auto|json|plain",
     "How log lines look; `auto` is plain at a terminal and JSON elsewhere."},

    {"limits.inFlight", NULL, NULL, CONFIG_INTEGER, AT(limits.in_flight), "200", 1, 100000, NULL,
     "Jobs in flight at once, over all providers."},
    {"limits.perTenant", NULL, NULL, CONFIG_INTEGER, AT(limits.per_tenant), "0", 0, 100000, NULL,
     "Jobs in flight at once of one tenant that has no limit of its own; 0 is no limit."},
    {"limits.queue", NULL, NULL, CONFIG_INTEGER, AT(limits.queue), "5000000", 1, 100000000, NULL,
     "Jobs that may be queued, or wait for a time or for other jobs; beyond it new ones are "
     "refused."},
    {"limits.queuePerTenant", NULL, NULL, CONFIG_INTEGER, AT(limits.queue_per_tenant), "0", 0,
     100000000, NULL,
     "The same of one tenant that has no limit of its own (`PUT /api/v1/tenants/ID`); 0 is no "
     "limit."},
    {"limits.requestsPerMinute", NULL, NULL, CONFIG_INTEGER, AT(limits.requests_per_minute), "0", 0,
     1000000, NULL,
     "Requests a minute of all keys of one tenant that has no limit of its own; 0 is no limit. "
     "The server's own key is never limited."},
    {"tiers", NULL, NULL, CONFIG_LIST, AT(tiers), "free=1, standard=2, pro=4, enterprise=8", 0, 0,
     NULL,
     "Tiers that tenants can be put into, and the turns that each has in a round where several "
     "have jobs waiting (1 to 1000). A tenant without a tier has one."},

    {"local.workers", NULL, NULL, CONFIG_INTEGER, AT(local.workers), "0", 0, WORKER_COUNT_MAX, NULL,
     "Processes that render on this machine; 0 is one less than there are cores, and at least 2."},
    {"local.program", NULL, NULL, CONFIG_PATH, AT(local.program), NULL, 0, 0, NULL,
     "The program `reel-media`. By default looked for beside `reel` and in the libexec folder."},
    {"local.timeout", NULL, NULL, CONFIG_DURATION, AT(local.timeout), "15m", 10 * MS_SECOND, MS_DAY,
     NULL, "How long one render on this machine may take."},
    {"local.silence", NULL, NULL, CONFIG_DURATION, AT(local.silence), "60s", MS_SECOND, MS_HOUR,
     NULL, "How long a render may say nothing before it counts as hung and is stopped."},
    {"local.memory", NULL, NULL, CONFIG_BYTES, AT(local.memory), "4GiB", 256 * MIB, 1024 * GIB,
     NULL, "Address space of one worker."},
    {"local.maxOutput", NULL, NULL, CONFIG_BYTES, AT(local.max_output), "2GiB", MIB, 1024 * GIB,
     NULL,
     "Size of the largest file that a worker may write. An attempt whose files together take 128 "
     "MiB more than this, besides its inputs, is stopped. What a provider made is not kept when it "
     "is larger."},
    {"local.maxPixels", NULL, NULL, CONFIG_INTEGER, AT(local.max_pixels), "67108864", 65536,
     1073741824, NULL, "Pixels of the largest picture that a worker reads; the default is 8192²."},
    {"local.encoder", NULL, NULL, CONFIG_TEXT, AT(local.encoder), "libx264", 0, 0, NULL,
     "The H.264 encoder of `local/kenburns`, `local/animatic` and `local/compose`, by its name in "
     "FFmpeg's libavcodec. It has to take pictures from memory and to work inside the cage, which "
     "no device can be reached from; `reel doctor` tries it."},
    {"local.preset", NULL, NULL, CONFIG_TEXT, AT(local.preset), NULL, 0, 0, NULL,
     "A preset of that encoder, between quick and small; `veryfast` by default for libx264."},
    {"local.user", NULL, NULL, CONFIG_INTEGER, AT(local.user), "65432", 0, 4294967294, NULL,
     "User and group id that workers take on where the server runs as root; 0 leaves them root. "
     "No account of that number is needed."},
    {"local.weakCage", NULL, "--weak-cage", CONFIG_BOOLEAN, AT(local.weak_cage), "false", 0, 0,
     NULL,
     "Start even where the system does not offer every required layer of the cage around "
     "`reel-media`."},

    {"command.environment", NULL, NULL, CONFIG_LIST, AT(command.environment), "", 0, 0, NULL,
     "Environment variables that programs of your own (the provider `command`) get beside `PATH`, "
     "`HOME`, `LANG`, `TMPDIR` and `CUDA_*`, as `HF_HOME, ROCR_*`. What is not named is not given "
     "to them, providers' keys least of all."},

    {"server.loops", NULL, NULL, CONFIG_INTEGER, AT(server.loops), "1", 1, 2, NULL,
     "Threads that read and answer requests."},
    {"server.connections", NULL, NULL, CONFIG_INTEGER, AT(server.connections), "10000", 1, 1000000,
     NULL, "Open connections in all."},
    {"server.connectionsPerAddress", NULL, NULL, CONFIG_INTEGER, AT(server.connections_per_address),
     "100", 1, 1000000, NULL, "Open connections of one address."},
    {"server.connectionsPerOpenAddress", NULL, NULL, CONFIG_INTEGER,
     AT(server.connections_per_open_address), "10000", 1, 1000000, NULL,
     "Open connections of one loopback address, or one in `network.allow`."},
    {"server.headMax", NULL, NULL, CONFIG_BYTES, AT(server.head_max), "8KiB", KIB, 65535, NULL,
     "Size of a request's line and headers."},
    {"server.bodyMax", NULL, NULL, CONFIG_BYTES, AT(server.body_max), "1MiB", KIB, 64 * MIB, NULL,
     "Size of a request's body."},
    {"server.bodiesMax", NULL, NULL, CONFIG_BYTES, AT(server.bodies_max), "256MiB", MIB, 64 * GIB,
     NULL, "Size of all bodies that are being received, together."},
    {"server.headTimeout", NULL, NULL, CONFIG_DURATION, AT(server.head_timeout), "10s", 100,
     10 * MS_MINUTE, NULL, "How long a client may take to send a request's headers."},
    {"server.bodyTimeout", NULL, NULL, CONFIG_DURATION, AT(server.body_timeout), "120s", 100,
     MS_HOUR, NULL, "How long a client may take to send a request's body."},
    {"server.idleTimeout", NULL, NULL, CONFIG_DURATION, AT(server.idle_timeout), "75s", 100,
     MS_HOUR, NULL, "How long a connection may stay open between requests."},
    {"server.trustedProxies", NULL, NULL, CONFIG_LIST, AT(server.trusted_proxies), "", 0, 0, NULL,
     "Addresses or networks of proxies whose `X-Forwarded-For` is believed."},

    {"network.allow", "REEL_ALLOW_NETWORKS", NULL, CONFIG_LIST, AT(network.allow), "", 0, 0, NULL,
     "Networks or addresses that URLs in requests may lead to although they are not public, as "
     "`10.0.0.0/8`."},
    {"network.allowPorts", "REEL_ALLOW_PORTS", NULL, CONFIG_LIST, AT(network.allow_ports), "", 0, 0,
     NULL,
     "Ports that URLs in requests may name besides 80, 443 and 8443, as `8000-8099`, or "
     "`*`."},
    {"network.authorities", "SSL_CERT_FILE", NULL, CONFIG_PATH, AT(network.authorities), NULL, 0, 0,
     NULL,
     "A file of certificates (PEM) of the authorities that are believed when reel asks others by "
     "https, instead of the system's: for a provider, or a proxy on the way, with a certificate of "
     "your own."},
    /* A submission's answer is awaited within the two minutes of core/ladder.c, a read's within the
     * minute that a hint has there. */
    {"providers.submitTimeout", NULL, NULL, CONFIG_DURATION, AT(providers.submit_timeout), "90s",
     MS_SECOND, 110 * MS_SECOND, NULL,
     "How long a provider may take to answer a submission. After that it is uncertain what came of "
     "it, and the provider is asked for it."},
    {"providers.readTimeout", NULL, NULL, CONFIG_DURATION, AT(providers.read_timeout), "30s",
     MS_SECOND, 50 * MS_SECOND, NULL,
     "How long a provider may take to answer a poll, a search or a cancel, which are repeated."},
    {"fetch.maxSize", NULL, NULL, CONFIG_BYTES, AT(fetch.max_size), "100MiB", KIB, 16 * GIB, NULL,
     "Size of an input that is fetched from a URL."},
    {"fetch.timeout", NULL, NULL, CONFIG_DURATION, AT(fetch.timeout), "60s", MS_SECOND, MS_HOUR,
     NULL, "How long fetching an input may take."},

    {"uploads.maxSize", NULL, NULL, CONFIG_BYTES, AT(uploads.max_size), "512MiB", KIB, 64 * GIB,
     NULL, "Size of one upload."},
    {"uploads.maxTotal", NULL, NULL, CONFIG_BYTES, AT(uploads.max_total), "16GiB", 0, 1024 * GIB,
     NULL, "Size of all uploads of one tenant together; 0 is no limit."},
    {"uploads.maxCount", NULL, NULL, CONFIG_INTEGER, AT(uploads.max_count), "10000", 0, 100000,
     NULL, "Number of uploads of one tenant; 0 is no limit."},
    {"uploads.inFlight", NULL, NULL, CONFIG_INTEGER, AT(uploads.in_flight), "16", 1, 1024, NULL,
     "Uploads that are received at once; more are asked to come back."},
    {"uploads.keep", NULL, NULL, CONFIG_DURATION, AT(uploads.keep), "7d", MS_SECOND, 365 * MS_DAY,
     NULL,
     "How long an upload is kept. One that a job has named and not read yet is kept until that job "
     "has ended."},
    {"uploads.timeout", NULL, NULL, CONFIG_DURATION, AT(uploads.timeout), "1h", MS_SECOND, MS_DAY,
     NULL, "How long a client may take to send an upload."},

    {"outputs.maxAge", NULL, NULL, CONFIG_DURATION, AT(outputs.max_age), "0s", 0, 3650 * MS_DAY,
     NULL,
     "How long the files of a job that has ended are kept; 0 is for ever. The job's record stays, "
     "and says that its files are gone."},
    {"outputs.maxSize", NULL, NULL, CONFIG_BYTES, AT(outputs.max_size), "0", 0, 1024 * 1024 * GIB,
     NULL,
     "Size of all outputs together, thumbnails not counted; beyond it those of the jobs that ended "
     "first are removed. 0 is no limit."},
    {"webhooks.schedule", NULL, NULL, CONFIG_LIST, AT(webhooks.schedule_texts),
     "0s, 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h", 0, 0, NULL,
     "The wait before each try to deliver a webhook; after the last one it is given up. At most 20 "
     "waits of at most 7 days each. By chance each is up to a tenth shorter or longer, and a "
     "receiver's `Retry-After` can lengthen it."},
    {"webhooks.timeout", NULL, NULL, CONFIG_DURATION, AT(webhooks.timeout), "20s", MS_SECOND,
     5 * MS_MINUTE, NULL, "How long a receiver may take to answer."},
    {"webhooks.inFlight", NULL, NULL, CONFIG_INTEGER, AT(webhooks.in_flight), "128", 1, 1000, NULL,
     "Webhooks that are being sent at once; those to receivers that failed last get half of it."},
    {"webhooks.perReceiver", NULL, NULL, CONFIG_INTEGER, AT(webhooks.per_receiver), "4", 1, 8, NULL,
     "Webhooks that are being sent at once to one receiver (scheme, host and port) of one tenant; "
     "1 while it fails."},
    {"streams.perProvider", NULL, NULL, CONFIG_INTEGER, AT(streams.per_provider), "32", 0, 1000,
     NULL,
     "Streams of a provider that are followed at once, each about one job, where it has streams "
     "and does not call back; jobs beyond are polled. 0 follows none."},
    {"alerts.url", NULL, NULL, CONFIG_TEXT, AT(alerts.url), NULL, 0, 0, NULL,
     "Where the operator is told of a disk that is nearly full, of webhooks that fail, of budgets "
     "and of providers that are unwell, by a webhook of its own; it may lead to a private address. "
     "By default nowhere."},
    {"alerts.secret", NULL, NULL, CONFIG_SECRET, AT(alerts.secret), NULL, 0, 0, NULL,
     "Signs alerts: `whsec_` and 24 to 64 bytes in base64. Without it they are not signed."},

    {"budget.providers", NULL, NULL, CONFIG_LIST, AT(budget.provider_texts), "", 0, 0, NULL,
     "What may be spent at a provider, as `fal=100/month, replicate=20.50/day`: dollars a `day`, a "
     "`month` (UTC) or in `total`. Jobs go to their next offer when it is used up, or wait. "
     "Budgets "
     "of tenants are set by `PUT /api/v1/tenants/ID`."},
    {"price.assume", NULL, NULL, CONFIG_MONEY, AT(price.assume), "none", 0, 0, NULL,
     "Dollars that a job counts with where the catalogue does not know its price, as `0.05`. With "
     "`none` such jobs are refused to tenants that have a budget."},

    {"output.signed", NULL, NULL, CONFIG_BOOLEAN, AT(output.is_signed), "true", 0, 0, NULL,
     "Links to outputs carry a signature and expire; without it they need the key instead."},
    {"output.linkTtl", NULL, NULL, CONFIG_DURATION, AT(output.link_ttl), "24h", MS_MINUTE,
     365 * MS_DAY, NULL, "How long a signed link to an output works."},

    {"sqlite.cacheSize", NULL, NULL, CONFIG_BYTES, AT(sqlite.cache_size), "16MiB", MIB, 16 * GIB,
     NULL, "Memory for the database's pages."},
};

const size_t config_table_size = sizeof config_table / sizeof config_table[0];
