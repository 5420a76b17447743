/* SPDX-License-Identifier: Apache-2.0 */
/* backing_shm.c - the default of libsplinter: stores are in memory */

#include "backing.h"
#include "public.h"

const uint32_t splinter__default_backing = SPLINTER_MEMORY;
