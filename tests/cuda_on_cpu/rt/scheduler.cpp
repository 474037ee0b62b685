// The threads of a block are fibers of one thread of the machine, and take turns at barriers.
#include "checker.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <vector>

Running running;
static std::vector<Fiber> fibers;
static uint8_t *stacks;
static void *scheduler_stack_pointer;
// Of each warp: counts the warp operations, as phases count barriers.
static uint16_t warp_phase[32];
static uint64_t phase;
static unsigned waiting_at_barrier, waiting_at_warp, finished;
static int barrier_count;

// No kernel walks through so many tiles in a block of a test; one that does will never end.
constexpr uint64_t MOST_BARRIERS = 100'000;

// ---------------------------------------------------------------- fibers

static void to_scheduler(State state) {
  running.fiber->state = state;
  cuda_on_cpu_switch(&running.fiber->stack_pointer, scheduler_stack_pointer);
}

[[noreturn]] void abandon() {
  to_scheduler(DONE);
  abort();
}

static void fiber_main() {
  running.launch->enter(running.launch->arguments);
  if (running.fiber->copies)
    fail(running.fiber->copy[0].caller, nullptr, "an asynchronous copy is never waited for");
  ++finished;
  abandon();
}

static void prepare(Fiber &fiber) {
  // Tops at different offsets: equal ones would all compete for the same lines of the cache.
  uint8_t *top = fiber.stack + STACK - 128 - fiber.thread % 64 * 64;
  void **frame = (void **)((uintptr_t)top & ~uintptr_t(15)) - SAVED - 2;
  memset(frame, 0, (SAVED + 2) * sizeof *frame);
  frame[RETURN] = (void *)fiber_main;
  fiber.stack_pointer = frame;
  fiber.state = READY;
  fiber.copies = 0;
}

static void resume(Fiber &fiber) {
  running.fiber = &fiber;
  running.now = phase << 32 | Stamp(warp_phase[fiber.thread / 32]) << 16 | fiber.thread;
  cuda_on_cpu_switch(&scheduler_stack_pointer, fiber.stack_pointer);
  running.fiber = nullptr;
}

// ---------------------------------------------------------------- what kernels call

extern "C" {
Index cuda_on_cpu_thread() { return running.fiber->index; }
Index cuda_on_cpu_block() { return running.block; }
Index cuda_on_cpu_block_size() {
  const unsigned *size = running.launch->block;
  return {size[0], size[1], size[2]};
}
Index cuda_on_cpu_grid_size() {
  const unsigned *size = running.launch->grid;
  return {size[0], size[1], size[2]};
}

int cuda_on_cpu_barrier(int predicate, const char *file, int line) {
  Fiber &fiber = *running.fiber;
  fiber.predicate = predicate;
  fiber.file = file;
  fiber.line = line;
  ++waiting_at_barrier;
  to_scheduler(AT_BARRIER);
  return barrier_count;
}

unsigned long long cuda_on_cpu_warp(int kind, unsigned mask, unsigned long long value, int source,
                                    const char *file, int line) {
  Fiber &fiber = *running.fiber;
  if (!(mask >> fiber.thread % 32 & 1))
    fail(__builtin_return_address(0), nullptr,
         "%s:%d: the mask 0x%x of a warp function lacks the lane that calls it", file, line, mask);
  fiber.kind = kind;
  fiber.mask = mask;
  fiber.value = value;
  fiber.source = source & 31;
  fiber.file = file;
  fiber.line = line;
  ++waiting_at_warp;
  to_scheduler(AT_WARP);
  return fiber.result;
}

unsigned cuda_on_cpu_active_lanes() {
  unsigned lanes = 0;
  const unsigned first = running.fiber->thread & ~31u;
  for (unsigned lane = 0; lane < 32 && first + lane < running.threads; ++lane)
    if (fibers[first + lane].state == READY) lanes |= 1u << lane;
  return lanes;
}

void cuda_on_cpu_trap() { fail(__builtin_return_address(0), nullptr, "__trap()"); }
}

// ---------------------------------------------------------------- warps

enum WarpKind { SYNC, SHUFFLE, BALLOT };  // as in threads.h

// The lanes of `fiber`'s mask that wait with it; 0 while one is still on its way.
static unsigned gathered(const Fiber &fiber) {
  const unsigned first = fiber.thread & ~31u;
  unsigned lanes = 0;
  for (unsigned lane = 0; lane < 32 && first + lane < running.threads; ++lane) {
    const Fiber &other = fibers[first + lane];
    if (!(fiber.mask >> lane & 1) || other.state == DONE) continue;
    if (other.state != AT_WARP || other.mask != fiber.mask || other.kind != fiber.kind ||
        other.line != fiber.line)
      return 0;
    lanes |= 1u << lane;
  }
  return lanes;
}

static void exchange(Fiber *warp, unsigned lanes) {
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes >> lane & 1 && warp[lane].value & 1) ballot |= 1u << lane;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(lanes >> lane & 1)) continue;
    Fiber &fiber = warp[lane];
    fiber.state = READY;
    --waiting_at_warp;
    if (fiber.kind == BALLOT) fiber.result = ballot;
    if (fiber.kind != SHUFFLE) continue;
    if (!(lanes >> fiber.source & 1))
      return fail(nullptr, nullptr, "%s:%d: a shuffle reads lane %d, which is absent, in thread %s",
                  fiber.file, fiber.line, fiber.source, thread_name(fiber.thread));
    fiber.result = warp[fiber.source].value;
  }
}

