/* SPDX-License-Identifier: Apache-2.0 */
/* backing_shm.c - the one difference between the libraries: libsplinter keeps stores in memory */

#include "backing.h"
#include "public.h"

const uint32_t splinter__default_backing = SPLINTER_MEMORY;
