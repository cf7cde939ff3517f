# The PostgreSQL back-end: a loadable object, so that who stores in SQLite needs no libpq.
set(AUDITTRAIL_POSTGRESQL AUTO CACHE STRING "Build the PostgreSQL back-end: ON, OFF, or AUTO: when libpq is there")
set_property(CACHE AUDITTRAIL_POSTGRESQL PROPERTY STRINGS AUTO ON OFF)
if(AUDITTRAIL_POSTGRESQL STREQUAL "AUTO")
  pkg_check_modules(LIBPQ IMPORTED_TARGET GLOBAL libpq)
elseif(AUDITTRAIL_POSTGRESQL)
  pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET GLOBAL libpq)
endif()
set(AUDITTRAIL_WITH_POSTGRESQL ${LIBPQ_FOUND} PARENT_SCOPE)
if(NOT LIBPQ_FOUND)
  return()
endif()

set(AUDITTRAIL_POSTGRESQL_SOURCES
  store/postgresql_value.c
  store/postgresql_url.c
  store/postgresql_connection.c
  store/postgresql_schema.c
  store/postgresql_script.c
  store/postgresql_refs.c
  store/postgresql_copy.c
  store/postgresql_days.c
  store/postgresql_write.c
  store/postgresql_read.c
  store/postgresql_cleanup.c
  store/postgresql_cleanup_phases.c
  store/postgresql_forecast.c
  store/postgresql_store.c
)
audittrail_embed_sql(postgresql
  store/migrations/postgresql/0001_initial.sql
  store/migrations/postgresql/0002_retention.sql)

add_library(audittrail_postgresql_objects OBJECT ${AUDITTRAIL_POSTGRESQL_SOURCES} ${AUDITTRAIL_EMBEDDED_postgresql})
target_include_directories(audittrail_postgresql_objects PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
  ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(audittrail_postgresql_objects PUBLIC PkgConfig::LIBPQ PRIVATE PkgConfig::CRYPTO audittrail_flags)

# It brings its own copies of what it uses of our helpers, and shows one name.
add_library(audittrail_postgresql MODULE $<TARGET_OBJECTS:audittrail_postgresql_objects>)
target_link_libraries(audittrail_postgresql PRIVATE audittrail_flags audittrail_internal PkgConfig::LIBPQ)
target_link_options(audittrail_postgresql PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed)
set_target_properties(audittrail_postgresql PROPERTIES PREFIX ""
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/audittrail)
install(TARGETS audittrail_postgresql LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/audittrail)
