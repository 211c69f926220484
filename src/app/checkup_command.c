/* The catalogue's part of `reel doctor`: the user's own files, and the programs that they name. */
#include "app/checkup.h"

#include "app/offers.h"
#include "app/user_catalog.h"

static void check_offer(struct checkup *checkup, const struct offer *offer)
{
    if (offers_configured(NULL, offer))
        checkup_add(checkup, CHECKUP_OK, "command", NULL, "%s runs %s", offer->model->id,
                    offer->command.items[0]);
    else
        checkup_add(checkup, CHECKUP_FAIL, "command",
                    "Put it there and make it executable, or correct the offer's \"command\".",
                    "%s", offers_missing(offer, &checkup->arena));
}

void checkup_commands(struct checkup *checkup, const struct config *config)
{
    char fault[CATALOG_FAULT_SIZE];
    struct catalog *catalog = user_catalog_make(config->catalog_folder, fault);
    if (!catalog) {
        checkup_add(checkup, CHECKUP_FAIL, "catalogue", "catalog/README.md explains every key.",
                    "%s", fault);
        return;
    }
    if (config->catalog_folder)
        checkup_add(checkup, CHECKUP_OK, "catalogue", NULL, "with the files of %s",
                    config->catalog_folder);
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        for (unsigned k = 0; k < model->offer_count; k++) {
            if (offers_is_command(model->offers[k]))
                check_offer(checkup, model->offers[k]);
        }
    }
    catalog_free(catalog);
}
