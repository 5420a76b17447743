/* SPDX-License-Identifier: Apache-2.0 */
/* without_call.c - without_call membarrier|futex_waitv COMMAND [ARGUMENT]...: runs it where the
 * kernel says that there is no such call; 77: that is not possible here */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CANNOT 77
#ifdef __alpha__
#define WAITV_CALL 559
#else
#define WAITV_CALL 449
#endif

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    unsigned call = strcmp(argv[1], "membarrier") ? WAITV_CALL : SYS_membarrier;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return CANNOT;
    execv(argv[2], argv + 2);
    return CANNOT;
}
