# Unit tests of the PostgreSQL back-end: its objects are linked in, the server is the one of the tests.
# postgresql_unit_test(store/test_postgresql_x [extra sources or link options])
if(AUDITTRAIL_WITH_POSTGRESQL)
  add_library(postgresql_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/postgresql_fixture.c)
  target_include_directories(postgresql_fixture PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/unit)
  target_link_libraries(postgresql_fixture PUBLIC audittrail_internal PkgConfig::LIBPQ PkgConfig::CMOCKA
    PRIVATE audittrail_flags)
endif()
function(postgresql_unit_test path)
  if(NOT AUDITTRAIL_WITH_POSTGRESQL)
    return()
  endif()
  unit_test(${path} $<TARGET_OBJECTS:audittrail_postgresql_objects> postgresql_fixture store_fixture ${ARGN})
  string(REPLACE "test_" "" name unit/${path})
  postgresql_tests(${name})
endfunction()

postgresql_unit_test(store/test_postgresql_value)
postgresql_unit_test(store/test_postgresql_connection)
