/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - what the library says of itself; configure.ac alone states the version */
#include "config.h"
#include "public.h"

const char *splinter_version(void)
{
    return PACKAGE_VERSION;
}

size_t splinter_key_max(void)
{
    return SPLINTER_KEY_MAX;
}
