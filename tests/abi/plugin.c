/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - linked with libsplinter_p, loaded by a program that is linked with libsplinter */
#include <splinter.h>

int plugin_create(const char *path, size_t slots, size_t max_value);
int plugin_set(const char *key, const void *val, size_t len);
int plugin_get(const char *key, void *buf, size_t size, size_t *out_size);
void plugin_close(void);
const char *plugin_last_error(void);

int plugin_create(const char *path, size_t slots, size_t max_value)
{
    return splinter_create(path, slots, max_value);
}

int plugin_set(const char *key, const void *val, size_t len)
{
    return splinter_set(key, val, len);
}

int plugin_get(const char *key, void *buf, size_t size, size_t *out_size)
{
    return splinter_get(key, buf, size, out_size);
}

void plugin_close(void)
{
    splinter_close();
}

const char *plugin_last_error(void)
{
    return splinter_last_error();
}
