// What the rooms of the runtime share: the launch that runs, its threads, its memory.
//
// The kernel is compiled with -fsanitize=thread,..., but none of g++'s sanitizer libraries is
// linked: the calls that the compiler puts before each access arrive in hooks.cpp, which asks
// memory.cpp. So the whole runs under ctypes, and a report can speak of CUDA threads.
#pragma once
#include <cstddef>
#include <cstdint>

struct Index { unsigned x, y, z; };

// ---------------------------------------------------------------- shared with kernel.py

// An array that the kernel may touch: the span from its first to its last byte.
struct Array {
  uint8_t *begin;
  size_t bytes;
  uint8_t *legal;        // per byte of the span: 0 gap, 1 may be read, 3 also written; or null
  uint8_t *initialised;  // per byte: something wrote it; null where everything is initialised
  unsigned item;         // bytes of an element
  uint8_t writable;      // where `legal` is null
  uint8_t complete;      // each writable byte must be written if one is
};

struct Access {
  uint64_t address, line;  // `line` is an offset into the kernel's library, for addr2line
  uint32_t thread;
  uint16_t bytes;
  uint8_t write, shared;
};

struct Launch {
  void (*enter)(void **arguments);
  const char *library_begin, *library_end;
  void **arguments;
  unsigned grid[3], block[3];
  size_t dynamic_shared;
  uint8_t reverse, check;
  const Array *arrays;
  size_t array_count;
  // Accesses of this block are kept in `trace`.
  Access *trace;
  size_t trace_room, trace_count, trace_block;
  // What came of it. `culprit` is the offset of the guilty instruction, `address` what it touched.
  size_t accesses, static_shared, culprit;
  void *address;
  char report[1024];
};

// ---------------------------------------------------------------- scheduler.cpp

enum State { READY, AT_BARRIER, AT_WARP, DONE };

// The moment and the author of an access, in one comparable number:
// phase (32 bits) | the warp's own phase (16) | flags (6) | thread (10).
// A phase begins with each block and each barrier, and the count never restarts, so that what
// older launches left in the cells is older than any phase that still matters.
typedef uint64_t Stamp;
constexpr Stamp THREAD = 1023, PHASE = ~Stamp(0) << 32, WARP_PHASE = 0xffff0000;
constexpr Stamp OTHER_LANES = 1 << 10, OTHER_WARPS = 1 << 11, ATOMIC = 1 << 12;

struct Copy { uint8_t *to; const uint8_t *from; int bytes; void *caller; };
constexpr int COPIES = 64;

struct Fiber {
  void *stack_pointer;
  uint8_t *stack;
  State state;
  unsigned thread;
  Index index;
  // Where it waits, and what it brought along.
  const char *file;
  int line, kind, predicate, source;
  unsigned mask;
  unsigned long long value, result;
  int copies;
  Copy copy[COPIES];
};

// Enough for the parameters (at most 4 KiB) and every local array that a GPU could hold.
constexpr size_t STACK = 64 << 10;

struct Running {
  Launch *launch;
  Fiber *fiber;       // null while the scheduler itself runs
  Stamp now;          // of the running thread
  Stamp phase_begin, block_begin, launch_begin;
  Index block;
  unsigned threads;
  bool failed;
  size_t accesses;
};
extern Running running;

// Leaves the running thread and never comes back to it.
[[noreturn]] void abandon();

// ---------------------------------------------------------------- memory.cpp

enum Mode { READ, WRITE, ATOMIC_CHANGE };
void memory_launch();
void memory_block();
bool memory_unwritten();
size_t shared_in_use();
void touch(void *address, size_t bytes, Mode mode, void *caller);

// ---------------------------------------------------------------- report.cpp

// Where there is a running thread, fails the launch with its name and leaves it.
void fail(void *caller, void *address, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// "(x, y, z)" of a thread of this launch; good until the fourth call after.
const char *thread_name(unsigned thread);
