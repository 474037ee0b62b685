// One report: the first thing that goes wrong ends the launch.
#include "checker.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

const char *thread_name(unsigned thread) {
  static char names[4][40];
  static int next;
  char *name = names[next++ % 4];
  const unsigned *size = running.launch->block;
  snprintf(name, sizeof names[0], "(%u, %u, %u)", thread % size[0], thread / size[0] % size[1],
           thread / size[0] / size[1]);
  return name;
}

void fail(void *caller, void *address, const char *format, ...) {
  Launch &launch = *running.launch;
  if (!running.failed) {
    running.failed = true;
    launch.culprit = caller ? (const char *)caller - launch.library_begin : 0;
    launch.address = address;
    va_list values;
    va_start(values, format);
    vsnprintf(launch.report, sizeof launch.report - 100, format, values);
    va_end(values);
    char *end = launch.report + strlen(launch.report);
    if (running.fiber) end += sprintf(end, ", by thread %s", thread_name(running.fiber->thread));
    const Index block = running.block;
    if (running.threads) sprintf(end, " of block (%u, %u, %u)", block.x, block.y, block.z);
  }
  if (running.fiber) abandon();
}
