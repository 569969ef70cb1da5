/* versions.h: the libraries behind the result file, as they are at run time. */
#ifndef FINEPROBE_STORE_VERSIONS_H
#define FINEPROBE_STORE_VERSIONS_H

#include <stddef.h>

void fp_store_versions(char *hdf5, size_t hdf5_size, char *mpi, size_t mpi_size);

#endif