static bool release_warps() {
  bool any = false;
  for (unsigned thread = 0; waiting_at_warp && thread < running.threads; ++thread) {
    if (fibers[thread].state != AT_WARP) continue;
    const unsigned lanes = gathered(fibers[thread]);
    if (!lanes) continue;
    exchange(&fibers[thread & ~31u], lanes);
    ++warp_phase[thread / 32];
    any = true;
  }
  return any;
}

// ---------------------------------------------------------------- barriers

static const Fiber *one_in(State state) {
  for (const Fiber &fiber : fibers)
    if (fiber.state == state) return &fiber;
  return nullptr;
}

static const Fiber *elsewhere(const Fiber &at) {
  for (const Fiber &fiber : fibers)
    if (fiber.line != at.line || strcmp(fiber.file, at.file)) return &fiber;
  return nullptr;
}

static void stuck() {
  const Fiber *barrier = one_in(AT_BARRIER), *warp = one_in(AT_WARP), *done = one_in(DONE);
  if (barrier && warp)
    fail(nullptr, nullptr, "barrier divergence: thread %s waits at %s:%d, thread %s in a warp "
         "function at %s:%d", thread_name(barrier->thread), barrier->file, barrier->line,
         thread_name(warp->thread), warp->file, warp->line);
  else if (barrier)
    fail(nullptr, nullptr, "barrier divergence: thread %s waits at %s:%d, but thread %s has exited",
         thread_name(barrier->thread), barrier->file, barrier->line, thread_name(done->thread));
  else
    fail(nullptr, nullptr, "warp divergence: thread %s waits at %s:%d with mask 0x%x for lanes "
         "that never come", thread_name(warp->thread), warp->file, warp->line, warp->mask);
}

static void begin_phase() {
  ++phase;
  running.phase_begin = phase << 32;
}

static void release_barrier() {
  if (const Fiber *other = elsewhere(fibers[0]))
    return fail(nullptr, nullptr, "barrier divergence: thread %s waits at %s:%d, thread %s at %s:%d",
                thread_name(0), fibers[0].file, fibers[0].line, thread_name(other->thread),
                other->file, other->line);
  if (phase - (running.block_begin >> 32) > MOST_BARRIERS)
    return fail(nullptr, nullptr, "no end: the block has passed %llu barriers, lastly at %s:%d",
                (unsigned long long)MOST_BARRIERS, fibers[0].file, fibers[0].line);
  barrier_count = 0;
  for (Fiber &fiber : fibers) {
    barrier_count += fiber.predicate;
    fiber.state = READY;
  }
  waiting_at_barrier = 0;
  begin_phase();
}

// ---------------------------------------------------------------- blocks and launches

static void run_ready() {
  const unsigned count = running.threads;
  for (unsigned i = 0; i < count && !running.failed; ++i) {
    Fiber &fiber = fibers[running.launch->reverse ? count - 1 - i : i];
    if (fiber.state == READY) resume(fiber);
  }
}

static void run_block() {
  begin_phase();
  running.block_begin = running.phase_begin;
  waiting_at_barrier = waiting_at_warp = finished = 0;
  memory_block();
  for (Fiber &fiber : fibers) prepare(fiber);
  while (!running.failed) {
    run_ready();
    if (running.failed || finished == running.threads) return;
    if (release_warps()) continue;
    if (waiting_at_barrier == running.threads) release_barrier();
    else stuck();
  }
}

static void make_fibers() {
  // Room for the largest block; only the pages that are used exist.
  if (!stacks)
    stacks = (uint8_t *)mmap(nullptr, 1024 * STACK, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const unsigned *size = running.launch->block;
  fibers.resize(running.threads);
  for (unsigned i = 0; i < running.threads; ++i) {
    fibers[i].thread = i;
    fibers[i].stack = stacks + i * STACK;
    fibers[i].index = {i % size[0], i / size[0] % size[1], i / size[0] / size[1]};
  }
}

extern "C" int cuda_on_cpu_launch(Launch *launch) {
  const unsigned *grid = launch->grid, *block = launch->block;
  running = {};
  running.launch = launch;
  running.threads = block[0] * block[1] * block[2];
  make_fibers();
  begin_phase();
  running.launch_begin = running.phase_begin;
  memory_launch();
  const size_t blocks = (size_t)grid[0] * grid[1] * grid[2];
  for (size_t i = 0; i < blocks && !running.failed; ++i) {
    const size_t at = launch->reverse ? blocks - 1 - i : i;
    running.block = {unsigned(at % grid[0]), unsigned(at / grid[0] % grid[1]),
                     unsigned(at / grid[0] / grid[1])};
    run_block();
  }
  running.threads = 0;
  if (launch->check && !running.failed) memory_unwritten();
  launch->accesses = running.accesses;
  launch->static_shared = shared_in_use();
  return running.failed;
}
