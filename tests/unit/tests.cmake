# One line per unit test, in the order of src/CMakeLists.txt.
unit_test(base/test_path)
unit_test(base/test_database_url)
unit_test(base/test_env_file)
unit_test(base/test_settings_value)
unit_test(base/test_settings_places)
unit_test(base/test_settings_report)
unit_test(base/test_settings)
