/* A CUDA driver as far as gpuconv's probe asks one. FAKE_CUDA_* variables say how it behaves;
   LACKS_INIT leaves cuInit out. Each cuInit appends its process to the file FAKE_CUDA_LOG. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int number(const char* name, int otherwise)
{
    const char* text = getenv(name);
    return text ? atoi(text) : otherwise;
}

int cuDriverGetVersion(int* version)
{
    *version = number("FAKE_CUDA_VERSION", 13000);
    return 0;
}

#ifndef LACKS_INIT
int cuInit(unsigned int flags)
{
    const char* how = getenv("FAKE_CUDA_INIT");
    const char* log = getenv("FAKE_CUDA_LOG");
    (void)flags;
    if (log) {
        FILE* file = fopen(log, "a");
        fprintf(file, "%d\n", (int)getpid());
        fclose(file);
    }
    if (how && !strcmp(how, "abort")) abort();
    if (how && !strcmp(how, "exit")) _exit(7);
    if (how && !strcmp(how, "hang")) for (;;) pause();
    return how ? atoi(how) : 0;
}
#endif

int cuDeviceGetCount(int* count)
{
    *count = number("FAKE_CUDA_COUNT", 1);
    return 0;
}

int cuDeviceGet(int* device, int ordinal)
{
    *device = ordinal;
    return 0;
}

int cuDeviceGetName(char* name, int length, int device)
{
    snprintf(name, length, "Fake GPU %d", device);
    return 0;
}

int cuDeviceTotalMem_v2(size_t* bytes, int device)
{
    *bytes = (size_t)(device + 1) << 30;
    return 0;
}

/* Attribute 75 is the major number of the compute capability, 76 the minor one. Each GPU after the
   first is a generation older. */
int cuDeviceGetAttribute(int* value, int attribute, int device)
{
    int capability = number("FAKE_CUDA_CAPABILITY", 90) - 10 * device;
    *value = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : -1;
    return 0;
}
