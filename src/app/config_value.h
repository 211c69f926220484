/* A configuration value: from text into struct config by its key's type, and back. */
#ifndef APP_CONFIG_VALUE_H
#define APP_CONFIG_VALUE_H

#include "app/config.h"

/* Reads `text` as the key's type and range into the config; false, and nothing changed, when it is
 * not allowed. `user_home` stands for "~"; may be NULL. */
bool config_value_set(struct config *config, const struct config_key *key, struct span text,
                      const char *user_home);
/* What is allowed: "a duration from 10s to 30d, as 500ms, 10s, 15m, 24h or 7d". */
void config_value_allowed(const struct config_key *key, struct buffer *target);
/* The value in force as text that config_value_set reads; a secret as "(set)", nothing as "". */
void config_value_write(const struct config *config, const struct config_key *key,
                        struct buffer *target);

/* The types by themselves; false on anything else than what they allow. */
bool config_value_bytes(struct span text, uint64_t *ret_bytes);
bool config_value_duration(struct span text, ms_t *ret_ms);
bool config_value_boolean(struct span text, bool *ret_value);
bool config_value_address(struct span text, struct config_address *ret_address);

void config_value_print_bytes(uint64_t bytes, struct buffer *target);
void config_value_print_duration(ms_t duration, struct buffer *target);

#endif
