/* Plugin of QEMU's user emulation: how many instructions the program's first thread has executed
 * whenever it calls getpriority(PRIO_PROCESS, 0x51515100 + n), written as "n instructions", one
 * line each. The declarations are those of QEMU's plugin interface, version 1, whose header Debian
 * does not package. */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct {
    const char *target_name;
    struct { int min, cur; } version;
    bool system_emulation;
    struct { int smp_vcpus, max_vcpus; } system;
} qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(
    qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(
    struct qemu_plugin_tb *, void (*)(unsigned int, void *), enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_vcpu_syscall_cb(
    qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
             uint64_t, uint64_t, uint64_t, uint64_t));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

EXPORT int qemu_plugin_version = 1;

enum { GETPRIORITY = 141 }; /* on aarch64 */
static const uint64_t MARK = 0x51515100;
static uint64_t executed;
static FILE *log_file;

static void on_execution(unsigned int cpu, void *instructions)
{
    if (cpu == 0) {
        executed += (uintptr_t)instructions;
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(
        block, on_execution, QEMU_PLUGIN_CB_NO_REGS, (void *)qemu_plugin_tb_n_insns(block));
}

/* A system call ends its block of instructions, so the count up to here is exact. */
static void on_syscall(qemu_plugin_id_t id, unsigned int cpu, int64_t number, uint64_t which,
                       uint64_t who, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                       uint64_t a7, uint64_t a8)
{
    (void)id, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (cpu == 0 && number == GETPRIORITY && which == 0 && (who & 0xffffff00) == MARK) {
        fprintf(log_file, "%" PRIu64 " %" PRIu64 "\n", who & 0xff, executed);
        fflush(log_file);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    if (strcmp(info->target_name, "aarch64") != 0 || info->system_emulation) {
        fprintf(stderr, "count: the target must be aarch64 in user emulation\n");
        return 1;
    }
    if (argc != 1 || strncmp(argv[0], "log=", 4) != 0) {
        fprintf(stderr, "count: the one argument must be log=FILE\n");
        return 1;
    }
    log_file = fopen(argv[0] + 4, "w");
    if (log_file == NULL) {
        perror(argv[0] + 4);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    return 0;
}
