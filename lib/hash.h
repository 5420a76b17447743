/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - XXH3, inlined: https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md */
#ifndef SPLINTER_HASH_H
#define SPLINTER_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#endif
