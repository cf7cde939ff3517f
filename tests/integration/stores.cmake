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
