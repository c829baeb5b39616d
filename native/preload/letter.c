/* Creating such a file without being fooled by who else can write to the folder, and without a later SIGBUS.
 * It leaves where the folder is to its callers. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "letter.h"
#include "syscall.h"
#include "text.h"

/* Files of programs that ended must not fill a disk, or a tmpfs (which is memory), when no collector removes them: one is only
 * put where more than a quarter is free, or so many bytes. */
#define FREE_BYTES_ENOUGH (UINT64_C(256) << 20)

/* xfs has no name in linux/magic.h before Linux 5.1. */
#define XFS_MAGIC 0x58465342

/* Where a block that was written once can be written again. On others (btrfs, NFS, FUSE) a store into the mapping may need a
 * new block, and when there is none, or no server, it is a SIGBUS in the middle of somebody's program. */
static bool is_safe_to_map(const struct statfs *system) {
    long type = (long)system->f_type;
    bool known = type == TMPFS_MAGIC || type == EXT4_SUPER_MAGIC || type == XFS_MAGIC || type == OVERLAYFS_SUPER_MAGIC;
    bool roomy = system->f_bavail > system->f_blocks / 4 || (uint64_t)system->f_bavail * (uint64_t)system->f_bsize >= FREE_BYTES_ENOUGH;
    /* A tmpfs without a limit says 0 blocks. */
    return known && (system->f_blocks == 0 || roomy);
}

/* A write beyond RLIMIT_FSIZE is a SIGXFSZ, which would end the program. */
static bool is_size_allowed(uint32_t bytes) {
    struct rlimit64 limit = {0};
    return SYSTEM_CALL_4(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 && limit.rlim_cur >= bytes;
}

/* Real blocks now: a full file system is an error here and not a SIGBUS at the first store. */
static bool fill(int file, uint32_t bytes) {
    static const char zeros[4096];
    for (uint32_t done = 0; done < bytes; done += sizeof zeros) {
        size_t size = bytes - done < sizeof zeros ? bytes - done : sizeof zeros;
        if (system_write(file, zeros, size) != (long)size) return false;
    }
    return true;
}

static bool is_ours(int file) {
    struct stat status = {0};
    return SYSTEM_CALL_2(SYS_fstat, file, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
           status.st_uid == (uid_t)SYSTEM_CALL_1(SYS_geteuid, 0) && status.st_size == 0;
}

static void *map(int file, uint32_t bytes) {
    struct statfs system = {0};
    if (!is_ours(file) || SYSTEM_CALL_2(SYS_fstatfs, file, &system) != 0 || !is_safe_to_map(&system)) return NULL;
    if (!is_size_allowed(bytes) || !fill(file, bytes)) return NULL;
    long address = SYSTEM_CALL_6(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (address < 0 && address >= -4095) return NULL;
    (void)SYSTEM_CALL_3(SYS_madvise, address, bytes, MADV_DONTDUMP);
    return (void *)address;
}

struct letter letter_create(int folder, const char *suffix, uint32_t bytes, uint64_t now_ns) {
    struct letter letter = {.mapping = NULL};
    struct text name = text_in(letter.name, sizeof letter.name);
    text_add_number(&name, (uint64_t)SYSTEM_CALL_1(SYS_getpid, 0), 10);
    text_add(&name, "-");
    text_add_number(&name, now_ns, 16);
    text_add(&name, suffix);
    int file = name.full ? -1 : system_open_at(folder, letter.name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return letter;
    letter.mapping = map(file, bytes);
    if (!letter.mapping) (void)SYSTEM_CALL_3(SYS_unlinkat, folder, letter.name, 0);
    (void)system_close(file);
    return letter;
}
