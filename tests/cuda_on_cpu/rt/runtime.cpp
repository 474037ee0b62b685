// All rooms in one text, so that the way from a hook to a cell is inlined.
#include "report.cpp"
#include "races.cpp"
#include "memory.cpp"
#include "copies.cpp"
#include "hooks.cpp"
#include "switch.cpp"
#include "scheduler.cpp"
