# Integration tests once more, on other stores than SQLite: postgresql/NAME and pgbouncer/NAME, as stores.txt has them.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/integration/stores.txt)
file(STRINGS integration/stores.txt lines REGEX "^[a-z]")

function(store_test store name where)
  if(NOT TEST integration/${name})
    return() # What it runs is not built here.
  endif()
  set(modules test_${name})
  if(ARGN)
    list(TRANSFORM ARGN PREPEND test_${name}. OUTPUT_VARIABLE modules)
  endif()
  set(test ${store}/${name})
  add_test(NAME ${test} COMMAND ${Python3_EXECUTABLE} -B -m unittest -v ${modules}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/integration)
  get_test_property(integration/${name} ENVIRONMENT environment)
  set(labels integration)
  if(where STREQUAL native)
    list(APPEND labels native)
  elseif(NOT where STREQUAL sanitized)
    message(FATAL_ERROR "integration/stores.txt: ${store} ${name}: ${where} is neither native nor sanitized")
  endif()
  set_tests_properties(${test} PROPERTIES LABELS "${labels}" TIMEOUT 900
    ENVIRONMENT "${environment};AUDITTRAIL_TEST_STORE=${store}")
  postgresql_tests(${test})
endfunction()

foreach(line ${lines})
  separate_arguments(words UNIX_COMMAND ${line})
  store_test(${words})
endforeach()

# Faults of the server: each class has one of its own.
if(TARGET audittrail AND AUDITTRAIL_WITH_POSTGRESQL)
  foreach(name pg_crash pg_commit_lost pg_away pg_data pg_alike)
    recorder_test(${name})
    set_tests_properties(integration/${name} PROPERTIES LABELS "integration;native" TIMEOUT 900)
  endforeach()
  soak_test(pg_crash AUDITTRAIL_CRASHES=1000)
  soak_test(pg_commit_lost AUDITTRAIL_CRASHES=1000)
  soak_test(pg_away AUDITTRAIL_SOAK=1)
endif()
