/* SPDX-License-Identifier: Apache-2.0 */
/* backing_file.c - the default of libsplinter_p: stores are in files */

#include "backing.h"
#include "public.h"

const uint32_t splinter__default_backing = SPLINTER_FILE;
