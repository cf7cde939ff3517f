# What goes wrong underneath, as a whole trail feels it.
add_library(scarcity STATIC support/scarcity.c)
target_link_libraries(scarcity PUBLIC test_support PkgConfig::SQLITE PkgConfig::JANSSON PkgConfig::CRYPTO)
target_link_options(scarcity INTERFACE
  -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=strdup,--wrap=opendir)

add_executable(faults_memory faults/test_memory.c)
target_link_libraries(faults_memory PRIVATE audittrail_flags scarcity trail_fixture audittrail_internal
  PkgConfig::CMOCKA)
set_target_properties(faults_memory PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# Some hundred stores are made: in memory where there is such a place, because the disk's syncs are not what is tested.
set(scarcity_environment)
if(IS_DIRECTORY /dev/shm)
  set(scarcity_environment TMPDIR=/dev/shm)
endif()
add_test(NAME faults/memory COMMAND faults_memory)
set_tests_properties(faults/memory PROPERTIES LABELS unit TIMEOUT 300 ENVIRONMENT "${scarcity_environment}")
add_test(NAME soak/memory COMMAND faults_memory)
set_tests_properties(soak/memory PROPERTIES LABELS long TIMEOUT 14400
  ENVIRONMENT "${scarcity_environment};AUDITTRAIL_ALLOCATION_STRIDE=1")
