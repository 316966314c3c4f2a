/* Preloaded into user-mode-linux: ptrace() as it is, but for two requests.
 *
 * 1. PTRACE_SETREGSET of NT_X86_XSTATE. UML saves a guest process's floating point registers into an area of a
 *    size fixed when it was compiled (2,696 bytes in Linux 6.1: up to PKRU) and sets them again from there. The
 *    host takes only an area as large as its processor's whole state, and says EFAULT to a shorter one; with AMX
 *    that state has 11,008 bytes, and UML ends with "ptrace set fp regs failed, errno 14". So the shorter area is
 *    set as the front of a whole one.
 *
 *    Is that right? Both areas are in XSAVE's standard format, where each component has its own fixed offset, so
 *    the front of the long area is the short one. XSTATE_BV in the header tells which components the area holds; a
 *    component whose bit is 0 is set to its initial state, and the kernel ignores its bytes. The bits of
 *    components that lie beyond the short area (AMX's tiles) are therefore cleared: UML could not save them, so
 *    what lies there now belongs to no guest process in particular. No guest process can miss them: using AMX
 *    takes arch_prctl(ARCH_REQ_XCOMP_PERM), which UML's own arch_prctl does not know.
 *
 * 2. PTRACE_SETOPTIONS gets PTRACE_O_EXITKILL as well. Were UML itself killed, its guest's processes would run on
 *    untraced, and what they meant for the guest's kernel would reach the host's.
 *
 * UML's kernel is one thread, so nothing here is locked.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define OLD_SETOPTIONS 21     /* PTRACE_OLDSETOPTIONS, which UML uses and the C library's header leaves out */
#define XSTATE 0x202          /* NT_X86_XSTATE */
#define XSTATE_BV 512         /* the header follows 512 bytes of x87 and SSE state, and begins with XSTATE_BV */
#define FIRST_EXTENDED 576    /* where the components after x87 and SSE begin */
#define X87_AND_SSE 3

static unsigned char area[65536];
static size_t whole;          /* the size of the host's area; 0 until it was asked for */
static uint64_t within_given; /* the components that UML's area holds: CPUID is slow in a virtual machine */

static long ask_kernel(long request, long pid, long address, void *data)
{
    return syscall(SYS_ptrace, request, pid, address, data);
}

/* The user components that lie wholly within the first `room` bytes, as bits of XSTATE_BV (CPUID leaf 0xD). */
static uint64_t components_within(size_t room)
{
    uint64_t within = X87_AND_SSE;
    unsigned int size, offset, flags, unused;

    for (unsigned int component = 2; component < 63; component++) {
        if (!__get_cpuid_count(0xD, component, &size, &offset, &flags, &unused))
            break;
        int of_users = size > 0 && !(flags & 1);
        if (of_users && (size_t)offset + size <= room)
            within |= UINT64_C(1) << component;
    }
    return within;
}

static long set_registers(long pid, const struct iovec *given)
{
    long result = ask_kernel(PTRACE_SETREGSET, pid, XSTATE, (void *)given);
    if (result == 0 || errno != EFAULT)
        return result;
    if (whole == 0) {
        struct iovec asked = {area, sizeof area};
        if (ask_kernel(PTRACE_GETREGSET, pid, XSTATE, &asked) < 0)
            return -1;
        whole = asked.iov_len;
        within_given = components_within(given->iov_len); /* UML's areas all have the one size */
    }
    if (given->iov_len < FIRST_EXTENDED || given->iov_len >= whole) {
        errno = EFAULT; /* not what we know how to mend */
        return -1;
    }
    memcpy(area, given->iov_base, given->iov_len);
    memset(area + given->iov_len, 0, whole - given->iov_len);
    uint64_t held;
    memcpy(&held, area + XSTATE_BV, sizeof held);
    held &= within_given;
    memcpy(area + XSTATE_BV, &held, sizeof held);
    struct iovec mended = {area, whole};
    return ask_kernel(PTRACE_SETREGSET, pid, XSTATE, &mended);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    long pid = va_arg(arguments, long);
    long address = va_arg(arguments, long);
    void *data = va_arg(arguments, void *);
    va_end(arguments);

    switch ((int)request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
    case PTRACE_PEEKUSER: {
        /* The system call stores the word, where glibc's function returns it and clears errno. */
        long word;
        long result = ask_kernel(request, pid, address, &word);
        if (result < 0)
            return result;
        errno = 0;
        return word;
    }
    case PTRACE_SETREGSET:
        return address == XSTATE ? set_registers(pid, data) : ask_kernel(request, pid, address, data);
    case PTRACE_SETOPTIONS:
    case OLD_SETOPTIONS:
        return ask_kernel(PTRACE_SETOPTIONS, pid, address, (void *)((long)data | PTRACE_O_EXITKILL));
    default:
        return ask_kernel(request, pid, address, data);
    }
}
