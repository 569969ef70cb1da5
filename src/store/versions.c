#include "store/versions.h"

#include <hdf5.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

void fp_store_versions(char *hdf5, size_t hdf5_size, char *mpi, size_t mpi_size) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(hdf5, hdf5_size, "%u.%u.%u", major, minor, release);
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(text, &length); /* allowed before MPI_Init */
    text[strcspn(text, ",\n")] = '\0';
    snprintf(mpi, mpi_size, "%s", text);
}
